// What lines look like: which of them may begin a header, a boundary or something encoded, whatever stands around them.
import type { Ahead } from './ahead.ts';
import { base64Octets, firstOutsideBase64 } from './base64.ts';
import { isLineEnd } from './lines.ts';

/** A header field with blanks before it or in its name, as only the first line of a part may have them. */
const contentShape = /^[\s\0]{0,8}content[^:\r\n]{0,60}:/i;
export const contentField = /^(?:\0|\xef\xbb\xbf)*c\0*o\0*n\0*t\0*e\0*n\0*t\0*-/i;
const mailboxLine = /^>?From /;
export const boundaryShape = /^(?:[ \t>\0]|\xef\xbb\xbf){0,8}--/;
export const linedBegins = [
  { writing: 'uuencode', pattern: /^begin[ \t]+[0-7]{3,4}(?:[ \t]+(.*))?/i },
  { writing: 'base64-shape', pattern: /^begin-base64[ \t]+[0-7]{3,4}(?:[ \t]+(.*))?/i },
  // The pieces of yEnc have a line more of their own, which is no content.
  { writing: 'yenc', pattern: /^=y(?:begin|part) (?:.*?name=(.*))?/i },
] as const;
export const linedEnd = /^(?:end|=yend.*|====)\s*$/i;
export const binHexMark = /^\(this file must be converted with binhex/i;

/** Characters of a field's name, and blanks behind it. */
const maxNameBytes = 77;
const maxBlankBytes = 20;

/** Whether a header field begins at `start`: a name of no blanks, then a colon (RFC 5322 §2.2). A mark may precede it. */
export function isHeaderField(bytes: Buffer, start: number): boolean {
  const hasMark = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  const from = hasMark ? start + 3 : start;
  let at = from;
  for (const last = from + maxNameBytes; at < last; at++) {
    const octet = bytes[at] ?? 0x20;
    if (octet === 0x3a || octet === 0x20 || octet === 0xa0 || (octet >= 0x09 && octet <= 0x0d)) break;
  }
  if (at === from) return false;
  for (const last = at + maxBlankBytes; at < last && (bytes[at] === 0x20 || bytes[at] === 0x09); ) at++;
  return bytes[at] === 0x3a;
}

/** Octets of a line that tell whether it is a field of a part. */
const contentBytes = 100;

/** Whether a field of a part begins at `start`, written as loosely as a first line may be. */
export function isContentLine(bytes: Buffer, start: number): boolean {
  return contentShape.test(bytes.toString('latin1', start, start + contentBytes));
}

/** Whether a header may begin with the line at `start`, though no field stands there as it should. */
export function isOddFirstLine(bytes: Buffer, start: number): boolean {
  const text = bytes.toString('latin1', start, start + contentBytes).replaceAll('\0', '');
  return contentShape.test(text) || (start === 0 && mailboxLine.test(text));
}

/** Whether a line may be the first of encoded lines; cheap, for what the patterns say. */
export function mayBeginLines(bytes: Buffer, start: number): boolean {
  const second = (bytes[start + 1] ?? 0) | 0x20;
  return bytes[start] === 0x3d ? second === 0x79 : ((bytes[start] ?? 0) | 0x20) === 0x62 && second === 0x65;
}

/** The same for the last of them. */
export function mayEndLines(bytes: Buffer, start: number): boolean {
  const second = (bytes[start + 1] ?? 0) | 0x20;
  if (bytes[start] === 0x3d) return second === 0x79 || second === 0x3d;
  return ((bytes[start] ?? 0) | 0x20) === 0x65 && second === 0x6e;
}

/** Whether all octets are base64 text, blanks at the end aside. */
export function isBase64(bytes: Buffer, start: number, end: number): boolean {
  const table = base64Octets;
  let at = start;
  while (at < end && table[bytes[at] as number] === 1) at++;
  while (at > start && at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  return at === end && at > start;
}

/** Offset of the first line from `from` on that is neither base64 nor empty. */
export function afterBase64(bytes: Buffer, from: number, ahead: Ahead | undefined): number {
  const at = firstOutsideBase64(bytes, ahead?.knownFrom(from) ?? from);
  if (at === bytes.length) return at;
  let line = at;
  while (line > from && !isLineEnd(bytes[line - 1])) line--;
  return line;
}
