// Base64 as mail programs decode it, which is not one way: they differ in what they do after an inner '=' and with
// octets outside the alphabet. Each reading that differs is a variant.

const equalsSign = 0x3d;
const lf = 0x0a;
const cr = 0x0d;

/** Octets that are made a string at once: small strings live and die cheaply. */
const pieceBytes = 64 * 1024;

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

function tableOf(octets: Uint8Array): Uint8Array {
  const table = new Uint8Array(256);
  for (const octet of octets) table[octet] = 1;
  return table;
}

/** 1 for octets of base64 text (RFC 4648 §4) and its padding. */
export const base64Octets: Uint8Array = tableOf(Buffer.concat([alphabet, Buffer.from('=')]));

/** The same with CR and LF. */
const base64OrLineEnd: Uint8Array = tableOf(Buffer.concat([alphabet, Buffer.from('=\r\n')]));

/** The same for two octets at once, as a 16-bit number of this machine: half the look-ups. */
const pairsOfBase64: Uint8Array = (() => {
  const table = new Uint8Array(65_536);
  for (let pair = 0; pair < table.length; pair++) {
    table[pair] = (base64OrLineEnd[pair & 0xff] ?? 0) & (base64OrLineEnd[pair >> 8] ?? 0);
  }
  return table;
})();

/** Offset of the first octet from `from` on that is neither base64 nor of a line's end, or the length. */
export function firstOutsideBase64(bytes: Buffer, from: number): number {
  const isInside = (index: number) => index < bytes.length && base64OrLineEnd[bytes[index] as number] === 1;
  let at = from;
  while ((bytes.byteOffset + at) % 4 !== 0 && isInside(at)) at++;
  if ((bytes.byteOffset + at) % 4 === 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, Math.max(0, bytes.length - at) >> 2);
    const last = words.length - 1;
    const table = pairsOfBase64;
    let index = 0;
    // Eight octets a step: what the octets outside are, is found out by the loop behind.
    for (; index < last; index += 2) {
      const one = words[index] as number;
      const two = words[index + 1] as number;
      const pairs =
        (table[one & 0xffff] as number) &
        (table[one >>> 16] as number) &
        (table[two & 0xffff] as number) &
        (table[two >>> 16] as number);
      if (pairs !== 1) break;
    }
    at += 4 * index;
  }
  while (isInside(at)) at++;
  return at;
}

/** The offset of an '=' from `from` on that text other than padding and line ends follows, or -1. */
function innerPadding(bytes: Buffer, from: number): number {
  const first = bytes.indexOf(equalsSign, from);
  if (first === -1) return -1;
  for (let at = first; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet !== equalsSign && base64Octets[octet] === 1) return first;
  }
  return -1;
}

/**
 * Whether text that should be base64 has anything else than it, blanks and line ends in it, or padding within.
 * @param isPure it is known that it has nothing else
 */
export function isMalformedBase64(bytes: Buffer, start: number, end: number, isPure: boolean): boolean {
  for (let at = isPure ? end : start; at < end; at++) {
    at = firstOutsideBase64(bytes, at);
    if (at < end && bytes[at] !== 0x20 && bytes[at] !== 0x09) return true;
  }
  return innerPadding(bytes.subarray(start, end), 0) !== -1;
}

/** The six bits of each octet of the alphabet; 64 for others. */
const sextets: Uint8Array = (() => {
  const table = new Uint8Array(256).fill(64);
  alphabet.forEach((octet, value) => {
    table[octet] = value;
  });
  return table;
})();

/** The same with the alphabet for URLs (RFC 4648 §5) beside the usual one. */
const urlSextets: Uint8Array = (() => {
  const table = Uint8Array.from(sextets);
  table[0x2d] = 62;
  table[0x5f] = 63;
  return table;
})();

/**
 * What programs do besides skipping what is not of the alphabet.
 * `skip`: an '=' is skipped too. `restart`: it begins a new group of four. `group`: it counts in its group, which gives
 * an octet less for each. `lines`: each line begins a new group.
 */
type Habit = 'skip' | 'restart' | 'group' | 'lines';

/** Decodes beyond padding. */
function decodeAll(bytes: Buffer, habit: Habit, table = sextets): Buffer {
  if (habit === 'group') return decodeGroups(bytes, table);
  const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4));
  const restarts = habit !== 'skip';
  const restartsLines = habit === 'lines';
  let length = 0;
  let bits = 0;
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    const sextet = table[octet] ?? 64;
    if (sextet === 64) {
      if (restarts && octet === equalsSign) count = 0;
      else if (restartsLines && (octet === lf || octet === cr)) count = 0;
      continue;
    }
    bits = ((bits << 6) | sextet) & 0xffff;
    count = (count + 1) % 4;
    // The second, third and fourth of a group complete an octet each.
    if (count === 2) out[length++] = bits >> 4;
    else if (count === 3) out[length++] = bits >> 2;
    else if (count === 0) out[length++] = bits;
  }
  return out.subarray(0, length);
}

function decodeGroups(bytes: Buffer, table: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4) + 3);
  let length = 0;
  let bits = 0;
  let count = 0;
  let padding = 0;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    const sextet = table[octet] ?? 64;
    if (sextet === 64 && octet !== equalsSign) continue;
    if (sextet === 64) padding++;
    bits = (bits << 6) | (sextet & 63);
    if (++count < 4) continue;
    for (let index = 0; index < 3 - padding; index++) out[length++] = (bits >> (16 - 8 * index)) & 0xff;
    bits = 0;
    count = 0;
    padding = 0;
  }
  return out.subarray(0, length);
}

