// Whole messages that we fetched for pieces of them, by UID and by sequence number, while the mailbox stays selected.
// EXPUNGE and VANISHED move the numbers (RFC 9051 §7.5.1, RFC 7162 §3.2.10).
import type { MessageId } from '../engine.ts';
import { countBelow, type NumberSet, setHolds } from './number-set.ts';

export interface KeptWhole {
  readonly message: MessageId;
  readonly uid: number | undefined;
  readonly sizeBytes: number;
  /** Where its body begins. */
  readonly bodyAt: number;
  /** 0 once the number is not known any more. */
  sequence: number;
}

export class SequenceMap {
  readonly #letGo: (message: MessageId) => void;
  /** The one used last stands last. */
  #kept: KeptWhole[] = [];

  constructor(letGo: (message: MessageId) => void) {
    this.#letGo = letGo;
  }

  get size(): number {
    return this.#kept.length;
  }

  add(whole: KeptWhole): void {
    const { sequence, uid } = whole;
    this.#remove((kept) => kept.sequence === sequence || (uid !== undefined && kept.uid === uid));
    this.#kept.push(whole);
  }

  byUid(uid: number): KeptWhole | undefined {
    return this.#used(this.#kept.find((kept) => kept.uid === uid));
  }

  bySequence(sequence: number): KeptWhole | undefined {
    return this.#used(this.#kept.find((kept) => sequence > 0 && kept.sequence === sequence));
  }

  /** Lets go of one of them. */
  forget(message: MessageId): void {
    this.#remove((kept) => kept.message === message);
  }

  /** Keeps the `count` that were used last. */
  trim(count: number): void {
    const surplus = new Set(this.#kept.slice(0, Math.max(0, this.#kept.length - count)));
    this.#remove((kept) => surplus.has(kept));
  }

  expunged(sequence: number): void {
    this.#remove((kept) => kept.sequence === sequence);
    for (const kept of this.#kept) if (kept.sequence > sequence) kept.sequence--;
  }

  vanished(uids: NumberSet): void {
    this.#remove((kept) => kept.uid !== undefined && setHolds(uids, kept.uid));
    for (const kept of this.#kept) {
      const gone = kept.uid === undefined ? kept.sequence : countBelow(uids, kept.uid);
      kept.sequence = Math.max(0, kept.sequence - gone);
    }
  }

  #used(found: KeptWhole | undefined): KeptWhole | undefined {
    if (found && this.#kept.at(-1) !== found) {
      this.#kept = [...this.#kept.filter((kept) => kept !== found), found];
    }
    return found;
  }

  #remove(unwanted: (kept: KeptWhole) => boolean): void {
    const removed = this.#kept.filter(unwanted);
    if (removed.length === 0) return;
    this.#kept = this.#kept.filter((kept) => !removed.includes(kept));
    for (const { message } of removed) this.#letGo(message);
  }
}
