// Finds what pages and scripts carry in encoded form: data addresses, and long literals in base64, hex, percent or
// backslash escapes, or as lists of numbers. Decodes them without running anything.

/** Characters of a literal from which on it may carry a file or a script. */
const literalCharacters = 64;

/** Numbers of a list, for the same reason. */
const literalNumbers = 64;

/** Escapes in a literal, so that text with some of them does not count. */
const literalEscapes = 8;

const base64Class = 1;
const hexClass = 2;
const upperClass = 4;
const lowerClass = 8;
/** `+` and `/`, or `-` and `_` (RFC 4648 §4, §5). */
const plainClass = 16;
const urlClass = 32;

function classTable(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (characters: string, bits: number) => {
    for (const character of characters)
      table[character.charCodeAt(0)] = (table[character.charCodeAt(0)] ?? 0) | bits;
  };
  mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', base64Class | upperClass);
  mark('abcdefghijklmnopqrstuvwxyz', base64Class | lowerClass);
  mark('0123456789', base64Class | hexClass);
  mark('ABCDEFabcdef', hexClass);
  mark('+/', base64Class | plainClass);
  mark('-_', base64Class | urlClass);
  return table;
}

const classes = classTable();

/** What stands between the pieces of one literal: `"a" + "b"`, `x += "b"`, a line that goes on. */
const joins = /["'`]\s*(?:\+|;\s*[\w.$]{1,64}\s*\+=)\s*["'`]|\\\r?\n\s*|\\[nr](?=[A-Za-z0-9+/=])/g;
const listJoins = /["'`]\s*,\s*["'`]/g;

/** `script` with the pieces of its literals joined. */
export function joinLiterals(script: string): string {
  return script.replace(joins, '');
}

/** Text of nothing but words: nobody runs it. */
function isWords(bytes: Buffer): boolean {
  for (const octet of bytes) {
    const lower = octet | 0x20;
    if (!(lower >= 0x61 && lower <= 0x7a) && octet !== 0x20 && octet !== 0x0a && octet !== 0x0d) return false;
  }
  return true;
}

function* runs(text: string, least: number): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    let all = 255;
    let any = 0;
    let end = at;
    for (; end < text.length; end++) {
      const bits = classes[text.charCodeAt(end) & 255] ?? 0;
      if (bits === 0) break;
      all &= bits;
      any |= bits;
    }
    if (end - at >= least) {
      const isHex = (all & hexClass) !== 0 && (end - at) % 2 === 0;
      const isMixed = (any & upperClass) !== 0 && (any & lowerClass) !== 0;
      const isOneAlphabet = (any & plainClass) === 0 || (any & urlClass) === 0;
      if (isHex) yield Buffer.from(text.slice(at, end), 'hex');
      else if (isMixed && isOneAlphabet) yield Buffer.from(text.slice(at, end), 'base64');
    }
    at = end + 1;
  }
}

