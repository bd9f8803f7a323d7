// Text in other character sets than ASCII: what names are written in, and what a whole part can be written in so that
// none of its octets looks like what it says.
import { utf16Text } from '../utf16.ts';

const plus = 0x2b;
const minus = 0x2d;

/** Octets that show UTF-16: a mark, or so many characters of ASCII. */
const shapeBytes = 8;

/** Octets of UTF-16 whose order is found out. */
export type Utf16 = 'utf-16le' | 'utf-16be';

/** Text in `charset`, of the names that the WHATWG Encoding Standard knows; else as Latin-1, which fits anything. */
export function decodeCharset(bytes: Buffer, charset: string): string {
  const label = charset.toLowerCase();
  if (label === 'utf-8') return bytes.toString('utf8');
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/** What UTF-16 begins at `at`, by a mark (RFC 2781 §3.2) or by its shape. */
export function utf16At(bytes: Buffer, at: number): Utf16 | undefined {
  const first = bytes[at];
  const second = bytes[at + 1];
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if ((first !== 0) === (second !== 0) || at + shapeBytes > bytes.length) return undefined;
  const zeroAt = first === 0 ? 0 : 1;
  for (let index = 0; index < shapeBytes; index++) {
    const octet = bytes[at + index] ?? 0;
    const isText = index % 2 === zeroAt ? octet === 0 : octet >= 0x09 && octet < 0x80;
    if (!isText) return undefined;
  }
  return zeroAt === 0 ? 'utf-16be' : 'utf-16le';
}

/** UTF-16 as UTF-8. */
export function decodeUtf16(bytes: Buffer): Buffer {
  return Buffer.from(new TextDecoder(utf16At(bytes, 0) ?? 'utf-16le').decode(bytes), 'utf8');
}

/** The six bits of an octet of base64, or -1. */
function sextet(octet: number): number {
  if (octet >= 0x41 && octet <= 0x5a) return octet - 0x41;
  if (octet >= 0x61 && octet <= 0x7a) return octet - 0x61 + 26;
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30 + 52;
  if (octet === plus) return 62;
  return octet === 0x2f ? 63 : -1;
}

/** UTF-7 (RFC 2152) as UTF-8: base64 of UTF-16 between '+' and anything else. */
export function decodeUtf7(bytes: Buffer): Buffer {
  const units = new Uint16Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet !== plus || bytes[at + 1] === minus) {
      units[length++] = octet;
      if (octet === plus) at++;
      continue;
    }
    let bits = 0;
    let count = 0;
    for (let value = sextet(bytes[at + 1] ?? 0); value !== -1; value = sextet(bytes[at + 1] ?? 0)) {
      at++;
      bits = ((bits << 6) | value) & 0x3fffff;
      count += 6;
      if (count < 16) continue;
      count -= 16;
      units[length++] = (bits >> count) & 0xffff;
    }
    if (bytes[at + 1] === minus) at++;
  }
  const octets = Buffer.from(units.buffer, 0, 2 * length);
  return Buffer.from(utf16Text(octets), 'utf8');
}
