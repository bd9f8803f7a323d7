// Ways in which the content of a part may be encoded, such that some mail program gets it back.
import { base64Lines, uuencodeLines, yencLines } from '../test-messages.ts';

/** The fields and the body of one part. */
export interface Carried {
  readonly fields: readonly string[];
  readonly body: string | Buffer;
}

export type Carrier = (content: Buffer) => Carried;

export const crLf = '\r\n';

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const typeField = 'Content-Type: application/octet-stream; name="eicar.com"';
const dispositionField = 'Content-Disposition: attachment; filename="eicar.com"';

function withEncoding(...encodings: readonly string[]): (body: (content: Buffer) => string) => Carrier {
  return (body) => (content) => ({
    fields: [typeField, dispositionField, ...encodings],
    body: body(content),
  });
}

export const cte = (value: string): string => `Content-Transfer-Encoding: ${value}`;

/** Lines too short for anybody to see base64 in them without its header. */
const shortLines = (content: Buffer): string => content.toString('base64').replace(/.{1,12}/g, '$&\r\n');
export const inLines = (bytes: number) => (content: Buffer) =>
  content.toString('base64').replace(new RegExp(`.{1,${bytes}}`, 'g'), '$&\r\n');
const chunks = (bytes: number, join: string) => (content: Buffer) => {
  const pieces: string[] = [];
  for (let at = 0; at < content.length; at += bytes)
    pieces.push(content.subarray(at, at + bytes).toString('base64'));
  return pieces.join(join);
};
export const escaped = (content: Buffer): string =>
  [...content].map((octet) => `=${octet.toString(16).padStart(2, '0')}`).join('');

function named(values: Readonly<Record<string, string | readonly string[]>>): Record<string, Carrier> {
  return Object.fromEntries(
    Object.entries(values).map(([name, fields]) => [
      `base64 by ${name}`,
      withEncoding(...(typeof fields === 'string' ? [fields] : fields))(shortLines),
    ]),
  );
}

const declared = withEncoding(cte('base64'));
const declaredQuoted = withEncoding(cte('quoted-printable'));

