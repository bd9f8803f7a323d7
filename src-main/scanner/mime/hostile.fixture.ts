// Messages that are made to cost a scanner time or memory: each is a name and a size, so that the same can be made as
// large as a test can bear.
import { message } from '../test-messages.ts';

export type Hostile = (size: number) => Buffer;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const repeat = (text: string, count: number): Buffer => Buffer.alloc(text.length * count, text, 'latin1');
const lines = (count: number, line: (index: number) => string): Buffer => {
  const pieces: string[] = [];
  for (let index = 0; index < count; index++) pieces.push(line(index));
  return latin1(pieces.join(''));
};
const typed = (field: string, body: Buffer): Buffer => message([field], body);
const mixed = (boundary: string): string => `Content-Type: multipart/mixed; boundary=${boundary}`;
const noise = (sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes);
  let state = 1;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
};

/** Octets that say nothing, `size` of them. */
export const floods: Readonly<Record<string, Hostile>> = {
  LF: (size) => repeat('\n', size),
  CR: (size) => repeat('\r', size),
  'CR CR LF': (size) => repeat('\r\r\n', size / 3),
  'fields that end in CR CR LF': (size) => repeat('a:\r\r\n', size / 5),
  'CR LF behind a header': (size) => message([], repeat('\r\n', size / 2)),
  NUL: (size) => repeat('\0', size),
  'one line': (size) => repeat('x', size),
  'one line of base64': (size) => repeat('QUJD', size / 4),
  'one line of =': (size) => repeat('=', size),
  'lines of =': (size) => repeat(`${'='.repeat(76)}\n`, size / 77),
  noise: noise,
  'noise in lines': (size) => {
    const bytes = noise(size);
    for (let at = 0; at < size; at += 16) bytes[at] = 0x0a;
    return bytes;
  },
  'marks of UTF-16': (size) => repeat('\n\xff\xfea\0b\0c\0d\0e\0', size / 13),
  dashes: (size) => repeat('--\n', size / 3),
  'lines like boundaries': (size) => repeat('--x\n', size / 4),
  'lines like boundaries behind quoting': (size) => typed(mixed('B'), repeat('> --x\n', size / 6)),
  'lines of the boundary behind quoting': (size) => typed(mixed('B'), repeat('> --B\n', size / 6)),
  'lines of blanks in a header': (size) => Buffer.concat([latin1('A: b\n'), repeat(' \n', size / 2)]),
  'a header field without end': (size) => Buffer.concat([latin1('Content-Type: '), repeat('x', size)]),
  'a header field in folded lines': (size) =>
    Buffer.concat([latin1('Content-Type: x'), repeat('\r\n x', size / 4)]),
  'header fields': (size) => lines(size / 10, (index) => `X-${index}: v\r\n`),
  'content fields': (size) => repeat('Content-Type: a/b\r\n', size / 19),
  'content fields with encodings': (size) => repeat('Content-Transfer-Encoding: base64\r\n', size / 35),
  'content fields in blocks': (size) =>
    repeat('Content-Transfer-Encoding: base64\r\n\r\nA: b\r\n\r\n', size / 47),
  'dashes in a header': (size) =>
    Buffer.concat([latin1('Content-Transfer-Encoding: base64\n'), repeat('--x\nA: b\n', size / 9)]),
  'segments of a name': (size) =>
    Buffer.concat([latin1('Content-Type: a/b'), lines(size / 20, (index) => `;\r\n name*${index}=abc`)]),
  'names without end': (size) => typed(`Content-Type: a/b${';name="'.repeat(size / 7)}`, Buffer.alloc(0)),
  names: (size) => typed(`Content-Type: a/b${';name=x'.repeat(size / 7)}`, Buffer.alloc(0)),
  'segments of a name without end': (size) =>
    Buffer.concat([latin1('Content-Type: a/b'), lines(size / 12, (index) => `;name*${index % 999}="`)]),
  addresses: (size) => message([`To: ${'a@example.test, '.repeat(size / 16)}`], Buffer.alloc(0)),
  ...Object.fromEntries(
    [
      '(',
      '<',
      '"',
      '\\',
      ')',
      '=?',
      '=?a?q?',
      '%41',
      "'",
      '*',
      'boundary=',
      'boundary="',
      'content-type',
      'encoding base6',
    ].map((text): [string, Hostile] => [
      `${text} in a content field`,
      (size) => typed(`Content-Type: a/b; name=${text.repeat(size / text.length)}`, Buffer.alloc(0)),
    ]),
  ),
  'encoded words in names': (size) =>
    typed(`Content-Type: a/b${';name="=?utf-8?q?=41?= =?"'.repeat(size / 26)}`, Buffer.alloc(0)),
  'boundaries without end': (size) => typed(`${mixed('x')}${' boundary="\\'.repeat(size / 12)}`, latin1('x')),
  'uuencoded lines': (size) => Buffer.concat([latin1('begin 644 x\n'), repeat('M\n', size / 2)]),
  'uuencoded lines of ends that are none': (size) =>
    Buffer.concat([latin1('begin 644 x\n'), repeat('ending\n', size / 7)]),
  padding: (size) => typed('Content-Transfer-Encoding: base64', repeat('QQ==', size / 4)),
  'base64 in lines of 1': (size) => typed('Content-Transfer-Encoding: base64', repeat('Q\n', size / 2)),
  'base64 with dashes': (size) => typed('Content-Transfer-Encoding: base64', repeat('Q-_=\n', size / 5)),
  'blanks in base64': (size) => typed('Content-Transfer-Encoding: base64', repeat(' ', size)),
  escapes: (size) => typed('Content-Transfer-Encoding: quoted-printable', repeat('=41', size / 3)),
  'escapes that are none': (size) => typed('Content-Transfer-Encoding: quoted-printable', repeat('=', size)),
  'soft breaks': (size) => typed('Content-Transfer-Encoding: quoted-printable', repeat('=\n', size / 2)),
  'soft breaks within escapes': (size) =>
    typed('Content-Transfer-Encoding: quoted-printable', repeat('=4=\n1', size / 5)),
  'a soft break without end': (size) =>
    typed('Content-Transfer-Encoding: quoted-printable', Buffer.concat([latin1('='), repeat(' ', size)])),
  'soft breaks without end': (size) =>
    typed('Content-Transfer-Encoding: quoted-printable', repeat(`=${' '.repeat(500)}x`, size / 502)),
  'UTF-7': (size) => typed('Content-Type: text/html; charset=utf-7', repeat('+AEE-', size / 5)),
  'UTF-7 without end': (size) => typed('Content-Type: text/html; charset=utf-7', repeat('+', size)),
  yEnc: (size) => Buffer.concat([latin1('=ybegin name=x\n'), repeat('=\n', size / 2)]),
};

