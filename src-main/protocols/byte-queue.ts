// Octets in arrival order, kept as the chunks that came: append and take from the front without copying the rest.

export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Index of the first LF (10) at or after `from`, or -1. */
  indexOfLf(from = 0): number {
    let base = 0;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Uint8Array;
      if (base + chunk.length > from) {
        const found = chunk.indexOf(10, Math.max(0, from - base));
        if (found !== -1) return base + found;
      }
      base += chunk.length;
    }
    return -1;
  }

  /** Takes exactly `count` octets (which must be there) as one array; a view where they lie in one chunk. */
  take(count: number): Uint8Array {
    if (count > this.#length) throw new RangeError(`take ${count} of ${this.#length}`);
    const first = this.#chunks[this.#head];
    if (first && first.length >= count) return this.#takeFromFirst(first, count);
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.#chunks[this.#head] as Uint8Array;
      const part = this.#takeFromFirst(chunk, Math.min(chunk.length, count - filled));
      taken.set(part, filled);
      filled += part.length;
    }
    return taken;
  }

  /** Takes up to `max` octets of the front chunk without copying; empty when there is nothing. */
  takeSome(max: number): Uint8Array {
    const first = this.#chunks[this.#head];
    if (!first || max <= 0) return new Uint8Array(0);
    return this.#takeFromFirst(first, Math.min(first.length, max));
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#length = 0;
  }

  #takeFromFirst(first: Uint8Array, count: number): Uint8Array {
    this.#length -= count;
    if (count === first.length) {
      this.#head++;
      // Forget taken chunks now and then: shift() on a long array is linear.
      if (this.#head > 64) {
        this.#chunks = this.#chunks.slice(this.#head);
        this.#head = 0;
      }
      return first;
    }
    this.#chunks[this.#head] = first.subarray(count);
    return first.subarray(0, count);
  }
}
