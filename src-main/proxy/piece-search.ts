// Where a part of a message lies in the whole message, octet for octet. A part that is found consists of scanned octets,
// whatever the server called it; slices of one section must also follow in the whole as they do in the section, or
// harmless ones could be put together to something harmful.
import type { Overwrite } from '../scanner/pool.ts';
import type { Spool } from '../storage/spool.ts';

/** Octets of the whole that are searched at once; a window overlaps the next by the needle. */
const windowBytes = 1024 * 1024;

/** Octets of the piece's beginning that are searched for before the rest is compared. */
const needleBytes = 1024;

/** A boundary has at most 70 characters (RFC 2046 §5.1.1); what is around it may be more. */
const boundaryLineBytes = 1024;

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

/** Begins of sections that are looked at: a text of empty lines would have one for each. */
const maxSections = 65_536;

const emptyLines = ['\n\r\n', '\n\n'];

/** Where sections may begin: at the start, behind each empty line, and behind each line that begins as a boundary does. */
async function sectionStarts(whole: Octets): Promise<number[]> {
  const starts = new Set([0]);
  for (let base = 0; base < whole.sizeBytes; base += windowBytes) {
    // A window overlaps the one before it by the longest of what is looked for.
    const from = Math.max(0, base - boundaryLineBytes);
    const read = await whole.read(from, Math.min(base + windowBytes, whole.sizeBytes));
    const window = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    for (const emptyLine of emptyLines) {
      for (let i = window.indexOf(emptyLine); i !== -1; i = window.indexOf(emptyLine, i + 1)) {
        if (starts.size < maxSections) starts.add(from + i + emptyLine.length);
      }
    }
    for (let i = window.indexOf('\n--'); i !== -1; i = window.indexOf('\n--', i + 1)) {
      const lineEnd = window.indexOf(10, i + 1);
      if (lineEnd !== -1 && starts.size < maxSections) starts.add(from + lineEnd + 1);
    }
  }
  return [...starts].sort((a, b) => a - b);
}

/**
 * Where in `whole` a section may begin of which `slice` is the octets from `origin` on.
 * @param known where it may begin by slices that were found before; undefined for the first one
 */
export async function sectionBases(
  whole: Octets,
  slice: Octets,
  origin: number,
  known: readonly number[] | undefined,
): Promise<number[]> {
  const among = known ?? (await sectionStarts(whole));
  const bases: number[] = [];
  for (const base of among) {
    const at = base + origin;
    if (at + slice.sizeBytes <= whole.sizeBytes && (await sameAt(whole, slice, at))) bases.push(base);
  }
  if (bases.length > 0 || known) return bases;
  const at = await findPiece(whole, slice, []);
  return at === undefined ? [] : [at - origin];
}
