// All that goes to the client, in order. A response with held content waits as a whole, and everything behind it
// waits too, so that what leaves ends at the boundary of a response at any time.

import { octets } from '../bytes.ts';
import type { EngineAction, MessageId } from '../engine.ts';
import type { Messages } from '../messages.ts';
import type { Failing } from './ledger.ts';

/** Octets as the server sent them, or all octets of a message in its delivered form. */
export type Segment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly item: number }
  | { readonly kind: 'message'; readonly message: MessageId; readonly length: number; readonly item: number };

type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** `messages`: those in the segments; each is let go. `failing`: what learns that one was refused. */
  | {
      readonly kind: 'response';
      readonly segments: readonly Segment[];
      readonly messages: readonly MessageId[];
      readonly failing: Failing | undefined;
    }
  /** A tagged OK, which turns into a NO when a message of the command's answer was refused. */
  | {
      readonly kind: 'tagged-ok';
      readonly bytes: Uint8Array;
      readonly tag: string;
      readonly failing: Failing;
    }
  | { readonly kind: 'start-tls'; readonly reply: Uint8Array }
  | { readonly kind: 'end' };

/** The tagged answer of a command that a message was left out of. */
export function unavailable(tag: string): Uint8Array {
  return octets(`${tag} NO [UNAVAILABLE] Message could not be scanned safely; try again later\r\n`);
}

function sizeOf(output: Output): number {
  switch (output.kind) {
    case 'response':
      return output.segments.reduce((sum, s) => sum + (s.kind === 'bytes' ? s.bytes.length : 0), 0);
    case 'bytes':
    case 'tagged-ok':
      return output.bytes.length;
    default:
      return 0;
  }
}

export class OutputQueue {
  readonly #emit: (action: EngineAction) => void;
  readonly #messages: Messages;
  #waiting: Output[] = [];
  #head = 0;
  #bytes = 0;

  constructor(emit: (action: EngineAction) => void, messages: Messages) {
    this.#emit = emit;
    this.#messages = messages;
  }

  /** Whether something waits for a release. */
  get blocked(): boolean {
    return this.#head < this.#waiting.length;
  }

  /** Octets that wait, those of messages not counted. */
  get bytes(): number {
    return this.#bytes;
  }

  push(output: Output): void {
    if (!this.blocked && this.#leaves(output)) return;
    this.#waiting.push(output);
    this.#bytes += sizeOf(output);
  }

  /** Sends what waits for nothing any more. */
  flush(): void {
    while (this.blocked) {
      const output = this.#waiting[this.#head];
      if (!output || !this.#leaves(output)) break;
      this.#bytes -= sizeOf(output);
      this.#head++;
    }
    if (this.#head === this.#waiting.length || this.#head > 256) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  #send(bytes: Uint8Array): void {
    this.#emit({ kind: 'send', to: 'client', bytes });
  }

  #leaves(output: Output): boolean {
    switch (output.kind) {
      case 'bytes':
        this.#send(output.bytes);
        return true;
      case 'response':
        return this.#responseLeaves(output.segments, output.messages, output.failing);
      case 'tagged-ok':
        this.#send(output.failing.failed ? unavailable(output.tag) : output.bytes);
        return true;
      case 'start-tls':
        this.#emit({ kind: 'start-tls', reply: output.reply });
        return true;
      case 'end':
        this.#emit({ kind: 'end', to: 'client' });
        return true;
    }
  }

  #responseLeaves(
    segments: readonly Segment[],
    messages: readonly MessageId[],
    failing: Failing | undefined,
  ): boolean {
    const states = messages.map((message) => this.#messages.state(message));
    if (states.some((state) => state === 'refuse')) {
      if (failing) failing.failed = true;
    } else if (states.every((state) => state === 'deliver')) {
      for (const segment of segments) {
        if (segment.kind === 'bytes') this.#send(segment.bytes);
        else {
          const { message, length } = segment;
          this.#emit({ kind: 'send-message', message, from: 0, to: length, dotStuff: false });
        }
      }
    } else return false;
    for (const message of messages) this.#messages.letGo(message);
    return true;
  }
}
