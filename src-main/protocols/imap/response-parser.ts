// Octets of the server to whole responses, deny by default: each is read by its grammar, content leaves the stream
// as messages while it arrives, and what is no response is an error.
import type { ErrorCode } from '../../contract/error-codes.ts';
import { joinBytes, latin1, lineEnd, literalMark, octets, quoteOpenAt } from '../bytes.ts';
import { imapLineBytes, imapResponseBytes } from '../limits.ts';
import { LineReader } from '../line-reader.ts';
import type { FetchItem } from './fetch-items.ts';
import { FetchParser } from './fetch-parser.ts';
import {
  type Announced,
  type ContentPort,
  type ContentSource,
  type LiteralTarget,
  type Plan,
  ResponseBuilder,
} from './response-builder.ts';

export type ServerResponse =
  | { readonly kind: 'continuation'; readonly line: Uint8Array }
  | { readonly kind: 'tagged'; readonly tag: string; readonly ok: boolean; readonly line: Uint8Array }
  /** OK, NO, BAD, BYE, PREAUTH, CAPABILITY: one line that may list capabilities. */
  | { readonly kind: 'status'; readonly line: Uint8Array }
  /** `number` and `rest`: of `* n EXPUNGE` and `* VANISHED rest`. */
  | {
      readonly kind: 'data';
      readonly word: string;
      readonly number: number;
      readonly rest: string;
      readonly parts: ResponseBuilder;
    }
  | FetchResponse;

export interface FetchResponse {
  readonly kind: 'fetch';
  readonly number: number;
  readonly uid: number | undefined;
  readonly items: readonly FetchItem[];
  /** Each segment tells its item. */
  readonly split: boolean;
  readonly parts: ResponseBuilder;
}

/** A split response without what is or may be content; empty where nothing but the UID is left. */
export function withoutContent({ number, items, parts }: FetchResponse): Uint8Array {
  const rest = items.flatMap(({ key, role }, index) => {
    const segments = parts.segments.filter(({ item }) => item === index);
    const bytes = segments.flatMap((segment) => (segment.kind === 'bytes' ? [segment.bytes] : []));
    const isContent = role === 'whole' || role === 'piece' || bytes.length < segments.length;
    return isContent || bytes.length === 0 ? [] : [{ key, bytes }];
  });
  if (rest.every(({ key }) => key === 'UID')) return new Uint8Array(0);
  const list = rest.flatMap(({ bytes }, index) => [octets(index === 0 ? '' : ' '), ...bytes]);
  return joinBytes([octets(`* ${number} FETCH (`), ...list, octets(')\r\n')]);
}

interface ResponsePort {
  /** A whole response; false: read no further. */
  response(response: ServerResponse): boolean;
  failed(reason: ErrorCode): void;
  /** Whether the items of the next FETCH are to be told apart. */
  splitsItems(): boolean;
}

const statusWords = new Set(['OK', 'NO', 'BAD', 'BYE', 'PREAUTH', 'CAPABILITY']);

/** Responses whose strings are names and settings. */
const stringWords = new Set(
  `LIST LSUB XLIST STATUS NAMESPACE ID QUOTA QUOTAROOT ACL LISTRIGHTS MYRIGHTS METADATA ANNOTATION ESEARCH SEARCH
   LANGUAGE COMPARATOR`.split(/\s+/),
);

/** The others that commands and capabilities which pass can bring. Any other one is left out: nobody asked for it. */
const otherWords = new Set('FLAGS EXISTS RECENT EXPUNGE VANISHED SORT THREAD ENABLED'.split(' '));

/** Lines that grow with the mailbox (a SEARCH of 100,000 messages, an ENVELOPE with 1,000 recipients). */
const growing = /^\* +(?:[0-9]+ FETCH|SEARCH|SORT|THREAD|ESEARCH|VANISHED) /i;
const growingPrefix = 32;

