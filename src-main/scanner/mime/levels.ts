// The multiparts that are open at a place in a message, and which of them a boundary line belongs to.
import type { Anomaly } from './anomalies.ts';
import { lineEnds } from './lines.ts';

interface Level {
  readonly tokens: readonly string[];
  /** Mail programs disagree about its boundary, or about whether it is a multipart. */
  readonly isAmbiguous: boolean;
  /** What ends its boundary lines, as the first one has it. */
  lineEnd: number;
  count: number;
  /** Its closing boundary came. */
  isClosed: boolean;
  /** A boundary that no open multipart has came instead of its own. */
  hasOther: boolean;
}

export interface BoundaryMatch {
  readonly level: number;
  /** Some mail programs take the line for text. */
  readonly isUncertain: boolean;
  readonly isClosing: boolean;
}

export class Levels {
  readonly #levels: Level[] = [];
  readonly #levelOf = new Map<string, number>();
  readonly #note: (anomaly: Anomaly) => void;

  constructor(note: (anomaly: Anomaly) => void) {
    this.#note = note;
  }

  get depth(): number {
    return this.#levels.length;
  }

  push(tokens: readonly string[], isAmbiguous: boolean): void {
    for (const token of tokens) this.#levelOf.set(token, this.#levels.length);
    const level = { lineEnd: lineEnds.none, count: 0, isClosed: false, hasOther: false };
    this.#levels.push({ tokens, isAmbiguous, ...level });
  }

  /** Whether a line `--token` is a boundary of an open multipart. */
  has(token: string): boolean {
    return this.#levelOf.has(token) || (token.endsWith('--') && this.#levelOf.has(token.slice(0, -2)));
  }

  /**
   * What a line `--token` is; undefined when no open multipart has that boundary.
   * @param isExact whether it is written as its header has it
   * @param before what ended the line before it
   * @param after what ends it
   */
  match(token: string, isExact: boolean, before: number, after: number): BoundaryMatch | undefined {
    const exact = this.#levelOf.get(token);
    const number = exact ?? (token.endsWith('--') ? this.#levelOf.get(token.slice(0, -2)) : undefined);
    const level = number === undefined ? undefined : this.#levels[number];
    if (number === undefined || !level) return undefined;
    const isFirst = level.lineEnd === lineEnds.none;
    if (isFirst) level.lineEnd = after;
    const isUsual =
      (isFirst || before === level.lineEnd) && (after === level.lineEnd || after === lineEnds.none);
    return {
      level: number,
      isUncertain: level.isAmbiguous || !isExact || !isUsual,
      isClosing: exact === undefined,
    };
  }

  /** Goes on in its level: what was open inside it is over. */
  enter(match: BoundaryMatch): void {
    for (const ended of this.#levels.splice(match.level + 1)) {
      this.#judge(ended);
      for (const token of ended.tokens)
        if ((this.#levelOf.get(token) ?? 0) > match.level) this.#levelOf.delete(token);
    }
    const level = this.#levels[match.level];
    if (!level) return;
    if (match.isClosing) level.isClosed = true;
    else level.count++;
  }

  /** A part begins at a boundary that no open multipart has. */
  other(): void {
    const level = this.#levels.at(-1);
    if (level) level.hasOther = true;
  }

  /** Something that a mail program may take for a part stands here, and no boundary before it. */
  data(): void {
    const level = this.#levels.at(-1);
    if (level?.isClosed) this.#note('data-after-last-part');
    else if (level?.count === 0) this.#note('data-before-first-part');
  }

  /** The message is over. */
  end(): void {
    for (const level of this.#levels) this.#judge(level);
  }

  /** Where we are, as IMAP numbers parts (RFC 9051 §6.4.5): `2.1`; `1` outside any multipart. */
  path(): string {
    const counts = this.#levels.map((level) => level.count);
    while (counts.at(-1) === 0) counts.pop();
    return counts.length === 0 ? '1' : counts.join('.');
  }

  #judge({ count, isClosed, hasOther }: Level): void {
    if (count > 0 && !isClosed) this.#note('unterminated-multipart');
    if (count === 0 && !isClosed && hasOther) this.#note('mismatched-boundary');
  }
}
