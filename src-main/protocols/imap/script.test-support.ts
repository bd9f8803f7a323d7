// Drives an engine in tests: plays both sides, keeps what each of them got, and spools the messages. In octet mode
// every input is fed one octet at a time, and all that is asserted must stay the same.

import { latin1, octets } from '../bytes.ts';
import type { Engine, EngineAction, EngineEvent, MessageId, Release } from '../engine.ts';
import { createImapEngine } from './engine.ts';

interface SpooledMessage {
  text: string;
  readonly pieceOf: MessageId | undefined;
  ended: boolean;
  dropped: boolean;
}

export class Script {
  readonly messages = new Map<MessageId, SpooledMessage>();
  /** Everything but octets, in order: `pause server`, `close line-too-long`, `end client`, `start-tls ...`. */
  readonly notes: string[] = [];
  readonly #engine: Engine;
  readonly #octetMode: boolean;
  #toClient = '';
  #toServer = '';

  constructor(octetMode = false, tls = true) {
    this.#octetMode = octetMode;
    this.#engine = createImapEngine({ tls });
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
    const got = this.#toClient;
    this.#toClient = '';
    return got;
  }

  serverGot(): string {
    const got = this.#toServer;
    this.#toServer = '';
    return got;
  }

  /** Texts of the messages that are complete and not dropped, by id. */
  held(): Record<number, string> {
    return Object.fromEntries(
      [...this.messages].filter(([, m]) => m.ended && !m.dropped).map(([id, m]) => [id, m.text]),
    );
  }

  dropped(): MessageId[] {
    return [...this.messages].filter(([, m]) => m.dropped).map(([id]) => id);
  }

  #data(from: 'client' | 'server', text: string): this {
    const bytes = octets(text);
    const step = this.#octetMode ? 1 : Math.max(1, bytes.length);
    for (let at = 0; at < bytes.length; at += step) {
      this.event({ kind: 'data', from, bytes: bytes.slice(at, at + step) });
    }
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
        if (action.to === 'client') this.#toClient += latin1(action.bytes);
        else this.#toServer += latin1(action.bytes);
        return;
      case 'send-message':
        this.#toClient += this.#spooled(action.message).text.slice(action.from, action.to);
        return;
      case 'message-start': {
        if (action.pieceOf !== undefined) this.#spooled(action.pieceOf);
        const { pieceOf } = action;
        this.messages.set(action.message, { text: '', pieceOf, ended: false, dropped: false });
        return;
      }
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
    }
  }
}
