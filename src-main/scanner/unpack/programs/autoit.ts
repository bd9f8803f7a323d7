// Scripts compiled by AutoIt (versions 3.0 to 3.2 "EA05", later ones "EA06"): the script and the files that are installed
// with it stand, scrambled and packed, behind a mark in the program. The format is known from its readers alone (libclamav
// autoit.c, "Exe2Aut").

import { utf16Text } from '../../utf16.ts';
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { laggedFibonacci, mersenneTwister, type Octets } from './random-octets.ts';

const mark = Buffer.concat([
  Buffer.from('a3484bbe986c4aa9994c530a86d6487d', 'hex'),
  Buffer.from('AU3!EA0', 'latin1'),
]);

/** Octets of a sum that stands behind the mark, and of the two times that each file has. */
const sumBytes = 16;
const timesBytes = 16;

/** Octets of a name; longer ones are damage. */
const maxNameBytes = 4_096;

/** What the two versions differ in. */
interface Version {
  readonly fileMark: number;
  readonly nameLength: number;
  readonly nameSeed: number;
  readonly pathLength: number;
  readonly packedSize: number;
  readonly characterBytes: 1 | 2;
  readonly dataSeed: (sum: number) => number;
  readonly octets: (seed: number) => Octets;
  /** The bit that says that an octet follows as it is. */
  readonly literalBit: 0 | 1;
}

const versions: Readonly<Record<string, Version>> = {
  '5': {
    fileMark: 0xceb0_6dff,
    nameLength: 0x29bc,
    nameSeed: 0xa25e,
    pathLength: 0x29ac,
    packedSize: 0x45aa,
    characterBytes: 1,
    dataSeed: (sum) => 0x22af + sum,
    octets: mersenneTwister,
    literalBit: 0,
  },
  '6': {
    fileMark: 0x52ca_436b,
    nameLength: 0xadbc,
    nameSeed: 0xb33f,
    pathLength: 0xf820,
    packedSize: 0x87bc,
    characterBytes: 2,
    dataSeed: () => 0x2477,
    octets: laggedFibonacci,
    literalBit: 1,
  },
};

function unscramble(bytes: Buffer, next: Octets): Buffer {
  return Buffer.from(bytes.map((octet) => octet ^ next()));
}

/** Where scripts begin: behind the mark and the digit of its version. */
function startOf(bytes: Buffer): { readonly at: number; readonly version: Version } | undefined {
  const found = bytes.lastIndexOf(mark);
  const version = versions[String.fromCharCode(bytes[found + mark.length] ?? 0)];
  return found === -1 || version === undefined ? undefined : { at: found + mark.length + 1, version };
}

export function isAutoIt(bytes: Buffer): boolean {
  return bytes[0] === 0x4d && bytes[1] === 0x5a && startOf(bytes) !== undefined;
}

/** Lengths in groups of bits, each group full but the last (libclamav autoit.c). */
const lengthGroups = [
  { bits: 2, base: 3 },
  { bits: 3, base: 6 },
  { bits: 5, base: 13 },
  { bits: 8, base: 44 },
] as const;

/** Unpacks a stream of literal octets and copies of what came before (LZSS), as far as it is whole. */
function unpackStream(packed: Buffer, sizeBytes: number, literalBit: 0 | 1): Buffer {
  const out = Buffer.alloc(sizeBytes);
  let length = 0;
  let at = 0;
  let bitsLeft = packed.length * 8;
  const bits = (count: number): number => {
    let value = 0;
    for (let done = 0; done < count; done++, at++)
      value = (value << 1) | (((packed[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    bitsLeft -= count;
    return value;
  };
  const copyLength = (): number => {
    for (const { bits: count, base } of lengthGroups) {
      const value = bits(count);
      if (value !== 2 ** count - 1) return base + value;
    }
    let extra = 299;
    for (let value = bits(8); bitsLeft > 0; value = bits(8)) {
      if (value !== 255) return extra + value;
      extra += 255;
    }
    return extra;
  };
  while (length < sizeBytes && bitsLeft > 0) {
    if (bits(1) === literalBit) {
      out[length++] = bits(8);
      continue;
    }
    const distance = bits(15);
    const end = Math.min(sizeBytes, length + copyLength());
    if (distance === 0 || distance > length) break;
    for (; length < end; length++) out[length] = out[length - distance] ?? 0;
  }
  return out.subarray(0, length);
}

/** The octets of one file, and why not all of them. */
function* contentOf(
  data: Buffer,
  isPacked: boolean,
  name: string,
  version: Version,
  budget: UnpackBudget,
): Generator<Unpacked> {
  if (!isPacked || data.length < 8) {
    yield { kind: 'member', name, bytes: data };
    return;
  }
  // Behind "EA05" or "EA06", in network order.
  const sizeBytes = data.readUInt32BE(4);
  const { octets, code } = budget.allowance(data.length);
  const over = sizeBytes > octets ? code : budget.takeOutput(sizeBytes);
  if (over !== undefined) {
    yield { kind: 'limit', code: over };
    return;
  }
  const content = unpackStream(data.subarray(8), sizeBytes, version.literalBit);
  yield { kind: 'member', name, bytes: content };
  if (content.length < sizeBytes) yield { kind: 'limit', code: 'damaged-archive' };
}

/** Yields the script and the files of a compiled script. */
export function* unpackAutoIt(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const start = startOf(bytes);
  if (!start) return;
  const { version } = start;
  const damaged: Unpacked = { kind: 'limit', code: 'damaged-archive' };
  const sum = bytes.subarray(start.at, start.at + sumBytes).reduce((total, octet) => total + octet, 0);
  let at = start.at + sumBytes;
  while (at + 8 <= bytes.length && bytes.readUInt32LE(at) === version.fileMark) {
    const over = budget.takeMember();
    if (over !== undefined) {
      yield { kind: 'limit', code: over };
      return;
    }
    const characters = (bytes.readUInt32LE(at + 4) ^ version.nameLength) >>> 0;
    const nameBytes = characters * version.characterBytes;
    at += 8;
    if (nameBytes > maxNameBytes || at + nameBytes + 4 > bytes.length) return yield damaged;
    const plain = unscramble(
      bytes.subarray(at, at + nameBytes),
      version.octets(characters + version.nameSeed),
    );
    const name = version.characterBytes === 1 ? plain.toString('latin1') : utf16Text(plain);
    at += nameBytes;
    const pathBytes = ((bytes.readUInt32LE(at) ^ version.pathLength) >>> 0) * version.characterBytes;
    at += 4 + pathBytes;
    if (pathBytes > maxNameBytes || at + 13 + timesBytes > bytes.length) return yield damaged;
    const isPacked = bytes[at] === 1;
    const packedBytes = (bytes.readUInt32LE(at + 1) ^ version.packedSize) >>> 0;
    at += 13 + timesBytes;
    const data = bytes.subarray(at, at + packedBytes);
    at += packedBytes;
    yield* contentOf(
      unscramble(data, version.octets(version.dataSeed(sum))),
      isPacked,
      name,
      version,
      budget,
    );
    if (data.length < packedBytes) yield damaged;
  }
}
