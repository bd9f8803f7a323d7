// Reads the objects of a PDF (ISO 32000-2 §7.3): one value from any place, tolerantly, in bounded memory.

export type PdfValue =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'string'; readonly bytes: Buffer }
  | { readonly kind: 'number'; readonly value: number }
  /** Of the object with this number. */
  | { readonly kind: 'reference'; readonly object: number }
  | PdfArray
  | PdfDictionary
  | { readonly kind: 'keyword'; readonly word: string };

interface PdfArray {
  readonly kind: 'array';
  readonly values: readonly PdfValue[];
}

export interface PdfDictionary {
  readonly kind: 'dictionary';
  readonly entries: ReadonlyMap<string, PdfValue>;
}

/** Dictionaries and arrays within each other; deeper ones count as part of the one around. */
const maxDepth = 32;

/** Values of one array or dictionary that are kept; the others are read all the same. */
const maxKept = 1_024;

const nameBytes = 128;

interface Frame {
  readonly isDictionary: boolean;
  readonly values: PdfValue[];
  readonly entries: Map<string, PdfValue>;
  key: string | undefined;
}

/** ISO 32000-2 §7.2.3: 1 blank, 2 delimiter. */
function characterTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (const code of [0, 9, 10, 12, 13, 32]) table[code] = 1;
  for (const character of '()<>[]{}/%') table[character.charCodeAt(0)] = 2;
  return table;
}

const table = characterTable();

export function isBlankOctet(octet: number | undefined): boolean {
  return octet !== undefined && table[octet] === 1;
}

function isRegular(octet: number | undefined): boolean {
  return octet !== undefined && table[octet] === 0;
}

/** The value of a hexadecimal digit, or -1. */
function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** By the octets of `n`, `r`, `t`, `b`, `f`. */
const escapes: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x62, 0x08],
  [0x66, 0x0c],
]);

/** Undoes the escapes of a string (§7.3.4.2): letters, up to three octal digits, line ends that are none. */
function unescapeString(raw: Buffer): Buffer {
  const out = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    const octet = raw[at] ?? 0;
    if (octet !== 0x5c || at + 1 === raw.length) {
      out[length++] = octet;
      continue;
    }
    const next = raw[++at] ?? 0;
    if (next >= 0x30 && next <= 0x37) {
      let value = next - 0x30;
      for (let digits = 1; digits < 3; digits++) {
        const digit = raw[at + 1] ?? 0;
        if (digit < 0x30 || digit > 0x37) break;
        value = value * 8 + digit - 0x30;
        at++;
      }
      out[length++] = value & 255;
    } else if (next === 0x0d) {
      if (raw[at + 1] === 0x0a) at++;
    } else if (next !== 0x0a) out[length++] = escapes.get(next) ?? next;
  }
  return out.subarray(0, length);
}

/** Words that end an object. */
const endWords = new Set(['endobj', 'stream', 'endstream', 'obj', 'xref', 'startxref', 'trailer']);

export class PdfReader {
  readonly #bytes: Buffer;
  readonly #onDictionary: (dictionary: PdfDictionary) => void;
  #at: number;

  /** @param onDictionary is told of each dictionary when it ends, inner ones first */
  constructor(bytes: Buffer, at: number, onDictionary: (dictionary: PdfDictionary) => void) {
    this.#bytes = bytes;
    this.#at = at;
    this.#onDictionary = onDictionary;
  }

  /** Offset behind what was read. */
  get at(): number {
    return this.#at;
  }

  /**
   * Reads values up to a word that ends an object, or the end.
   * @returns the outermost values, and the word
   */
  read(): { readonly values: readonly PdfValue[]; readonly word: string } {
    const outermost: Frame = { isDictionary: false, values: [], entries: new Map(), key: undefined };
    const frames = [outermost];
    let word = '';
    while (this.#skipBlanks()) {
      const octet = this.#bytes[this.#at];
      const frame = frames.at(-1) ?? outermost;
      const next = this.#bytes[this.#at + 1];
      if (octet === 0x3c && next === 0x3c) this.#open(frames, true, 2);
      else if (octet === 0x5b) this.#open(frames, false, 1);
      else if (octet === 0x3e && next === 0x3e) this.#close(frames, true, 2);
      else if (octet === 0x5d) this.#close(frames, false, 1);
      else {
        const value = this.#simple(frame);
        if (value?.kind === 'keyword' && endWords.has(value.word)) {
          word = value.word;
          break;
        }
        if (value) this.#put(frame, value);
      }
    }
    while (frames.length > 1) this.#close(frames, frames.at(-1)?.isDictionary ?? false, 0);
    return { values: outermost.values, word };
  }

