// Multi-line responses (RFC 1939 §3): the dot-stuffing is undone and done again while octets stream, at any split.
// Long stretches are passed as views: only dots are looked at.

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
const dotBytes = Uint8Array.of(dot);
const crBytes = Uint8Array.of(cr);

export interface Unstuffed {
  /** Octets of the content, stuffing undone. */
  readonly content: readonly Uint8Array[];
  /** Where the response's last line ended in the given octets; undefined: it goes on. */
  readonly end: number | undefined;
}

/** Undoes the stuffing of one response and finds its end. */
export class DotUnstuffer {
  /** What stands before the next octet: nothing of this line, its first dot, that dot and a CR, or anything else. */
  #before: 'line-start' | 'dot' | 'dot-cr' | 'line' = 'line-start';

  /** The terminating line as it came, once `end` was given: CRLF, or LF alone. */
  terminator: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array): Unstuffed {
    const content: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#before === 'dot') {
        if (bytes[at] === lf) return this.#end(content, at + 1, [dot, lf]);
        // The stuffed dot is dropped; a CR may still end the response.
        this.#before = bytes[at] === cr ? 'dot-cr' : 'line';
        if (this.#before === 'dot-cr') at++;
        else if (bytes[at] === dot) {
          content.push(dotBytes);
          at++;
        }
      } else if (this.#before === 'dot-cr') {
        if (bytes[at] === lf) return this.#end(content, at + 1, [dot, cr, lf]);
        content.push(crBytes);
        this.#before = 'line';
      } else {
        const found = this.#lineStartDot(bytes, at);
        const to = found ?? bytes.length;
        if (to > at) content.push(bytes.subarray(at, to));
        if (found === undefined) {
          this.#before = bytes[bytes.length - 1] === lf ? 'line-start' : 'line';
          return { content, end: undefined };
        }
        this.#before = 'dot';
        at = found + 1;
      }
    }
    return { content, end: undefined };
  }

  #lineStartDot(bytes: Uint8Array, from: number): number | undefined {
    for (let at = bytes.indexOf(dot, from); at !== -1; at = bytes.indexOf(dot, at + 1)) {
      if (at === from ? this.#before === 'line-start' : bytes[at - 1] === lf) return at;
    }
    return undefined;
  }

  #end(content: readonly Uint8Array[], end: number, terminator: readonly number[]): Unstuffed {
    this.#before = 'line-start';
    this.terminator = Uint8Array.from(terminator);
    return { content, end };
  }
}

/** Stuffs the octets of one response; it begins at the start of a line. */
export class DotStuffer {
  #lineStart = true;

  push(bytes: Uint8Array): Uint8Array[] {
    const stuffed: Uint8Array[] = [];
    let from = 0;
    for (let at = bytes.indexOf(dot); at !== -1; at = bytes.indexOf(dot, at + 1)) {
      if (at === 0 ? !this.#lineStart : bytes[at - 1] !== lf) continue;
      if (at > from) stuffed.push(bytes.subarray(from, at));
      stuffed.push(dotBytes);
      from = at;
    }
    if (from < bytes.length) stuffed.push(bytes.subarray(from));
    if (bytes.length > 0) this.#lineStart = bytes[bytes.length - 1] === lf;
    return stuffed;
  }
}

/** Follows a message while it streams: how long its header is, and where its n-th body line ends. */
export class LineCounter {
  /** Octets up to and with the first empty line; undefined while it has not come. */
  headerEnd: number | undefined;
  /** Octets up to and with the wanted body line; undefined while it has not come. */
  end: number | undefined;
  size = 0;
  readonly #wanted: number;
  #lines = 0;
  /** The line so far has no octet but CR. */
  #empty = true;

  constructor(bodyLines: number) {
    this.#wanted = bodyLines;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (this.end === undefined && at < bytes.length) {
      const found = bytes.indexOf(lf, at);
      const to = found === -1 ? bytes.length : found;
      if (to > at && !(to === at + 1 && bytes[at] === cr)) this.#empty = false;
      if (found === -1) break;
      if (this.headerEnd !== undefined) this.#lines++;
      else if (this.#empty) this.headerEnd = this.size + found + 1;
      if (this.headerEnd !== undefined && this.#lines >= this.#wanted) this.end = this.size + found + 1;
      this.#empty = true;
      at = found + 1;
    }
    this.size += bytes.length;
  }
}
