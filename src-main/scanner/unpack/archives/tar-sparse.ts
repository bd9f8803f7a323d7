// Sparse members of tar (GNU tar manual, "Storing Sparse Files"): data without their holes, and a map of where they go.
import { readNumber, tarBlockBytes } from './tar-header.ts';

/** Offsets and lengths in turn. */
export type SparseMap = readonly number[];

/** Numbers of one map that are read. */
const maxNumbers = 20_000;

/** The map of the old GNU form, in the header at `at` and the blocks behind it, and where the data begin. */
export function gnuMap(bytes: Buffer, at: number): { map: SparseMap; dataStart: number } {
  const map: number[] = [];
  const read = (from: number, pairs: number) => {
    for (let i = 0; i < pairs * 2; i++) {
      const field = from + i * 12;
      if (bytes[field] === 0) break;
      map.push(readNumber(bytes, field, 12));
    }
  };
  read(at + 386, 4);
  let dataStart = at + tarBlockBytes;
  let continues = bytes[at + 482] === 1;
  while (continues && dataStart + tarBlockBytes <= bytes.length && map.length < maxNumbers) {
    read(dataStart, 21);
    continues = bytes[dataStart + 504] === 1;
    dataStart += tarBlockBytes;
  }
  return { map, dataStart };
}

/** The map that pax records say (formats 0.0 and 0.1), or that stands before the data (1.0); undefined: no sparse member. */
export function paxMap(
  content: Buffer,
  pax: ReadonlyMap<string, string>,
): { map: SparseMap; data: Buffer } | undefined {
  const said = pax.get('GNU.sparse.map');
  if (said !== undefined) return { map: said.split(',', maxNumbers).map(Number), data: content };
  if (pax.get('GNU.sparse.major') !== '1') return undefined;
  const map: number[] = [];
  let at = 0;
  let left = 1;
  for (let isCount = true; left > 0 && map.length < maxNumbers; isCount = false) {
    const end = content.indexOf(0x0a, at);
    if (end === -1 || end - at > 20) return undefined;
    const value = Number(content.toString('latin1', at, end));
    at = end + 1;
    if (isCount) left = value * 2;
    else {
      map.push(value);
      left--;
    }
  }
  return { map, data: content.subarray(Math.ceil(at / tarBlockBytes) * tarBlockBytes) };
}

/** The member with its holes as zeros; undefined: the map is none, or there would be more
 *  than `maxBytes` octets. */
export function spread(map: SparseMap, data: Buffer, maxBytes: number): Buffer | undefined {
  if (!map.every((value) => Number.isSafeInteger(value) && value >= 0)) return undefined;
  let size = 0;
  for (let i = 0; i + 1 < map.length; i += 2) {
    const end = (map[i] ?? 0) + (map[i + 1] ?? 0);
    if (end > size) size = end;
  }
  if (!(size <= maxBytes)) return undefined;
  const whole = Buffer.alloc(size);
  let from = 0;
  for (let i = 0; i + 1 < map.length && from < data.length; i += 2) {
    const offset = map[i] ?? 0;
    const length = map[i + 1] ?? 0;
    data.copy(whole, offset, from, from + length);
    from += length;
  }
  return whole;
}
