// Goes through RTF once, from left to right: control words, groups, and the digits and texts of the destinations that
// matter. Linear in the input, whatever is nested or cut off.
import { HexSink } from './rtf-hex.ts';

export type RtfPiece =
  /** Digits of `\objdata`, as different programs put them together. */
  | { readonly kind: 'object'; readonly readings: readonly Buffer[]; readonly isHidden: boolean }
  /** `\objocx`. */
  | { readonly kind: 'control' }
  /** `\objupdate`: loaded without being asked for. */
  | { readonly kind: 'update' }
  | { readonly kind: 'class' | 'field' | 'template'; readonly text: string }
  /** Digits of other destinations. */
  | { readonly kind: 'data'; readonly name: string; readonly bytes: Buffer };

/** Groups within each other that are told apart; Word stops far below. Further in, the destination stays. */
const maxDepth = 4096;
/** Characters of a class, a field's code, a path. */
const maxTextCharacters = 4096;
/** Fewer octets are no object. */
const minObjectBytes = 8;

const textKinds = new Map<string, 'class' | 'field' | 'template'>([
  ['objclass', 'class'],
  ['fldinst', 'field'],
  ['template', 'template'],
]);
const dataWords = new Set(['datafield', 'datastore', 'themedata', 'pict', 'objalias']);

type Destination =
  | { readonly kind: 'none' }
  /** The digits count only for who reads tolerantly: a group that others skip. */
  | { readonly kind: 'object'; readonly depth: number; readonly isSkipped: boolean }
  | { readonly kind: 'data'; readonly depth: number; readonly name: string }
  | { readonly kind: 'text'; readonly depth: number; readonly of: 'class' | 'field' | 'template' };

const none: Destination = { kind: 'none' };