/** Whether a line from `from` on, that text follows, does not hold whole groups of four. */
function hasUnevenLine(bytes: Buffer, from: number): boolean {
  let count = 0;
  let isUneven = false;
  for (let at = from; at < bytes.length; at++) {
    const octet = bytes[at] as number;
    if (octet === lf || octet === cr) {
      isUneven = (count & 3) !== 0;
    } else if (sextets[octet] !== 64) {
      if (isUneven) return true;
      count++;
    }
  }
  return false;
}

/** Lines of equal length, as many of them together as are decoded at once. */
export interface Piece {
  /** Octets of one line, with its end. */
  readonly lineBytes: number;
  /** Octets of its end: LF or CR LF. */
  readonly endBytes: number;
  readonly sizeBytes: number;
  readonly decodedBytes: number;
}

/** The pieces of a text whose lines are like its first one; undefined when that is no whole groups of base64. */
export function pieceOf(bytes: Buffer): Piece | undefined {
  const lineBytes = bytes.subarray(0, pieceBytes).indexOf(lf) + 1;
  const endBytes = bytes[lineBytes - 2] === cr ? 2 : 1;
  const characters = lineBytes - endBytes;
  if (characters < 4 || characters % 4 !== 0) return undefined;
  const lines = Math.floor(pieceBytes / lineBytes);
  return { lineBytes, endBytes, sizeBytes: lines * lineBytes, decodedBytes: (lines * characters * 3) / 4 };
}

/**
 * Decodes the piece at `from` into `out`, from `to` on.
 * @returns false when it is anything else than its lines, each full: what was written then means nothing
 */
export function decodePiece(bytes: Buffer, from: number, piece: Piece, out: Buffer, to: number): boolean {
  const { lineBytes, endBytes, sizeBytes, decodedBytes } = piece;
  const end = from + sizeBytes;
  // A line that is a character longer and ends by a mere LF would go unnoticed, and shift what stands behind it.
  for (let lineEnd = from + lineBytes - 1; lineEnd < end; lineEnd += lineBytes)
    if (bytes[lineEnd] !== lf || (endBytes === 2 && bytes[lineEnd - 1] !== cr)) return false;
  // With anything else than base64 in it, it gives less.
  return out.write(bytes.toString('latin1', from, end), to, 'base64') === decodedBytes;
}

/** Octets at the beginning of a text that are decoded already, in whole pieces of it. */
export interface Prefix {
  /** How many: each of the alphabet, without '=', '-' and '_', or of a line's end. */
  readonly sizeBytes: number;
  readonly decodedBytes: number;
  /** A buffer of at least `length` octets that begins with what they decode to; its rest is the caller's. */
  takeOver(length: number): Buffer;
}

/**
 * Decodes lines of equal length piece by piece: a string of all of them would have to be built otherwise, which
 * takes longer than decoding.
 * @returns undefined when `bytes` are not written so; `pieceEnd`: where the last of them ends
 */
function decodeLines(
  bytes: Buffer,
  prefix: Prefix | undefined,
): { decoded: Buffer; pieceEnd: number } | undefined {
  const piece = pieceOf(bytes);
  if (!piece) return undefined;
  const outBytes = Math.ceil((bytes.length * 3) / 4);
  const out = prefix?.takeOver(outBytes) ?? Buffer.allocUnsafe(outBytes);
  let length = prefix?.decodedBytes ?? 0;
  let at = prefix?.sizeBytes ?? 0;
  for (; at + piece.sizeBytes < bytes.length; at += piece.sizeBytes) {
    if (!decodePiece(bytes, at, piece, out, length)) return undefined;
    length += piece.decodedBytes;
  }
  const lines = Math.floor((bytes.length - at) / piece.lineBytes);
  const decodedBytes = ((piece.lineBytes - piece.endBytes) * lines * 3) / 4;
  const last = { ...piece, sizeBytes: lines * piece.lineBytes, decodedBytes };
  if (decodePiece(bytes, at, last, out, length)) {
    length += decodedBytes;
    at += last.sizeBytes;
  }
  length += out.write(bytes.toString('latin1', at), length, 'base64');
  return { decoded: out.subarray(0, length), pieceEnd: at };
}

/**
 * Decodes `bytes`, skipping what is not base64 (RFC 2045 §6.8). One variant where all decoders agree.
 * @param prefix what is known of their beginning; it changes nothing but the time that this takes
 * @returns distinct readings, the commonest first
 */
export function decodeBase64(bytes: Buffer, prefix?: Prefix): Buffer[] {
  const known = prefix?.sizeBytes ?? 0;
  const isPadded = innerPadding(bytes, known) !== -1;
  // Node stops at the first '=', which ends the data where nothing follows it.
  const lines = isPadded ? undefined : decodeLines(bytes, prefix);
  const variants: Buffer[] = isPadded
    ? [decodeAll(bytes, 'restart'), decodeAll(bytes, 'skip'), decodeAll(bytes, 'group')]
    : [lines?.decoded ?? Buffer.from(bytes.toString('latin1'), 'base64')];
  if (hasUnevenLine(bytes, lines?.pieceEnd ?? known)) variants.push(decodeAll(bytes, 'lines'));
  // Node reads '-' and '_' as the URL-safe alphabet; mail programs skip them.
  if (bytes.includes(0x2d, known) || bytes.includes(0x5f, known))
    variants.push(isPadded ? decodeAll(bytes, 'restart', urlSextets) : decodeAll(bytes, 'skip'));
  return variants.filter(
    (variant, index) => !variants.slice(0, index).some((other) => other.equals(variant)),
  );
}
