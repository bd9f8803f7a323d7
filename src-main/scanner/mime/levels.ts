// The multiparts that are open at a place in a message, and which of them a boundary line belongs to.

interface Level {
  readonly tokens: readonly string[];
  /** Its header names more than one boundary: mail programs disagree about which one counts. */
  readonly ambiguous: boolean;
  count: number;
}

export interface BoundaryMatch {
  readonly level: number;
  readonly ambiguous: boolean;
  readonly closing: boolean;
}

export class Levels {
  readonly #levels: Level[] = [];
  readonly #levelOf = new Map<string, number>();

  get depth(): number {
    return this.#levels.length;
  }

  push(tokens: readonly string[]): void {
    for (const token of tokens) this.#levelOf.set(token, this.#levels.length);
    this.#levels.push({ tokens, ambiguous: tokens.length > 1, count: 0 });
  }

  /** What a line `--token` is; undefined when no open multipart has that boundary. */
  match(token: string): BoundaryMatch | undefined {
    const exact = this.#levelOf.get(token);
    const level = exact ?? (token.endsWith('--') ? this.#levelOf.get(token.slice(0, -2)) : undefined);
    if (level === undefined) return undefined;
    return {
      level,
      ambiguous: this.#levels[level]?.ambiguous ?? false,
      closing: exact === undefined,
    };
  }

  /** Goes on in `level`: what was open inside it is over. */
  enter(match: BoundaryMatch): void {
    for (const ended of this.#levels.splice(match.level + 1)) {
      for (const token of ended.tokens)
        if ((this.#levelOf.get(token) ?? 0) > match.level) this.#levelOf.delete(token);
    }
    const level = this.#levels[match.level];
    if (level && !match.closing) level.count++;
  }

  /** Where we are, as IMAP numbers parts (RFC 9051 §6.4.5): `2.1`; `1` outside any multipart. */
  path(): string {
    const counts = this.#levels.map((level) => level.count);
    while (counts.at(-1) === 0) counts.pop();
    return counts.length === 0 ? '1' : counts.join('.');
  }
}
