// A multi-line answer that is no message: its lines pass as they come, but those of CAPA and AUTH only as far as what
// they offer can pass through us.
import { pop3LineBytes } from '../limits.ts';
import { filterAuthLines, filterCapaLine, SignInWays } from './capabilities.ts';

/** What is taken out of a list. */
export type ListFilter = 'capa' | 'auth' | undefined;

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
      default:
        return line;
    }
  }

  /** What passes when all lines are there, before the dot. */
  rest(): Uint8Array[] {
    return filterAuthLines(this.#kept);
  }
}
