// One answer with a message in it while it arrives: the whole (RETR), the whole in place of a TOP, or what should be
// a header alone (TOP n 0) and becomes a message as soon as it is more than that.
import { ByteSink, joinBytes, lineEnd } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { isHeaderAlone } from '../header-alone.ts';
import { headerBytes } from '../limits.ts';
import type { Messages } from '../messages.ts';
import { EarlyAnswer } from './early-answer.ts';
import { topStatus, type Wanted, type Whole } from './kept-messages.ts';
import { DotStuffer, DotUnstuffer, LineCounter } from './multiline.ts';
import type { Beginning, Output } from './output.ts';

export type AnswerShape = Wanted | { readonly kind: 'header' };

export class MessageAnswer {
  readonly #messages: Messages;
  readonly #status: Uint8Array;
  readonly #shape: AnswerShape;
  readonly #early: EarlyAnswer;
  readonly #unstuffer: DotUnstuffer;
  readonly #lines: LineCounter;
  #header = new ByteSink();
  #message: MessageId | undefined;

  constructor(messages: Messages, status: Uint8Array, shape: AnswerShape) {
    this.#shape = shape;
    this.#messages = messages;
    this.#status = status;
    this.#early = new EarlyAnswer(shape.kind === 'top' ? topStatus : status);
    const bareLf = lineEnd(status) === status.length - 1;
    this.#unstuffer = new DotUnstuffer(bareLf);
    this.#lines = new LineCounter(shape.kind === 'top' ? shape.bodyLines : 0);
    if (shape.kind !== 'header') this.#message = messages.start('whole');
  }

  /** What can leave of it early: nothing before it is a message. */
  get beginning(): Beginning | undefined {
    return this.#message === undefined ? undefined : { message: this.#message, early: this.#early };
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
      if (isHeaderAlone(header)) {
        const parts = [this.#status, ...new DotStuffer().push(header), terminator];
        return { kind: 'bytes', bytes: joinBytes(parts) };
      }
    }
    const message = this.#message ?? this.#becomeMessage();
    this.#messages.end(message);
    const to = this.#shape.kind === 'top' ? this.#lines.end(this.#shape.bodyLines) : undefined;
    return {
      kind: 'message',
      message,
      status: this.#early.status,
      to: to ?? this.#lines.size,
      terminator,
      early: this.#early,
    };
  }

  /** After its end: the message, if it was asked for as a whole. */
  whole(): Whole | undefined {
    if (this.#message === undefined || this.#shape.kind === 'header') return undefined;
    return {
      wanted: this.#shape,
      message: this.#message,
      status: this.#status,
      lines: this.#lines,
      terminator: this.#unstuffer.terminator,
    };
  }

  /** Its end will never come: half a message never leaves. */
  drop(): void {
    if (this.#message !== undefined) this.#messages.letGo(this.#message);
  }

  #take(content: Uint8Array): void {
    this.#lines.push(content);
    this.#early.push(content);
    if (this.#message !== undefined) {
      this.#messages.data(this.#message, content);
      return;
    }
    this.#header.append(content);
    if (this.#header.length > headerBytes) this.#becomeMessage();
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
