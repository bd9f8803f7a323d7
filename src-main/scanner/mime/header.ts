// What the walker needs to know of one header block, in every reading at once: all boundaries, all encodings.
import { cleanHeaderName } from '../names.ts';

export interface BlockInfo {
  /** Of all Content-Type fields and all their boundary parameters; more than one is ambiguous. */
  readonly boundaries: readonly string[];
  readonly base64: boolean;
  readonly quotedPrintable: boolean;
  /** A message/* type: its content begins with a header block of its own. */
  readonly message: boolean;
  readonly multipart: boolean;
  readonly name: string | undefined;
}

/** A part without a header: plain text (RFC 2045 §5.2). */
export const noInfo: BlockInfo = {
  boundaries: [],
  base64: false,
  quotedPrintable: false,
  message: false,
  multipart: false,
  name: undefined,
};

/** Boundaries of one block that are followed; RFC 2046 §5.1.1 knows one. */
const maxBoundaries = 8;

/** The comment-free, quote-free and other readings of one parameter value. */
function readings(raw: string): string[] {
  const quoted = /^"((?:[^"\\]|\\[\s\S])*)"?/.exec(raw)?.[1];
  const all =
    quoted === undefined
      ? // Unquoted: up to a blank, a semicolon or a comment; or up to the semicolon alone.
        [/^[^\s;(]+/.exec(raw)?.[0] ?? '', (/^[^;\r\n]+/.exec(raw)?.[0] ?? '').trimEnd()]
      : [quoted.replace(/\\([\s\S])/g, '$1'), quoted];
  const single = /^'([^']*)'/.exec(raw)?.[1];
  if (single !== undefined) all.push(single);
  return all.map((value) => value.replace(/[\r\n]+[ \t]*/g, '').trimEnd()).filter((value) => value !== '');
}

/** RFC 2231 §4: percent-encoding behind `charset'language'`. */
function decodeExtended(value: string): string {
  const text = value.replace(/^[^']*'[^']*'/, '');
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** All values of a parameter (`before`: a pattern of its name) in a block, RFC 2231 continuations joined. */
function parameterValues(text: string, before: string): string[] {
  const values: string[] = [];
  const pieces = new Map<number, string>();
  // Every occurrence counts, also inside comments and in fields of other names.
  const pattern = new RegExp(`${before}(?:\\*(\\d{1,3}))?(\\*)?[ \\t\\r\\n]{0,80}=[ \\t\\r\\n]{0,80}`, 'gi');
  for (const match of text.matchAll(pattern)) {
    if (values.length + pieces.size >= 4 * maxBoundaries) break;
    const found = readings(text.slice(match.index + match[0].length, match.index + match[0].length + 1024));
    const extended = match[2] === undefined ? found : found.map(decodeExtended);
    if (match[1] === undefined) values.push(...extended);
    else if (extended[0] !== undefined) pieces.set(Number(match[1]), extended[0]);
  }
  if (pieces.size > 0) {
    const order = [...pieces].sort(([a], [b]) => a - b);
    values.push(order.map(([, piece]) => piece).join(''));
  }
  return [...new Set(values)];
}

/**
 * Reads one header block, already cut to its limit. Field names are not looked at too closely: a NUL, a blank or a
 * comment in them means nothing to some mail programs.
 */
export function readBlock(block: Buffer): BlockInfo {
  const raw = block.toString('latin1');
  const text = raw.includes('\0') ? raw.replaceAll('\0', '') : raw;
  if (!/content/i.test(text)) return noInfo;
  const values = /boundary/i.test(text) ? parameterValues(text, 'boundary') : [];
  return {
    boundaries: values.slice(0, maxBoundaries),
    base64: /base64/i.test(text),
    quotedPrintable: /quoted-printable/i.test(text),
    message: /message\s*\//i.test(text),
    multipart: /multipart\s*\//i.test(text),
    name: /name/i.test(text)
      ? cleanHeaderName(parameterValues(text, '[;\\s](?:file)?name').at(0))
      : undefined,
  };
}
