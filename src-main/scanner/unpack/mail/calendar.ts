// Calendars and address cards (RFC 5545, RFC 6350): the files that stand in their lines, in base64 or as data addresses.
import { giveStored } from '../archives/give.ts';
import { dataAddressesOf } from '../documents/html-literals.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';

/** Octets before the first line: a mark, blanks, empty lines. */
const leadingBytes = 64;

/** Octets of the beginning of a line, up to its value. */
const headBytes = 2 * 1024;

const begin = /^(?:\xef\xbb\xbf)?[\s\0]{0,60}BEGIN:V/i;

/** RFC 5545 §3.2.7; cards of version 3 say `b`. */
const encoding = /;[ \t]*(?:encoding=)?"?b(?:ase64)?"?[ \t]*(?=[;:])/gi;
const fileName = /;(?:x-(?:apple-)?)?filename="?([^";:]{1,255})/i;

export function isCalendar(bytes: Buffer): boolean {
  return begin.test(bytes.toString('latin1', 0, leadingBytes + 8));
}

export function* unpackCalendar(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const over = budget.takeInput(bytes.length);
  if (over !== undefined) return yield { kind: 'limit', code: over };
  // Lines go on behind a blank (RFC 5545 §3.1).
  const text = bytes.toString('latin1').replace(/\r?\n[ \t]/g, '');
  let last = 0;
  for (const { index } of text.matchAll(encoding)) {
    if (index < last) continue;
    const lineEnd = text.indexOf('\n', index);
    last = lineEnd === -1 ? text.length : lineEnd;
    const colon = index + text.slice(index, Math.min(last, index + headBytes)).indexOf(':');
    if (colon < index) continue;
    const lineStart = Math.max(0, index - headBytes, text.lastIndexOf('\n', index) + 1);
    const name = fileName.exec(text.slice(lineStart, colon))?.[1] ?? 'attachment';
    yield* member(name, Buffer.from(text.slice(colon + 1, last), 'base64'), { budget });
  }
  for (const { bytes: data } of dataAddressesOf(text)) yield* member('data', data, { budget });
}

function* member(
  name: string,
  bytes: Buffer,
  { budget }: Pick<UnpackContext, 'budget'>,
): Generator<Unpacked> {
  if (bytes.length === 0) return;
  const over = budget.takeMember();
  if (over !== undefined) yield { kind: 'limit', code: over };
  else yield* giveStored(name, bytes, budget);
}
