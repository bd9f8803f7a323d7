// LZSS as MS-DOS and Windows 3 had it: a window of 4 KiB, eight flags before eight literals or references.
import { LzWindow } from './lz-window.ts';

const minMatch = 3;
const nothing = Buffer.alloc(0);

/**
 * @param start where the first octet goes in the window: 16 or 18 octets before its end
 * @returns what there is before the end of `bytes`, or `maxBytes` octets of it
 */
export function expandLzss(
  bytes: Buffer,
  start: number,
  maxBytes: number,
): { readonly bytes: Buffer; readonly isCut: boolean } {
  const window = new LzWindow(nothing, 0x20, start, bytes.length, maxBytes);
  let at = 0;
  while (at < bytes.length) {
    const flags = bytes[at++] as number;
    for (let bit = 0; bit < 8 && at < bytes.length; bit++) {
      if (window.isFull) return { bytes: window.output(), isCut: true };
      if ((flags >> bit) & 1) {
        window.put(bytes[at++] as number);
        continue;
      }
      if (at + 2 > bytes.length) break;
      const low = bytes[at++] as number;
      const high = bytes[at++] as number;
      window.repeat(low | ((high & 0xf0) << 4), (high & 0x0f) + minMatch);
    }
  }
  return { bytes: window.output(), isCut: false };
}
