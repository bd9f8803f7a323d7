// What octets are by their content, whatever they are called.
import type { FileType } from './file-types.ts';
import { binaryTypeOf } from './octet-type.ts';
import { textTypeOf } from './text-type.ts';
import { utf16Text } from './utf16.ts';

export type { FileType } from './file-types.ts';

/** Octets at the beginning that a text is told by; a long comment before a script makes it `text`. */
const textProbeBytes = 2 * 1024;

/** Whether this is UTF-16: by its mark, or since the other half of each ASCII character is a NUL. */
function isWide(probe: Buffer, low: 0 | 1): boolean {
  const high = low === 0 ? 1 : 0;
  if (probe[low] === 0xff && probe[high] === 0xfe) return true;
  for (let at = 0; at < 8; at += 2) if ((probe[at + low] ?? 0) < 0x09 || probe[at + high] !== 0) return false;
  return true;
}

/** The beginning of `bytes` as text, or undefined when they are none. */
function textOf(bytes: Buffer): string | undefined {
  const probe = bytes.subarray(0, textProbeBytes);
  if (!probe.includes(0)) {
    const afterMark = probe[0] === 0xef && probe[1] === 0xbb && probe[2] === 0xbf ? 3 : 0;
    return probe.toString('latin1', afterMark);
  }
  if (probe.length < 8) return undefined;
  const even = probe.length & ~1;
  if (isWide(probe, 0)) return utf16Text(probe, 0, even).replace(/^\u{feff}/u, '');
  if (isWide(probe, 1)) {
    const swapped = Buffer.from(probe.subarray(0, even)).swap16();
    return utf16Text(swapped).replace(/^\u{feff}/u, '');
  }
  return undefined;
}

/**
 * The type of `bytes`: by their first octets; text by what stands in its first kilobytes. Reads a bounded number of
 * octets and never throws.
 */
export function fileTypeOf(bytes: Buffer): FileType {
  const binary = binaryTypeOf(bytes);
  if (binary !== undefined) return binary;
  const text = textOf(bytes);
  return text === undefined || text === '' ? 'unknown' : textTypeOf(text);
}
