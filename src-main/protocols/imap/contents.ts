// What becomes of content in an answer: which message it is or belongs to, and what is answered in its place where we
// asked for a few octets of it only.
import type { Extent, MessageId } from '../engine.ts';
import { MessageMeasure } from '../message-measure.ts';
import type { Messages } from '../messages.ts';
import type { PieceRun } from './piece-run.ts';
import type { ContentPort, ContentSource, Plan } from './response-builder.ts';
import type { SelectedMailbox } from './selected-mailbox.ts';
import type { KeptWhole } from './sequence-map.ts';

const partial = /<([0-9]+)>$/;

/**
 * A section is a stretch of the message, and so is what is cut out of one: on its own it may be half of something, or
 * be read in another way. Selected fields of a header and what the server decodes stand nowhere as they are.
 */
function extentOf({ key, role }: ContentSource): Extent {
  if (role === 'whole') return 'whole';
  const made = key.startsWith('BINARY[') || key.includes('HEADER.FIELDS');
  return role === 'piece' && (!made || partial.test(key)) ? 'slice' : 'piece';
}

/** Of the key of a section: its name, and where in it its octets begin. */
function placeOf(key: string): { readonly section: string; readonly origin: number } {
  return { section: key.replace(partial, ''), origin: Number(partial.exec(key)?.[1] ?? 0) };
}

export class Contents implements ContentPort {
  readonly #messages: Messages;
  readonly #mailbox: SelectedMailbox;
  readonly #run: () => PieceRun | undefined;
  /** Of the wholes that we fetch now. */
  readonly #measures = new Map<MessageId, MessageMeasure>();

  /** `run`: what fetches wholes just now, if anything does. */
  constructor(messages: Messages, mailbox: SelectedMailbox, run: () => PieceRun | undefined) {
    this.#messages = messages;
    this.#mailbox = mailbox;
    this.#run = run;
  }

  start(source: ContentSource): MessageId {
    if (this.#isFetched(source)) {
      const identity = this.#mailbox.identityOf(source.uid);
      const message = this.#messages.start('whole', { identity });
      this.#measures.set(message, new MessageMeasure());
      return message;
    }
    const pieceOf = this.#wholeOf(source)?.message;
    const extent = extentOf(source);
    return this.#messages.start(extent, { pieceOf, ...(extent === 'slice' ? placeOf(source.key) : {}) });
  }

  startProbe(whole: MessageId, at: number): MessageId {
    return this.#messages.start('probe', { pieceOf: whole, at });
  }

  data(message: MessageId, bytes: Uint8Array): void {
    this.#measures.get(message)?.push(bytes);
    this.#messages.data(message, bytes);
  }

  end(message: MessageId): void {
    this.#messages.end(message);
  }

  plan(source: ContentSource): Plan | undefined {
    const substitute = this.#run()?.substituteFor(source.key);
    if (!substitute) return undefined;
    const { name, origin, count } = substitute;
    if (substitute.source === 'part') return { kind: 'cut', name, origin, count };
    const whole = this.#wholeOf(source);
    if (!whole) return { kind: 'unknown', name };
    const begin = (substitute.source === 'text' ? whole.bodyAt : 0) + origin;
    const from = Math.min(begin, whole.sizeBytes);
    return { kind: 'stretch', name, whole, from, to: Math.min(begin + count, whole.sizeBytes) };
  }

  /** Takes the measure of a whole that we fetched; it is not kept any longer. */
  takeMeasure(message: MessageId): MessageMeasure | undefined {
    const measure = this.#measures.get(message);
    this.#measures.delete(message);
    return measure;
  }

  /** Nothing more comes. */
  clear(): void {
    this.#measures.clear();
  }

  #isFetched({ role }: ContentSource): boolean {
    return role === 'whole' && this.#run()?.captures === true;
  }

  /** The whole message that content should be a part of, if we fetched it and it may leave. */
  #wholeOf(source: ContentSource): KeptWhole | undefined {
    const whole = this.#mailbox.wholeOf(source.number, source.uid);
    return whole && this.#messages.state(whole.message) === 'deliver' ? whole : undefined;
  }
}
