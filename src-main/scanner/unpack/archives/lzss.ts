// LZSS as MS-DOS and Windows 3 had it: a window of 4 KiB, eight flags before eight literals or references.

const windowBytes = 4_096;
const minMatch = 3;

/**
 * @param start where the first octet goes in the window: 16 or 18 octets before its end
 * @returns what there is before the end of `bytes`, or `maxBytes` octets of it
 */
export function expandLzss(
  bytes: Buffer,
  start: number,
  maxBytes: number,
): { readonly bytes: Buffer; readonly isCut: boolean } {
  // A reference of two octets gives up to 18, and each flag is an eighth of an octet.
  const output = Buffer.allocUnsafe(Math.min(maxBytes, bytes.length * 9));
  const window = Buffer.alloc(windowBytes, ' ');
  let position = start;
  let written = 0;
  let at = 0;
  const put = (octet: number) => {
    output[written++] = octet;
    window[position] = octet;
    position = (position + 1) % windowBytes;
  };
  while (at < bytes.length) {
    const flags = bytes[at++] as number;
    for (let bit = 0; bit < 8 && at < bytes.length; bit++) {
      if (written === output.length) return { bytes: output, isCut: true };
      if ((flags >> bit) & 1) {
        put(bytes[at++] as number);
        continue;
      }
      if (at + 2 > bytes.length) break;
      const low = bytes[at++] as number;
      const high = bytes[at++] as number;
      const from = low | ((high & 0xf0) << 4);
      for (let i = 0; i < (high & 0x0f) + minMatch && written < output.length; i++)
        put(window[(from + i) % windowBytes] as number);
    }
  }
  return { bytes: output.subarray(0, written), isCut: false };
}
