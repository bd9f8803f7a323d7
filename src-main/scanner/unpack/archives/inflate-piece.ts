// The beginning of what a deflate stream (RFC 1951) holds, up to damage or a wanted size: zlib throws away what it had
// when it meets either.

/** Of one code, and bits of its longest words (RFC 1951 §3.2.7). */
const maxSymbols = 288;
const maxBits = 15;

/** Codes of so many bits are found by one look into a table; longer ones, which are rare, bit by bit. */
const tableBits = 9;

/** Blocks looked at: a mebibyte has some dozens. Empty ones cost time and give nothing. */
const maxBlocks = 4_096;

/** RFC 1951 §3.2.5. */
const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const lengthExtras = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const distanceExtras = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** RFC 1951 §3.2.7. */
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const endOfBlock = 256;

/** A canonical Huffman code. */
interface Code {
  /** Codes of each length. */
  readonly counts: Uint16Array;
  /** Symbols in the order of their codes. */
  readonly symbols: Uint16Array;
  /** By the next `tableBits` bits: the symbol × 16 + its length; 0: a longer code, or none. */
  readonly table: Uint16Array;
}

/** undefined: more codes than there can be. */
function codeOf(lengths: Uint8Array): Code | undefined {
  const counts = new Uint16Array(maxBits + 1);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  const offsets = new Uint16Array(maxBits + 2);
  const next = new Uint16Array(maxBits + 2);
  let left = 1;
  for (let bits = 1; bits <= maxBits; bits++) {
    const count = counts[bits] as number;
    left = left * 2 - count;
    if (left < 0) return undefined;
    offsets[bits + 1] = (offsets[bits] as number) + count;
    next[bits + 1] = ((next[bits] as number) + count) << 1;
  }
  const symbols = new Uint16Array(maxSymbols);
  const table = new Uint16Array(1 << tableBits);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const offset = offsets[length] as number;
    symbols[offset] = symbol;
    offsets[length] = offset + 1;
    const code = next[length] as number;
    next[length] = code + 1;
    if (length > tableBits) continue;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
    for (let at = reversed; at < 1 << tableBits; at += 1 << length) table[at] = symbol * 16 + length;
  }
  return { counts, symbols, table };
}

function fixedCodes(): { literals: Code | undefined; distances: Code | undefined } {
  const lengths = new Uint8Array(maxSymbols).fill(8).fill(9, 144, 256).fill(7, 256, 280);
  return { literals: codeOf(lengths), distances: codeOf(new Uint8Array(30).fill(5)) };
}

export interface Piece {
  readonly bytes: Buffer;
  /** Octets of input up to where it ends. */
  readonly inputBytes: number;
  /** There may be more: it is as long as was wanted, or has too many blocks. */
  readonly isFull: boolean;
  /** It ends with the stream. */
  readonly isEnd: boolean;
}

class PieceInflater {
  readonly #input: Buffer;
  readonly #output: Buffer;
  #at = 0;
  #held = 0;
  #heldBits = 0;
  #written = 0;

  constructor(input: Buffer, maxBytes: number) {
    this.#input = input;
    this.#output = Buffer.allocUnsafe(maxBytes);
  }