export const carriers: Readonly<Record<string, Carrier>> = {
  ...named({
    'its usual field': cte('base64'),
    'the first of two fields': [cte('base64'), cte('7bit')],
    'the last of two fields': [cte('7bit'), cte('base64')],
    'one of two with quoted-printable': [cte('quoted-printable'), cte('base64')],
    'a word before it': cte('x base64'),
    'a word behind it': cte('base64 x'),
    'a comment before it': cte('(comment) base64'),
    'a comment behind it': cte('base64 (comment)'),
    'a comment within it': cte('base(comment)64'),
    'odd case': 'cONTENT-tRANSFER-eNCODING: BaSe64',
    'a blank before the colon': 'Content-Transfer-Encoding : base64',
    'tabs before the colon': 'Content-Transfer-Encoding\t\t:base64',
    'a folded value': 'Content-Transfer-Encoding:\r\n base64',
    'a value folded twice': 'Content-Transfer-Encoding:\r\n\t\r\n\tbase64',
    'a value folded within': 'Content-Transfer-Encoding: base\r\n 64',
    'a quoted value': cte('"base64"'),
    'a value with escapes': cte('"ba\\se64"'),
    'a single-quoted value': cte("'base64'"),
    'a semicolon behind it': cte('base64;'),
    'a comma behind it': cte('base64,'),
    'parameters behind it': cte('base64; charset=us-ascii'),
    'a dash in it': cte('base-64'),
    'a blank in it': cte('base 64'),
    'an x- before it': cte('x-base64'),
    'its short name': cte('b64'),
    'another spelling': cte('bsae64'),
    'octets of 8 bits in it': cte('base\xad64'),
    'an encoded word': cte('=?us-ascii?B?YmFzZTY0?='),
    'a quoted encoded word': cte('=?us-ascii?Q?=62ase64?='),
    'no value': cte(''),
    'a NUL in the field name': 'Content-Transfer-\0Encoding: base64',
    'a NUL in its value': cte('base\x0064'),
    'the end of another field': ['X-Note: x', ' Content-Transfer-Encoding: base64'],
  }),
  'base64 in whole lines without a field': (content) => ({ fields: [typeField], body: base64Lines(content) }),
  'base64 that says 7bit': withEncoding(cte('7bit'))(base64Lines),
  'base64 in lines of 1': declared(inLines(1)),
  'base64 in lines of 2': declared(inLines(2)),
  'base64 in lines of 3': declared(inLines(3)),
  'base64 in lines of 5': declared(inLines(5)),
  'base64 in one line': declared((content) => content.toString('base64')),
  'base64 in lines of 1,000': declared((content) =>
    base64Lines(content).replaceAll(crLf, ' '.repeat(900) + crLf),
  ),
  'base64 in padded pieces': declared(chunks(10, crLf)),
  'base64 in padded pieces of one line': declared(chunks(10, '')),
  'base64 in pieces of 1': declared(chunks(1, crLf)),
  'base64 in lines that each stand for themselves': declared((content) =>
    chunks(9, 'A\r\n')(content).replaceAll('=', ''),
  ),
  'base64 with something behind the padding of a group': declared((content) =>
    chunks(1, '')(content).replaceAll('==', '=Q'),
  ),
  'base64 behind padding': declared((content) => `====\r\n${shortLines(content)}`),
  'base64 behind one =': declared((content) => `=${content.toString('base64')}`),
  ...Object.fromEntries(
    ['*', '~', '.', '!', '-', '_', ' ', '\t', '\0', '\xff', '(', '>', ','].map((junk) => [
      `base64 with ${JSON.stringify(junk)} in it`,
      declared((content) => [...content.toString('base64')].join(junk).replace(/.{40}/g, `$&${crLf}`)),
    ]),
  ),
  'base64 with dots before its lines': declared((content) =>
    shortLines(content).replaceAll(crLf, `${crLf}..`),
  ),
  'base64 with quoting before its lines': declared(
    (content) => `> ${inLines(8)(content).replaceAll(crLf, `${crLf}> `)}`,
  ),
  'base64 for URLs': declared((content) =>
    shortLines(content).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
  ),
  'base64 without padding': declared((content) => shortLines(content).replaceAll('=', '')),
  'base64 with text behind it': declared((content) => `${shortLines(content)}\r\nThis is a footer.\r\n`),
  'quoted-printable': declaredQuoted(escaped),
  'quoted-printable without a field': (content) => ({ fields: [typeField], body: escaped(content) }),
  'quoted-printable in upper case': declaredQuoted((content) => escaped(content).toUpperCase()),
  'quoted-printable with blanks behind soft breaks': declaredQuoted((content) =>
    escaped(content).replace(/(?:=..){5}/g, '$&= \t \r\n'),
  ),
  'quoted-printable with soft breaks alone': declaredQuoted((content) =>
    content.toString('latin1').replace(/.{3}/g, '$&=\r\n'),
  ),
  'quoted-printable with mere LF behind soft breaks': declaredQuoted((content) =>
    content.toString('latin1').replace(/.{3}/g, '$&=\n'),
  ),
  'quoted-printable with a bare = at its end': declaredQuoted((content) => `${escaped(content)}=`),
  'quoted-printable with soft breaks within escapes': declaredQuoted((content) =>
    escaped(content).replace(/=(.)(.)/g, '=$1=\r\n$2'),
  ),
  'quoted-printable with soft breaks behind each =': declaredQuoted((content) =>
    escaped(content).replaceAll('=', '==\r\n'),
  ),
  'quoted-printable by another name': withEncoding(cte('quoted/printable'))(escaped),
  'quoted-printable of base64': withEncoding(
    cte('quoted-printable'),
    cte('base64'),
  )((content) => escaped(latin1(base64Lines(content)))),
  'uuencode in a text': (content) => ({
    fields: ['Content-Type: text/plain'],
    body: `Hello\r\n\r\n${uuencodeLines(content, 'eicar.com')}\r\nBye\r\n`,
  }),
  'uuencode without an end': (content) => ({
    fields: ['Content-Type: text/plain'],
    body: uuencodeLines(content, 'eicar.com').replace(/`\r\nend/, ''),
  }),
  'uuencode behind blanks': (content) => ({
    fields: ['Content-Type: text/plain'],
    body: uuencodeLines(content, 'eicar.com').replace('begin 644 ', 'begin  0644\t'),
  }),
  'uuencode with blanks for zero bits': (content) => ({
    fields: ['Content-Type: text/plain'],
    body: uuencodeLines(content, 'eicar.com').replaceAll('`', ' '),
  }),
  ...Object.fromEntries(
    ['x-uuencode', 'x-uue', 'uue', 'uuencode', 'X-UUEncode'].map((name) => [
      `uuencode by ${name}, without its first line`,
      withEncoding(cte(name))((content) => uuencodeLines(content, 'e').split(crLf).slice(1, -2).join(crLf)),
    ]),
  ),
  'uuencode by x-uuencode': withEncoding(cte('x-uuencode'))((content) => uuencodeLines(content, 'e')),
  'uuencode of the base64 kind': (content) => ({
    fields: ['Content-Type: text/plain'],
    body: `begin-base64 644 eicar.com\r\n${inLines(12)(content)}====\r\n`,
  }),
  yEnc: (content) => ({ fields: ['Content-Type: text/plain'], body: yencLines(content, 'eicar.com') }),
  'yEnc in pieces': (content) => ({
    fields: ['Content-Type: text/plain'],
    body: latin1(
      yencLines(content, 'eicar.com')
        .toString('latin1')
        .replace(crLf, `${crLf}=ypart begin=1 end=${content.length}${crLf}`),
    ),
  }),
  'UTF-16 with a mark': (content) => ({
    fields: ['Content-Type: text/plain; charset=utf-16'],
    body: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(content.toString('latin1'), 'utf16le')]),
  }),
  'UTF-16 without a mark': (content) => ({
    fields: ['Content-Type: text/plain; charset=utf-16be'],
    body: Buffer.from(content.toString('latin1'), 'utf16le').swap16(),
  }),
  'UTF-7': (content) => ({
    fields: ['Content-Type: text/html; charset=utf-7'],
    body: `+${Buffer.from(content.toString('latin1'), 'utf16le').swap16().toString('base64').replaceAll('=', '')}-`,
  }),
};