/** So many of something that a limit is reached, or nothing is done with them. */
export const crowds: Readonly<Record<string, Hostile>> = {
  parts: (count) => typed(mixed('B'), repeat('--B\n\nx\n', count)),
  'parts with headers': (count) => typed(mixed('B'), repeat('--B\nContent-Type: a/b; name=x\n\nx\n', count)),
  'nested multiparts': (count) => lines(count, (index) => `${mixed(`b${index}`)}\n\n--b${index}\n`),
  'nested messages': (count) => repeat('Content-Type: message/rfc822\n\n', count),
  headers: (count) => repeat('Content-Type: text/plain\n\n', count),
  'headers with early ends': (count) => repeat('Content-Type: text/plain\n \nx\nx y: z\n\n', count),
  'pieces of messages': (count) => repeat('Content-Type: message/partial\n\n', count),
  'beginnings of uuencode': (count) => repeat('begin 644 x\n', count),
  'beginnings of base64': (count) => repeat('begin-base64 644 x\n', count),
  'beginnings of yEnc': (count) => repeat('=ybegin name=x\n', count),
  'beginnings of BinHex': (count) => repeat('(This file must be converted with BinHex 4.0)\n', count),
  'pieces of base64': (count) => repeat('QUJDREVGR0hJSktMTU5PUA==\n.\n', count),
  'pieces of base64 in uuencode': (count) =>
    Buffer.concat([latin1('begin 644 x\n'), repeat('QUJDREVGR0hJSktMTU5PUA==\n.\n', count)]),
};

/** Boundaries that are each the beginning of the next, declared in one header or in many. */
export function prefixes(count: number): Buffer {
  const declared = lines(count, (index) => `${mixed(`"${'b'.repeat(1 + (index % 70))}${index}"`)}\r\n`);
  const used = lines(
    count,
    (index) => `--${'b'.repeat(1 + (index % 70))}${index}\r\nContent-Id: x\r\n\r\nx\r\n`,
  );
  return Buffer.concat([declared, latin1('\r\n'), used]);
}

/** Readings that overlap: many parts in base64 that a line ends for some and not for others. */
export function overlaps(parts: number, sizeBytes: number): Buffer {
  const start = '--a\nContent-Transfer-Encoding: base64\n\n';
  return Buffer.concat([repeat(start, parts), repeat('QUJD', sizeBytes / 4)]);
}
