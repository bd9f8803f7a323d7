// What an evil IMAP server says: answers drawn by chance, many of which carry an infected body where no body should be.
import { forbidden } from '../support/forbidden.ts';
import type { Random } from '../support/random.ts';

const literal = (text: string) => `{${text.length}}\r\n${text}`;
const literal8 = (text: string) => `~${literal(text)}`;
/** No quoted string holds line ends: a text that has some goes as a literal. */
const quoted = (text: string) =>
  /[\r\n]/.test(text) ? literal(text) : `"${text.replace(/["\\]/g, '\\$&')}"`;
const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\r\n');

/** A body that must not be seen before it was judged. */
function infectedBody(random: Random): string {
  const long = 'An ordinary line of text, as mail has it.\r\n'.repeat(random.below(40));
  return random.pick<string>([
    forbidden,
    `${long}${forbidden}\r\n`,
    `From: a\r\nSubject: b\r\n\r\n${forbidden}\r\n`,
    `${base64(`${'x'.repeat(random.below(3))}${forbidden}`)}\r\n`,
    `Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(forbidden)}\r\n`,
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${long}\r\n--b\r\n\r\n${forbidden}\r\n--b--\r\n`,
    `* 1 FETCH (BODY[] {${forbidden.length}}\r\n${forbidden})\r\n`,
    `)\r\na1 OK done\r\n* 2 FETCH (BODY[] ${literal(forbidden)}`,
  ]);
}

const cleanBody = (random: Random) =>
  `From: a\r\nSubject: ${random.below(1000)}\r\n\r\n${'clean line\r\n'.repeat(random.below(30))}`;

const section = (random: Random) =>
  random.pick([
    'BODY[]',
    'BODY[TEXT]',
    'BODY[1]',
    'BODY[2.1]',
    'BODY[1.MIME]',
    'BODY[1.HEADER]',
    'BODY[1.TEXT]',
    'BODY[HEADER]<0>',
    'BODY[HEADER.FIELDS (SUBJECT)]<0>',
    'BODY[1.HEADER.FIELDS (SUBJECT)]',
    'RFC822',
    'RFC822.TEXT',
    'body[]',
    'Body[Text]',
    'BODY[]<0>',
    'BODY[TEXT]<0>',
    'BODY[1]<0>',
    'BODY[1]<9999>',
    'BINARY[1]',
    'BINARY[1]<0>',
    'BINARY[]',
    'RFC822.PEEK',
    'RFC822.SIZE',
    'BODY[NEW.THING]',
    'X-BODY',
    'X[]',
    'X-GM-MSGID',
    'MODSEQ',
    'UID',
    'FLAGS',
    'EMAILID',
    'PREVIEW',
    'SNIPPET',
    'BODY[HEADER',
    'BODY[]<-1>',
    'BODY[]<>',
    'BODY[]<0.5>',
  ]);

/** A string with a body in it, in all the ways of writing one down. */
function value(random: Random, text: string): string {
  return random.pick<() => string>([
    () => literal(text),
    () => literal(text),
    () => literal(text),
    () => literal8(text),
    () => quoted(text),
    () => `{${text.length}+}\r\n${text}`,
    () => `~{${text.length}+}\r\n${text}`,
    () => `(${literal(text)})`,
    () => `(${quoted(text)} ${literal(text)})`,
    () => `{${text.length + random.below(3) - 1}}\r\n${text}`,
    () => `{0${text.length}}\r\n${text}`,
    () => `{ ${text.length}}\r\n${text}`,
    () => `{${text.length}}\n${text}`,
    () => `{99999999999999999999}\r\n${text}`,
    () => `{4294967296}\r\n${text}`,
    () => `{${text.length}}`,
  ])();
}

/** Header answers that go on: fields that are none, or a body behind the empty line. */
function headerValue(random: Random, body: string): string {
  return literal(
    random.pick([
      `A: b\r\n\r\n${body}`,
      `A: b\n\n${body}`,
      `\r\n${body}`,
      `A: b\r\r${body}`,
      `A: b\r\n\r\n\r\n${body}\r\n\r\n`,
      `${body}\r\n\r\n`,
    ]),
  );
}

const filler = (random: Random) =>
  random.pick([
    'FLAGS (\\Seen)',
    `UID ${random.below(6)}`,
    'UID 4294967295',
    'UID 99999999999999999999',
    'UID 0',
    'UID (1)',
    `RFC822.SIZE ${random.below(5000)}`,
    'INTERNALDATE "01-Jan-2024 10:00:00 +0000"',
    'ENVELOPE (NIL {3}\r\na"b NIL)',
    'BODY[] NIL',
    `BODY[HEADER] ${literal('A: b\r\n\r\n')}`,
    'MODSEQ (12)',
  ]);

function fetchAnswer(random: Random): string {
  const body = random.chance(0.8) ? infectedBody(random) : cleanBody(random);
  const item = random.chance(0.2)
    ? `${random.pick(['BODY[HEADER]', 'RFC822.HEADER', 'BODY[HEADER.FIELDS (TO)]'])} ${headerValue(random, body)}`
    : `${section(random)} ${value(random, body)}`;
  const items = [item];
  while (random.chance(0.4)) items.splice(random.below(items.length + 1), 0, filler(random));
  const word = random.chance(0.95) ? 'FETCH' : random.pick(['UIDFETCH', 'fetch']);
  return `* ${random.below(6)} ${word} (${items.join(' ')})\r\n`;
}

/** Read as a message its first line is a header; a client that asked for a part takes all of it for base64. */
const partInBase64 = (random: Random) =>
  `* 1 FETCH (BODY[${1 + random.below(3)}] ${literal(`QUFB: QUFB${random.pick(['\r\n', '\r\n ', ' '])}${base64(forbidden)}\r\n`)})\r\n`;

/** The word in two literals that each say nothing alone. */
function halves(random: Random): string {
  const at = 1 + random.below(forbidden.length - 1);
  const [first, second] = [forbidden.slice(0, at), forbidden.slice(at)];
  const name = random.pick(['BODY[]', 'BODY[TEXT]', 'BODY[1]', 'BINARY[1]', 'BODY[1.2]']);
  const n = 1 + random.below(3);
  const one = `${name}<0> ${literal(first)}`;
  const two = `${name}<${at}> ${literal(second)}`;
  return random.chance(0.5)
    ? `* ${n} FETCH (UID ${n} ${one})\r\n* ${n} FETCH (UID ${n} ${two})\r\n`
    : `* ${n} FETCH (${two} UID ${n} ${one})\r\n`;
}

/** Content in answers that are no FETCH. */
function elsewhere(random: Random): string {
  const body = infectedBody(random);
  return random.pick([
    `* XCONTENT ${literal(body)}\r\n`,
    `* URLFETCH "imap://x" ${literal(body)}\r\n`,
    `* 3 EXISTS ${literal(body)}\r\n`,
    `* FETCH 1 (BODY[] ${literal(body)})\r\n`,
    `* SORT ${literal(body)}\r\n`,
    `* LIST () "/" ${literal8(body)}\r\n`,
    `* SEARCH {${body.length}+}\r\n${body}\r\n`,
    `* FLAGS (${literal(body)})\r\n`,
    `* OK text {${body.length}}\r\n${body}\r\n`,
    `+ go on {${body.length}}\r\n${body}\r\n`,
    `* BYE {${body.length}}\r\n${body}\r\n`,
    `* LIST () "/" "open {${body.length}}\r\n${body}"\r\n`,
  ]);
}

const races = (random: Random) =>
  random.pick([
    `* ${random.below(6)} EXPUNGE\r\n`,
    `* ${random.below(6)} EXISTS\r\n`,
    '* 4294967295 EXPUNGE\r\n',
    '* 0 EXPUNGE\r\n',
    `* VANISHED ${random.below(6)}:${random.below(9)}\r\n`,
    '* VANISHED (EARLIER) 1:4294967295\r\n',
    '* VANISHED *\r\n',
    '* VANISHED x\r\n',
    '* ESEARCH (TAG "a1") UID ALL 1:3\r\n',
    '* OK [UIDVALIDITY 1] x\r\n',
    '* OK [CLOSED] x\r\n',
    '* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE NOTIFY AUTH=GSSAPI\r\n',
  ]);

const broken = (random: Random) =>
  random.pick([
    '* ',
    '*\r\n',
    '\r\n',
    '*  OK x\r\n',
    '* OK a\r* 1 FETCH (BODY[] "x")\r\n',
    '* OK \x00\x00\r\n',
    '* 1 FETCH (BODY[] {5}\r\nab',
    '* 1 FETCH (BODY[] "x)\r\n',
    '* 1 FETCH (((((((((\r\n',
    '* 99999999999999999999 EXISTS\r\n',
    '+\r\n',
    '+x\r\n',
    `* ${'A'.repeat(random.below(3000))}\r\n`,
    `* OK ${'y'.repeat(random.below(70_000))}\r\n`,
    `* SEARCH ${'1 '.repeat(random.below(40_000))}\r\n`,
    '* 1 FETCH (BODY[]\r\n',
    '\xff\xfe\xfd\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
  ]);

/** One answer, or what looks like one. */
export function imapAnswer(random: Random): string {
  const kind = random.below(20);
  if (kind < 10) return fetchAnswer(random);
  if (kind === 10) return partInBase64(random);
  if (kind === 11) return halves(random);
  if (kind < 15) return elsewhere(random);
  if (kind < 18) return races(random);
  return random.chance(0.5) ? broken(random) : '* OK still here\r\n';
}

/** Numbers of the messages whose whole form a line asks for in the engine's own name. */
export function imapWhole(random: Random, line: string): string {
  const [, set = '1'] = /FETCH (\S+)/.exec(line) ?? [];
  return set
    .split(',')
    .flatMap((n) => {
      if (random.chance(0.2)) return [];
      // A lie about the message, or about whose it is.
      const body = random.chance(0.5)
        ? infectedBody(random)
        : `${cleanBody(random)}${[...forbidden].reverse().join('')}`;
      const uid = random.chance(0.8) ? n : String(random.below(6));
      const number = /^\d+$/.test(n) ? n : '1';
      return [`* ${number} FETCH (UID ${uid} BODY[] ${literal(body)})\r\n`];
    })
    .join('');
}

export const imapGreeting = (random: Random) =>
  random.chance(0.85)
    ? '* OK [CAPABILITY IMAP4rev1 IDLE LITERAL+ UIDPLUS] ready\r\n'
    : random.pick([
        '*  OK x\r\n',
        '* PREAUTH hello\r\n',
        '* BYE go away\r\n',
        `* OK ${'x'.repeat(66_000)}\r\n`,
        '* OK \r\n* OK two\r\n',
        `* ${literal(forbidden)}\r\n`,
        `* 1 FETCH (BODY[] ${literal(forbidden)})\r\n`,
        '* OK',
      ]);

/** What a client of good will asks for. */
export function imapCommand(random: Random): string {
  const set = random.pick(['1', '2', '1:3', '1:*', '5:3', '*', '1,3', '$', '1:50']);
  return random.pick([
    `FETCH ${set} BODY[]`,
    `FETCH ${set} (FLAGS BODY.PEEK[])`,
    `UID FETCH ${set} (UID RFC822.SIZE BODY.PEEK[])`,
    `FETCH ${set} BODY[1]`,
    `UID FETCH ${set} BODY.PEEK[1]<0.34>`,
    `UID FETCH ${set} (BODY.PEEK[]<0.100> UID)`,
    `FETCH ${set} BODY[TEXT]<0.20>`,
    `FETCH ${set} (BODY.PEEK[HEADER] BODY.PEEK[TEXT])`,
    `FETCH ${set} RFC822.TEXT`,
    `FETCH ${set} (ENVELOPE BODYSTRUCTURE)`,
    `FETCH ${set} FULL`,
    `FETCH ${set} BODY.PEEK[HEADER.FIELDS (SUBJECT)]`,
    'NOOP',
    'SELECT INBOX',
    'EXAMINE INBOX',
    'LIST "" *',
    'UID SEARCH ALL',
    'STORE 1 +FLAGS (\\Deleted)',
    'EXPUNGE',
    'CLOSE',
    'IDLE',
    'CAPABILITY',
    'LOGOUT',
    'ENABLE QRESYNC',
    'APPEND INBOX {3}',
    'AUTHENTICATE PLAIN',
    'LOGIN a b',
  ]);
}
