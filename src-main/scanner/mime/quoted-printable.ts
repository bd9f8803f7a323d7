// Quoted-printable (RFC 2045 §6.7), read as leniently as mail programs do.

const equalsSign = 0x3d;
const lf = 0x0a;
const cr = 0x0d;

/** CRs before the LF of one line's end. */
const maxCrs = 3;

/** Octets at the beginning in which binary content shows itself. */
const nulProbeBytes = 1024;

/** The value of a hex digit, either case, or -1. */
function hexValue(octet: number | undefined): number {
  if (octet === undefined) return -1;
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const upper = octet & 0xdf;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}

/** Where the line after a soft break at `at` (just behind the '=') begins, or -1 when it is none. */
function afterSoftBreak(bytes: Buffer, at: number): number {
  let next = at;
  // Transport padding after the '=' is to be ignored (RFC 2045 §6.7 rule 3).
  while (bytes[next] === 0x20 || bytes[next] === 0x09) next++;
  if (next >= bytes.length) return next;
  if (bytes[next] === lf) return next + 1;
  if (bytes[next] !== cr) return -1;
  // Some gateways leave a CR too many, or two.
  for (let end = next + 1; end <= next + maxCrs; end++) {
    if (bytes[end] === lf) return end + 1;
    if (bytes[end] !== cr) break;
  }
  return next + 1;
}

/** Whether text looks quoted-printable, whatever its header says. */
export function looksQuotedPrintable(bytes: Buffer): boolean {
  const first = bytes.indexOf(equalsSign);
  // Escapes stand by chance in an archive that is sent as it is; text has no NUL.
  if (first === -1 || bytes.subarray(0, nulProbeBytes).includes(0)) return false;
  // A long text without any escape in this much of it would show its encoding in no mail program.
  const window = bytes.toString('latin1', first, Math.min(bytes.length, first + 64 * 1024));
  return /=(?:[0-9A-Fa-f]{2}|[ \t]{0,80}[\r\n])/.test(window);
}

/** Copies octets [from, to) to `at` of `out`; a call for each few of them would cost more than they do. */
function copy(bytes: Buffer, out: Buffer, at: number, from: number, to: number): number {
  if (to - from >= 32) return bytes.copy(out, at, from, to);
  for (let index = from; index < to; index++) out[at + index - from] = bytes[index] as number;
  return to - from;
}

/** Whether the '=' at `at` is an escape when lines are joined. `hasDigit`: one digit of it stands before the break. */
function isSplitEscape(bytes: Buffer, at: number, hasDigit: boolean): boolean {
  let next = at + (hasDigit ? 2 : 1);
  if (bytes[next] !== equalsSign) return false;
  next = afterSoftBreak(bytes, next + 1);
  return next !== -1 && hexValue(bytes[next]) !== -1;
}

/** Decodes; what is no escape stays as it is. `isSplit`: a soft break stands within an escape. */
function decodeOnce(bytes: Buffer): { decoded: Buffer; isSplit: boolean } {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let from = 0;
  let isSplit = false;
  for (let at = bytes.indexOf(equalsSign); at !== -1; at = bytes.indexOf(equalsSign, at)) {
    length += copy(bytes, out, length, from, at);
    const high = hexValue(bytes[at + 1]);
    const low = high === -1 ? -1 : hexValue(bytes[at + 2]);
    if (low !== -1) {
      out[length++] = high * 16 + low;
      at += 3;
      from = at;
      continue;
    }
    const next = afterSoftBreak(bytes, at + 1);
    if (next === -1) {
      isSplit ||= isSplitEscape(bytes, at, high !== -1);
      out[length++] = equalsSign;
      at += 1;
    } else {
      at = next;
    }
    from = at;
  }
  length += copy(bytes, out, length, from, bytes.length);
  return { decoded: out.subarray(0, length), isSplit };
}

/** Without soft breaks. */
function joinLines(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let from = 0;
  for (let at = bytes.indexOf(equalsSign); at !== -1; at = bytes.indexOf(equalsSign, at + 1)) {
    const next = afterSoftBreak(bytes, at + 1);
    if (next === -1) continue;
    length += copy(bytes, out, length, from, at);
    from = next;
    at = next - 1;
  }
  length += copy(bytes, out, length, from, bytes.length);
  return out.subarray(0, length);
}

/** Decodes in both ways, where they differ: some programs join lines before they look for escapes. */
export function decodeQuotedPrintable(bytes: Buffer): Buffer[] {
  const { decoded, isSplit } = decodeOnce(bytes);
  return isSplit ? [decoded, decodeOnce(joinLines(bytes)).decoded] : [decoded];
}
