import { expect, test } from 'vitest';
import { octets } from '../bytes.ts';
import { parseCommand } from './ledger.ts';

const read = (line: string, tls = false) => parseCommand(octets(line), tls);

test.each(['STAT', '\tNoop', 'LAST'])('%j has an answer of one line, and changes nothing', (line) => {
  expect(read(`${line}\r\n`)).toEqual({ expects: { kind: 'single' } });
});

test.each(['USER a b', 'RSET', 'QUIT', 'UTF8'])('%j makes what was fetched untrue', (line) => {
  expect(read(`${line}\r\n`)).toEqual({ expects: { kind: 'single' }, forgets: 'all' });
});

test.each(['pass  secret\t', 'APOP a b'])('%j signs in', (line) => {
  expect(read(`${line}\r\n`)).toEqual({ expects: { kind: 'sign-in' }, forgets: 'all' });
});

test.each([
  [' dele 1', 1],
  ['DELE  4294967296', 4294967296],
  ['DELE 01', 'all'],
  ['DELE +1', 'all'],
  ['DELE 1 2', 'all'],
  ['DELE', 'all'],
])('%j forgets %j', (line, forgets) => {
  expect(read(`${line}\r\n`)).toEqual({ expects: { kind: 'single' }, forgets });
});

test.each([
  ['RETR 7', 7],
  ['retr \t7 ', 7],
  ['RETR 010', undefined],
  ['RETR 0', undefined],
  ['RETR 7 7', undefined],
  ['RETR', undefined],
])('%j asks for the message %j', (line, number) => {
  expect(read(`${line}\r\n`)).toEqual({ expects: { kind: 'message', number } });
});

test.each([
  ['LIST', 'sizes'],
  ['UIDL', 'ids'],
  ['LANG', 'languages'],
])('%s has one of several lines (%s), but for an argument', (name, filter) => {
  const lines = { expects: { kind: 'lines', filter } };
  expect(read(`${name}\r\n`)).toEqual(lines);
  expect(read(` ${name.toLowerCase()} \t\n`)).toEqual(lines);
  expect(read(`${name}  1\r\n`)).toEqual({ expects: { kind: 'single' } });
});

test('CAPA and AUTH alone list what is filtered', () => {
  expect(read('capa\r\n').expects).toEqual({ kind: 'lines', filter: 'capa' });
  expect(read('AUTH \r\n').expects).toEqual({ kind: 'lines', filter: 'auth' });
});

test('TOP with lines asks for the whole message, and TOP without them for itself', () => {
  expect(read('top  7\t20 \r\n')).toEqual({
    expects: { kind: 'top', number: 7, bodyLines: 20 },
    instead: 'RETR 7\r\n',
  });
  expect(read('TOP 07 20\r\n').expects).toEqual({ kind: 'top', number: undefined, bodyLines: 20 });
  expect(read('TOP 7 00\r\n')).toEqual({ expects: { kind: 'header' } });
});

test.each(['TOP', 'TOP 1', 'TOP 1 -1', 'TOP 1 x', 'TOP 1 1 1', 'TOP 1 0x10', 'TOP 1 99999999999'])(
  '%j is refused',
  (line) => {
    expect(read(`${line}\r\n`).expects.kind).toBe('local');
  },
);

test.each(['', ' ', 'XTND XMIT', 'EVIL', 'RETRX 1', 'RETR\x0b1', 'NOOP\rRETR 1', 'NOOP\0', '\r'])(
  '%j is never sent',
  (line) => {
    expect(read(`${line}\r\n`).expects.kind).toBe('local');
  },
);

test.each(['PLAIN', 'plain AGEAYg==', ' XOAUTH2 x', 'OAUTHBEARER', 'SCRAM-SHA-256 n,,', 'CRAM-MD5', 'NTLM'])(
  'AUTH %s begins an exchange',
  (rest) => {
    expect(read(`AUTH ${rest}\r\n`).expects).toEqual({ kind: 'auth' });
  },
);

test.each(['GSSAPI', 'DIGEST-MD5', 'EXTERNAL =', 'SCRAM-SHA-256-PLUS', 'X'])('AUTH %s is refused', (rest) => {
  expect(read(`AUTH ${rest}\r\n`).expects.kind).toBe('local');
});

test('STLS is refused inside TLS', () => {
  expect(read('STLS\r\n').expects).toEqual({ kind: 'stls' });
  expect(read('STLS\r\n', true).expects.kind).toBe('local');
});
