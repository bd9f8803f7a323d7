// Tells what may be text, or a message, from other content.
import { binaryTypeOf } from '../octet-type.ts';
import { utf16At } from './charsets.ts';

/** Octets at the beginning in which other content shows itself by a NUL. */
const nulProbeBytes = 1024;

/** Octets at the beginning in which the structure of a message shows itself, NULs or not. */
const structureProbeBytes = 4 * 1024;

/** NULs at the beginning that are left out before a text. */
const leadingNulBytes = 1024 * 1024;

/** Of a hundred octets that are no NULs, how many a text has at least that print, and at most that control. */
const leastPrinted = 75;
const mostControls = 5;

/** A field or a boundary; mail programs leave NULs out. */
const structure = /(?:^|[\r\n])(?:--[^\r\n]|content-)/i;

/** Whether `bytes` are text in which NULs stand: mail programs and browsers leave them out. */
export function isTextWithNuls(bytes: Buffer): boolean {
  let start = 0;
  while (start < leadingNulBytes && bytes[start] === 0) start++;
  let printed = 0;
  let controls = 0;
  let all = 0;
  for (const octet of bytes.subarray(start, start + nulProbeBytes)) {
    if (octet === 0) continue;
    all++;
    if ((octet >= 0x20 && octet < 0x7f) || (octet >= 0x09 && octet <= 0x0d)) printed++;
    else if (octet < 0x20 || octet === 0x7f) controls++;
  }
  const isText = printed * 100 >= all * leastPrinted && controls * 100 <= all * mostControls;
  return all > 0 && isText && binaryTypeOf(bytes) === undefined;
}

/** Whether a mail program could show `bytes` as text or as a message. */
export function isText(bytes: Buffer): boolean {
  if (!bytes.subarray(0, nulProbeBytes).includes(0) || utf16At(bytes, 0)) return true;
  return (
    structure.test(bytes.toString('latin1', 0, structureProbeBytes).replaceAll('\0', '')) ||
    isTextWithNuls(bytes)
  );
}
