// What becomes of hostile octets, for tests: one level of them, and all levels.
import type { LimitCode } from '../../contract/verdict.ts';
import { testInspector } from '../inspector.fixture.ts';
import { inspect } from '../pipeline.ts';
import { type Circumstances, unpackAll } from './contents.fixture.ts';

export interface Summary {
  /** Each once, in order. */
  readonly codes: readonly LimitCode[];
  readonly octets: number;
  readonly members: number;
}

/** Of one level. */
export function summaryOf(bytes: Buffer, circumstances: Circumstances = {}): Summary {
  const all = unpackAll(bytes, { name: 'x', ...circumstances });
  return {
    codes: [...new Set(all.flatMap((each) => (each.kind === 'limit' ? [each.code] : [])))],
    octets: all.reduce((sum, each) => sum + (each.kind === 'member' ? each.bytes.length : 0), 0),
    members: all.filter((each) => each.kind === 'member').length,
  };
}

/** Limits and names of detections, of all levels. */
export function scanned(bytes: Buffer): { limits: readonly LimitCode[]; names: readonly string[] } {
  const { limits, detections } = inspect(bytes, testInspector(), 1);
  return { limits: [...limits], names: detections.map(({ name }) => name) };
}

/** What each flip of some octets, and each cut, makes of `bytes`: for fast-check. */
export function damagedBy(
  bytes: Buffer,
  changes: readonly (readonly [at: number, octet: number])[],
  cut: number,
): Buffer {
  const damaged = Buffer.from(bytes);
  for (const [at, octet] of changes) damaged[at % damaged.length] = octet;
  return cut % 4 === 0 ? damaged.subarray(0, cut % damaged.length) : damaged;
}
