// Encoded words (RFC 2047), which stand for text of any character set in header fields; also where they may not stand,
// since mail programs decode them there too.
import { decodeCharset } from './charsets.ts';

/** Characters between the question marks; RFC 2047 §2 allows 75 for a whole word, programs write longer ones. */
const pattern = /=\?([^?\s]{1,60})\?([bq])\?([^?]{0,1000})\?=/gi;

interface Word {
  readonly charset: string;
  readonly octets: Buffer;
}

function octetsOf(encoding: string, text: string): Buffer {
  if (encoding === 'b' || encoding === 'B') return Buffer.from(text, 'base64');
  const plain = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}

/** Words of one character set in a row, together: a character may be split between two of them. */
function decodeAll(words: readonly Word[]): string {
  let text = '';
  for (let from = 0; from < words.length; ) {
    const charset = words[from]?.charset ?? '';
    let to = from + 1;
    while (words[to]?.charset === charset) to++;
    text += decodeCharset(Buffer.concat(words.slice(from, to).map(({ octets }) => octets)), charset);
    from = to;
  }
  return text;
}

/** `text` with its encoded words decoded, and without the blanks between two of them (RFC 2047 §6.2). */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text;
  let decoded = '';
  let last = 0;
  let words: Word[] = [];
  for (const match of text.matchAll(pattern)) {
    const between = text.slice(last, match.index);
    if (words.length > 0 && between.trim() !== '') {
      decoded += decodeAll(words);
      words = [];
    }
    if (words.length === 0) decoded += between;
    const [whole, charset = '', encoding = '', content = ''] = match;
    // A language may follow the character set (RFC 2231 §5).
    words.push({ charset: charset.replace(/\*.*/, '').toLowerCase(), octets: octetsOf(encoding, content) });
    last = match.index + whole.length;
  }
  return decoded + decodeAll(words) + text.slice(last);
}
