// Drives an engine in tests: plays both sides, keeps what each of them got, and spools the messages. In octet mode
// every input is fed one octet at a time, and all that is asserted must stay the same.

import { assertNever } from '../contract/assert-never.ts';
import { latin1, octets } from './bytes.ts';
import type { Engine, EngineAction, EngineEvent, Extent, MessageId, Release, Side } from './engine.ts';
import type { MessageAbout } from './messages.ts';
import { DotStuffer } from './pop3/multiline.ts';

interface SpooledMessage {
  text: string;
  readonly extent: Extent;
  readonly about: MessageAbout;
  readonly pieceOf: MessageId | undefined;
  ended: boolean;
  dropped: boolean;
}

export class EngineScript {
  readonly messages = new Map<MessageId, SpooledMessage>();
  /** Everything but octets, in order: `pause server`, `close line-too-long`, `end client`, `start-tls ...`. */
  readonly notes: string[] = [];
  readonly #engine: Engine;
  readonly #octetMode: boolean;
  readonly #got = { client: '', server: '' };

  constructor(engine: Engine, octetMode: boolean) {
    this.#engine = engine;
    this.#octetMode = octetMode;
  }

  /** The server sends. */
  server(text: string): this {
    return this.#data('server', text);
  }

  /** The client sends. */
  client(text: string): this {
    return this.#data('client', text);
  }

  event(event: EngineEvent): this {
    for (const action of this.#engine.handle(event)) this.#run(action);
    return this;
  }

  release(message: MessageId, release: Release = 'deliver'): this {
    return this.event({ kind: 'release', message, release });
  }

  /** What the client got since it was asked for last. */
  clientGot(): string {
    const got = this.#got.client;
    this.#got.client = '';
    return got;
  }

  /** What the server got since it was asked for last. */
  serverGot(): string {
    const got = this.#got.server;
    this.#got.server = '';
    return got;
  }

  /** Texts of the messages that are complete and not dropped, by id. */
  held(): Record<number, string> {
    return Object.fromEntries(
      [...this.messages].filter(([, m]) => m.ended && !m.dropped).map(([id, m]) => [id, m.text]),
    );
  }

  /** Messages that are complete, dropped or not. */
  ended(): MessageId[] {
    return [...this.messages].filter(([, m]) => m.ended).map(([id]) => id);
  }

  dropped(): MessageId[] {
    return [...this.messages].filter(([, m]) => m.dropped).map(([id]) => id);
  }

  #data(from: Side, text: string): this {
    const bytes = octets(text);
    if (!this.#octetMode) return this.event({ kind: 'data', from, bytes });
    for (const octet of bytes) this.event({ kind: 'data', from, bytes: Uint8Array.of(octet) });
    return this;
  }

  #spooled(message: MessageId): SpooledMessage {
    const found = this.messages.get(message);
    if (!found || found.dropped) throw new Error(`message ${message} is not open`);
    return found;
  }

  #run(action: EngineAction): void {
    switch (action.kind) {
      case 'send':
        this.#got[action.to] += latin1(action.bytes);
        return;
      case 'send-message': {
        const text = this.#spooled(action.message).text.slice(action.from, action.to);
        const sent = action.dotStuff
          ? new DotStuffer().push(octets(text)).map((bytes) => latin1(bytes))
          : [text];
        this.#got.client += sent.join('');
        return;
      }
      case 'message-start': {
        const { kind, message, extent, ...about } = action;
        const { pieceOf } = about;
        if (pieceOf !== undefined) this.#spooled(pieceOf);
        this.messages.set(message, { text: '', extent, pieceOf, about, ended: false, dropped: false });
        return;
      }
      case 'message-begun':
        this.notes.push(`begun ${action.message} ${action.to}`);
        return;
      case 'message-data':
        this.#spooled(action.message).text += latin1(action.bytes);
        return;
      case 'message-end':
        this.#spooled(action.message).ended = true;
        return;
      case 'message-drop':
        this.#spooled(action.message).dropped = true;
        return;
      case 'start-tls':
        this.notes.push(`start-tls ${latin1(action.reply)}`);
        return;
      case 'compress':
        this.notes.push(`compress ${action.side} ${latin1(action.rest)}`.trimEnd());
        return;
      case 'no-sign-in':
        this.notes.push(action.kind);
        return;
      case 'pause':
      case 'resume':
        this.notes.push(`${action.kind} ${action.side}`);
        return;
      case 'end':
        this.notes.push(`end ${action.to}`);
        return;
      case 'close':
        this.notes.push(`close ${action.reason}`);
        return;
      default:
        assertNever(action);
    }
  }
}
