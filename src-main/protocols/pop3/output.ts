// What goes to the client, and when it may leave: a message waits for its release.
import { assertNever } from '../../contract/assert-never.ts';
import { octets } from '../bytes.ts';
import type { EngineAction, MessageId } from '../engine.ts';
import type { Messages } from '../messages.ts';
import { type OutputLoad, OutputQueue } from '../output-queue.ts';
import type { EarlyAnswer } from './early-answer.ts';

/** What can leave of a message before its release. */
export interface Beginning {
  readonly message: MessageId;
  /** Undefined for one that need not wait. */
  readonly early: EarlyAnswer | undefined;
}

/** An answer whose content is a message, or its first `to` octets. */
export interface MessageOutput extends Beginning {
  readonly kind: 'message';
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

function loadOf(output: Output): OutputLoad {
  switch (output.kind) {
    case 'bytes':
      return { bytes: output.bytes.length, messages: 0 };
    case 'message':
      return { bytes: output.status.length, messages: 1 };
    default:
      return { bytes: 0, messages: 0 };
  }
}

/** The queue of all that goes to the client. */
export class ClientOutput {
  readonly #emit: (action: EngineAction) => void;
  readonly #messages: Messages;
  readonly #queue: OutputQueue<Output>;

  constructor(emit: (action: EngineAction) => void, messages: Messages) {
    this.#emit = emit;
    this.#messages = messages;
    this.#queue = new OutputQueue((output) => this.#leaves(output), loadOf);
  }

  /** Octets that wait, those of messages not counted. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Messages that wait, for their release or for one before them. */
  get messages(): number {
    return this.#queue.messages;
  }

  push(output: Output): void {
    this.#queue.push(output);
  }

  /** Sends what waits for nothing any more. */
  flush(): void {
    this.#queue.flush();
  }

  /** The message of which the client has some already; `arriving` is the one that comes behind all that waits. */
  leaving(arriving: Beginning | undefined): MessageId | undefined {
    const next = this.#next(arriving);
    return next?.early?.begun ? next.message : undefined;
  }

  /** A client that waits for a message hears something of it. */
  keepAlive(arriving: Beginning | undefined): void {
    const { message, early } = this.#next(arriving) ?? {};
    // A refused one that still arrives will be an error, as long as nothing of it has left.
    if (message === undefined || !early || this.#messages.state(message) === 'refuse') return;
    const before = early.sent;
    for (const bytes of early.next()) this.#emit({ kind: 'send', to: 'client', bytes });
    if (early.sent > before) this.#emit({ kind: 'message-begun', message, to: early.sent });
  }

  #next(arriving: Beginning | undefined): Beginning | undefined {
    const { first } = this.#queue;
    if (!first) return arriving;
    return first.kind === 'message' ? first : undefined;
  }

  #leaves(output: Output): boolean {
    switch (output.kind) {
      case 'bytes':
        this.#emit({ kind: 'send', to: 'client', bytes: output.bytes });
        return true;
      case 'message':
        return this.#messageLeaves(output);
      case 'start-tls':
        this.#emit({ kind: 'start-tls', reply: output.reply });
        return true;
      case 'end':
        this.#emit({ kind: 'end', to: 'client' });
        return true;
      default:
        return assertNever(output);
    }
  }

  #messageLeaves({ message, status, to, terminator, early }: MessageOutput): boolean {
    const state = this.#messages.state(message);
    if (state === 'deliver') {
      if (!early?.begun) this.#emit({ kind: 'send', to: 'client', bytes: status });
      this.#emit({ kind: 'send-message', message, from: early?.sent ?? 0, to, dotStuff: true });
      this.#emit({ kind: 'send', to: 'client', bytes: terminator });
    } else if (state === 'refuse') this.#emit({ kind: 'send', to: 'client', bytes: refusal });
    else return false;
    this.#messages.letGo(message);
    return true;
  }
}