/** Some servers have two spaces in their greeting. */
const untagged = /^\* +(?:([1-9][0-9]{0,9}|0) )?([A-Za-z][^\s()[\]{}"]*)(?: |\r?\n)/;
const tagged = /^([^\s(){%*"\\+]+) (OK|NO|BAD)(?: |\r?\n)/i;
const headOctets = 256;

interface Building {
  readonly parts: ResponseBuilder;
  readonly fetch: FetchParser | undefined;
  readonly word: string;
  readonly number: number;
  /** Nothing of it goes on. */
  readonly leftOut: boolean;
  /** Octets still to come of its literal. */
  literal: number;
}

export class ResponseParser {
  readonly #contents: ContentPort;
  readonly #port: ResponsePort;
  readonly #reader = new LineReader();
  #building: Building | undefined;
  #stopped = false;

  constructor(contents: ContentPort, port: ResponsePort) {
    this.#contents = contents;
    this.#port = port;
  }

  /** Whether a response with content has begun and isn't complete. */
  get holdsContent(): boolean {
    return this.#unfinished.length > 0;
  }

  get #unfinished(): readonly number[] {
    const parts = this.#building?.parts;
    return parts ? [...parts.messages, ...parts.probes] : [];
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    while (!this.#stopped && this.#next());
  }

  /** Octets that have come and were not read; they are forgotten here. */
  takeRest(): Uint8Array {
    return this.#reader.takeAll();
  }

  /** Forgets what has come and was no whole response. Returns its messages. */
  reset(): readonly number[] {
    const messages = this.#unfinished;
    this.#reader.clear();
    this.#building = undefined;
    this.#stopped = false;
    return messages;
  }

  /** Does one thing; false where more octets are needed. */
  #next(): boolean {
    const building = this.#building;
    if (building && building.literal > 0) return this.#literalData(building);
    const used = building?.parts.keptBytes ?? 0;
    let line = this.#reader.line(building ? imapResponseBytes - used : imapLineBytes);
    if (line === 'too-long' && !building && growing.test(latin1(this.#reader.prefix(growingPrefix)))) {
      line = this.#reader.line(imapResponseBytes);
    }
    if (line === undefined) return false;
    if (line === 'too-long') return this.#fail('line-too-long');
    // Some client may take a bare CR for the end of the line, and read on where we would not.
    const cr = line.indexOf(13);
    if (cr !== -1 && cr !== line.length - 2) return this.#fail('protocol-violation');
    return building ? this.#continueWith(building, line) : this.#begin(line);
  }

  #fail(reason: ErrorCode): false {
    this.#stopped = true;
    this.#port.failed(reason);
    return false;
  }

  #deliver(response: ServerResponse): boolean {
    this.#building = undefined;
    if (this.#port.response(response)) return true;
    this.#stopped = true;
    return false;
  }

  #begin(line: Uint8Array): boolean {
    const head = latin1(line, 0, Math.min(line.length, headOctets));
    if (line[0] === 43) {
      const next = line[1];
      if (next !== 32 && next !== 13 && next !== 10) return this.#fail('protocol-violation');
      return this.#deliver({ kind: 'continuation', line });
    }
    if (line[0] !== 42) {
      const match = tagged.exec(line.length > headOctets ? latin1(line) : head);
      if (!match) return this.#fail('protocol-violation');
      const [, tag = '', condition = ''] = match;
      return this.#deliver({ kind: 'tagged', tag, ok: condition.toUpperCase() === 'OK', line });
    }
    const match = untagged.exec(head);
    if (!match) return this.#fail('protocol-violation');
    const number = Number(match[1] ?? 0);
    const word = (match[2] ?? '').toUpperCase();
    // Text for people: nothing in it announces a literal (RFC 9051 §7.1).
    if (match[1] === undefined && statusWords.has(word)) return this.#deliver({ kind: 'status', line });
    const parts = new ResponseBuilder(this.#contents);
    const isFetch = match[1] !== undefined && (word === 'FETCH' || word === 'UIDFETCH');
    const fetch = isFetch ? new FetchParser(number, parts, this.#port.splitsItems()) : undefined;
    const leftOut = !isFetch && !stringWords.has(word) && !otherWords.has(word);
    const building: Building = { parts, fetch, word, number, leftOut, literal: 0 };
    this.#building = building;
    return this.#continueWith(building, line, match[0].length);
  }

  #continueWith(building: Building, line: Uint8Array, from = 0): boolean {
    const { fetch, word, number, parts } = building;
    if (parts.isFull) return this.#fail('protocol-violation');
    if (!fetch) return this.#dataLine(building, line, from);
    // A client that ends lines at CRLF alone would read on behind a bare LF.
    if (line[line.length - 2] !== 13) return this.#fail('protocol-violation');
    const step = fetch.line(line, from);
    if (parts.isFull) return this.#fail('protocol-violation');
    switch (step.kind) {
      case 'error':
        return this.#fail('protocol-violation');
      case 'done':
        if (word === 'UIDFETCH') fetch.uid = number;
        return this.#deliver({ kind: 'fetch', number, ...fetch.result(), parts });
      case 'literal':
        return step.plan
          ? this.#beginPlanned(building, step.plan, step, step.source)
          : this.#beginLiteral(building, step.size, step.target, step.source);
    }
  }

  #dataLine(building: Building, line: Uint8Array, from: number): boolean {
    const { word, number, parts, leftOut } = building;
    const mark = literalMark(line);
    if (mark && (line[line.length - 2] !== 13 || quoteOpenAt(line, mark.at))) {
      return this.#fail('protocol-violation');
    }
    if (!leftOut) parts.pass(line);
    if (mark) {
      // Only the plain form may pass: a client that doesn't know another one would read its octets as responses.
      const plain = !mark.nonSync && !mark.binary;
      const passes = mark.size === 0 || (stringWords.has(word) && plain);
      const target = leftOut ? 'skip' : passes ? 'pass' : 'message';
      return this.#beginLiteral(building, mark.size, target, {
        number: 0,
        uid: undefined,
        key: word,
        role: 'other',
      });
    }
    if (leftOut) {
      this.#building = undefined;
      return true;
    }
    const rest = word === 'VANISHED' ? latin1(line, from, lineEnd(line)) : '';
    return this.#deliver({ kind: 'data', word, number, rest, parts });
  }

  #beginLiteral(building: Building, size: number, target: LiteralTarget, source: ContentSource): boolean {
    const { parts } = building;
    const fits = parts.keptBytes + size <= imapResponseBytes;
    if (size === Number.POSITIVE_INFINITY || (target === 'pass' && !fits)) {
      return this.#fail('literal-too-large');
    }
    parts.beginLiteral(size, fits ? target : 'message', source);
    building.literal = size;
    if (size === 0) this.#endLiteral(building);
    return true;
  }

  #beginPlanned(building: Building, plan: Plan, announced: Announced, source: ContentSource): boolean {
    if (announced.size === Number.POSITIVE_INFINITY) return this.#fail('literal-too-large');
    building.parts.beginPlanned(plan, announced, source);
    building.literal = announced.size;
    if (announced.size === 0) this.#endLiteral(building);
    return true;
  }

  #literalData(building: Building): boolean {
    const bytes = this.#reader.some(building.literal);
    if (bytes.length === 0) return false;
    building.literal -= bytes.length;
    building.parts.literalData(bytes);
    if (building.literal === 0) this.#endLiteral(building);
    return true;
  }

  #endLiteral(building: Building): void {
    building.parts.endLiteral();
    building.fetch?.endLiteral();
  }
}