const isLetter = (octet: number) => (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
const isDigit = (octet: number) => octet >= 0x30 && octet <= 0x39;

export function readRtf(bytes: Buffer): Generator<RtfPiece> {
  return new Reader(bytes).run();
}

class Reader {
  readonly #bytes: Buffer;
  readonly #sink = new HexSink();
  readonly #stack: Destination[] = [];
  #depth = 0;
  #destination: Destination = none;
  #text = '';
  #ignorable = false;
  /** Fallback characters of `\u` that are still to be skipped. */
  #skip = 0;
  /** As many as `\uc` says. */
  #fallbacks = 1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  *run(): Generator<RtfPiece> {
    const bytes = this.#bytes;
    for (let at = 0; at < bytes.length; ) {
      const octet = bytes[at] ?? 0;
      if (octet === 0x5c) at = yield* this.#control(at);
      else if (octet === 0x7b) {
        this.#depth++;
        if (this.#depth <= maxDepth) this.#stack.push(this.#destination);
        this.#note();
        this.#ignorable = false;
        at++;
      } else if (octet === 0x7d) {
        yield* this.#close();
        at++;
      } else {
        this.#character(octet);
        at++;
      }
    }
    // Cut off: what came counts.
    yield* this.#finish();
  }

  *#close(): Generator<RtfPiece> {
    this.#ignorable = false;
    this.#skip = 0;
    if (this.#depth === 0) return;
    const outer = this.#depth <= maxDepth ? (this.#stack.pop() ?? none) : this.#destination;
    this.#depth--;
    if (this.#destination.kind !== 'none' && this.#destination.depth > this.#depth) yield* this.#finish();
    else this.#note();
    this.#destination = outer;
  }

  /** Word writes digits and line ends into objects, and nothing else. */
  #note(): void {
    if (this.#destination.kind === 'object') this.#sink.hide();
  }

  /** Hands over what the destination gathered. */
  *#finish(): Generator<RtfPiece> {
    const destination = this.#destination;
    this.#destination = none;
    switch (destination.kind) {
      case 'none':
        return;
      case 'text':
        yield { kind: destination.of, text: this.#text };
        return;
      case 'object': {
        const { readings, isHidden } = this.#sink.take();
        const objects = readings.filter((reading) => reading.length >= minObjectBytes);
        if (objects.length > 0) yield { kind: 'object', readings: objects, isHidden };
        return;
      }
      case 'data': {
        const [data] = this.#sink.take().readings;
        if (data && data.length >= minObjectBytes)
          yield { kind: 'data', name: destination.name, bytes: data };
      }
    }
  }

  #character(octet: number): void {
    switch (this.#destination.kind) {
      case 'none':
        return;
      case 'object':
        this.#sink.digit(octet, this.#destination.isSkipped);
        return;
      case 'data':
        this.#sink.digit(octet, false);
        return;
      case 'text':
        if (octet < 0x20) return;
        if (this.#skip > 0) this.#skip--;
        else if (this.#text.length < maxTextCharacters) this.#text += String.fromCharCode(octet);
    }
  }

  /** A control word or symbol at `at`; answers where it ends. */
  *#control(at: number): Generator<RtfPiece, number> {
    const bytes = this.#bytes;
    const first = bytes[at + 1] ?? 0;
    if (!isLetter(first)) return this.#symbol(at, first);
    let end = at + 1;
    while (end < bytes.length && isLetter(bytes[end] ?? 0)) end++;
    const word = bytes.toString('latin1', at + 1, Math.min(end, at + 33));
    const digits = end;
    if (bytes[end] === 0x2d) end++;
    while (end < bytes.length && isDigit(bytes[end] ?? 0) && end - digits < 11) end++;
    const parameter = end > digits ? Number(bytes.toString('latin1', digits, end)) : undefined;
    if (bytes[end] === 0x20) end++;
    if (word === 'bin' && parameter !== undefined && parameter > 0) {
      const until = Math.min(bytes.length, end + parameter);
      if (this.#destination.kind === 'object' || this.#destination.kind === 'data')
        this.#sink.raw(bytes.subarray(end, until));
      return until;
    }
    yield* this.#word(word, parameter, bytes.subarray(digits, end));
    return end;
  }

  #symbol(at: number, symbol: number): number {
    if (symbol === 0x2a) this.#ignorable = true;
    if (symbol !== 0x27) {
      // An escaped brace or backslash is a character.
      const isEscaped = symbol === 0x5c || symbol === 0x7b || symbol === 0x7d;
      if (isEscaped && this.#destination.kind === 'text') this.#character(symbol);
      else if (symbol > 0x20) this.#note();
      return at + 2;
    }
    const code = Number.parseInt(this.#bytes.toString('latin1', at + 2, at + 4), 16);
    if (this.#destination.kind === 'text') this.#character(code);
    else if (this.#destination.kind === 'object') {
      this.#sink.digit(this.#bytes[at + 2] ?? 0, true);
      this.#sink.digit(this.#bytes[at + 3] ?? 0, true);
    }
    return at + 4;
  }

  *#word(word: string, parameter: number | undefined, digits: Buffer): Generator<RtfPiece> {
    const ignorable = this.#ignorable;
    this.#ignorable = false;
    const kind = textKinds.get(word);
    if (word === 'objdata') {
      yield* this.#finish();
      this.#destination = { kind: 'object', depth: this.#depth, isSkipped: false };
      // Digits right behind the word are its parameter to some, and data to others.
      for (const digit of digits) this.#sink.digit(digit, true);
    } else if (word === 'objocx') yield { kind: 'control' };
    else if (word === 'objupdate') yield { kind: 'update' };
    else if (this.#destination.kind === 'object') {
      this.#sink.hide();
      // A group of another destination within: its digits are its own to some, and the object's to others.
      if (ignorable || kind !== undefined) this.#destination = { ...this.#destination, isSkipped: true };
    } else if (kind !== undefined) {
      yield* this.#finish();
      this.#text = '';
      this.#destination = { kind: 'text', depth: this.#depth, of: kind };
    } else if (dataWords.has(word)) {
      yield* this.#finish();
      this.#destination = { kind: 'data', depth: this.#depth, name: word };
    } else if (this.#destination.kind === 'text') this.#inText(word, parameter);
    // A picture's properties have digits too.
    else if (this.#destination.kind === 'data' && ignorable) this.#destination = none;
  }

  #inText(word: string, parameter: number | undefined): void {
    if (parameter === undefined || this.#text.length >= maxTextCharacters) return;
    if (word === 'uc') this.#fallbacks = parameter;
    if (word !== 'u') return;
    this.#text += String.fromCharCode(parameter & 0xffff);
    this.#skip = this.#fallbacks;
  }
}
