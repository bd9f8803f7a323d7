// Knows archives by their first octets, and unpacks one level of those that can be unpacked.
import type { UnpackBudget, Unpacked } from './budget.ts';
import { isGzip, unpackGzip } from './gzip.ts';
import { isTar, unpackTar } from './tar.ts';
import { holdsZip, isZip, unpackZip } from './zip.ts';

export type ArchiveKind = 'zip' | 'gzip' | 'tar' | 'unsupported';

/** First octets of archives that cannot be looked into. */
const unsupported: readonly Buffer[] = [
  '7z\xbc\xaf\x27\x1c',
  'Rar!\x1a\x07',
  '\xfd7zXZ\x00',
  'MSCF\x00\x00\x00\x00',
  '\x28\xb5\x2f\xfd',
].map((magic) => Buffer.from(magic, 'latin1'));

/** ECMA-119 §8.1: the first volume descriptor of a CD image. */
const isoOffset = 0x8001;

function isUnsupported(bytes: Buffer): boolean {
  if (
    unsupported.some(
      (magic) => bytes.length >= magic.length && bytes.compare(magic, 0, magic.length, 0, magic.length) === 0,
    )
  )
    return true;
  if (/^BZh[1-9]1AY&SY/.test(bytes.toString('latin1', 0, 10))) return true;
  return bytes.toString('latin1', isoOffset, isoOffset + 5) === 'CD001';
}

/** What archives `bytes` may be taken for; empty: none that is known. */
export function archiveKinds(bytes: Buffer): ArchiveKind[] {
  if (isZip(bytes)) return ['zip'];
  // The members of a tar are looked into on their own; a zip behind anything else is for those who read from the end.
  if (isTar(bytes)) return ['tar'];
  const kinds: ArchiveKind[] = isGzip(bytes) ? ['gzip'] : isUnsupported(bytes) ? ['unsupported'] : [];
  return holdsZip(bytes) ? [...kinds, 'zip'] : kinds;
}

/** Unpacks one level. `name`: of the archive, when known. */
export function* unpack(
  bytes: Buffer,
  kind: ArchiveKind,
  name: string | undefined,
  budget: UnpackBudget,
): Generator<Unpacked> {
  switch (kind) {
    case 'zip':
      yield* unpackZip(bytes, budget);
      return;
    case 'gzip':
      yield* unpackGzip(bytes, name, budget);
      return;
    case 'tar':
      yield* unpackTar(bytes, budget);
      return;
    case 'unsupported':
      yield { kind: 'limit', code: 'unsupported-archive' };
      return;
  }
}
