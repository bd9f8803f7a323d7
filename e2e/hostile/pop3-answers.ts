// What an evil POP3 server says: messages where none were asked for, lists that are messages, answers out of order.
import { forbidden } from '../support/forbidden.ts';
import type { Random } from '../support/random.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\r\n');

function body(random: Random): string {
  const long = 'An ordinary line of text.\r\n'.repeat(random.below(20));
  return random.pick<string>([
    `${forbidden}\r\n`,
    `From: a\r\n\r\n${long}${forbidden}\r\n`,
    `From: a\r\n\r\n.\r${forbidden}\r\n`,
    `From: a\n\n${forbidden}\n`,
    `Content-Transfer-Encoding: base64\r\n\r\n${base64(forbidden)}\r\n`,
    `${base64(`x${forbidden}`)}\r\n`,
    `From: a\r\n\r\nclean\r\n.\r\n+OK\r\n${forbidden}\r\n`,
    `From: a\r\n\r\nclean\n.\r\n${forbidden}\r\n`,
    `From: a\r\n\r\nclean\n.\n+OK\n${forbidden}\r\n`,
    `${forbidden}\r\n\r\n`,
    `\r\n${forbidden}\r\n`,
    `A: b\r\r${forbidden}\r\n`,
    `A: b\n\r\n${forbidden}\r\n`,
    `+OK ${long}\r\n\r\n${forbidden}\r\n`,
    `..\r\n${forbidden}\r\n..\r\n`,
  ]);
}

const clean = 'From: a\r\nSubject: b\r\n\r\nclean\r\n';
const positive = (random: Random) =>
  random.pick(['+OK', '+OK', '+OK 120 octets', '+ OK', '+OKAY', '+ok', '+', '+OK\t']);
const end = (random: Random) => random.pick(['.\r\n', '.\r\n', '.\r\n', '.\n', '..\r\n', ' .\r\n', '']);
const lineEnd = (random: Random) => (random.chance(0.9) ? '\r\n' : '\n');

export function pop3Answer(random: Random, line: string): string {
  const word = (line.split(' ')[0] ?? '').toUpperCase();
  if (random.chance(0.1)) return `-ERR no${lineEnd(random)}`;
  if (random.chance(0.05)) return pop3Unasked(random);
  const status = `${positive(random)}${lineEnd(random)}`;
  const content = random.chance(0.75) ? body(random) : clean;
  switch (word) {
    case 'RETR':
    case 'TOP':
      return `${status}${content}${end(random)}`;
    case 'CAPA':
      return `${status}${random.pick(['TOP\r\nUIDL\r\nSTLS\r\n', `SASL PLAIN GSSAPI\r\n`])}${end(random)}`;
    case 'LIST':
    case 'UIDL':
      return `${status}${random.chance(0.6) ? '1 120\r\n2 140\r\n' : content}${end(random)}`;
    case 'AUTH':
      return random.pick(['+ \r\n', status, `+ ${'a'.repeat(random.below(200))}\r\n`]);
    default:
      return random.chance(0.8) ? status : `${status}${content}${end(random)}`;
  }
}

export function pop3Unasked(random: Random): string {
  return random.pick([
    `+OK\r\n${body(random)}.\r\n`,
    body(random),
    '-ERR bye\r\n',
    '.\r\n',
    '\r\n',
    '+OK\r\n',
    '\x00\r\n',
    `+OK ${'x'.repeat(random.below(70_000))}\r\n`,
    `* OK\r\n`,
  ]);
}

export const pop3Greeting = (random: Random) =>
  random.chance(0.85)
    ? '+OK ready\r\n'
    : random.pick([
        '+ OK\r\n',
        '+OKAY\r\n',
        '-ERR no\r\n',
        '+OK\r\n+OK\r\n',
        '+',
        `+OK\r\n${body(random)}`,
        '+OK x\n',
      ]);

export const pop3Command = (random: Random) =>
  random.pick([
    'RETR 1',
    'RETR 2',
    'TOP 1 0',
    'TOP 1 0',
    'TOP 1 5',
    'TOP 2 1000000',
    'LIST',
    'LIST 1',
    'UIDL',
    'STAT',
    'NOOP',
    'CAPA',
    'AUTH',
    'AUTH PLAIN',
    'DELE 1',
    'RSET',
    'USER a',
    'PASS b',
    'QUIT',
  ]);
