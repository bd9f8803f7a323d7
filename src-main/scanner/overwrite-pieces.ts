// How many pieces the overwrites of one message may be in: whoever gets them makes an object of each.
import type { Overwrite } from './neutralise.ts';

/** Ordinary messages have a handful; one made for it has one in 70 octets. So many are read in some ms. */
export const maxOverwrites = 10_000;

/** Pieces with no more than so many unchanged octets between them made one, by taking those along. */
function joined(overwrites: readonly Overwrite[], original: Buffer, gapBytes: number): Overwrite[] {
  const result: Overwrite[] = [];
  for (let first = 0; first < overwrites.length; ) {
    let last = first;
    const endOf = (at: number) => (overwrites[at]?.offset ?? 0) + (overwrites[at]?.bytes.length ?? 0);
    while (last + 1 < overwrites.length && (overwrites[last + 1]?.offset ?? 0) - endOf(last) <= gapBytes)
      last++;
    const offset = overwrites[first]?.offset ?? 0;
    const bytes = new Uint8Array(original.subarray(offset, endOf(last)));
    for (const piece of overwrites.slice(first, last + 1)) bytes.set(piece.bytes, piece.offset - offset);
    result.push({ offset, bytes });
    first = last + 1;
  }
  return result;
}

/** The same changes of `original` in no more pieces than there may be. `overwrites`: ascending, without overlaps. */
export function inFewPieces(overwrites: readonly Overwrite[], original: Buffer): readonly Overwrite[] {
  let pieces = overwrites;
  for (let gapBytes = 256; pieces.length > maxOverwrites; gapBytes *= 4)
    pieces = joined(pieces, original, gapBytes);
  return pieces;
}
