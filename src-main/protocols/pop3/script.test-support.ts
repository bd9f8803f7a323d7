// Drives a POP3 engine in tests: plays both sides and keeps what each of them got. In octet mode every input is fed one
// octet at a time, and all that is asserted must stay the same.

import { latin1, octets } from '../bytes.ts';
import type { EngineAction, EngineEvent, MessageId, Release } from '../engine.ts';
import { createPop3Engine } from './engine.ts';
import { DotStuffer } from './multiline.ts';

export class Script {
  readonly messages = new Map<MessageId, string>();
  readonly ended: MessageId[] = [];
  readonly dropped: MessageId[] = [];
  /** Everything but octets, in order: `pause server`, `close line-too-long`, `end client`, `start-tls ...`. */
  readonly notes: string[] = [];
  readonly #engine;
  readonly #octetMode: boolean;
  #toClient = '';
  #toServer = '';

  constructor(octetMode = false, tls = true, greeting = '+OK ready\r\n') {
    this.#octetMode = octetMode;
    this.#engine = createPop3Engine({ tls });
    this.server(greeting).clientGot();
  }

  server(text: string): this {
    return this.#data('server', text);
  }

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

  #data(from: 'client' | 'server', text: string): this {
    const bytes = octets(text);
    if (!this.#octetMode) return this.event({ kind: 'data', from, bytes });
    for (const octet of bytes) this.event({ kind: 'data', from, bytes: Uint8Array.of(octet) });
    return this;
  }

  #open(message: MessageId): string {
    const text = this.messages.get(message);
    if (text === undefined || this.dropped.includes(message))
      throw new Error(`message ${message} is not open`);
    return text;
  }

  #run(action: EngineAction): void {
    switch (action.kind) {
      case 'send':
        if (action.to === 'client') this.#toClient += latin1(action.bytes);
        else this.#toServer += latin1(action.bytes);
        return;
      case 'send-message': {
        const text = this.#open(action.message).slice(action.from, action.to);
        for (const bytes of new DotStuffer().push(octets(text))) this.#toClient += latin1(bytes);
        return;
      }
      case 'message-start':
        this.messages.set(action.message, '');
        return;
      case 'message-data':
        this.messages.set(action.message, this.#open(action.message) + latin1(action.bytes));
        return;
      case 'message-end':
        this.#open(action.message);
        this.ended.push(action.message);
        return;
      case 'message-drop':
        this.#open(action.message);
        this.dropped.push(action.message);
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
