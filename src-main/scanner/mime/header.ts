// What the walker needs to know of one header block, in every reading at once: all boundaries, all encodings.
import type { Anomaly } from './anomalies.ts';
import { decodeWords } from './encoded-words.ts';
import { parameterPattern, parameterValues } from './parameters.ts';
import { namesIn } from './part-names.ts';

/** In which ways content may be encoded, by its header. */
export interface Encodings {
  readonly base64: boolean;
  readonly quotedPrintable: boolean;
  readonly uuencode: boolean;
  readonly utf7: boolean;
  /** One encoding is named, it is known, and it is no "7bit": nobody reads the content as it stands. */
  readonly isCertain: boolean;
}

export interface BlockInfo {
  /** Of all Content-Type fields and all their boundary parameters. */
  readonly boundaries: readonly string[];
  /** Mail programs disagree about which boundary counts, or whether any does. */
  readonly isAmbiguous: boolean;
  readonly encodings: Encodings;
  /** A message/* type: its content begins with a header block of its own. */
  readonly message: boolean;
  /** A piece of a message (RFC 2046 §5.2.2). */
  readonly partial: boolean;
  readonly multipart: boolean;
  /** It has a field about the content: it is more than lines that look like fields. */
  readonly isMime: boolean;
  /** All readings of all names, the likeliest first. */
  readonly names: readonly string[];
  readonly anomalies: readonly Anomaly[];
}

const noEncodings: Encodings = {
  base64: false,
  quotedPrintable: false,
  uuencode: false,
  utf7: false,
  isCertain: false,
};

/** A part without a header: plain text (RFC 2045 §5.2). */
export const noInfo: BlockInfo = {
  boundaries: [],
  isAmbiguous: false,
  encodings: noEncodings,
  message: false,
  partial: false,
  multipart: false,
  isMime: false,
  names: [],
  anomalies: [],
};

/** Boundaries of one block that are followed; RFC 2046 §5.1.1 knows one. */
const maxBoundaries = 8;

/** Content-Type and Content-Transfer-Encoding fields of one block that are compared. */
const maxFields = 16;

/** Characters of a field that are looked at one by one. */
const valueBytes = 1_024;

const boundaryPattern = parameterPattern('boundary');
/** The rest of a field's name, and its value with the lines that it goes on in. */
const fieldRest = /[^:\r\n]{0,40}:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/y;

/** An encoding that is named by a field which is none for others, not by one that tells of spam. */
const looseBase64 = /(?:transfer|encod)[\s\S]{0,100}base64/;
const looseQuoted = /(?:transfer|encod)[\s\S]{0,100}quoted-printable/;

/** Encodings that mean one thing to everybody. */
const plainEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary', '8-bit', '7-bit']);
const uuencodings: ReadonlySet<string> = new Set(['x-uuencode', 'x-uue', 'uuencode', 'uue']);

/** `text` without comments in parentheses, which may be nested; an unclosed one takes the rest. */
function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let depth = 0;
  let rest = '';
  for (const character of text) {
    if (character === '(') depth++;
    if (depth === 0) rest += character;
    if (character === ')' && depth > 0) depth--;
  }
  return rest;
}

interface ContentFields {
  readonly types: ReadonlySet<string>;
  /** In lower case, without comments, quotes and blanks around. */
  readonly encodings: ReadonlySet<string>;
  readonly multipartTypes: number;
}

