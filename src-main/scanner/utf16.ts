// UTF-16 in octets that come from anywhere. Node 24's own decoder writes beyond its memory when both the address and the
// number of octets are odd, which ends the process: nothing else here decodes UTF-16 without an even number.

/** The text in little-endian UTF-16 from `start` to `end`, both cut to what there is; half a unit at the end is left out. */
export function utf16Text(bytes: Buffer, start = 0, end = bytes.length): string {
  const from = Math.max(0, Math.min(start, bytes.length));
  const to = Math.max(from, Math.min(end, bytes.length));
  return bytes.toString('utf16le', from, to - ((to - from) % 2));
}
