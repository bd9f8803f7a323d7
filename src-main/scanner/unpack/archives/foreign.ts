// Archives that people's programs open and nothing here does: each is a limit, not a silence.
import type { Unpacked } from '../unpacker.ts';

interface Signature {
  readonly octets: Buffer;
  readonly at: number;
}

const signature = (octets: string, at = 0): readonly Signature[] => [
  { octets: Buffer.from(octets, 'latin1'), at },
];

/** Several of one line must all be there. Long enough that no other content has them by chance. */
const formats: readonly (readonly Signature[])[] = [
  // ACE, ALZip, EGG, lzip, rar before 1.5, ZOO, StuffIt (old and new), ZPAQ.
  signature('**ACE**', 7),
  signature('ALZ\x01\x0a\0'),
  [...signature('EGGA\0\x01'), ...signature('\0\0', 12)],
  signature('LZIP\x01'),
  signature('RE\x7e\x5e'),
  signature('\xdc\xa7\xc4\xfd', 20),
  [...signature('SIT!'), ...signature('rLau', 10)],
  signature('StuffIt (c)1997'),
  signature('7kSt\xa0\x31\x83\xd3'),
  signature('zPQ\x01'),
  // lz4, lzop, lrzip.
  signature('\x04\x22\x4d\x18'),
  signature('\x89LZO\0\r\n\x1a\n'),
  signature('LRZI\0'),
];

function has(bytes: Buffer, { octets, at }: Signature): boolean {
  return (
    bytes[at] === octets[0] &&
    at + octets.length <= bytes.length &&
    bytes.compare(octets, 0, octets.length, at, at + octets.length) === 0
  );
}

export function isForeign(bytes: Buffer): boolean {
  return formats.some((format) => format.every((each) => has(bytes, each)));
}

export function* unpackForeign(): Generator<Unpacked> {
  yield { kind: 'limit', code: 'unsupported-archive' };
}
