// One FETCH of the client that names pieces: the messages are fetched whole first, by PEEK and in the client's own
// form, and when all are judged its own command goes on, with what can be answered out of the wholes taken out of it.
// Many messages are done in batches. Until it is over nothing else of the client goes to the server, so that sequence
// numbers stay and every answer can be told.

import { latin1, octets } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { keptWholes, pieceBatch } from '../limits.ts';
import type { MessageMeasure } from '../message-measure.ts';
import type { Messages } from '../messages.ts';
import type { FetchRequest } from './fetch-items.ts';
import { type Command, newCommand } from './ledger.ts';
import { formatNumbers, listNumbers } from './number-set.ts';
import { unavailable } from './output.ts';
import { type FetchResponse, withoutContent } from './response-parser.ts';
import type { KeptWhole, SequenceMap } from './sequence-map.ts';
import { type Substitute, type Substitution, substitutionFor } from './substitutes.ts';

interface RunPort {
  /** Whether the server has answered everything. */
  idle(): boolean;
  /** Sends a command and awaits its tagged answer. */
  send(command: Command, bytes: Uint8Array): void;
  /** The tagged answer to the client, in order. */
  reply(line: Uint8Array, ok: boolean): void;
  /** The run is over. */
  finished(): void;
}

interface PieceCommand {
  readonly command: Command;
  readonly fetch: FetchRequest;
}

/** Every command of the client has its tagged answer before one of ours is sent, so no tag of his can be meant. */
const ownTag = 'PSTN';

export function isOwnTag(tag: string): boolean {
  return tag.startsWith(ownTag);
}

/** The code that a session with QRESYNC waits for (RFC 7162 §3.2.7); it may stand in an answer to us. */
const modSeqCode = /^\S+ OK (\[HIGHESTMODSEQ [0-9]+\]) /i;

interface TaggedAnswer {
  readonly line: Uint8Array;
  readonly ok: boolean;
}

export class PieceRun {
  readonly #asked: PieceCommand;
  readonly #messages: Messages;
  readonly #wholes: SequenceMap;
  readonly #port: RunPort;
  #phase: 'drain' | 'list' | 'wholes' | 'verdicts' | 'ask' | 'probes' = 'drain';
  /** Numbers in the client's form that are still to be done, and those that are done now. */
  #todo: number[] = [];
  readonly #listed = new Set<number>();
  #batch: number[] = [];
  /** Of the batch: what the client's command names now. */
  #values: readonly number[] = [];
  /** The client's set goes to the server as it was written. */
  #unchanged = true;
  #substitution: Substitution | undefined;
  /** Of answers that wait or have left, with the number in the client's form that each is of. */
  readonly #probes: { readonly probe: MessageId; readonly value: number | undefined }[] = [];
  /** Numbers whose answers were withheld; undefined: it is not known which. */
  readonly #withheld = new Set<number | undefined>();
  #answers = 0;
  /** The last tagged answer; it becomes the client's. */
  #answer: TaggedAnswer | undefined;
  #modSeqCode: string | undefined;
  #tags = 0;

  constructor(asked: PieceCommand, messages: Messages, wholes: SequenceMap, port: RunPort) {
    this.#asked = asked;
    this.#messages = messages;
    this.#wholes = wholes;
    this.#port = port;
    this.#substitution = substitutionFor(asked.fetch);
  }

  /** Whether answers that come now are for us. */
  get captures(): boolean {
    return this.#phase === 'list' || this.#phase === 'wholes';
  }

