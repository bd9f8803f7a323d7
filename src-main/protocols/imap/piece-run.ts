// One FETCH of the client that names pieces: the messages are fetched whole first, by PEEK and in the client's own
// form, and when all are judged its own command goes on. Many messages are done in batches. Until it is over nothing
// else of the client goes to the server, so that sequence numbers stay and every answer can be told.

import { joinBytes, octets } from '../bytes.ts';
import { keptWholes, pieceBatch } from '../limits.ts';
import type { Messages } from '../messages.ts';
import type { FetchRequest } from './fetch-items.ts';
import { type Command, newCommand } from './ledger.ts';
import { listNumbers, setHolds } from './number-set.ts';
import { type Segment, unavailable } from './output.ts';
import type { ServerResponse } from './response-parser.ts';
import type { KeptWhole, SequenceMap } from './sequence-map.ts';

interface RunPort {
  /** Whether the server has answered everything. */
  idle(): boolean;
  /** Sends a command and awaits its tagged answer. */
  send(command: Command, bytes: Uint8Array): void;
  /** To the client, in order. */
  reply(bytes: Uint8Array): void;
  /** The run is over. */
  finished(): void;
}

interface PieceCommand {
  readonly command: Command;
  readonly fetch: FetchRequest;
  readonly line: Uint8Array;
}

type FetchResponse = ServerResponse & { readonly kind: 'fetch' };

/** Every command of the client has its tagged answer before one of ours is sent, so no tag of his can be meant. */
const ownTag = 'PSTN';

export class PieceRun {
  readonly #asked: PieceCommand;
  readonly #messages: Messages;
  readonly #wholes: SequenceMap;
  readonly #port: RunPort;
  #phase: 'drain' | 'list' | 'wholes' | 'verdicts' | 'ask' = 'drain';
  /** Numbers in the client's form that are still to be done, and those that are done now. */
  #todo: number[] = [];
  readonly #listed = new Set<number>();
  #batch: number[] = [];
  /** The client's command goes on as it came: no batches, and nothing is left out. */
  #unchanged = true;
  #tags = 0;

  constructor(asked: PieceCommand, messages: Messages, wholes: SequenceMap, port: RunPort) {
    this.#asked = asked;
    this.#messages = messages;
    this.#wholes = wholes;
    this.#port = port;
  }

  /** Whether answers that come now are for us. */
  get captures(): boolean {
    return this.#phase === 'list' || this.#phase === 'wholes';
  }

  /** Whether the client waits for our own doings. */
  get works(): boolean {
    return this.#phase !== 'drain';
  }

  /** Goes on if what it waits for has come. */
  advance(): void {
    if (this.#phase === 'verdicts') this.#judge();
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
  answered(command: Command, ok: boolean): void {
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
        this.#wholes.trim(keptWholes);
        if (!command.own) {
          this.#port.finished();
          return;
        }
        if (!ok) command.failing.failed = true;
        this.#nextBatch();
        return;
      default:
        return;
    }
  }

  /** Takes a response that answers us; returns what of it is the client's, or undefined where it isn't ours. */
  capture(response: FetchResponse): Uint8Array | undefined {
    const { items, number, uid, parts, split } = response;
    const ours = items.some((item) => item.role === 'whole') || items.every((item) => item.key === 'UID');
    if (!this.captures || !split || (!ours && parts.messages.length > 0)) return undefined;
    const { uid: byUid, set } = this.#asked.fetch;
    const value = byUid ? uid : number;
    if (this.#phase === 'list' && value !== undefined && (set.vague || setHolds(set, value))) {
      this.#listed.add(value);
    }
    if (!ours) return undefined;
    for (const message of parts.messages) {
      if (message === parts.whole) this.#wholes.add(message, number, uid);
      else this.#messages.letGo(message);
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

  #sendOwn(set: string, tail: string, fetch?: FetchRequest): void {
    const { name, failing } = this.#asked.command;
    const tag = `${ownTag}${++this.#tags}`;
    this.#port.send(
      newCommand(tag, name, { own: true, failing, fetch }),
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

  #ask(values: readonly number[]): void {
    const { command, fetch, line } = this.#asked;
    const last = this.#todo.length === 0;
    this.#phase = 'ask';
    if (this.#unchanged) this.#port.send(command, line);
    else if (values.length === 0 && last) {
      this.#port.reply(unavailable(command.tag));
      this.#port.finished();
    } else if (values.length === 0) this.#nextBatch();
    else if (last)
      this.#port.send(command, octets(`${command.tag} ${command.name} ${values.join(',')}${fetch.tail}\r\n`));
    else this.#sendOwn(values.join(','), fetch.tail, fetch);
  }
}
