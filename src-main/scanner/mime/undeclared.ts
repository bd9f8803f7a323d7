// Boundaries that no header names: lines that begin with two hyphens and may be one to somebody, since they come again.
// Rules and headings of a plain text are none.

/** Those that are remembered, each up to 250 octets. */
const maxTokens = 1_000;

/** Blanks begin no boundary (RFC 2046 §5.1.1 allows them within), and a rule of a text has no letter or digit. */
const tokenShape = /^[^\s].*[0-9A-Za-z]|^[0-9A-Za-z]/;

export class UndeclaredBoundaries {
  readonly #known = new Set<string>();

  /** Whether `token` came before; it is remembered. */
  isOne(token: string): boolean {
    if (!tokenShape.test(token)) return false;
    if (this.#known.has(token)) return true;
    if (this.#known.size < maxTokens) this.#known.add(token);
    return false;
  }
}