  #open(frames: Frame[], isDictionary: boolean, octets: number): void {
    this.#at += octets;
    if (frames.length <= maxDepth)
      frames.push({ isDictionary, values: [], entries: new Map(), key: undefined });
  }

  #close(frames: Frame[], isDictionary: boolean, octets: number): void {
    this.#at += octets;
    const frame = frames.at(-1);
    const parent = frames.at(-2);
    if (!frame || !parent || frame.isDictionary !== isDictionary) return;
    frames.pop();
    const { values, entries } = frame;
    if (!isDictionary) {
      this.#put(parent, { kind: 'array', values });
      return;
    }
    const dictionary: PdfDictionary = { kind: 'dictionary', entries };
    this.#onDictionary(dictionary);
    this.#put(parent, dictionary);
  }

  #put(frame: Frame, value: PdfValue): void {
    if (!frame.isDictionary) {
      if (frame.values.length < maxKept) frame.values.push(value);
    } else if (frame.key === undefined) {
      if (value.kind === 'name') frame.key = value.name;
    } else {
      // The last one counts for some programs, the first for others: a reference or a dictionary leads on.
      const isRoom = frame.entries.size < maxKept || frame.entries.has(frame.key);
      if (isRoom) frame.entries.set(frame.key, value);
      frame.key = undefined;
    }
  }

  #skipBlanks(): boolean {
    const bytes = this.#bytes;
    for (; this.#at < bytes.length; this.#at++) {
      if (isBlankOctet(bytes[this.#at])) continue;
      if (bytes[this.#at] !== 0x25) return true;
      while (this.#at < bytes.length && bytes[this.#at] !== 0x0a && bytes[this.#at] !== 0x0d) this.#at++;
    }
    return false;
  }

  #simple(frame: Frame): PdfValue | undefined {
    const octet = this.#bytes[this.#at];
    if (octet === 0x2f) return { kind: 'name', name: this.#name() };
    if (octet === 0x28) return { kind: 'string', bytes: this.#string() };
    if (octet === 0x3c) return { kind: 'string', bytes: this.#hexString() };
    const start = this.#at;
    while (isRegular(this.#bytes[this.#at])) this.#at++;
    if (this.#at === start) {
      this.#at++;
      return undefined;
    }
    const word = this.#bytes.toString('latin1', start, Math.min(this.#at, start + nameBytes));
    if (/^[+-]?\d*\.?\d*$/.test(word)) return this.#number(frame, Number.parseFloat(word) || 0);
    // Two words in one, where an end of line is missing.
    if (word.startsWith('endobj')) this.#at = start + 6;
    return { kind: 'keyword', word: word.startsWith('endobj') ? 'endobj' : word };
  }

  /** A number, or a reference: `12 0 R`. */
  #number(frame: Frame, value: number): PdfValue {
    const ahead = /^[\0\t\n\f\r ]+\d{1,5}[\0\t\n\f\r ]+R(?![A-Za-z0-9])/.exec(
      this.#bytes.toString('latin1', this.#at, this.#at + 24),
    );
    if (!ahead || !Number.isInteger(value)) return { kind: 'number', value };
    this.#at += ahead[0].length;
    // Some write a name for a key only: what follows is then no value of it.
    return frame.isDictionary && frame.key === undefined
      ? { kind: 'number', value }
      : { kind: 'reference', object: value };
  }

  /** With `#4a` escapes decoded (§7.3.5). */
  #name(): string {
    const start = ++this.#at;
    while (isRegular(this.#bytes[this.#at])) this.#at++;
    const name = this.#bytes.toString('latin1', start, Math.min(this.#at, start + nameBytes));
    return name.replace(/#([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }

  /** With balanced parentheses and escapes (§7.3.4.2). */
  #string(): Buffer {
    const bytes = this.#bytes;
    const start = ++this.#at;
    let depth = 1;
    let escaped = false;
    for (; this.#at < bytes.length; this.#at++) {
      const octet = bytes[this.#at];
      if (octet === 0x5c) {
        escaped = true;
        this.#at++;
      } else if (octet === 0x28) depth++;
      else if (octet === 0x29 && --depth === 0) break;
    }
    const raw = bytes.subarray(start, Math.min(this.#at, bytes.length));
    this.#at = Math.min(bytes.length, this.#at + 1);
    return escaped ? unescapeString(raw) : raw;
  }

  #hexString(): Buffer {
    const bytes = this.#bytes;
    const end = bytes.indexOf(0x3e, this.#at);
    const until = end === -1 ? bytes.length : end;
    const out = Buffer.alloc((until - this.#at + 1) >> 1);
    let digits = 0;
    for (let at = this.#at + 1; at < until; at++) {
      const value = hexValue(bytes[at] as number);
      if (value === -1) continue;
      // A missing last digit is a zero.
      out[digits >> 1] = digits % 2 === 0 ? value << 4 : (out[digits >> 1] as number) | value;
      digits++;
    }
    this.#at = Math.min(bytes.length, until + 1);
    return out.subarray(0, (digits + 1) >> 1);
  }
}
