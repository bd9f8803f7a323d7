// The encodings that stand as lines inside a text: uuencode and yEnc.

const lf = 0x0a;
const cr = 0x0d;

/** Decodes one uuencoded line at `from`; returns the octets written at `to` of `out`. */
function decodeLine(bytes: Buffer, from: number, end: number, out: Buffer, to: number): number {
  const sextet = (index: number) => (index < end ? ((bytes[index] ?? 0) - 0x20) & 0x3f : 0);
  const count = sextet(from);
  let done = 0;
  for (let at = from + 1; done < count && at < end + 3; at += 4) {
    const bits = (sextet(at) << 18) | (sextet(at + 1) << 12) | (sextet(at + 2) << 6) | sextet(at + 3);
    for (let shift = 16; shift >= 0 && done < count; shift -= 8) out[to + done++] = (bits >> shift) & 0xff;
  }
  return done;
}

/**
 * Decodes the lines between `begin` and `end` (POSIX uuencode). Blanks that were trimmed from a line's end, and
 * '`' for a blank, are read as zero bits. A line of no octets is the last: some decoders stop there, some read on.
 * @returns the distinct readings
 */
export function decodeUuencode(bytes: Buffer): Buffer[] {
  // Two octets (a count and a line end) give three at most.
  const out = Buffer.alloc(bytes.length * 2 + 3);
  let length = 0;
  /** Octets before the line of none. */
  let last = -1;
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (end < bytes.length && bytes[end] !== lf && bytes[end] !== cr) end++;
    if (end > at) {
      const octets = decodeLine(bytes, at, end, out, length);
      if (octets === 0 && last === -1) last = length;
      length += octets;
    }
    at = end + 1;
  }
  const whole = out.subarray(0, length);
  return last === -1 || last === length ? [whole] : [out.subarray(0, last), whole];
}

/** Decodes the lines between `=ybegin` and `=yend` (yEnc draft 1.3). */
export function decodeYenc(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet === lf || octet === cr) continue;
    const escaped = octet === 0x3d;
    if (escaped) at++;
    out[length++] = ((bytes[at] ?? 0) - (escaped ? 64 + 42 : 42)) & 0xff;
  }
  return out.subarray(0, length);
}
