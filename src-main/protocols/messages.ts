// The book of messages that are open on one connection: what was decided on each, and who still needs it. The last
// one that lets go of a message drops its spool.
import type { EngineAction, Extent, MessageId, Release } from './engine.ts';

/** What is known of a message when it begins to arrive, see `message-start`. */
export type MessageAbout = Omit<
  Extract<EngineAction, { kind: 'message-start' }>,
  'kind' | 'message' | 'extent'
>;

type MessageState = 'arriving' | 'held' | Release;

interface OpenMessage {
  state: MessageState;
  holders: number;
  readonly pieceOf: MessageId | undefined;
}

export class Messages {
  readonly #emit: (action: EngineAction) => void;
  readonly #open = new Map<MessageId, OpenMessage>();
  #last = 0;
  #held = 0;

  constructor(emit: (action: EngineAction) => void) {
    this.#emit = emit;
  }

  /** Messages that are complete and wait for their release. */
  get held(): number {
    return this.#held;
  }

  /** Starts a message that has one holder. A part holds the whole that it should lie in. */
  start(extent: Extent, about: MessageAbout = {}): MessageId {
    const { pieceOf, ...others } = about;
    const message = ++this.#last;
    const whole = pieceOf === undefined ? undefined : this.#open.get(pieceOf);
    if (whole) whole.holders++;
    this.#open.set(message, { state: 'arriving', holders: 1, pieceOf: whole && pieceOf });
    this.#emit({ kind: 'message-start', message, extent, ...(whole ? { pieceOf } : {}), ...others });
    return message;
  }

  /** Octets of one that was refused while it arrived go nowhere. */
  data(message: MessageId, bytes: Uint8Array): void {
    if (this.#open.get(message)?.state !== 'arriving') return;
    this.#emit({ kind: 'message-data', message, bytes });
  }

  end(message: MessageId): void {
    const found = this.#open.get(message);
    if (found?.state !== 'arriving') return;
    found.state = 'held';
    this.#held++;
    this.#emit({ kind: 'message-end', message });
  }

  /** Takes a decision; false for a message that is gone or decided. */
  release(message: MessageId, release: Release): boolean {
    const found = this.#open.get(message);
    if (!found || (found.state !== 'held' && !(found.state === 'arriving' && release === 'refuse')))
      return false;
    if (found.state === 'held') this.#held--;
    found.state = release;
    return true;
  }

  /** `undefined` once it is dropped. */
  state(message: MessageId): MessageState | undefined {
    return this.#open.get(message)?.state;
  }

  /** One holder more. */
  hold(message: MessageId): void {
    const found = this.#open.get(message);
    if (found) found.holders++;
  }

  /** One holder needs it no more. */
  letGo(message: MessageId): void {
    const found = this.#open.get(message);
    if (!found || --found.holders > 0) return;
    if (found.state === 'held') this.#held--;
    this.#open.delete(message);
    this.#emit({ kind: 'message-drop', message });
    if (found.pieceOf !== undefined) this.letGo(found.pieceOf);
  }
}
