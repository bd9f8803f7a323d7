// One FETCH of the client that names pieces: the messages are fetched whole first, by PEEK and in the client's own
// form, and when all are judged its own command goes on, with what can be answered out of the wholes taken out of it.
// Many messages are done in batches. Until it is over nothing else of the client goes to the server, so that sequence
// numbers stay and every answer can be told.

import { joinBytes, octets } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { keptWholes, pieceBatch } from '../limits.ts';
import type { MessageMeasure } from '../message-measure.ts';
import type { Messages } from '../messages.ts';
import type { FetchRequest } from './fetch-items.ts';
import { type Command, newCommand } from './ledger.ts';
import { listNumbers, setHolds } from './number-set.ts';
import { type Segment, unavailable } from './output.ts';
import type { ServerResponse } from './response-parser.ts';
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

type FetchResponse = ServerResponse & { readonly kind: 'fetch' };

/** Every command of the client has its tagged answer before one of ours is sent, so no tag of his can be meant. */
const ownTag = 'PSTN';

export function isOwnTag(tag: string): boolean {
  return tag.startsWith(ownTag);
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
  /** The client's command names just the messages that it named: no batches, and nothing is left out. */
  #unchanged = true;
  #substitution: Substitution | undefined;
  /** Of answers that wait or have left, with the number in the client's form that each is of. */
  readonly #probes: { readonly probe: MessageId; readonly value: number | undefined }[] = [];
  /** Numbers whose answers were withheld; undefined: it is not known which. */
  readonly #withheld = new Set<number | undefined>();
  #answers = 0;
  /** The tagged answer to the client's command. */
  #answer: { readonly line: Uint8Array; readonly ok: boolean } | undefined;
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

  #valueOf({ uid, number }: FetchResponse): number | undefined {
    return this.#asked.fetch.uid ? uid : number;
  }

  /** Goes on if what it waits for has come. */
  advance(): void {
    if (this.#phase === 'verdicts') this.#judge();
    if (this.#phase === 'probes') this.#conclude();
    if (this.#phase !== 'drain' || !this.#port.idle()) return;
    const numbers = listNumbers(this.#asked.fetch.set, pieceBatch);
    if (numbers) {
      this.#todo = numbers;
      this.#nextBatch();
      return;
    }
    this.#phase = 'list';
    this.#sendOwn(this.#asked.fetch.setText, ' (UID)');
  }

  /** Takes the tagged answer of a command that this run sent. */
  answered(ok: boolean, line: Uint8Array): void {
    switch (this.#phase) {
      case 'list':
        this.#todo = [...this.#listed].sort((a, b) => a - b);
        if (this.#todo.length > pieceBatch) this.#unchanged = false;
        if (this.#todo.length === 0) this.#ask([]);
        else this.#nextBatch();
        return;
      case 'wholes':
        this.#phase = 'verdicts';
        this.#judge();
        return;
      case 'ask':
        this.#phase = 'probes';
        this.#answer = { line, ok };
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
    const { set } = this.#asked.fetch;
    const value = this.#valueOf(response);
    const ours = items.some((item) => item.role === 'whole') || items.every((item) => item.key === 'UID');
    if (!this.captures || !split || (!ours && parts.messages.length > 0)) return undefined;
    if (this.#phase === 'list' && value !== undefined && (set.vague || setHolds(set, value))) {
      this.#listed.add(value);
    }
    if (!ours) return undefined;
    for (const message of parts.messages) {
      const measure = measureOf(message);
      if (message === parts.whole && measure) {
        const { sizeBytes, bodyAt } = measure;
        this.#wholes.add({ message, sequence: number, uid, sizeBytes, bodyAt });
      } else this.#messages.letGo(message);
    }
    const rest = items.flatMap((item, index) => {
      const segments = parts.segments.filter((segment) => segment.item === index);
      return item.role === 'whole' || segments.some((s) => s.kind === 'message') ? [] : [{ item, segments }];
    });
    if (rest.every(({ item }) => item.key === 'UID')) return new Uint8Array(0);
    const list = rest.flatMap(({ segments }, index) => [
      octets(index === 0 ? '' : ' '),
      ...segments.flatMap((segment: Segment) => (segment.kind === 'bytes' ? [segment.bytes] : [])),
    ]);
    return joinBytes([octets(`* ${number} FETCH (`), ...list, octets(')\r\n')]);
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
    if (missing.length > 0) {
      this.#phase = 'wholes';
      this.#sendOwn(missing.join(','), ' (UID BODY.PEEK[])');
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
    if (refused.length > 0) {
      this.#unchanged = false;
      this.#asked.command.failing.failed = true;
    }
    this.#ask(states.filter(({ state }) => state !== 'refuse').map(({ value }) => value));
  }

  /** Asks what the client asked, of the messages of the batch that may leave. */
  #ask(values: readonly number[]): void {
    this.#values = values;
    this.#answer = undefined;
    this.#answers = 0;
    this.#phase = 'ask';
    const { command, fetch } = this.#asked;
    const tail = this.#substitution?.tail ?? fetch.tail;
    const keys = this.#substitution?.keys ?? fetch.keys;
    if (this.#unchanged) this.#sendAs(command.tag, fetch.setText, tail, keys);
    else if (values.length === 0) this.#next();
    else this.#sendAs(this.#isLast ? command.tag : this.#ownTag(), values.join(','), tail, keys);
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
    const { ok } = this.#answer ?? { ok: false };
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

  #next(): void {
    if (!this.#isLast) {
      this.#nextBatch();
      return;
    }
    const answer = this.#answer;
    if (answer) this.#port.reply(answer.line, answer.ok);
    else this.#port.reply(unavailable(this.#asked.command.tag), false);
    this.#port.finished();
  }
}
