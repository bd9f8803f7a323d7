// Follows a message while it arrives: its size, and where its body begins (RFC 5322 §2.1: behind the first empty line).

const lf = 10;
const cr = 13;

export class MessageMeasure {
  sizeBytes = 0;
  #bodyAt: number | undefined;
  /** The line so far: no octet, one CR, or more. */
  #line: '' | 'cr' | 'text' = '';

  /** Offset of the body; the size where no empty line has come. */
  get bodyAt(): number {
    return this.#bodyAt ?? this.sizeBytes;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (this.#bodyAt === undefined && at < bytes.length) {
      const found = bytes.indexOf(lf, at);
      const to = found === -1 ? bytes.length : found;
      if (to > at) this.#line = this.#line === '' && to === at + 1 && bytes[at] === cr ? 'cr' : 'text';
      if (found === -1) break;
      if (this.#line !== 'text') this.#bodyAt = this.sizeBytes + found + 1;
      this.#line = '';
      at = found + 1;
    }
    this.sizeBytes += bytes.length;
  }
}
