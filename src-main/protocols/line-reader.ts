// Turns arriving chunks into lines and stretches of a literal. Every octet is searched for LF once, however the
// input is split, and a line that lies in one chunk is a view of it.

import { joinBytes } from './bytes.ts';

const none = new Uint8Array(0);

export class LineReader {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #at = 0;
  /** The beginning of a line whose end has not come yet. */
  #partial = none;
  #partialLength = 0;
  #length = 0;

  /** Octets that wait here. */
  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** The next line with its LF. `too-long` takes nothing: one may ask again with a larger `max`. */
  line(max: number): Uint8Array | 'too-long' | undefined {
    for (;;) {
      const chunk = this.#chunks[this.#head];
      if (!chunk) return this.#partialLength > max ? 'too-long' : undefined;
      const lf = chunk.indexOf(10, this.#at);
      const to = lf === -1 ? chunk.length : lf + 1;
      const total = this.#partialLength + to - this.#at;
      if (total > max) return 'too-long';
      if (lf !== -1 && this.#partialLength === 0) return this.#advance(chunk, to);
      this.#keep(this.#advance(chunk, to, false));
      if (lf !== -1) {
        const line = this.#partial.subarray(0, total);
        this.#partial = none;
        this.#partialLength = 0;
        this.#length -= total;
        return line;
      }
    }
  }

  /** Up to `max` octets of one chunk without copying; empty when none are there. Only between lines. */
  some(max: number): Uint8Array {
    const chunk = this.#chunks[this.#head];
    return chunk ? this.#advance(chunk, Math.min(chunk.length, this.#at + max)) : none;
  }

  /** Puts back what the last `some` gave too much. */
  unread(bytes: Uint8Array): void {
    this.#chunks.splice(this.#head, 0, bytes);
    this.#length += bytes.length;
  }

  /** The first octets of the line that `line` found too long; `count` must be below the `max` it was asked for. */
  prefix(count: number): Uint8Array {
    const rest = this.#chunks[this.#head]?.subarray(this.#at, this.#at + count) ?? none;
    const kept = Math.min(count, this.#partialLength);
    const prefix = new Uint8Array(Math.min(count, kept + rest.length));
    prefix.set(this.#partial.subarray(0, kept));
    prefix.set(rest.subarray(0, prefix.length - kept), kept);
    return prefix;
  }

  /** All octets that wait; they are forgotten here. */
  takeAll(): Uint8Array {
    const [first = none, ...others] = this.#chunks.slice(this.#head);
    const all = joinBytes([
      this.#partial.subarray(0, this.#partialLength),
      first.subarray(this.#at),
      ...others,
    ]);
    this.clear();
    return all;
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#at = 0;
    this.#partial = none;
    this.#partialLength = 0;
    this.#length = 0;
  }

  #advance(chunk: Uint8Array, to: number, taken = true): Uint8Array {
    const part = chunk.subarray(this.#at, to);
    if (taken) this.#length -= part.length;
    this.#at = to;
    if (to === chunk.length) {
      this.#at = 0;
      this.#head++;
      if (this.#head === this.#chunks.length) {
        this.#chunks.length = 0;
        this.#head = 0;
      } else if (this.#head > 64) {
        this.#chunks = this.#chunks.slice(this.#head);
        this.#head = 0;
      }
    }
    return part;
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#partialLength + bytes.length;
    if (length > this.#partial.length) {
      const grown = new Uint8Array(Math.max(256, 2 * length));
      grown.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    this.#partial.set(bytes, this.#partialLength);
    this.#partialLength = length;
  }
}
