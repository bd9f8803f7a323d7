// Where a piece of a message lies in the whole message, octet for octet. A piece that is found consists of scanned
// octets, whatever the server called it.
import type { Overwrite } from '../scanner/pool.ts';
import type { Spool } from '../storage/spool.ts';

/** Octets of the whole that are searched at once; a window overlaps the next by the needle. */
const windowBytes = 1024 * 1024;

/** Octets of the piece's beginning that are searched for before the rest is compared. */
const needleBytes = 1024;

/** Comparisons of the rest that are made at most: content that repeats itself would cost the product of both sizes. */
const maxCandidates = 64;

type Octets = Pick<Spool, 'read' | 'sizeBytes'>;

/** Whether the whole has the octets of the piece at this place. */
export async function sameAt(whole: Octets, piece: Octets, at: number): Promise<boolean> {
  for (let from = 0; from < piece.sizeBytes; from += windowBytes) {
    const to = Math.min(from + windowBytes, piece.sizeBytes);
    const [a, b] = await Promise.all([whole.read(at + from, at + to), piece.read(from, to)]);
    if (Buffer.compare(a, b) !== 0) return false;
  }
  return true;
}

/**
 * Finds `piece` in `whole`. Where it stands more than once, a place that was overwritten comes first: octets that
 * are harmful in one place must not leave because they also stand in another.
 * @returns the offset, or undefined when it is not there (or repeats itself too often to say)
 */
export async function findPiece(
  whole: Octets,
  piece: Octets,
  overwrites: readonly Overwrite[],
): Promise<number | undefined> {
  if (piece.sizeBytes === 0) return 0;
  if (piece.sizeBytes > whole.sizeBytes) return undefined;
  const needle = Buffer.from(await piece.read(0, Math.min(needleBytes, piece.sizeBytes)));
  let found: number | undefined;
  let candidates = 0;
  for (let base = 0; base + piece.sizeBytes <= whole.sizeBytes; base += windowBytes) {
    const end = Math.min(base + windowBytes + needle.length - 1, whole.sizeBytes);
    const read = await whole.read(base, end);
    const window = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    for (let i = window.indexOf(needle); i !== -1; i = window.indexOf(needle, i + 1)) {
      const at = base + i;
      if (at + piece.sizeBytes > whole.sizeBytes) break;
      if (++candidates > maxCandidates) return undefined;
      if (!(await sameAt(whole, piece, at))) continue;
      const touched = overwrites.some(
        ({ offset, bytes }) => offset < at + piece.sizeBytes && offset + bytes.length > at,
      );
      if (touched || overwrites.length === 0) return at;
      found ??= at;
    }
  }
  return found;
}
