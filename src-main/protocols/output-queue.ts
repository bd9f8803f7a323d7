// What goes to the client, in order: an output that can't leave yet holds up everything behind it. What an output is,
// and when it leaves, its protocol knows.

/** Outputs that have left stay in the list until there are so many: moving the rest up costs as much as its length. */
const leftOutputs = 256;

/** What an output keeps while it waits. */
export interface OutputLoad {
  /** Octets, those of messages not counted. */
  readonly bytes: number;
  readonly messages: number;
}

export class OutputQueue<Output extends object> {
  readonly #leaves: (output: Output) => boolean;
  readonly #loadOf: (output: Output) => OutputLoad;
  #waiting: Output[] = [];
  #head = 0;
  #bytes = 0;
  #messages = 0;

  /** `leaves` sends an output, or answers false: it has to wait. `loadOf`: what it keeps meanwhile. */
  constructor(leaves: (output: Output) => boolean, loadOf: (output: Output) => OutputLoad) {
    this.#leaves = leaves;
    this.#loadOf = loadOf;
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

  /** Messages that wait, decided or not: each keeps a spool. */
  get messages(): number {
    return this.#messages;
  }

  push(output: Output): void {
    if (!this.blocked && this.#leaves(output)) return;
    this.#waiting.push(output);
    this.#load(output, 1);
  }

  /** Sends what waits for nothing any more. */
  flush(): void {
    while (this.blocked) {
      const output = this.#waiting[this.#head];
      if (!output || !this.#leaves(output)) break;
      this.#load(output, -1);
      this.#head++;
    }
    if (!this.blocked || this.#head > leftOutputs) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  #load(output: Output, sign: 1 | -1): void {
    const { bytes, messages } = this.#loadOf(output);
    this.#bytes += sign * bytes;
    this.#messages += sign * messages;
  }
}
