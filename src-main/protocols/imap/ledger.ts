// The commands that the server has still to answer, the client's and our own, and which of them a response with
// content belongs to: dovecot sends data of later commands before the tagged answers of earlier ones.
import type { FetchRequest } from './fetch-items.ts';
import { setHolds } from './number-set.ts';

export interface Command {
  readonly tag: string;
  /** In upper case, `UID FETCH` in two words. */
  readonly name: string;
  readonly fetch?: FetchRequest | undefined;
  /** Ours: its tagged answer is kept from the client. */
  readonly own: boolean;
  /** The command of the client that a refused message fails: itself, or the one that we work for. */
  readonly failing: Failing;
  /** IDLE: `+` has come. */
  continued: boolean;
  /** IDLE: DONE was sent. */
  done: boolean;
  /** IDLE: something else than DONE had come. */
  spoiled: boolean;
  /** Messages (UIDs of UID FETCH, else sequence numbers) whose content has come. */
  readonly answered: Set<number>;
}

export interface Failing {
  /** A message of its answer was left out: its tagged OK must become a NO. */
  failed: boolean;
}

interface ContentAnswer {
  readonly number: number;
  readonly uid: number | undefined;
  readonly keys: readonly string[];
}

export function newCommand(
  tag: string,
  name: string,
  options: { fetch?: FetchRequest | undefined; own?: boolean; failing?: Failing } = {},
): Command {
  const { fetch, own = false, failing = { failed: false } } = options;
  return {
    tag,
    name,
    fetch,
    own,
    failing,
    continued: false,
    done: false,
    spoiled: false,
    answered: new Set(),
  };
}

export class Ledger {
  /** In the order sent. A tag may be there twice: each tagged answer completes the older one. */
  readonly #outstanding = new Set<Command>();
  readonly #byTag = new Map<string, Command[]>();

  get size(): number {
    return this.#outstanding.size;
  }

  add(command: Command): void {
    this.#outstanding.add(command);
    const same = this.#byTag.get(command.tag);
    if (same) same.push(command);
    else this.#byTag.set(command.tag, [command]);
  }

  has(command: Command): boolean {
    return this.#outstanding.has(command);
  }

  /** The command that a tagged answer completes; undefined for a tag that nobody sent. */
  complete(tag: string): Command | undefined {
    const same = this.#byTag.get(tag);
    const command = same?.shift();
    if (!command) return undefined;
    if (same?.length === 0) this.#byTag.delete(tag);
    this.#outstanding.delete(command);
    return command;
  }

  /** The IDLE that a DONE would end. */
  idle(): Command | undefined {
    return this.#find((command) => command.name === 'IDLE' && !command.done);
  }

  /** The IDLE that the next continuation request belongs to; its DONE may have been sent already. */
  idleToContinue(): Command | undefined {
    return this.#find((command) => command.name === 'IDLE' && !command.continued);
  }

  #find(wanted: (command: Command) => boolean): Command | undefined {
    for (const command of this.#outstanding) if (wanted(command)) return command;
    return undefined;
  }

  /** The FETCH that a response with content most probably answers, and marks it as answered. */
  ownerOf(answer: ContentAnswer): Command | undefined {
    let again: Command | undefined;
    let vague: Command | undefined;
    for (const command of this.#outstanding) {
      const { fetch } = command;
      if (!fetch || !answer.keys.every((key) => fetch.keys.has(key))) continue;
      const number = fetch.uid ? answer.uid : answer.number;
      if (number === undefined || !setHolds(fetch.set, number)) {
        if (number === undefined || fetch.set.vague) vague ??= command;
      } else if (command.answered.has(number)) again ??= command;
      else {
        command.answered.add(number);
        return command;
      }
    }
    return again ?? vague;
  }

  clear(): void {
    this.#outstanding.clear();
    this.#byTag.clear();
  }
}