function hexAt(text: string, at: number, digits: number): number {
  let value = 0;
  for (let i = 0; i < digits; i++) {
    const digit = Number.parseInt(text[at + i] ?? '', 16);
    if (Number.isNaN(digit)) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Decodes `%41`, `%u0041`, `\x41` and `\u0041`; answers with nothing where there are fewer than `least` of them. */
function unescaped(text: string, least: number): Buffer | undefined {
  if (!text.includes('%') && !text.includes('\\')) return undefined;
  const out = Buffer.allocUnsafe(text.length);
  let length = 0;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    let value = -1;
    let taken = 0;
    if (character === 0x25 || character === 0x5c) {
      const next = text.charCodeAt(at + 1);
      const isLong = next === 0x75;
      if (isLong) [value, taken] = [hexAt(text, at + 2, 4), 5];
      else if (character === 0x25) [value, taken] = [hexAt(text, at + 1, 2), 2];
      else if (next === 0x78) [value, taken] = [hexAt(text, at + 2, 2), 3];
    }
    if (value === -1) {
      out[length++] = character;
      continue;
    }
    count++;
    at += taken;
    if (value < 256) out[length++] = value;
    else length += out.write(String.fromCharCode(value), length, 'utf8');
  }
  return count >= least ? out.subarray(0, length) : undefined;
}

function* escapedTexts(text: string): Generator<Buffer> {
  for (const [stretch] of text.matchAll(/[^"'`\r\n]+/g)) {
    if (stretch.length < literalCharacters) continue;
    const decoded = unescaped(stretch, literalEscapes);
    if (decoded !== undefined) yield decoded;
  }
}

/** Lists such as `77, 90, 0x90, -1`: octets, or characters' codes. */
function* numberLists(text: string): Generator<Buffer> {
  let list: number[] = [];
  const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
  for (let at = 0; at < text.length; ) {
    const isNegative = text.charCodeAt(at) === 0x2d;
    let end = isNegative ? at + 1 : at;
    let value = -1;
    if (text.charCodeAt(end) === 0x30 && (text.charCodeAt(end + 1) | 0x20) === 0x78) {
      value = hexAt(text, end + 2, 2);
      end += 4;
      if (value === -1) end -= 2;
    } else if (isDigit(text.charCodeAt(end))) {
      value = 0;
      const start = end;
      while (end - start < 4 && isDigit(text.charCodeAt(end)))
        value = value * 10 + text.charCodeAt(end++) - 0x30;
    }
    if (value !== -1 && value < 256) list.push((isNegative ? -value : value) & 255);
    let after = Math.max(end, at + 1);
    let separated = false;
    for (; after < text.length; after++) {
      const code = text.charCodeAt(after);
      if (code !== 0x2c && code !== 0x20 && !(code >= 0x09 && code <= 0x0d)) break;
      separated = true;
    }
    if (value === -1 || value > 255 || !separated) {
      if (list.length >= literalNumbers) yield Buffer.from(list);
      list = [];
    }
    at = after;
  }
  if (list.length >= literalNumbers) yield Buffer.from(list);
}

/**
 * What the long literals in `text` decode to, words alone left out; some of it twice where pieces may belong together.
 * @param text characters that are octets; of a script: as `joinLiterals` gives it
 * @param least characters of base64 or hex in one piece
 */
export function* literalsOf(text: string, least = literalCharacters): Generator<Buffer> {
  if (text.length < literalCharacters) return;
  const lists = text.replace(listJoins, '');
  for (const reading of lists === text ? [text] : [text, lists])
    for (const decoded of runs(reading, least)) if (!isWords(decoded)) yield decoded;
  for (const decoded of escapedTexts(text)) if (!isWords(decoded)) yield decoded;
  yield* numberLists(text);
}

interface DataAddress {
  /** As it is written, in lower case: `text/html;base64`. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

const mediaTypeCharacters = 256;

function decodeData(mediaType: string, data: string): DataAddress {
  const lower = mediaType.toLowerCase();
  const plain = unescaped(data, 0) ?? Buffer.from(data, 'latin1');
  const isBase64 = /;\s*base64\s*$/.test(lower);
  return { mediaType: lower, bytes: isBase64 ? Buffer.from(plain.toString('latin1'), 'base64') : plain };
}

/** The data addresses (RFC 2397) in `text`: one that is all of it, or several in a script or a style. */
export function* dataAddressesOf(text: string): Generator<DataAddress> {
  const scheme = /data:/gi;
  const isAll = /^[\0-\x20]*data:/i.test(text.slice(0, 64));
  for (let found = scheme.exec(text); found; found = scheme.exec(text)) {
    const start = found.index + found[0].length;
    const head = /^[^,:"'()<>{}]*,/.exec(text.slice(start, start + mediaTypeCharacters))?.[0];
    if (head === undefined) continue;
    const stop = /["'()<>\s`]/g;
    stop.lastIndex = start + head.length;
    const end = isAll ? text.length : (stop.exec(text)?.index ?? text.length);
    if (end > start + head.length) yield decodeData(head.slice(0, -1), text.slice(start + head.length, end));
    scheme.lastIndex = end;
  }
}
