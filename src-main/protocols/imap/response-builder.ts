// One response of the server while it arrives: octets that may pass, and messages for what must be judged first.

import { ByteSink, octets } from '../bytes.ts';
import type { MessageId } from '../engine.ts';
import { headerBytes } from '../limits.ts';
import type { ItemRole } from './fetch-items.ts';
import type { Segment } from './output.ts';

/** Where content belongs, as far as its response has told until then. */
export interface ContentSource {
  /** Sequence number; 0 outside FETCH. */
  readonly number: number;
  readonly uid: number | undefined;
  readonly key: string;
  readonly role: ItemRole;
}

/** What takes the messages. */
export interface ContentPort {
  start(source: ContentSource): MessageId;
  data(message: MessageId, bytes: Uint8Array): void;
  end(message: MessageId): void;
}

/** Where the octets of a literal go: into the response, into it if they are a header and no more, into a message. */
export type LiteralTarget = 'pass' | 'header' | 'message';

/**
 * Whether the octets are a message header and nothing else: fields and their continuations, ended by the first
 * empty line, which is also the end. A bare CR or LF ends a line too, as some client may read it.
 */
function isHeaderAlone(header: Uint8Array): boolean {
  let at = 0;
  let cr = header.indexOf(13);
  let lf = header.indexOf(10);
  while (at < header.length) {
    // Searched again only when passed: each octet is looked at once, whatever the line ends are.
    if (cr !== -1 && cr < at) cr = header.indexOf(13, at);
    if (lf !== -1 && lf < at) lf = header.indexOf(10, at);
    const end = cr === -1 ? lf : lf === -1 ? cr : Math.min(cr, lf);
    if (end === -1) return false;
    const next = header[end] === 13 && header[end + 1] === 10 ? end + 2 : end + 1;
    if (end === at) return next === header.length;
    const folded = header[at] === 32 || header[at] === 9;
    if (!folded) {
      const colon = header.indexOf(58, at);
      if (colon <= at || colon > end) return false;
    }
    at = next;
  }
  return header.length === 0;
}

export class ResponseBuilder {
  readonly segments: Segment[] = [];
  readonly messages: MessageId[] = [];
  /** Keys of the items that `messages` hold. */
  readonly keys: string[] = [];
  /** Of `messages`, the one that is a whole message of a FETCH. */
  whole: MessageId | undefined;
  /** Index of the item that comes now; segments carry it. -1: between items. */
  item = -1;
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

  literalData(bytes: Uint8Array): void {
    if (this.#message !== undefined) this.#port.data(this.#message, bytes);
    else this.#sink.append(bytes);
  }

  endLiteral(): void {
    if (this.#message !== undefined) {
      this.#port.end(this.#message);
      this.#message = undefined;
      return;
    }
    const bytes = this.#sink.joined();
    this.#sink = new ByteSink();
    if (this.#target === 'pass' || isHeaderAlone(bytes)) this.pass(bytes);
    else if (this.#source) this.#whole(bytes, this.#source);
  }

  /** The octets of a quoted string that is content. As they may change, a literal takes its place. */
  quotedContent(bytes: Uint8Array, source: ContentSource): void {
    this.pass(octets(`{${bytes.length}}\r\n`));
    this.#whole(bytes, source);
  }

  #whole(bytes: Uint8Array, source: ContentSource): void {
    const message = this.#startMessage(source, bytes.length);
    this.#port.data(message, bytes);
    this.#port.end(message);
  }

  #startMessage(source: ContentSource, length: number): MessageId {
    const message = this.#port.start(source);
    this.messages.push(message);
    this.keys.push(source.key);
    if (source.role === 'whole') this.whole = message;
    this.segments.push({ kind: 'message', message, length, item: this.item });
    return message;
  }
}
