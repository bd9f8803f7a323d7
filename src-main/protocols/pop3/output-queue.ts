// All that goes to the client, in order. A message waits for its release, and everything behind it waits too.
import { octets } from '../bytes.ts';
import type { EngineAction, MessageId } from '../engine.ts';
import type { Messages } from '../messages.ts';

/** An answer whose content is a message, or its first `to` octets. */
export interface MessageOutput {
  readonly kind: 'message';
  readonly message: MessageId;
  readonly status: Uint8Array;
  readonly to: number;
  readonly terminator: Uint8Array;
}

export type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | MessageOutput
  | { readonly kind: 'start-tls'; readonly reply: Uint8Array }
  | { readonly kind: 'end' };

/** RFC 3206: the client may try again later; nothing is lost. */
const refusal = octets('-ERR [SYS/TEMP] Message could not be scanned safely; try again later\r\n');

function sizeOf(output: Output): number {
  switch (output.kind) {
    case 'bytes':
      return output.bytes.length;
    case 'message':
      return output.status.length;
    default:
      return 0;
  }
}

export class OutputQueue {
  readonly #emit: (action: EngineAction) => void;
  readonly #messages: Messages;
  #waiting: Output[] = [];
  #bytes = 0;

  constructor(emit: (action: EngineAction) => void, messages: Messages) {
    this.#emit = emit;
    this.#messages = messages;
  }

  /** Octets that wait, those of messages not counted. */
  get bytes(): number {
    return this.#bytes;
  }

  push(output: Output): void {
    if (this.#waiting.length === 0 && this.#leaves(output)) return;
    this.#waiting.push(output);
    this.#bytes += sizeOf(output);
  }

  /** Sends what waits for nothing any more. */
  flush(): void {
    let sent = 0;
    for (const output of this.#waiting) {
      if (!this.#leaves(output)) break;
      this.#bytes -= sizeOf(output);
      sent++;
    }
    if (sent > 0) this.#waiting.splice(0, sent);
  }

  #send(bytes: Uint8Array): void {
    this.#emit({ kind: 'send', to: 'client', bytes });
  }

  #leaves(output: Output): boolean {
    switch (output.kind) {
      case 'bytes':
        this.#send(output.bytes);
        return true;
      case 'message':
        return this.#messageLeaves(output);
      case 'start-tls':
        this.#emit({ kind: 'start-tls', reply: output.reply });
        return true;
      case 'end':
        this.#emit({ kind: 'end', to: 'client' });
        return true;
    }
  }

  #messageLeaves({ message, status, to, terminator }: MessageOutput): boolean {
    const state = this.#messages.state(message);
    if (state === 'deliver') {
      this.#send(status);
      this.#emit({ kind: 'send-message', message, from: 0, to, dotStuff: true });
      this.#send(terminator);
    } else if (state === 'refuse') this.#send(refusal);
    else return false;
    this.#messages.letGo(message);
    return true;
  }
}
