// One response of the server while it arrives: octets that may pass, and messages for what must be judged first.

import { ByteSink, octets } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { isHeaderAlone } from '../header-alone.ts';
import { headerBytes, responseContents, responseSegments } from '../limits.ts';
import type { ItemRole } from './fetch-items.ts';
import type { Segment } from './output.ts';
import type { KeptWhole } from './sequence-map.ts';
import { probeOctets } from './substitutes.ts';

/** Where content belongs, as far as its response has told until then. */
export interface ContentSource {
  /** Sequence number; 0 outside FETCH. */
  readonly number: number;
  readonly uid: number | undefined;
  readonly key: string;
  readonly role: ItemRole;
}

/** What is answered in place of an item's octets, under a name of its own. */
export type Plan = { readonly name: string } & (
  | { readonly kind: 'stretch'; readonly whole: KeptWhole; readonly from: number; readonly to: number }
  /** Cut out of what comes. */
  | { readonly kind: 'cut'; readonly origin: number; readonly count: number }
  /** It answers what was asked in the item's place, but of a message that we don't know. */
  | { readonly kind: 'unknown' }
);

/** What takes the messages. */
export interface ContentPort {
  start(source: ContentSource): MessageId;
  startProbe(whole: MessageId, at: number): MessageId;
  /** Undefined: the item is what the client asked for. */
  plan(source: ContentSource): Plan | undefined;
  data(message: MessageId, bytes: Uint8Array): void;
  end(message: MessageId): void;
}

/** Where the octets of a literal go: into the response, into it if they are a header and no more, into a message, or
 *  nowhere. */
export type LiteralTarget = 'pass' | 'header' | 'message' | 'skip';

/** A string that follows, as it was announced. */
export interface Announced {
  readonly size: number;
  /** As literal8 (RFC 3516). */
  readonly binary: boolean;
}

export class ResponseBuilder {
  readonly segments: Segment[] = [];
  readonly messages: MessageId[] = [];
  /** Of content that is answered out of the wholes in `used`. */
  readonly probes: MessageId[] = [];
  readonly used: KeptWhole[] = [];
  /** The server did not answer as it must have: nothing of this may leave. */
  mismatch = false;
  /** Keys of the items that `messages` hold. */
  readonly keys: string[] = [];
  /** Of `messages`, the one that is a whole message of a FETCH. */
  whole: MessageId | undefined;
  /** Index of the item that comes now; segments carry it. -1: between items. */
  item = -1;
  /** More strings of content than a server sends in one answer. */
  get isFull(): boolean {
    return (
      this.messages.length + this.probes.length > responseContents || this.segments.length > responseSegments
    );
  }

  /** Octets that the engine itself keeps. */
  keptBytes = 0;
  readonly #port: ContentPort;
  #target: LiteralTarget = 'pass';
  #sink = new ByteSink();
  #source: ContentSource | undefined;
  #message: MessageId | undefined;

  constructor(port: ContentPort) {
    this.#port = port;
  }

  pass(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.keptBytes += bytes.length;
    this.segments.push({ kind: 'bytes', bytes, item: this.item });
  }

  /** A literal of `size` octets begins; where none are to come it is over at once. */
  beginLiteral(size: number, target: LiteralTarget, source: ContentSource): void {
    this.#source = source;
    this.#target = target === 'header' && size > headerBytes ? 'message' : target;
    if (this.#target === 'message') this.#message = this.#startMessage(source, size);
    else this.#sink = new ByteSink();
  }

  /** What is to be done with an item, before its name is passed. */
  plan(source: ContentSource): Plan | undefined {
    return this.#port.plan(source);
  }

  /** A literal begins of which something else is answered; its name and announcement were not passed. */
  beginPlanned(plan: Plan, announced: Announced, source: ContentSource): void {
    this.#source = source;
    this.#target = 'message';
    this.#message = this.#startPlanned(plan, announced, source);
  }

  literalData(bytes: Uint8Array): void {
    if (this.#target === 'skip') return;
    if (this.#target !== 'message') this.#sink.append(bytes);
    else if (this.#message !== undefined) this.#port.data(this.#message, bytes);
  }

  endLiteral(): void {
    if (this.#target === 'message') {
      if (this.#message !== undefined) this.#port.end(this.#message);
      this.#message = undefined;
      return;
    }
    if (this.#target === 'skip') return;
    const bytes = this.#sink.joined();
    this.#sink = new ByteSink();
    if (this.#target === 'pass' || isHeaderAlone(bytes)) this.pass(bytes);
    else if (this.#source) this.#whole(bytes, this.#source);
  }

  /** The octets of a quoted string that is content. As they may change, a literal takes its place. */
  quotedContent(bytes: Uint8Array, source: ContentSource): void {
    if (this.isFull) return;
    this.pass(octets(`{${bytes.length}}\r\n`));
    this.#whole(bytes, source);
  }

  /** The same where a quoted string stands in place of the literal. */
  quotedPlanned(plan: Plan, bytes: Uint8Array, source: ContentSource): void {
    this.beginPlanned(plan, { size: bytes.length, binary: false }, source);
    this.literalData(bytes);
    this.endLiteral();
  }

  /** The same where there is no string; NIL follows. */
  nilPlanned(plan: Plan): void {
    this.pass(octets(`${plan.name} `));
  }

  #whole(bytes: Uint8Array, source: ContentSource): void {
    const message = this.#startMessage(source, bytes.length);
    this.#port.data(message, bytes);
    this.#port.end(message);
  }

  #startMessage(source: ContentSource, to: number, from = 0): MessageId {
    const message = this.#port.start(source);
    this.messages.push(message);
    this.keys.push(source.key);
    if (source.role === 'whole') this.whole = message;
    this.segments.push({ kind: 'message', message, from, to, item: this.item });
    return message;
  }

  /** The message that the announced octets go to, if they go anywhere. */
  #startPlanned(plan: Plan, { size, binary }: Announced, source: ContentSource): MessageId | undefined {
    if (plan.kind === 'unknown') {
      // No octet here is none in the client's item either.
      if (size > 0) this.mismatch = true;
      else this.pass(octets(`${plan.name} {0}\r\n`));
      return undefined;
    }
    const from = plan.kind === 'stretch' ? plan.from : Math.min(plan.origin, size);
    const to = plan.kind === 'stretch' ? plan.to : Math.min(plan.origin + plan.count, size);
    this.pass(octets(`${plan.name} ${binary ? '~' : ''}{${to - from}}\r\n`));
    if (plan.kind === 'cut') return this.#startMessage(source, to, from);
    if (size !== Math.min(probeOctets, to - from)) this.mismatch = true;
    if (this.mismatch || size === 0) return undefined;
    const { whole } = plan;
    const probe = this.#port.startProbe(whole.message, from);
    this.probes.push(probe);
    this.used.push(whole);
    this.segments.push({ kind: 'message', message: whole.message, from, to, item: this.item });
    return probe;
  }
}
