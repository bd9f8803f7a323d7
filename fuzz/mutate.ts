// Changes of octets, most of them small, chosen by numbers that a seed decides.

/** Numbers from 0 up to below `bound`. */
export type Random = (bound: number) => number;

/** By xorshift: the same for the same seed, everywhere. */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e37_79b9) | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

export interface Dictionary {
  readonly texts: readonly Buffer[];
  readonly numbers: readonly number[];
}

/** At any of which a size, an offset or a count may overflow. */
const interesting = [
  0, 1, 2, 7, 8, 16, 64, 100, 127, 128, 255, 256, 512, 1_000, 4_096, 0x7fff, 0x8000, 0xffff, 0x1_0000,
  0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];

/** Octets of one piece that is moved, or filled. */
const maxPiece = 256;

function replaced(bytes: Buffer, at: number, octets: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + octets)]);
}

/** A number at any width and in either order. */
function numberOctets(value: number, random: Random): Buffer {
  const width = 1 << random(4);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value >>> 0));
  const octets = bytes.subarray(0, width);
  return random(3) === 0 ? octets.reverse() : octets;
}

type Mutation = (bytes: Buffer, at: number, random: Random, dictionary: Dictionary) => Buffer;

function some<Value>(values: readonly Value[], random: Random): Value | undefined {
  return values[random(Math.max(1, values.length))];
}

const over =
  (octets: (bytes: Buffer, random: Random, dictionary: Dictionary) => Buffer): Mutation =>
  (bytes, at, random, dictionary) => {
    const by = octets(bytes, random, dictionary);
    return replaced(bytes, at, by.length, by);
  };

const token = (random: Random, { texts }: Dictionary): Buffer => some(texts, random) ?? Buffer.alloc(0);

const mutations: readonly Mutation[] = [
  over((_, random) => Buffer.of(random(256))),
  over((_, random) => Buffer.from(Array.from({ length: 1 + random(4) }, () => random(256)))),
  over((_, random) => numberOctets(some(interesting, random) ?? 0, random)),
  // Sizes and offsets within the input.
  over((bytes, random) => numberOctets(bytes.length + random(3) - 1, random)),
  over((bytes, random) => numberOctets(random(bytes.length + 1), random)),
  over((_, random, { numbers }) => numberOctets((some(numbers, random) ?? 0) + random(3) - 1, random)),
  over((_, random, dictionary) => token(random, dictionary)),
  (bytes, at, random, dictionary) => replaced(bytes, at, 0, token(random, dictionary)),
  (bytes, at, random) => {
    const changed = Buffer.from(bytes);
    changed[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    return changed;
  },
  (bytes, at, random) => {
    const changed = Buffer.from(bytes);
    changed[at] = (bytes[at] ?? 0) + random(9) - 4;
    return changed;
  },
  (bytes, at, random) => replaced(bytes, at, 1 + random(1 << random(9)), Buffer.alloc(0)),
  (bytes, at, random) => replaced(bytes, at, 0, Buffer.alloc(1 + random(maxPiece), random(256))),
  // A piece again, once or many times, or elsewhere.
  (bytes, at, random) => {
    const piece = bytes.subarray(at, at + 1 + random(1 << random(9)));
    return replaced(
      bytes,
      at,
      0,
      Buffer.concat(Array.from({ length: 1 + random(1 << random(6)) }, () => piece)),
    );
  },
  (bytes, at, random) => {
    const piece = Buffer.from(bytes.subarray(at, at + 1 + random(maxPiece)));
    return replaced(bytes, random(bytes.length + 1), random(2) * piece.length, piece);
  },
  (bytes, at) => bytes.subarray(0, at),
];

/** `bytes`, changed in one place or some, now and then joined with a piece of `other`; at most `maxBytes`. */
export function mutate(
  bytes: Buffer,
  other: Buffer,
  random: Random,
  dictionary: Dictionary,
  maxBytes: number,
): Buffer {
  let changed = bytes;
  if (random(10) === 0 && other.length > 0) {
    const from = random(other.length);
    const piece = other.subarray(from, from + 1 + random(other.length - from));
    changed = replaced(bytes, random(bytes.length + 1), random(2) * piece.length, piece);
  }
  for (let left = 1 << random(4); left > 0; left--) {
    const mutation = some(mutations, random);
    changed = mutation?.(changed, random(Math.max(1, changed.length)), random, dictionary) ?? changed;
    // What grows at each step is cut before the next one.
    changed = changed.subarray(0, maxBytes);
  }
  return changed;
}
