// Decodes the streams of a PDF (ISO 32000-2 §7.4), under the budget of the message.
import type { LimitCode } from '../../../contract/verdict.ts';
import { inflate } from '../archives/inflate.ts';
import { inflatePiece } from '../archives/inflate-piece.ts';
import type { UnpackBudget } from '../budget.ts';

/** Filters after each other; more of them serve to hide something, or to cost time. */
const maxFilters = 8;

/** Octets that show how a stream begins. */
const probeBytes = 256;

const nothing = Buffer.alloc(0);

type Decoder = (bytes: Buffer, most: number) => Buffer;

const abbreviations: Readonly<Record<string, string>> = {
  Fl: 'FlateDecode',
  AHx: 'ASCIIHexDecode',
  A85: 'ASCII85Decode',
  LZW: 'LZWDecode',
  RL: 'RunLengthDecode',
};

function asciiHex(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0x3e);
  const digits = bytes.toString('latin1', 0, end === -1 ? bytes.length : end).replace(/[^0-9a-f]+/gi, '');
  return Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, 'hex');
}

function ascii85(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length * 4 + 4);
  let length = 0;
  let value = 0;
  let count = 0;
  for (const octet of bytes) {
    if (octet === 0x7e) break;
    if (octet === 0x7a && count === 0) length += 4;
    if (octet < 0x21 || octet > 0x75) continue;
    value = value * 85 + (octet - 0x21);
    if (++count < 5) continue;
    length = out.writeUInt32BE(value % 2 ** 32, length);
    value = 0;
    count = 0;
  }
  if (count > 1) {
    for (let i = count; i < 5; i++) value = value * 85 + 84;
    out.writeUInt32BE(value % 2 ** 32, length);
    length += count - 1;
  }
  return out.subarray(0, length);
}

function runLength(bytes: Buffer, most: number): Buffer {
  const pieces: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < bytes.length && size <= most; ) {
    const length = bytes[at] ?? 128;
    if (length === 128) break;
    const piece =
      length < 128 ? bytes.subarray(at + 1, at + 2 + length) : Buffer.alloc(257 - length, bytes[at + 1] ?? 0);
    pieces.push(piece);
    size += piece.length;
    at += length < 128 ? length + 2 : 2;
  }
  return Buffer.concat(pieces);
}

/** With the codes growing one code early, as is the default (§7.4.4.2). */
function lzw(bytes: Buffer, most: number): Buffer {
  // There are no more codes than octets.
  const codes = Math.min(4_096, 258 + bytes.length);
  const prefix = new Uint16Array(codes);
  const last = new Uint8Array(codes);
  const sizes = new Uint32Array(codes).fill(1, 0, 256);
  for (let code = 0; code < 256; code++) last[code] = code;
  let out = Buffer.alloc(Math.min(most, bytes.length * 4) + 64);
  let length = 0;
  let next = 258;
  let width = 9;
  let previous = -1;
  let bits = 0;
  let held = 0;
  const firstOf = (code: number): number => {
    let at = code;
    while (at > 257) at = prefix[at] ?? 0;
    return last[at] ?? 0;
  };
  for (const octet of bytes) {
    held = (held << 8) | octet;
    bits += 8;
    if (bits < width) continue;
    bits -= width;
    const code = (held >>> bits) & ((1 << width) - 1);
    held &= (1 << bits) - 1;
    if (code === 257) break;
    if (code === 256) {
      next = 258;
      width = 9;
      previous = -1;
      continue;
    }
    if (code > next || (code === next && previous === -1) || length > most) break;
    if (previous !== -1 && next < codes) {
      prefix[next] = previous;
      last[next] = firstOf(code === next ? previous : code);
      sizes[next] = (sizes[previous] ?? 0) + 1;
      next++;
    } else if (code >= next) break;
    const size = sizes[code] ?? 0;
    if (length + size > out.length) out = Buffer.concat([out, Buffer.alloc(out.length + size)]);
    for (let at = code, to = length + size; to > length; at = prefix[at] ?? 0) out[--to] = last[at] ?? 0;
    length += size;
    previous = code;
    if (next >= 2_047) width = 12;
    else if (next >= 1_023) width = 11;
    else if (next >= 511) width = 10;
  }
  return out.subarray(0, length);
}

