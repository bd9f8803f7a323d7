// The words of a message that may open what is encrypted in it.
import { isUtf8 } from 'node:buffer';
import { decodeWords } from '../mime/encoded-words.ts';

/** Passwords that are tried on one archive. */
export const maxPasswords = 200;

/** A longer word is no password that somebody types. */
const maxCharacters = 64;

/** Words of all texts that are looked at. */
const maxWords = 20_000;

/** Words behind one that speaks of a password, and in front of it. */
const wordsBehind = 8;
const wordsBefore = 4;

/** Words that speak of one, in the languages of much mail. */
const speaksOfOne =
  /\bpasse?\b|pass(?:w(?:or[dt]|oord)|ord|phrase|code)|l[öo]senord|\bpwd?\b|\bpin\b|\b[ck]ode[nrs]?\b|kennwort|contrase[ñn]a|senha|clave|parola|has[łl]o|heslo|jelsz[óo]|salasana|adgangskode|пароль|код|密码|密碼|解压|パスワード|비밀번호|암호|סיסמה|كلمة/iu;

/** What people who send malware on purpose use, and others out of habit. */
const commonplace = [
  'infected',
  'virus',
  'malware',
  'password',
  'Password',
  'passord',
  'passwort',
  'pass',
  'secret',
  'admin',
  'test',
  'abc123',
  '1',
  '123',
  '1234',
  '12345',
  '123456',
  '12345678',
  '123456789',
  '0000',
  '1111',
  '111111',
  'qwerty',
  '2023',
  '2024',
  '2025',
  '2026',
];

/** What stands around a word in a sentence. */
const before = /^[\s"'`´‘’‚‛“”„‟«»‹›「」『』（）()[\]{}<>*_:;,=：\-–—]+/u;
const after = /[\s"'`´‘’‚‛“”„‟«»‹›「」『』（）()[\]{}<>*_.:;,!?=。，：\-–—]+$/u;

/** The first field of a header block. */
const headerStart = /^[!-9;-~]{1,76}:/;

const looksHtml = /<(?:html|body|div|p|br|span|table|td|font|b|strong|a|meta|head)\b[^<>]{0,2000}>/i;

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  zwnj: '',
  shy: '',
};

function decodeEntity(whole: string, name: string): string {
  if (!name.startsWith('#')) return entities[name.toLowerCase()] ?? whole;
  const isHex = name[1] === 'x' || name[1] === 'X';
  const code = Number.parseInt(name.slice(isHex ? 2 : 1), isHex ? 16 : 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** The text that HTML shows, roughly: tags within a line fall away, so that a word in pieces is one. */
function shownText(html: string): string {
  return html
    .replace(
      /<(?:style|script|head)\b[^<>]{0,2000}>[\s\S]*?(?:<\/(?:style|script|head)\b[^<>]{0,2000}>|$)/gi,
      ' ',
    )
    .replace(
      /<(?:br|\/?(?:p|div|td|th|tr|li|h\d|table|ul|ol|body|html|pre|hr|blockquote))\b[^<>]{0,2000}>/gi,
      '\n',
    )
    .replace(/<[a-z/!][^<>]{0,2000}>/gi, '')
    .replace(/&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,6});?/gi, decodeEntity);
}

/** undefined: `text` is no header of a message. The other fields are no words that anybody reads. */
function subjectOf(text: string): string | undefined {
  if (!headerStart.test(text)) return undefined;
  const at = text.search(/^subject:/im);
  if (at === -1) return undefined;
  const end = text.slice(at).search(/\r?\n(?![ \t])/);
  return decodeWords(text.slice(at + 'subject:'.length, end === -1 ? undefined : at + end));
}

function* wordsOf(texts: Iterable<Buffer>): Generator<string> {
  for (const bytes of texts) {
    const all = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
    const text = subjectOf(all) ?? all;
    const shown = looksHtml.test(text) ? shownText(text) : text;
    for (const [word] of shown.matchAll(/\S+/g)) yield word;
  }
}

/** How a word may have been meant: without what stands around it, as it stands, and behind `password:`. */
function readingsOf(word: string): string[] {
  const trimmed = word.replace(before, '').replace(after, '');
  const colon = /^[^\s:=：]{1,20}[:=：](.+)$/u.exec(word)?.[1];
  const behind = colon?.replace(before, '').replace(after, '');
  return [behind, trimmed, word].filter(
    (each): each is string => each !== undefined && each !== '' && each.length <= maxCharacters,
  );
}

/**
 * Words of `texts` (the header with the subject, and the text of the message), the likeliest first, without doubles:
 * those near a word that speaks of a password, then the others as they come, then commonplace ones.
 */
export function candidatePasswords(texts: Iterable<Buffer>): readonly string[] {
  const behind = new Set<string>();
  const inFront = new Set<string>();
  const others = new Set<string>();
  const recent: string[] = [];
  let left = 0;
  let seen = 0;
  for (const word of wordsOf(texts)) {
    if (++seen > maxWords) break;
    if (word.length > maxCharacters * 2) continue;
    const speaks = speaksOfOne.test(word);
    if (speaks) {
      for (const earlier of recent) inFront.add(earlier);
      left = wordsBehind + 1;
    }
    const readings = readingsOf(word);
    for (const reading of readings) (left > 0 ? behind : others).add(reading);
    left--;
    recent.push(...readings.slice(0, 1));
    if (recent.length > wordsBefore) recent.shift();
  }
  const words = new Set([...behind, ...inFront, ...others]);
  // Without room of their own these would have none beside a mail full of words.
  const last = commonplace.filter((word) => !behind.has(word));
  return [...new Set([...[...words].slice(0, maxPasswords - last.length), ...last])];
}
