// One answer with a message in it while it arrives: the whole (RETR), the whole in place of a TOP, or what should be
// a header alone (TOP n 0) and becomes a message as soon as it is more than that.
import { ByteSink, joinBytes, latin1, lineEnd, octets } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { headerBytes } from '../limits.ts';
import type { Messages } from '../messages.ts';
import { DotStuffer, DotUnstuffer, isHeaderAlone, LineCounter } from './multiline.ts';
import type { Output } from './output.ts';

export type AnswerShape =
  | { readonly kind: 'message' }
  | { readonly kind: 'top'; readonly bodyLines: number }
  | { readonly kind: 'header' };

export class MessageAnswer {
  readonly #messages: Messages;
  readonly #status: Uint8Array;
  readonly #shape: AnswerShape;
  readonly #unstuffer: DotUnstuffer;
  readonly #counter: LineCounter | undefined;
  #header = new ByteSink();
  #message: MessageId | undefined;
  #size = 0;

  constructor(messages: Messages, status: Uint8Array, shape: AnswerShape) {
    this.#messages = messages;
    this.#status = status;
    this.#shape = shape;
    const bareLf = lineEnd(status) === status.length - 1;
    this.#unstuffer = new DotUnstuffer(bareLf);
    if (shape.kind === 'top') this.#counter = new LineCounter(shape.bodyLines);
    if (shape.kind !== 'header') this.#message = messages.start('whole');
  }

  /** Takes octets; the index behind its end in them, once it has come. */
  push(bytes: Uint8Array): number | undefined {
    const { content, end } = this.#unstuffer.push(bytes);
    if (content.length > 0) this.#take(content);
    return end;
  }

  /** After its end: what goes to the client. */
  finish(): Output {
    const { terminator } = this.#unstuffer;
    if (this.#message === undefined) {
      const header = this.#header.joined();
      if (isHeaderAlone(latin1(header))) {
        const parts = [this.#status, ...new DotStuffer().push(header), terminator];
        return { kind: 'bytes', bytes: joinBytes(parts) };
      }
    }
    const message = this.#message ?? this.#becomeMessage();
    this.#messages.end(message);
    if (this.#shape.kind !== 'top') {
      return { kind: 'message', message, status: this.#status, to: this.#size, terminator };
    }
    // The server's own line may tell the size of the whole, which this answer has not.
    const status = octets('+OK\r\n');
    return { kind: 'message', message, status, to: this.#counter?.end ?? this.#size, terminator };
  }

  /** Its end will never come: half a message never leaves. */
  drop(): void {
    if (this.#message !== undefined) this.#messages.letGo(this.#message);
  }

  #take(content: Uint8Array): void {
    this.#size += content.length;
    if (this.#message !== undefined) {
      this.#counter?.push(content);
      this.#messages.data(this.#message, content);
      return;
    }
    this.#header.append(content);
    if (this.#size > headerBytes) this.#becomeMessage();
  }

  #becomeMessage(): MessageId {
    const message = this.#messages.start('piece');
    this.#message = message;
    const header = this.#header.joined();
    if (header.length > 0) this.#messages.data(message, header);
    this.#header = new ByteSink();
    return message;
  }
}