  run(): Piece {
    let isEnd = false;
    let blocks = 0;
    for (; !isEnd && blocks < maxBlocks; blocks++) {
      const isLast = this.#bits(1) === 1;
      if (!this.#block(this.#bits(2))) break;
      isEnd = isLast;
    }
    return {
      bytes: Buffer.from(this.#output.subarray(0, this.#written)),
      inputBytes: this.#at,
      isFull: this.#written === this.#output.length || (!isEnd && blocks === maxBlocks),
      isEnd,
    };
  }

  /** Whether the block was whole, and there is room for more. */
  #block(type: number): boolean {
    if (type === 0) return this.#stored();
    if (type === 1) {
      const { literals, distances } = fixedCodes();
      return this.#compressed(literals, distances);
    }
    return type === 2 && this.#dynamic();
  }

  /** The next bits as a number; -1 when there are not so many. */
  #bits(count: number): number {
    while (this.#heldBits < count) {
      if (this.#at >= this.#input.length) return -1;
      this.#held |= (this.#input[this.#at++] as number) << this.#heldBits;
      this.#heldBits += 8;
    }
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#heldBits -= count;
    return value;
  }

  /** The next symbol; -1 when there is none. */
  #symbol({ counts, symbols, table }: Code): number {
    while (this.#heldBits < maxBits && this.#at < this.#input.length) {
      this.#held |= (this.#input[this.#at++] as number) << this.#heldBits;
      this.#heldBits += 8;
    }
    const entry = table[this.#held & ((1 << tableBits) - 1)] as number;
    const bits = entry & 15;
    if (bits > 0 && bits <= this.#heldBits) {
      this.#held >>>= bits;
      this.#heldBits -= bits;
      return entry >> 4;
    }
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= Math.min(maxBits, this.#heldBits); length++) {
      code |= (this.#held >> (length - 1)) & 1;
      const count = counts[length] as number;
      if (code - count < first) {
        this.#held >>>= length;
        this.#heldBits -= length;
        return symbols[index + (code - first)] as number;
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }

  #stored(): boolean {
    // Whole octets that were taken already are given back (§3.2.4).
    this.#at -= this.#heldBits >> 3;
    this.#held = 0;
    this.#heldBits = 0;
    if (this.#at + 4 > this.#input.length) return false;
    const length = this.#input.readUInt16LE(this.#at);
    if ((length ^ this.#input.readUInt16LE(this.#at + 2)) !== 0xffff) return false;
    this.#at += 4;
    const copied = this.#input.copy(this.#output, this.#written, this.#at, this.#at + length);
    this.#written += copied;
    this.#at += copied;
    return copied === length;
  }

  #dynamic(): boolean {
    const literalCount = this.#bits(5) + 257;
    const distanceCount = this.#bits(5) + 1;
    const lengthCount = this.#bits(4) + 4;
    if (literalCount > 286 || distanceCount > 30 || lengthCount < 4) return false;
    const codeLengths = new Uint8Array(19);
    for (const symbol of codeLengthOrder.slice(0, lengthCount)) {
      const bits = this.#bits(3);
      if (bits === -1) return false;
      codeLengths[symbol] = bits;
    }
    const code = codeOf(codeLengths);
    if (!code) return false;
    const lengths = new Uint8Array(literalCount + distanceCount);
    for (let index = 0; index < lengths.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 0) return false;
      if (symbol < 16) {
        lengths[index++] = symbol;
        continue;
      }
      if (symbol === 16 && index === 0) return false;
      const extra = this.#bits(symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
      const repeat = extra + (symbol === 18 ? 11 : 3);
      if (extra === -1 || index + repeat > lengths.length) return false;
      const value = symbol === 16 ? (lengths[index - 1] as number) : 0;
      lengths.fill(value, index, index + repeat);
      index += repeat;
    }
    return this.#compressed(
      codeOf(lengths.subarray(0, literalCount)),
      codeOf(lengths.subarray(literalCount)),
    );
  }

  #compressed(literals: Code | undefined, distances: Code | undefined): boolean {
    if (!literals || !distances) return false;
    const output = this.#output;
    while (this.#written < output.length) {
      const symbol = this.#symbol(literals);
      if (symbol < 0 || symbol >= endOfBlock + 30) return false;
      if (symbol === endOfBlock) return true;
      if (symbol < endOfBlock) {
        output[this.#written++] = symbol;
        continue;
      }
      const lengthIndex = symbol - endOfBlock - 1;
      const lengthExtra = this.#bits(lengthExtras[lengthIndex] as number);
      const distanceIndex = this.#symbol(distances);
      if (lengthExtra < 0 || distanceIndex < 0 || distanceIndex >= distanceBases.length) return false;
      const distanceExtra = this.#bits(distanceExtras[distanceIndex] as number);
      const distance = (distanceBases[distanceIndex] as number) + distanceExtra;
      if (distanceExtra < 0 || distance > this.#written) return false;
      const length = (lengthBases[lengthIndex] as number) + lengthExtra;
      const end = Math.min(output.length, this.#written + length);
      for (; this.#written < end; this.#written++)
        output[this.#written] = output[this.#written - distance] as number;
    }
    return false;
  }
}

/** What the deflate stream at the beginning of `bytes` gives before its end, damage, or `maxBytes` octets. */
export function readPiece(bytes: Buffer, maxBytes: number): Piece {
  return new PieceInflater(bytes, maxBytes).run();
}

/** The same, the octets alone. */
export function inflatePiece(bytes: Buffer, maxBytes: number): Buffer {
  return readPiece(bytes, maxBytes).bytes;
}
