// The lines of a message by offsets. LF, CR LF and a bare CR end a line: mail programs take each of them for one.

const lf = 0x0a;
const cr = 0x0d;

export function isLineEnd(octet: number | undefined): boolean {
  return octet === lf || octet === cr;
}

/** What ends a line, as a bit each. CR CR LF, as some gateways leave it, counts as both of its readings. */
export const lineEnds = { none: 0, lf: 1, cr: 2, crLf: 4, crCrLf: 8 } as const;

/** What ended the line before `at`, where a line begins. */
export function lineEndBefore(bytes: Buffer, at: number): number {
  if (bytes[at - 1] === cr) return lineEnds.cr;
  if (bytes[at - 1] !== lf) return lineEnds.none;
  if (bytes[at - 2] !== cr) return lineEnds.lf;
  return bytes[at - 3] === cr ? lineEnds.crCrLf : lineEnds.crLf;
}

export class Lines {
  readonly #bytes: Buffer;
  #nextLf = -1;
  #nextCr = -1;
  /** Offset of the line's first octet. */
  start = 0;
  /** Offset behind its last octet, without the line end. */
  end = 0;
  /** Offset of the next line. */
  after = 0;
  /** `end` of the line before, or 0. */
  previousEnd = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Moves on to the next line; false when there is none. */
  next(): boolean {
    const bytes = this.#bytes;
    const from = this.after;
    if (from >= bytes.length) return false;
    this.previousEnd = this.end;
    this.start = from;
    // Each search goes on where it last found something: a message without any CR is not searched for it per line.
    if (this.#nextLf < from) this.#nextLf = bytes[from] === lf ? from : this.#find(lf, from);
    if (this.#nextCr < from) this.#nextCr = bytes[from] === cr ? from : this.#find(cr, from);
    this.end = Math.min(this.#nextLf, this.#nextCr);
    this.after = this.end + 1;
    if (this.end === this.#nextCr && this.#nextCr < this.#nextLf) {
      // CR LF, and CR CR LF as some gateways leave it.
      if (this.#nextLf === this.end + 1) this.after = this.end + 2;
      else if (this.#nextLf === this.end + 2 && bytes[this.end + 1] === cr) this.after = this.end + 3;
    }
    // The last line may end without a line end.
    this.after = Math.min(this.after, bytes.length);
    return true;
  }

  /** Goes on with the line that begins at `to`, further on; the line before it is the last that is not empty. */
  jump(to: number): void {
    if (to <= this.after) return;
    this.after = to;
    let end = to;
    while (end > this.end && isLineEnd(this.#bytes[end - 1])) end--;
    this.end = end;
  }

  #find(octet: number, from: number): number {
    const found = this.#bytes.indexOf(octet, from);
    return found === -1 ? this.#bytes.length : found;
  }
}
