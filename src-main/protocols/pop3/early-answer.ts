// What a client that waits for a message is given before its verdict: the answer's status line, then a few octets of
// the message's own header each time, as they came. None of its body, and nothing but what is surely header.
import { joinBytes, latin1 } from '../bytes.ts';
import { earlyHeaderBytes } from '../limits.ts';
import { DotStuffer } from './multiline.ts';

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;

/** Octets that are given at once, but for those that a cut there would spoil. */
const dripOctets = 4;

/**
 * Header fields (RFC 5322 §2.2) and their further lines, up to what no client can take for one: a line without a name,
 * or without anything but blanks. Each line may end in CRLF, CR or LF, and the last one's end is not part of it.
 */
const headerFields =
  /^[!-9;-~]+[ \t]*:[^\r\n]*(?:(?:\r\n|\r|\n)(?:[!-9;-~]+[ \t]*:|[ \t]+[^ \t\r\n])[^\r\n]*)*/;

export class EarlyAnswer {
  readonly status: Uint8Array;
  #head: Uint8Array = new Uint8Array(0);
  #begun = false;
  #sent = 0;

  constructor(status: Uint8Array) {
    this.status = status;
  }

  /** Whether its status line has left: then there is no way back to an error. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Octets of the message that have left. */
  get sent(): number {
    return this.#sent;
  }

  /** Takes the message's octets as they arrive. */
  push(content: Uint8Array): void {
    const room = earlyHeaderBytes - this.#head.length;
    // A copy, so that the chunk that it came in is not kept.
    if (room > 0) this.#head = joinBytes([this.#head, content.subarray(0, room)]);
  }

  /** What the client is given next, as it goes on the wire; nothing when the known header has left. */
  next(): Uint8Array[] {
    if (!this.#begun) {
      this.#begun = true;
      return [this.status];
    }
    const from = this.#sent;
    this.#sent = this.#nextCut();
    return new DotStuffer().push(this.#head.subarray(from, this.#sent));
  }

  #nextCut(): number {
    const [header = ''] = headerFields.exec(latin1(this.#head)) ?? [];
    // The octet behind a cut has to be known, too.
    const last = Math.min(header.length, this.#head.length - 1);
    let to = Math.min(this.#sent + dripOctets, last);
    while (to < last && !this.#mayCutAt(to)) to++;
    while (to > this.#sent && !this.#mayCutAt(to)) to--;
    return Math.max(to, this.#sent);
  }

  /** Whether the rest, stuffed on its own, comes out as within the whole: it begins in a line, and not with a dot. */
  #mayCutAt(to: number): boolean {
    const before = this.#head[to - 1];
    return before !== cr && before !== lf && this.#head[to] !== dot;
  }
}
