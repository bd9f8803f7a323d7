// The readings of one member of a zip: where they agree, in which ways it may be unpacked, and which of them fits.
import { constants, crc32, inflateRawSync } from 'node:zlib';
import type { Central, Local, Reading } from './zip-records.ts';

export const stored = 0;
export const deflated = 8;

/** Octets of output that show whether a deflate stream is one. */
const probeOutputBytes = 4 * 1024 * 1024;

/** All readings of one member that would unpack it in the same way. */
export interface Way {
  readonly reading: Reading;
  readonly names: string[];
  /** The directory says so, perhaps the local header too. */
  isCentral: boolean;
}

export function sizesOf(readings: readonly Reading[]): Set<number> {
  return new Set(readings.flatMap(({ size }) => (size === undefined ? [] : [size])));
}

/** Readings that differ in what they unpack to, each with all names that it is given. */
export function waysOf(local: Reading | undefined, centrals: readonly Central[]): Way[] {
  const ways = new Map<string, Way>();
  for (const each of local ? [local, ...centrals] : centrals) {
    const reading: Reading = { ...each, size: each.size ?? centrals[0]?.size };
    const { method, isEncrypted, aes, size } = reading;
    // A deflate stream knows its own end.
    const extent = method === deflated && !isEncrypted ? '' : size;
    const key = `${method}:${isEncrypted}:${extent}:${aes?.method}:${aes?.keyBytes}`;
    const isCentral = each !== local;
    const way = ways.get(key);
    if (way) {
      way.names.push(...reading.names);
      way.isCentral ||= isCentral;
    } else ways.set(key, { reading, names: [...reading.names], isCentral });
  }
  return [...ways.values()];
}

/** Whether the headers of one member say different things of it. */
export function contradict(local: Local, centrals: readonly Central[]): boolean {
  return centrals.some(
    (central) =>
      central.names.at(-1) !== local.names.at(-1) ||
      central.method !== local.method ||
      central.isEncrypted !== local.isEncrypted ||
      (local.size !== undefined && central.size !== local.size),
  );
}

/** Whether `plain` may be what a member holds in compressed form, or the beginning of it. */
export function fits(plain: Buffer, isWhole: boolean, method: number, crc: number): boolean {
  if (method === stored) return !isWhole || crc32(plain) === crc;
  if (method !== deflated) return !isWhole;
  try {
    const finishFlush = isWhole ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
    inflateRawSync(plain, { finishFlush, maxOutputLength: probeOutputBytes });
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  }
}

/** Where stored data of unknown size end: at the next record. */
export function storedEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf('PK', from, 'latin1'); at !== -1; at = bytes.indexOf('PK', at + 1, 'latin1')) {
    const third = bytes[at + 2];
    if (third === 1 || third === 3 || third === 5 || third === 7) return at;
  }
  return bytes.length;
}