const decoders: Readonly<Record<string, Decoder>> = {
  ASCIIHexDecode: asciiHex,
  ASCII85Decode: ascii85,
  RunLengthDecode: runLength,
  LZWDecode: lzw,
};

/** Where the deflate stream begins: behind the header of zlib (RFC 1950 §2.2), if there is one. */
function deflateStart(bytes: Buffer): number {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0 ? 2 : 0;
}

export interface Filter {
  readonly name: string;
  /** Octets of a row where a PNG predictor was used; 0: none was. */
  readonly predictorBytes: number;
}

type Decoded =
  /** `limit`: why this is not all of it. */
  | { readonly kind: 'decoded'; readonly bytes: Buffer; readonly limit: LimitCode | undefined }
  /** A picture, or encoded in a way that is not known. */
  | { readonly kind: 'unknown' };

/** Undoes the PNG predictors (§7.4.4.4); `columns`: octets of a row. */
function undoPredictor(bytes: Buffer, columns: number): Buffer {
  const rows = Math.ceil(bytes.length / (columns + 1));
  const out = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = row * (columns + 1);
    const to = row * columns;
    const type = bytes[from] ?? 0;
    for (let i = 0; i < columns; i++) {
      const up = row === 0 ? 0 : (out[to + i - columns] ?? 0);
      const left = i === 0 ? 0 : (out[to + i - 1] ?? 0);
      const corner = row === 0 || i === 0 ? 0 : (out[to + i - columns - 1] ?? 0);
      out[to + i] = (bytes[from + 1 + i] ?? 0) + predictors(type, left, up, corner);
    }
  }
  return out;
}

function predictors(type: number, left: number, up: number, corner: number): number {
  switch (type) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
      if (a <= b && a <= c) return left;
      return b <= c ? up : corner;
    }
    default:
      return 0;
  }
}

/** How a stream begins, for next to nothing; undefined: it must be decoded to see. */
export function beginningOf(bytes: Buffer, filters: readonly Filter[]): Buffer | undefined {
  const [only, ...more] = filters;
  if (only === undefined) return bytes;
  const isFlate = (abbreviations[only.name] ?? only.name) === 'FlateDecode';
  if (more.length > 0 || !isFlate || only.predictorBytes > 0) return undefined;
  return inflatePiece(bytes.subarray(deflateStart(bytes)), probeBytes);
}

/**
 * Undoes the filters of a stream.
 * @param filters the outermost first
 * @param pieces whether a first piece is wanted of what can't be had whole
 */
export function decodeStream(
  bytes: Buffer,
  filters: readonly Filter[],
  budget: UnpackBudget,
  pieces: boolean,
): Decoded {
  if (filters.length > maxFilters) return { kind: 'decoded', bytes: nothing, limit: 'archive-depth' };
  let decoded = bytes;
  let limit: LimitCode | undefined;
  for (const { name, predictorBytes } of filters) {
    const filter = abbreviations[name] ?? name;
    if (filter === 'Crypt') continue;
    if (filter === 'FlateDecode') {
      const inflated = inflate(decoded.subarray(deflateStart(decoded)), budget, { pieces });
      decoded = predictorBytes > 0 ? undoPredictor(inflated.bytes, predictorBytes) : inflated.bytes;
      if (inflated.kind === 'limit') limit = inflated.code;
      else if (inflated.kind === 'damaged' || inflated.truncated) limit = 'damaged-archive';
      continue;
    }
    const decode = decoders[filter];
    if (decode === undefined) return { kind: 'unknown' };
    const { octets, code } = budget.allowance(decoded.length);
    const over = budget.takeInput(decoded.length);
    if (over !== undefined) return { kind: 'decoded', bytes: nothing, limit: over };
    const result = decode(decoded, octets);
    if (result.length > octets) return { kind: 'decoded', bytes: nothing, limit: code };
    const overOutput = budget.takeOutput(result.length);
    if (overOutput !== undefined) return { kind: 'decoded', bytes: nothing, limit: overOutput };
    decoded = result;
  }
  return { kind: 'decoded', bytes: decoded, limit };
}
