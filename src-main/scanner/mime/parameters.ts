// Parameters of header fields, each in all the ways in which mail programs read it: quoted, unquoted, with and without
// comments and escapes, in pieces (RFC 2231 §3), percent-encoded (§4).
import { decodeCharset } from './charsets.ts';

/** Values of one parameter in one block; RFC 2045 §5.1 knows one. */
const maxValues = 32;

/** Characters that a value is looked for in. */
const valueBytes = 2_048;

/** Characters looked at for one parameter of one block: what is unclosed would be read again and again. */
const lookBytes = 256 * 1024;

/** One way of reading one occurrence of a parameter. */
interface Reading {
  /** As octets in Latin-1. */
  readonly text: string;
  /** Of a percent-encoded value, when it names one. */
  readonly charset: string | undefined;
}

/**
 * Finds a parameter wherever it stands, also in comments and in fields of other names, up to the equals sign. Group 1:
 * the number of a piece, group 2: whether it is percent-encoded. `before`: a pattern of its name.
 */
export function parameterPattern(before: string): RegExp {
  const blanks = '[ \\t\\r\\n]{0,80}';
  const comment = '(?:\\([^)]{0,80}\\))?';
  const source = `${before}(?:\\*(\\d{1,3}))?(\\*)?${blanks}${comment}${blanks}=${blanks}`;
  return new RegExp(source, 'gi');
}

const unfold = (value: string): string => value.replace(/[\r\n]+[ \t]*/g, '').trimEnd();

/** The quote-free, comment-free and other readings of what follows an equals sign, without doubles. */
function readings(raw: string): string[] {
  const all: string[] = [];
  const quoted = /^"((?:[^"\\]|\\[\s\S])*)"?/.exec(raw)?.[1];
  if (quoted !== undefined) {
    all.push(quoted);
    if (quoted.includes('\\')) all.unshift(quoted.replace(/\\([\s\S])/g, '$1'));
    // Some programs look for the first quote, whatever stands before it.
    const cut = quoted.indexOf('\\');
    if (cut !== -1 && quoted[cut + 1] === '"') all.push(quoted.slice(0, cut), quoted.slice(0, cut + 1));
  } else {
    const bare = /^(?:\([^)]{0,80}\)[ \t]{0,80})?/.exec(raw)?.[0].length ?? 0;
    for (const from of new Set([bare, 0])) {
      // Up to the semicolon; or up to a blank or a comment too.
      all.push(/^[^;\r\n]+/.exec(raw.slice(from))?.[0] ?? '', /^[^\s;(]+/.exec(raw.slice(from))?.[0] ?? '');
    }
    const single = /^'([^']*)'/.exec(raw)?.[1];
    if (single !== undefined) all.push(single);
    const inner = /^[^;\r\n"]{1,80}"([^"]*)"/.exec(raw)?.[1];
    if (inner !== undefined) all.push(inner);
  }
  return [...new Set(all.map(unfold))].filter((value) => value !== '');
}

/** The octets of a percent-encoded value. */
function decodePercent(value: string): string {
  return value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** RFC 2231 §4: percent-encoding behind `charset'language'`. */
function decodeExtended(value: string): Reading {
  const [, charset, rest] = /^([^']{0,60})'[^']{0,60}'([\s\S]*)$/.exec(value) ?? [];
  return { text: decodePercent(rest ?? value), charset: charset === '' ? undefined : charset };
}

interface Pieces {
  readonly decoded: Map<number, string>;
  readonly raw: Map<number, string>;
  charset: string | undefined;
}

function joined(pieces: ReadonlyMap<number, string>): string {
  const order = [...pieces].sort(([a], [b]) => a - b);
  return order.map(([, piece]) => piece).join('');
}

const plain = (text: string): Reading => ({ text, charset: undefined });

/**
 * All readings of a parameter in the text of a block. Percent-encoded ones and pieces come first, since programs prefer
 * them; then the likeliest of the first and of the last occurrence.
 */
function allReadings(text: string, pattern: RegExp): Reading[] {
  const likely: Reading[] = [];
  const others: Reading[] = [];
  const extended: Reading[] = [];
  const pieces: Pieces = { decoded: new Map(), raw: new Map(), charset: undefined };
  let left = lookBytes;
  for (const match of text.matchAll(pattern)) {
    const start = match.index + match[0].length;
    const raw = text.slice(start, start + valueBytes);
    // A value without an end costs all that it is looked for in.
    left -= raw.startsWith('"') && raw.indexOf('"', 1) === -1 ? valueBytes : 64;
    if (left < 0 || likely.length >= maxValues) break;
    const [, number, isExtended] = match;
    const [first, ...rest] = readings(raw);
    if (first === undefined) continue;
    if (number === undefined) {
      if (isExtended !== undefined) extended.push(decodeExtended(first), ...rest.map(decodeExtended));
      likely.push(plain(first));
      others.push(...rest.map(plain));
      continue;
    }
    const piece = isExtended === undefined ? plain(first) : decodeExtended(first);
    pieces.charset ??= piece.charset;
    if (!pieces.decoded.has(Number(number))) pieces.decoded.set(Number(number), piece.text);
    pieces.raw.set(Number(number), first);
  }
  if (pieces.decoded.size > 0) {
    extended.push({ text: joined(pieces.decoded), charset: pieces.charset });
    others.push(plain(joined(pieces.raw)));
  }
  return [...extended, ...likely.slice(0, 1), ...likely.slice(-1), ...likely.slice(1, -1), ...others];
}

/** All values of a parameter in the text of a block (Latin-1 for octets), without doubles. */
export function parameterValues(text: string, pattern: RegExp): string[] {
  return [...new Set(allReadings(text, pattern).map((reading) => reading.text))];
}

/** The same as text: in the character set that a value names, in UTF-8 where it is (RFC 6532), and in Latin-1. */
export function parameterTexts(text: string, pattern: RegExp): string[] {
  return allReadings(text, pattern).flatMap((reading) => {
    const octets = reading.text;
    const { charset } = reading;
    if (charset !== undefined) return [decodeCharset(Buffer.from(octets, 'latin1'), charset), octets];
    return headerTexts(octets);
  });
}

/** Octets of a header as text: ASCII; UTF-8 where they are; Latin-1. */
export function headerTexts(octets: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
  if (/^[\x00-\x7f]*$/.test(octets)) return [octets];
  const utf8 = Buffer.from(octets, 'latin1').toString('utf8');
  return utf8.includes('\u{fffd}') ? [octets] : [utf8, octets];
}
