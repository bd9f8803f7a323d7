import { expect, test } from 'vitest';
import { octets } from '../bytes.ts';
import { parseCommand } from './ledger.ts';

const read = (line: string, tls = false) => parseCommand(octets(line), tls);

test.each([
  'USER a b',
  'pass  secret\t',
  'APOP a b',
  'STAT',
  ' dele 1',
  'RSET',
  '\tNoop',
  'QUIT',
  'LAST',
  'UTF8',
])('%j has an answer of one line', (line) => {
  expect(read(`${line}\r\n`)).toEqual({ expects: { kind: 'single' } });
});

test.each(['LIST', 'UIDL', 'LANG'])('%s has one of several lines, but for an argument', (name) => {
  const lines = { expects: { kind: 'lines', filter: undefined } };
  expect(read(`${name}\r\n`)).toEqual(lines);
  expect(read(` ${name.toLowerCase()} \t\n`)).toEqual(lines);
  expect(read(`${name}  1\r\n`)).toEqual({ expects: { kind: 'single' } });
});

test('CAPA and AUTH alone list what is filtered', () => {
  expect(read('capa\r\n').expects).toEqual({ kind: 'lines', filter: 'capa' });
  expect(read('AUTH \r\n').expects).toEqual({ kind: 'lines', filter: 'auth' });
});

test('TOP with lines asks for the whole message, and TOP without them for itself', () => {
  expect(read('top  7\t20 \r\n')).toEqual({ expects: { kind: 'top', bodyLines: 20 }, instead: 'RETR 7\r\n' });
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
