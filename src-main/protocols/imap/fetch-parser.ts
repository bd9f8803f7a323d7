// The list of one FETCH response (RFC 9051 §7.5.2), line by line between its literals. Strings where no harmless one
// is expected are content. What doesn't follow the grammar is an error: nothing of it passes.
import { type LiteralMark, latin1, lineEnd, literalMark } from '../bytes.ts';
import { type FetchItem, fetchItem } from './fetch-items.ts';
import type { ContentSource, LiteralTarget, Plan, ResponseBuilder } from './response-builder.ts';

type FetchStep =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'literal';
      readonly size: number;
      readonly target: LiteralTarget;
      readonly source: ContentSource;
      /** What is answered in its place. */
      readonly plan: Plan | undefined;
      readonly binary: boolean;
    }
  | { readonly kind: 'error' };

const error: FetchStep = { kind: 'error' };
const space = 32;
const quote = 34;
const open = 40;
const close = 41;
const backslash = 92;

/** RFC 9051 §9 date-time; some servers leave the blank before a day of one digit out. */
const date = /^" ?[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"/;
const dateOctets = 32;

const noItem: FetchItem = { key: '', role: 'other' };

export class FetchParser {
  readonly #items: FetchItem[] = [];
  uid: number | undefined;
  readonly #number: number;
  readonly #builder: ResponseBuilder;
  readonly #splitItems: boolean;
  #phase: 'open' | 'item' | 'value' | 'list' | 'end' = 'open';
  #depth = 0;
  #item = noItem;
  #plan: Plan | undefined;
  /** The line that is read, where it ends, where we are, and from where on nothing was handed on yet. */
  #line: Uint8Array = new Uint8Array(0);
  #end = 0;
  #announced: LiteralMark | undefined;
  #at = 0;
  #mark = 0;

  /** `splitItems`: each item gets segments of its own, so that some can be left out. */
  constructor(number: number, builder: ResponseBuilder, splitItems: boolean) {
    this.#number = number;
    this.#builder = builder;
    this.#splitItems = splitItems;
  }

