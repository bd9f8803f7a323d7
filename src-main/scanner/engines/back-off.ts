// How long to leave a server alone that did not answer: longer each time, and not in step with anybody else.

/** The first wait: a restart of clamd takes about as long. */
const firstMs = 500;

/** The longest: what comes back is in use again within half a minute. */
const longestMs = 30_000;

export class BackOff {
  readonly #random: () => number;
  #failures = 0;

  /** `random`: from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** It failed once more: milliseconds until the next try, the upper half of them by chance. */
  next(): number {
    const fullMs = Math.min(longestMs, firstMs * 2 ** this.#failures);
    if (fullMs < longestMs) this.#failures++;
    return (fullMs / 2) * (1 + this.#random());
  }

  /** It answered. */
  reset(): void {
    this.#failures = 0;
  }
}
