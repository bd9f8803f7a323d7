// Multi-line responses (RFC 1939 §3): the dot-stuffing is undone and done again while octets stream, at any split.
//
// Only a dot behind CRLF is stuffed and unstuffed: servers differ on one behind a bare LF, and left alone it comes out
// as it came in, whoever is right. The end is looked for more widely, see DotUnstuffer.
import { joinBytes } from '../bytes.ts';
import { indexedBodyLines } from '../limits.ts';

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
const none = new Uint8Array(0);
const dotBytes = Uint8Array.of(dot);
const crBytes = Uint8Array.of(cr);

/** What stands before an octet; the start of a response counts as `crlf`, and `lf` is a bare one. */
type Before = 'text' | 'cr' | 'lf' | 'crlf';

/** What stands before `bytes[to]`, where `before` stands before `bytes[from]`. */
function advance(before: Before, bytes: Uint8Array, from: number, to: number): Before {
  if (to === from) return before;
  const last = bytes[to - 1];
  if (last === cr) return 'cr';
  if (last !== lf) return 'text';
  const afterCr = to - 1 === from ? before === 'cr' : bytes[to - 2] === cr;
  return afterCr ? 'crlf' : 'lf';
}

/** Index of the first dot behind an LF, or -1. Dots elsewhere cost one search a line, not one each. */
function lineStartDot(before: Before, bytes: Uint8Array, from: number): number {
  if (bytes[from] === dot && (before === 'lf' || before === 'crlf')) return from;
  let at = bytes.indexOf(dot, from);
  while (at !== -1 && (at === from || bytes[at - 1] !== lf)) {
    const lineEnd = bytes.indexOf(lf, at);
    if (lineEnd === -1) return -1;
    at = bytes.indexOf(dot, lineEnd + 1);
  }
  return at;
}

export interface Unstuffed {
  /** Octets of the content, stuffing undone; a view where nothing was taken out. */
  readonly content: Uint8Array;
  /** Where the response's last line ended in the given octets; undefined: it goes on. */
  readonly end: number | undefined;
}

/**
 * Undoes the stuffing of one response and finds its end: a line of one dot, behind CRLF or a bare LF, as there are
 * servers that send stored lines as they are. The dot's own line is the server's: it ends in CRLF, or, where the
 * server ends its own lines so (`bareLf`), in LF. A mail with a lone dot between bare LFs thus does not end early.
 */
export class DotUnstuffer {
  /** The terminating line as it came, once `end` was given. */
  terminator: Uint8Array = none;
  readonly #bareLf: boolean;
  #before: Before = 'crlf';
  /** Octets of what may be the last line; they are held back, and `#before` stands before them. */
  #held: '' | 'dot' | 'dot-cr' = '';

  constructor(bareLf: boolean) {
    this.#bareLf = bareLf;
  }

  push(bytes: Uint8Array): Unstuffed {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#held === '') {
        const found = lineStartDot(this.#before, bytes, at);
        const to = found === -1 ? bytes.length : found;
        if (to > at) parts.push(bytes.subarray(at, to));
        this.#before = advance(this.#before, bytes, at, to);
        if (found === -1) break;
        this.#held = 'dot';
        at = found + 1;
      } else if (bytes[at] === lf && (this.#held === 'dot-cr' || this.#bareLf)) {
        this.terminator = Uint8Array.from(this.#held === 'dot-cr' ? [dot, cr, lf] : [dot, lf]);
        return { content: joined(parts), end: at + 1 };
      } else if (bytes[at] === cr && this.#held === 'dot') {
        this.#held = 'dot-cr';
        at++;
      } else this.#giveBack(parts);
    }
    return { content: joined(parts), end: undefined };
  }

  /** What was held is content, but for a stuffed dot. */
  #giveBack(parts: Uint8Array[]): void {
    if (this.#before !== 'crlf') parts.push(dotBytes);
    if (this.#held === 'dot-cr') parts.push(crBytes);
    // No LF follows, or it would be the end: whether a CR stands here does not matter.
    this.#before = 'text';
    this.#held = '';
  }
}

/** Stuffs the octets of one response; it begins at the start of a line. */
export class DotStuffer {
  #before: Before = 'crlf';

  /** The given octets as they go on the wire; themselves where nothing is added. */
  push(bytes: Uint8Array): Uint8Array[] {
    if (bytes.length === 0) return [];
    const parts: Uint8Array[] = [];
    let from = 0;
    let at = 0;
    for (;;) {
      const found = lineStartDot(this.#before, bytes, at);
      if (found === -1) break;
      if (advance(this.#before, bytes, at, found) === 'crlf') {
        parts.push(bytes.subarray(from, found), dotBytes);
        from = found;
      }
      this.#before = 'text';
      at = found + 1;
    }
    this.#before = advance(this.#before, bytes, at, bytes.length);
    if (from === 0 && parts.length === 0) return [bytes];
    parts.push(bytes.subarray(from));
    return [joinBytes(parts)];
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first = none] = parts;
  return parts.length <= 1 ? first : joinBytes(parts);
}

/** Follows a message while it streams: where the n-th line behind its first empty one ends (TOP, RFC 1939 §7). */
export class LineCounter {
  size = 0;
  readonly #wanted: number;
  #wantedEnd: number | undefined;
  /** Ends of the first body lines. */
  readonly #ends: number[] = [];
  /** Body lines that have ended; undefined in the header. */
  #lines: number | undefined;
  /** The line so far: no octet, one CR, or more. */
  #line: '' | 'cr' | 'text' = '';

  /** `wanted`: body lines whose end is found however many they are. */
  constructor(wanted: number) {
    this.#wanted = Math.max(wanted, indexedBodyLines);
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (this.#wantedEnd === undefined && at < bytes.length) {
      const found = bytes.indexOf(lf, at);
      const to = found === -1 ? bytes.length : found;
      if (to > at) this.#line = this.#line === '' && to === at + 1 && bytes[at] === cr ? 'cr' : 'text';
      if (found === -1) break;
      if (this.#lines !== undefined) this.#bodyLine(++this.#lines, this.size + found + 1);
      else if (this.#line !== 'text') this.#lines = 0;
      this.#line = '';
      at = found + 1;
    }
    this.size += bytes.length;
  }

  /** Once the whole was pushed: octets up to and with that body line, or all of them; undefined: not known. */
  end(bodyLines: number): number | undefined {
    if (bodyLines <= this.#ends.length) return this.#ends[bodyLines - 1];
    if (this.#wantedEnd === undefined) return this.size;
    return bodyLines === this.#wanted ? this.#wantedEnd : undefined;
  }

  #bodyLine(count: number, end: number): void {
    if (count <= indexedBodyLines) this.#ends.push(end);
    if (count === this.#wanted) this.#wantedEnd = end;
  }
}
