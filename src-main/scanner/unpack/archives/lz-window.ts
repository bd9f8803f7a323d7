// The sliding window of small LZ77 formats: 4 KiB of what came last, beside all of it.

const windowBytes = 4_096;

/** Octets that one of input may give: a reference of two gives up to 18, and each flag is an eighth of an octet. */
const maxFactor = 9;

export class LzWindow {
  readonly #window: Buffer;
  readonly #output: Buffer;
  #written = 0;
  /** Where the next octet goes. */
  position: number;

  /**
   * @param initial what the window holds at first; the rest is `fill`
   * @param position where the first octet goes
   * @param maxBytes of output
   */
  constructor(initial: Buffer, fill: number, position: number, inputBytes: number, maxBytes: number) {
    this.#window = Buffer.alloc(windowBytes, fill);
    initial.copy(this.#window);
    this.#output = Buffer.allocUnsafe(Math.min(maxBytes, inputBytes * maxFactor));
    this.position = position;
  }

  get isFull(): boolean {
    return this.#written >= this.#output.length;
  }

  put(octet: number): void {
    this.#output[this.#written++] = octet;
    this.#window[this.position] = octet;
    this.position = (this.position + 1) % windowBytes;
  }

  /** Puts what stands from `from` on in the window, as far as there is room for it. */
  repeat(from: number, length: number): void {
    for (let done = 0; done < length && !this.isFull; done++)
      this.put(this.#window[(from + done) % windowBytes] as number);
  }

  output(): Buffer {
    return this.#output.subarray(0, this.#written);
  }
}