/** `lower`: `text` in lower case. */
function contentFieldsOf(text: string, lower: string): ContentFields {
  const types = new Set<string>();
  const encodings = new Set<string>();
  let multipartTypes = 0;
  let left = maxFields;
  for (let at = lower.indexOf('content-t'); at !== -1 && left > 0; at = lower.indexOf('content-t', at + 1)) {
    if (at > 0 && lower[at - 1] !== '\n') continue;
    const isType = lower.startsWith('type', at + 8);
    if (!isType && !lower.startsWith('transfer-encoding', at + 8)) continue;
    fieldRest.lastIndex = at + 8;
    const raw = fieldRest.exec(text)?.[1];
    if (raw === undefined) continue;
    left--;
    const value = withoutComments(raw.slice(0, valueBytes).replace(/[\r\n]+/g, ''));
    if (isType) {
      const type = /^[^;]*/.exec(value)?.[0].replace(/\s+/g, '').toLowerCase() ?? '';
      if (type.startsWith('multipart/')) multipartTypes++;
      types.add(type);
    } else {
      encodings.add(
        decodeWords(value)
          .replace(/["'\\]/g, '')
          .trim()
          .toLowerCase(),
      );
    }
  }
  return { types, encodings, multipartTypes };
}

/** `lower`: the text of the whole block in lower case. */
function encodingsOf(lower: string, named: ReadonlySet<string>): Encodings {
  const names = [...named];
  const isBase64 = (name: string) => name === 'base64';
  const isQuoted = (name: string) => name === 'quoted-printable';
  const isUnknown = names.some(
    (name) => !plainEncodings.has(name) && !uuencodings.has(name) && !isBase64(name) && !isQuoted(name),
  );
  const base64 = isUnknown || names.some(isBase64) || (lower.includes('base64') && looseBase64.test(lower));
  const quotedPrintable =
    isUnknown || names.some(isQuoted) || (lower.includes('quoted-printable') && looseQuoted.test(lower));
  const isCertain = !isUnknown && names.length === 1 && !plainEncodings.has(names[0] ?? '');
  return {
    base64,
    quotedPrintable,
    uuencode: isUnknown || names.some((name) => uuencodings.has(name)),
    utf7: (lower.includes('utf-7') || lower.includes('utf7')) && /utf-?7\b/.test(lower),
    isCertain,
  };
}

function anomaliesOf(
  { types, encodings, multipartTypes }: ContentFields,
  boundaries: readonly string[],
  boundaryParameters: number,
): Anomaly[] {
  const found: Anomaly[] = [];
  if (types.size > 1) found.push('duplicate-content-type');
  if (encodings.size > 1) found.push('duplicate-encoding');
  if (boundaryParameters > 1) found.push('duplicate-boundary');
  const isKnown = (name: string) =>
    plainEncodings.has(name) || uuencodings.has(name) || name === 'base64' || name === 'quoted-printable';
  if (![...encodings].every((name) => name === '' || isKnown(name))) found.push('unknown-encoding');
  const isEncoded = encodings.has('base64') || encodings.has('quoted-printable');
  if (multipartTypes > 0 && isEncoded) found.push('encoded-multipart');
  if (multipartTypes > 0 && boundaries.length === 0) found.push('missing-boundary');
  return found;
}

/** Values of the boundary parameter that its occurrences have in their likeliest reading. */
function distinctBoundaries(text: string): number {
  const values = new Set<string>();
  for (const match of text.matchAll(boundaryPattern)) {
    // Pieces of one value are no other values.
    if (match[1] !== undefined || match[2] !== undefined) continue;
    const start = match.index + match[0].length;
    values.add(
      /^(?:"[^"]{0,300}"|[^\s;]{0,300})/
        .exec(text.slice(start, start + valueBytes))?.[0]
        .replaceAll('"', '') ?? '',
    );
    if (values.size > 1) break;
  }
  return values.size;
}

/**
 * Reads one header block, already cut to its limit. Field names are not looked at too closely: a NUL, a blank or a
 * comment in them means nothing to some mail programs.
 */
export function readBlock(block: Buffer): BlockInfo {
  const raw = block.toString('latin1');
  const isSplit = raw.includes('\0');
  let text = isSplit ? raw.replaceAll('\0', '') : raw;
  let lower = text.toLowerCase();
  if (!lower.includes('content') && !lower.includes('base64')) return noInfo;
  // Lines may end in CR alone; and nothing stands before the first line that it could go on with.
  const isCr = /\r(?!\n)/.test(text);
  const isIndented = /^[ \t]/.test(text);
  if (isCr) text = text.replace(/\r\n?/g, '\n');
  if (isIndented) text = text.replace(/^[ \t]+/gm, '');
  if (isCr || isIndented) lower = text.toLowerCase();
  const fields = contentFieldsOf(text, lower);
  const isBounded = lower.includes('boundary');
  const boundaries = isBounded ? parameterValues(text, boundaryPattern).slice(0, maxBoundaries) : [];
  const boundaryParameters = boundaries.length > 1 ? distinctBoundaries(text) : boundaries.length;
  const isMime = fields.types.size > 0 || fields.encodings.size > 0;
  const anomalies = isMime ? anomaliesOf(fields, boundaries, boundaryParameters) : [];
  if (isMime && isSplit) anomalies.push('nul-in-header');
  return {
    boundaries,
    isAmbiguous: boundaries.length > 1 || fields.types.size > 1,
    encodings: encodingsOf(lower, fields.encodings),
    message: lower.includes('message') && /message\s{0,80}\//.test(lower),
    partial: fields.types.has('message/partial'),
    multipart: lower.includes('multipart') && /multipart\s{0,80}\//.test(lower),
    isMime,
    names: namesIn(text, lower),
    anomalies,
  };
}
