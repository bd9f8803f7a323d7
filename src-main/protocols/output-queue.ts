// What goes to the client, in order: an output that can't leave yet holds up everything behind it. What an output is,
// and when it leaves, its protocol knows.

/** Outputs that have left stay in the list until there are so many: moving the rest up costs as much as its length. */
const leftOutputs = 256;

export class OutputQueue<Output extends object> {
  readonly #leaves: (output: Output) => boolean;
  readonly #sizeOf: (output: Output) => number;
  #waiting: Output[] = [];
  #head = 0;
  #bytes = 0;

  /** `leaves` sends an output, or answers false: it has to wait. `sizeOf`: the octets that it keeps meanwhile. */
  constructor(leaves: (output: Output) => boolean, sizeOf: (output: Output) => number) {
    this.#leaves = leaves;
    this.#sizeOf = sizeOf;
  }

  /** Whether something waits for a release. */
  get blocked(): boolean {
    return this.#head < this.#waiting.length;
  }

  /** What everything else waits for. */
  get first(): Output | undefined {
    return this.#waiting[this.#head];
  }

  /** Octets that wait, those of messages not counted. */
  get bytes(): number {
    return this.#bytes;
  }

  push(output: Output): void {
    if (!this.blocked && this.#leaves(output)) return;
    this.#waiting.push(output);
    this.#bytes += this.#sizeOf(output);
  }

  /** Sends what waits for nothing any more. */
  flush(): void {
    while (this.blocked) {
      const output = this.#waiting[this.#head];
      if (!output || !this.#leaves(output)) break;
      this.#bytes -= this.#sizeOf(output);
      this.#head++;
    }
    if (!this.blocked || this.#head > leftOutputs) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}
