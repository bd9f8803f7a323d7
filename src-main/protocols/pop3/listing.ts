// A multi-line answer that is no message: its lines pass as they come, but those of CAPA and AUTH only as far as what
// they offer can pass through us, and those of a list only where they are of its kind: no message passes for one.
import { latin1 } from '../bytes.ts';
import { pop3LineBytes } from '../limits.ts';
import { filterAuthLines, filterCapaLine, SignInWays } from './capabilities.ts';

/** What is listed. */
export type ListFilter = 'capa' | 'auth' | keyof typeof lineOf;

/** RFC 1939 §5 scan listing and §7 unique-id listing, RFC 6856 §3.2 language listing. */
const lineOf = {
  sizes: /^[0-9]+[ \t]+[0-9]+[ \t]*$/,
  ids: /^[0-9]+[ \t]+[!-~]+[ \t]*$/,
  languages: /^[A-Za-z0-9*-]+([ \t].*)?$/,
} as const;

/** RFC 2449 §4 allows 512. */
const listedBytes = 1024;

export class Listing {
  readonly kind = 'lines';
  readonly ways = new SignInWays();
  readonly #filter: ListFilter;
  readonly #tls: boolean;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;

  constructor(filter: ListFilter, tls: boolean) {
    this.#filter = filter;
    this.#tls = tls;
  }

  /** What passes of a line at once, if anything does. */
  push(line: Uint8Array): Uint8Array | 'too-long' | undefined {
    switch (this.#filter) {
      case 'capa': {
        const shown = filterCapaLine(line, this.#tls);
        this.ways.take(line, shown);
        return shown;
      }
      case 'auth':
        // One of the lines may forbid another: they pass at the end.
        this.#kept.push(line);
        this.#keptBytes += line.length;
        // One line of CAPA says the same, and may not be longer.
        return this.#keptBytes > pop3LineBytes ? 'too-long' : undefined;
      default: {
        // The last line of a server that ends may have no end itself.
        const text = latin1(line, 0, Math.min(line.length, listedBytes + 1)).replace(/\r?\n$/, '');
        return text.length <= listedBytes && lineOf[this.#filter].test(text) ? line : undefined;
      }
    }
  }

  /** What passes when all lines are there, before the dot. */
  rest(): Uint8Array[] {
    return filterAuthLines(this.#kept);
  }
}
