// Messages that were fetched whole, kept for the next RETR or TOP of the same message (RFC 1939 §3: its number stands
// for it while the session lasts). What the client says decides, before the server has answered: a DELE forgets one,
// all that may change the maildrop forgets all.
import { octets } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { keptServings, keptWholes } from '../limits.ts';
import type { Messages } from '../messages.ts';
import type { LineCounter } from './multiline.ts';
import type { MessageOutput } from './output.ts';

/** A command that asks for a whole message, or for its beginning; one object for each time it is given. */
export type Wanted =
  /** `number` is undefined where servers may differ on which one it is. */
  | { readonly kind: 'message'; readonly number: number | undefined }
  | { readonly kind: 'top'; readonly number: number | undefined; readonly bodyLines: number };

/** What a command makes untrue of the messages kept: of one, or of all. */
export type Forgetting = number | 'all';

/** A message that has arrived whole. */
export interface Whole {
  readonly wanted: Wanted;
  readonly message: MessageId;
  /** The server's own line to RETR. */
  readonly status: Uint8Array;
  readonly lines: LineCounter;
  readonly terminator: Uint8Array;
}

/** The status line of a TOP: the server's own to RETR may tell the size of the whole. */
export const topStatus = octets('+OK\r\n');

export class KeptMessages {
  readonly #messages: Messages;
  /** By number, the one used last at the end. */
  readonly #kept = new Map<number, Whole & { servings: number }>();
  /** The last command for each number that the server has not answered yet. */
  readonly #expected = new Map<number, Wanted>();

  constructor(messages: Messages) {
    this.#messages = messages;
  }

  /** The answer to a command, where it can be had from here. It holds its message. */
  answer(wanted: Wanted): MessageOutput | undefined {
    const { number } = wanted;
    const found = number === undefined ? undefined : this.#kept.get(number);
    if (number === undefined || !found || this.#messages.state(found.message) !== 'deliver') return undefined;
    const { message, terminator, lines } = found;
    const to = wanted.kind === 'top' ? lines.end(wanted.bodyLines) : lines.size;
    if (to === undefined) return undefined;
    this.#messages.hold(message);
    this.#kept.delete(number);
    if (--found.servings > 0) this.#kept.set(number, found);
    else this.#messages.letGo(message);
    const status = wanted.kind === 'top' ? topStatus : found.status;
    return { kind: 'message', message, status, to, terminator, early: undefined };
  }

  /** A command goes to the server: what comes for it will be kept. */
  expect(wanted: Wanted): void {
    if (wanted.number !== undefined) this.#expected.set(wanted.number, wanted);
  }

  /** The server has answered it with a message. */
  keep(whole: Whole): void {
    const { number } = whole.wanted;
    if (number === undefined || this.#expected.get(number) !== whole.wanted) return;
    this.forget(number);
    this.#messages.hold(whole.message);
    this.#kept.set(number, { ...whole, servings: keptServings });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptWholes) break;
      this.#drop(oldest);
    }
  }

  /** The server has answered it with an error. */
  declined({ number }: Wanted): void {
    if (number !== undefined) this.forget(number);
  }

  forget(what: Forgetting): void {
    if (what === 'all') {
      this.#expected.clear();
      for (const number of this.#kept.keys()) this.#drop(number);
    } else {
      this.#expected.delete(what);
      this.#drop(what);
    }
  }

  /** A message was refused: it is of no use to anyone. */
  refused(message: MessageId): void {
    for (const [number, kept] of this.#kept) if (kept.message === message) this.#drop(number);
  }

  #drop(number: number): void {
    const kept = this.#kept.get(number);
    if (!kept) return;
    this.#kept.delete(number);
    this.#messages.letGo(kept.message);
  }
}