  /** Whether parts of an answer may have to be left out. */
  get splitsItems(): boolean {
    return this.captures || (this.#phase === 'ask' && this.#substitution !== undefined);
  }

  /** Whether the client waits for our own doings. */
  get works(): boolean {
    return this.#phase !== 'drain';
  }

  /** What an item of an answer stands for, if not for itself. */
  substituteFor(key: string): Substitute | undefined {
    return this.#phase === 'ask' ? this.#substitution?.byKey.get(key) : undefined;
  }

  /** Takes note of an answer that goes on; it is withheld where one of its probes is refused. */
  passed(answer: FetchResponse): void {
    if (this.#phase !== 'ask') return;
    this.#answers++;
    const value = this.#valueOf(answer);
    for (const probe of answer.parts.probes) {
      this.#messages.hold(probe);
      this.#probes.push({ probe, value });
    }
  }

  /** An answer was withheld: it was not what it had to be. */
  withheld(answer: FetchResponse): void {
    this.#withheld.add(this.#valueOf(answer));
  }

  /** Goes on if what it waits for has come. */
  advance(): void {
    if (this.#phase === 'verdicts') this.#judge();
    if (this.#phase === 'probes') this.#conclude();
    if (this.#phase !== 'drain' || !this.#port.idle()) return;
    const { set, setText, modifiers } = this.#asked.fetch;
    const numbers = modifiers === '' ? listNumbers(set, pieceBatch) : undefined;
    if (numbers) {
      this.#todo = numbers;
      this.#nextBatch();
      return;
    }
    // Only the server knows what is in it, or has changed since; and it tells what has vanished.
    this.#unchanged = false;
    this.#phase = 'list';
    this.#sendOwn(setText, ` (UID)${modifiers}`);
  }

  /** Takes the tagged answer of a command that this run sent. */
  answered(ok: boolean, line: Uint8Array): void {
    this.#answer = { line, ok };
    this.#modSeqCode = modSeqCode.exec(latin1(line, 0, Math.min(line.length, 128)))?.[1] ?? this.#modSeqCode;
    switch (this.#phase) {
      case 'list':
        this.#todo = ok ? [...this.#listed].sort((a, b) => a - b) : [];
        this.#next();
        return;
      case 'wholes':
        this.#phase = 'verdicts';
        this.#judge();
        return;
      case 'ask':
        this.#phase = 'probes';
        this.#conclude();
        return;
      default:
        return;
    }
  }

  /** Takes a response that answers us; returns what of it is the client's, or undefined where it isn't ours. */
  capture(
    response: FetchResponse,
    measureOf: (message: MessageId) => MessageMeasure | undefined,
  ): Uint8Array | undefined {
    const { items, number, uid, parts, split } = response;
    if (!this.captures || !split) return undefined;
    if (this.#phase === 'list') {
      // News of other messages have FLAGS.
      if (uid === undefined || items.some(({ key }) => key !== 'UID' && key !== 'MODSEQ')) return undefined;
      this.#listed.add(this.#valueOf(response) ?? number);
      return new Uint8Array(0);
    }
    if (!items.some(({ role }) => role === 'whole') && items.some(({ key }) => key !== 'UID'))
      return undefined;
    for (const message of parts.messages) {
      const measure = measureOf(message);
      if (message === parts.whole && measure) {
        const { sizeBytes, bodyAt } = measure;
        this.#wholes.add({ message, sequence: number, uid, sizeBytes, bodyAt });
      } else this.#messages.letGo(message);
    }
    return withoutContent(response);
  }

  #valueOf({ uid, number }: FetchResponse): number | undefined {
    return this.#asked.fetch.uid ? uid : number;
  }

  #kept(value: number): KeptWhole | undefined {
    return this.#asked.fetch.uid ? this.#wholes.byUid(value) : this.#wholes.bySequence(value);
  }

  #ownTag(): string {
    return `${ownTag}${++this.#tags}`;
  }

  #sendOwn(set: string, tail: string): void {
    this.#sendAs(this.#ownTag(), set, tail, undefined);
  }

  /** `keys`: of the items that are the client's. Its tagged answer comes to `answered` in any case. */
  #sendAs(tag: string, set: string, tail: string, keys: ReadonlySet<string> | undefined): void {
    const { fetch } = this.#asked;
    const { name, failing } = this.#asked.command;
    const asked = keys && { ...fetch, keys };
    this.#port.send(
      newCommand(tag, name, { own: true, failing, fetch: asked }),
      octets(`${tag} ${name} ${set}${tail}\r\n`),
    );
  }

  #nextBatch(): void {
    this.#batch = this.#todo.splice(0, pieceBatch);
    const missing = this.#batch.filter((value) => !this.#kept(value));
    this.#answer = undefined;
    if (missing.length > 0) {
      this.#phase = 'wholes';
      this.#sendOwn(formatNumbers(missing), ' (UID BODY.PEEK[])');
    } else {
      this.#phase = 'verdicts';
      this.#judge();
    }
  }

  /** When all of the batch are decided: those that must not leave are left out. */
  #judge(): void {
    const states = this.#batch.map((value) => {
      const kept = this.#kept(value);
      return { value, kept, state: kept && this.#messages.state(kept.message) };
    });
    if (states.some(({ state }) => state === 'held' || state === 'arriving')) return;
    const refused = states.filter(({ state }) => state === 'refuse');
    for (const { kept } of refused) if (kept) this.#wholes.forget(kept.message);
    if (refused.length > 0) this.#asked.command.failing.failed = true;
    // A UID that is not there is no error (RFC 9051 §6.4.9), and may be there a moment later.
    const isGone = ({ kept }: { kept: KeptWhole | undefined }) =>
      !kept && this.#asked.fetch.uid && this.#answer?.ok === true;
    const asked = states.filter((one) => one.state !== 'refuse' && !isGone(one)).map(({ value }) => value);
    if (asked.length < states.length) this.#unchanged = false;
    if (asked.length > 0) this.#ask(asked);
    else this.#next();
  }

  /** Asks what the client asked, of the messages of the batch that may leave. */
  #ask(values: readonly number[]): void {
    this.#values = values;
    this.#answers = 0;
    this.#phase = 'ask';
    const { command, fetch } = this.#asked;
    const { items, keys } = this.#substitution ?? { items: fetch.itemsText, keys: fetch.keys };
    // What has vanished was told when the messages were listed.
    const modifiers = fetch.modifiers.replace(/ VANISHED(?=[ )])/i, '');
    const set = this.#unchanged ? fetch.setText : formatNumbers(values);
    this.#sendAs(this.#isLast ? command.tag : this.#ownTag(), set, items + modifiers, keys);
  }

  get #isLast(): boolean {
    return this.#todo.length === 0;
  }

  /** When all probes are decided: where the server meant something else, the client's items go to it as they are. */
  #conclude(): void {
    const states = this.#probes.map(({ probe }) => this.#messages.state(probe));
    if (states.some((state) => state === 'held' || state === 'arriving')) return;
    for (const { probe, value } of this.#probes.splice(0)) {
      if (this.#messages.state(probe) === 'refuse') this.#withheld.add(value);
      this.#messages.letGo(probe);
    }
    const { failing } = this.#asked.command;
    const ok = this.#answer?.ok === true;
    if (this.#substitution && (this.#withheld.size > 0 || (!ok && this.#answers === 0))) {
      this.#askAgain();
      return;
    }
    this.#wholes.trim(keptWholes);
    if (!this.#isLast && !ok) failing.failed = true;
    this.#next();
  }

  #askAgain(): void {
    this.#substitution = undefined;
    const values = [...this.#withheld].filter((value) => value !== undefined);
    const isKnown = values.length > 0 && values.length === this.#withheld.size;
    this.#withheld.clear();
    // What has left already is not asked for twice.
    if (isKnown && values.length < this.#values.length) this.#unchanged = false;
    this.#ask(isKnown ? values : this.#values);
  }

  #withModSeq(words: string): string {
    const code = this.#modSeqCode;
    if (code === undefined || modSeqCode.test(words)) return words;
    // There is room for one code.
    return / OK \[/i.test(words)
      ? `* OK ${code} Highest\r\n${words}`
      : words.replace(/ OK /i, ` OK ${code} `);
  }

  #next(): void {
    if (!this.#isLast) {
      this.#nextBatch();
      return;
    }
    const { tag } = this.#asked.command;
    const { line, ok } = this.#answer ?? { line: unavailable(tag), ok: false };
    // The words of whichever answer was the last, under the client's tag.
    const words = latin1(line).replace(/^\S+/, tag);
    this.#port.reply(octets(ok ? this.#withModSeq(words) : words), ok);
    this.#port.finished();
  }
}
