// The mailbox that is selected: which messages of it we have whole, and what the server calls them.
import { latin1 } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { imapLineBytes } from '../limits.ts';
import { argumentsOf, type CommandLine, selects } from './commands.ts';
import { parseNumberSet } from './number-set.ts';
import { type KeptWhole, SequenceMap } from './sequence-map.ts';

/** Of the answers to SELECT and EXAMINE (RFC 9051 §7.1, RFC 4315 §3). */
const uidValidity = /^\* OK \[UIDVALIDITY ([0-9]+)\]/i;
const notSticky = /^\* [A-Z]+ \[UIDNOTSTICKY\]/i;
const codeOctets = 64;

export class SelectedMailbox {
  readonly wholes: SequenceMap;
  /** Arguments of the SELECT or EXAMINE; undefined where they are not known as they are. */
  #name: string | undefined;
  #validity: string | undefined;
  /** UIDs stay what they are when the mailbox is left. */
  #isSticky = true;

  /** `letGo`: a whole is needed no more. */
  constructor(letGo: (message: MessageId) => void) {
    this.wholes = new SequenceMap(letGo);
  }

  /** Takes a command behind which numbers and UIDs may mean other messages. */
  leave(command: CommandLine, line: Uint8Array): void {
    this.wholes.trim(0);
    this.#name = selects(command.name) && !command.literal ? argumentsOf(line, command) : undefined;
    this.#validity = undefined;
    this.#isSticky = true;
  }

  /** Takes a status line of the server. */
  status(line: Uint8Array): void {
    const head = latin1(line, 0, Math.min(line.length, codeOctets));
    if (notSticky.test(head)) this.#isSticky = false;
    this.#validity = uidValidity.exec(head)?.[1] ?? this.#validity;
  }

  /** Takes `* number word rest`; whether a message may be gone for it. */
  data(word: string, number: number, rest: string): boolean {
    if (word === 'EXPUNGE') this.wholes.expunged(number);
    else if (word !== 'VANISHED') return false;
    else if (this.wholes.size > 0 && !/^\(EARLIER\) /i.test(rest)) {
      const uids = rest.length <= imapLineBytes ? parseNumberSet(rest) : undefined;
      if (uids) this.wholes.vanished(uids);
      else this.wholes.trim(0);
    }
    return true;
  }

  /** RFC 9051 §2.3.1.1: mailbox, UIDVALIDITY and UID stand for the same octets for ever. */
  identityOf(uid: number | undefined): string | undefined {
    const isKnown = uid !== undefined && this.#name !== undefined && this.#validity !== undefined;
    if (!isKnown || !this.#isSticky) return undefined;
    return [this.#name, this.#validity, uid].join(' ');
  }

  /** The whole that a response with this number (and UID, if it has told it) is of. */
  wholeOf(number: number, uid: number | undefined): KeptWhole | undefined {
    if (number === 0) return undefined;
    const kept = (uid === undefined ? undefined : this.wholes.byUid(uid)) ?? this.wholes.bySequence(number);
    const isAnother = uid !== undefined && kept?.uid !== undefined && kept.uid !== uid;
    return isAnother ? undefined : kept;
  }
}
