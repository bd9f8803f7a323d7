// Decodes the base64 of a message while the message still arrives: long runs of lines of equal length, as mail programs
// write attachments. What it knows in the end saves time and nothing else: whatever it missed is looked at then.
import { base64Octets, decodePiece, type Piece, type Prefix, pieceOf } from './base64.ts';

const lf = 0x0a;
const cr = 0x0d;
const equalsSign = 0x3d;

/** One line in so many octets is looked at: runs that are shorter cost next to nothing when they are decoded later. */
const probeBytes = 64 * 1024;

/** Octets of a line: RFC 5322 §2.1.1 allows 998 and a line end. */
const maxLineBytes = 1_000;

/** Characters of a line: less is a word, not base64. */
const minCharacters = 16;

/** Octets looked at in one go, so that what else waits for this thread waits for some milliseconds at most. */
const stepBytes = 4 * 1024 * 1024;

/** Lines of equal length from `start` on, in whole pieces. */
interface Run {
  readonly start: number;
  readonly piece: Piece;
  /** Where its decoded octets begin in the common buffer. */
  readonly decodedAt: number;
  pieces: number;
  takenOver: boolean;
}

function endOf({ start, piece, pieces }: Run): number {
  return start + pieces * piece.sizeBytes;
}

/** Whether a line stands at `start` that is full of base64 as `piece` has it. */
function isLine(bytes: Buffer, start: number, { lineBytes, endBytes }: Piece): boolean {
  if (start < 0 || bytes[start + lineBytes - 1] !== lf) return false;
  const end = start + lineBytes - endBytes;
  if (endBytes === 2 && bytes[end] !== cr) return false;
  for (let at = start; at < end; at++)
    if (base64Octets[bytes[at] as number] !== 1 || bytes[at] === equalsSign) return false;
  return true;
}

export class Ahead {
  readonly #maxDecodedBytes: number;
  readonly #runs: Run[] = [];
  /** The last of them, when it may go on. */
  #open: Run | undefined;
  /** Where the next line is looked at when no run is open. */
  #probeAt = 0;
  #decoded: Buffer = Buffer.alloc(0);

  /** `maxDecodedBytes`: of all runs together. */
  constructor(maxDecodedBytes: number) {
    this.#maxDecodedBytes = maxDecodedBytes;
  }

  /** `bytes`: all octets of the message so far. Those that were there the last time must be the same. */
  arrived(bytes: Buffer): void {
    const known = this.#open ? endOf(this.#open) : this.#probeAt;
    const sight = bytes.subarray(0, known + stepBytes);
    while (this.#open || this.#probeAt + 2 * maxLineBytes < sight.length) {
      this.#open ??= this.#find(sight);
      if (!this.#open) this.#probeAt += probeBytes;
      else if (this.#goOn(this.#open, sight, bytes.buffer.byteLength)) return;
      else this.#close(this.#open);
    }
  }

  /** Where the known octets end that `at` lies in, each of base64 or of a line's end; `at`: nothing is known. */
  knownFrom(at: number): number {
    const run = this.#runs.find((each) => each.start <= at && at < endOf(each));
    return run ? endOf(run) : at;
  }

  /** What is decoded of a text of `length` octets at `start`. */
  prefixAt(start: number, length: number): Prefix | undefined {
    const run = this.#runs.find((each) => each.start === start && !each.takenOver);
    if (!run) return undefined;
    const pieces = Math.min(run.pieces, Math.floor(length / run.piece.sizeBytes));
    if (pieces === 0) return undefined;
    const decodedBytes = pieces * run.piece.decodedBytes;
    return {
      sizeBytes: pieces * run.piece.sizeBytes,
      decodedBytes,
      takeOver: (outBytes) => this.#takeOver(run, decodedBytes, outBytes),
    };
  }

  /** Once for each run: whoever has it writes behind what is decoded. */
  #takeOver(run: Run, decodedBytes: number, outBytes: number): Buffer {
    run.takenOver = true;
    const next = this.#runs[this.#runs.indexOf(run) + 1];
    const room = this.#decoded.subarray(run.decodedAt, next?.decodedAt);
    if (room.length >= outBytes) return room;
    const out = Buffer.allocUnsafe(outBytes);
    room.copy(out, 0, 0, decodedBytes);
    return out;
  }

  /** The run that the line at the probe belongs to, from its first line on. */
  #find(bytes: Buffer): Run | undefined {
    const from = Math.max(0, this.#probeAt - maxLineBytes);
    const start = from + bytes.subarray(from, this.#probeAt).lastIndexOf(lf) + 1;
    const piece = pieceOf(bytes.subarray(start, start + maxLineBytes));
    if (!piece || piece.lineBytes - piece.endBytes < minCharacters || !isLine(bytes, start, piece))
      return undefined;
    const last = this.#runs.at(-1);
    const floor = last ? endOf(last) : 0;
    let first = start;
    while (first - piece.lineBytes >= floor && isLine(bytes, first - piece.lineBytes, piece))
      first -= piece.lineBytes;
    // Room for the end of the run before, which is decoded when it is known.
    const decodedAt = last ? last.decodedAt + (last.pieces + 1) * last.piece.decodedBytes : 0;
    return { start: first, piece, decodedAt, pieces: 0, takenOver: false };
  }

  /** Decodes the pieces that are there; false when the run is over. `mayBecomeBytes`: how large the message may grow. */
  #goOn(run: Run, bytes: Buffer, mayBecomeBytes: number): boolean {
    const { piece } = run;
    for (let at = endOf(run); at + piece.sizeBytes <= bytes.length; at = endOf(run)) {
      const to = run.decodedAt + run.pieces * piece.decodedBytes;
      if (!this.#hasRoom(to, piece.decodedBytes, mayBecomeBytes)) {
        this.#probeAt = Number.POSITIVE_INFINITY;
        return false;
      }
      const octets = bytes.subarray(at, at + piece.sizeBytes);
      // Those would be read in two ways.
      if (octets.includes(0x2d) || octets.includes(0x5f)) return false;
      if (!decodePiece(bytes, at, piece, this.#decoded, to)) return false;
      if (run.pieces++ === 0) this.#runs.push(run);
    }
    return true;
  }

  #close(run: Run): void {
    this.#open = undefined;
    this.#probeAt = Math.max(this.#probeAt, endOf(run)) + probeBytes;
  }

  /** Fresh memory is backed by pages as far as it is written: all that may be needed costs no more than what is. */
  #hasRoom(usedBytes: number, moreBytes: number, mayBecomeBytes: number): boolean {
    const needed = usedBytes + moreBytes;
    if (needed <= this.#decoded.length) return true;
    if (needed > this.#maxDecodedBytes) return false;
    const enough = Math.max(2 * needed, Math.ceil((mayBecomeBytes * 3) / 4));
    const larger = Buffer.allocUnsafeSlow(Math.min(enough, this.#maxDecodedBytes));
    this.#decoded.copy(larger, 0, 0, usedBytes);
    this.#decoded = larger;
    return true;
  }
}