  /** What the response held, once it is done. */
  result(): { uid: number | undefined; items: readonly FetchItem[]; split: boolean } {
    return { uid: this.uid, items: this.#items, split: this.#splitItems };
  }

  /** Reads a line (with its CRLF) from `from` on; octets before that are handed on too. */
  line(line: Uint8Array, from: number): FetchStep {
    this.#line = line;
    this.#end = lineEnd(line);
    this.#announced = literalMark(line);
    this.#at = from;
    this.#mark = 0;
    for (;;) {
      const step = this.#step();
      if (step) return step;
    }
  }

  #step(): FetchStep | undefined {
    switch (this.#phase) {
      case 'open':
        if (this.#line[this.#at++] !== open) return error;
        this.#phase = 'item';
        return undefined;
      case 'item':
        return this.#itemName();
      case 'value':
        return this.#value();
      case 'list':
        return this.#list();
      case 'end':
        this.#skipSpaces();
        if (this.#at !== this.#end) return error;
        this.#handOn(this.#line.length);
        return { kind: 'done' };
    }
  }

  #skipSpaces(): void {
    while (this.#line[this.#at] === space) this.#at++;
  }

  #handOn(to: number): void {
    this.#builder.pass(this.#line.subarray(this.#mark, to));
    this.#mark = to;
  }

  #itemName(): FetchStep | undefined {
    this.#skipSpaces();
    const start = this.#at;
    if (start >= this.#end) return error;
    if (this.#line[start] === close) {
      this.#at++;
      this.#phase = 'end';
      return undefined;
    }
    let quoted = false;
    let section = false;
    for (; this.#at < this.#end; this.#at++) {
      const octet = this.#line[this.#at];
      if (section) {
        if (octet === quote) quoted = !quoted;
        else if (octet === 93 && !quoted) section = false;
      } else if (octet === 91) section = true;
      else if (octet === space || octet === open || octet === close || octet === quote) break;
    }
    if (section || this.#at === start) return error;
    this.#item = fetchItem(latin1(this.#line, start, this.#at).toUpperCase());
    this.#items.push(this.#item);
    if (this.#splitItems) {
      this.#handOn(start);
      this.#builder.item = this.#items.length - 1;
    }
    this.#plan = this.#builder.plan(this.#source());
    if (this.#plan) this.#handOn(start);
    this.#phase = 'value';
    return undefined;
  }

  #endItem(): undefined {
    if (this.#splitItems) {
      this.#handOn(this.#at);
      this.#builder.item = -1;
    }
    this.#phase = 'item';
  }

  #value(): FetchStep | undefined {
    this.#skipSpaces();
    const octet = this.#line[this.#at];
    const { role } = this.#item;
    const bodyLike = role === 'whole' || role === 'header' || role === 'piece';
    if (octet === quote) {
      if (!this.#quoted(role !== 'date' || !this.#isDate())) return error;
      return this.#endItem();
    }
    if (octet === open) {
      if (bodyLike) return error;
      this.#at++;
      this.#depth = 1;
      this.#phase = 'list';
      return undefined;
    }
    const literal = this.#literal(false);
    if (literal) return literal;
    const start = this.#at;
    while (this.#at < this.#end && this.#line[this.#at] !== space && this.#line[this.#at] !== close)
      this.#at++;
    if (this.#at === start) return error;
    // An atom could spell out content (RFC 9051 §9 nstring: only NIL may stand here).
    if (bodyLike && latin1(this.#line, start, this.#at).toUpperCase() !== 'NIL') return error;
    if (this.#plan) {
      this.#builder.nilPlanned(this.#plan);
      this.#mark = start;
    }
    if (this.#item.key === 'UID') this.uid = Number(latin1(this.#line, start, this.#at));
    return this.#endItem();
  }

  #list(): FetchStep | undefined {
    while (this.#at < this.#end) {
      const octet = this.#line[this.#at];
      if (octet === quote) {
        if (!this.#quoted(this.#item.role !== 'strings')) return error;
        continue;
      }
      if (octet === 123 || octet === 126) {
        const literal = this.#literal(true);
        if (literal) return literal;
      }
      this.#at++;
      if (octet === open) this.#depth++;
      else if (octet === close && --this.#depth === 0) return this.#endItem();
    }
    return error;
  }

  /** Whether a date stands here in quotes, which could hold anything. */
  #isDate(): boolean {
    return date.test(latin1(this.#line, this.#at, Math.min(this.#end, this.#at + dateOctets)));
  }

  /** Reads a quoted string; false where it doesn't end in this line. */
  #quoted(content: boolean): boolean {
    const start = this.#at;
    let escapes = 0;
    let at = start + 1;
    for (; at < this.#end && this.#line[at] !== quote; at++) {
      if (this.#line[at] === backslash) {
        escapes++;
        at++;
      }
    }
    if (at >= this.#end) return false;
    this.#at = at + 1;
    const length = at - start - 1 - escapes;
    if (!content || (length === 0 && !this.#plan)) return true;
    const unescaped = new Uint8Array(length);
    for (let from = start + 1, to = 0; from < at; from++, to++) {
      if (this.#line[from] === backslash) from++;
      unescaped[to] = this.#line[from] ?? 0;
    }
    if (!this.#plan) this.#handOn(start);
    this.#mark = this.#at;
    if (this.#plan) this.#builder.quotedPlanned(this.#plan, unescaped, this.#source());
    else this.#builder.quotedContent(unescaped, this.#source());
    return true;
  }

  /** The literal that begins here and is announced by the line's end, if so. */
  #literal(inList: boolean): FetchStep | undefined {
    const mark = this.#announced;
    if (!mark || mark.at !== this.#at) return undefined;
    const plan = this.#plan;
    if (plan) this.#mark = this.#line.length;
    else this.#handOn(this.#line.length);
    const { role } = this.#item;
    // Only the plain form may pass: a client that doesn't know another one would read its octets as responses.
    const plain = !mark.nonSync && !mark.binary;
    const passes = mark.size === 0 || (inList && role === 'strings' && plain);
    const target = passes ? 'pass' : role === 'header' && plain ? 'header' : 'message';
    if (!inList) this.#phase = 'item';
    const { size, binary } = mark;
    return { kind: 'literal', size, target, source: this.#source(), plan, binary };
  }

  /** After the literal of an item that isn't a list the item is over; its octets belonged to it. */
  endLiteral(): void {
    if (this.#phase === 'item') this.#builder.item = -1;
  }

  #source(): ContentSource {
    return { number: this.#number, uid: this.uid, key: this.#item.key, role: this.#item.role };
  }
}
