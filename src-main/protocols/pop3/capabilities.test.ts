import { expect, test } from 'vitest';
import { latin1, octets } from '../bytes.ts';
import { filterAuthLines, filterCapaLine, SignInWays } from './capabilities.ts';

const shown = (line: string, tls = false) => {
  const kept = filterCapaLine(octets(line), tls);
  return kept && latin1(kept);
};

test.each([
  'TOP\r\n',
  'uidl\r\n',
  'EXPIRE 60 USER\r\n',
  'IMPLEMENTATION Some  Server\r\n',
  'SASL  PLAIN\tLOGIN XOAUTH2 OAUTHBEARER \n',
  'SASL\r\n',
  'LOGIN-DELAY 0',
])('%j passes byte for byte', (line) => {
  const bytes = octets(line);
  expect(filterCapaLine(bytes, true)).toBe(bytes);
});

test.each([
  ['SASL PLAIN DIGEST-MD5 GSSAPI EXTERNAL\r\n', 'SASL PLAIN\r\n'],
  ['sasl gssapi plain\n', 'sasl plain\n'],
  ['SASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\r\n', 'SASL PLAIN\r\n'],
  ['SASL PLAIN SCRAM-SHA-256\r\n', 'SASL PLAIN SCRAM-SHA-256\r\n'],
  ['SASL GSSAPI LOGIN', 'SASL LOGIN'],
  ['SASL GSSAPI\r\n', undefined],
  ['X-ANYTHING\r\n', undefined],
  ['XTND\r\n', undefined],
  ['\r\n', undefined],
])('%j becomes %j', (line, expected) => {
  expect(shown(line)).toBe(expected);
});

test('STLS is offered only outside TLS', () => {
  expect(shown('STLS\r\n')).toBe('STLS\r\n');
  expect(shown('STLS\r\n', true)).toBeUndefined();
});

test('a mechanism on one line of the list of AUTH can forbid one on another', () => {
  const lines = ['SCRAM-SHA-1\r\n', 'PLAIN \r\n', 'SCRAM-SHA-1-PLUS\r\n', 'NTLM LOGIN\r\n', 'GSSAPI\r\n'];
  expect(filterAuthLines(lines.map(octets)).map((line) => latin1(line))).toEqual([
    'PLAIN \r\n',
    'NTLM LOGIN\r\n',
  ]);
});

test.each([
  [['SASL GSSAPI EXTERNAL'], true],
  [['TOP', 'sasl gssapi', 'UIDL'], true],
  [['SASL GSSAPI', 'user'], false],
  [['SASL GSSAPI PLAIN'], false],
  [['SASL GSSAPI', 'SASL PLAIN'], false],
  [['SASL'], false],
  [['TOP', 'UIDL'], false],
  [[], false],
])('the list %j leaves no way to sign in: %s', (lines, expected) => {
  const ways = new SignInWays();
  for (const line of lines.map((text) => octets(`${text}\r\n`))) ways.take(line, filterCapaLine(line, true));
  expect(ways.none).toBe(expected);
});

test('a list with STLS does not tell of the ways to sign in behind it, unless it can not come', () => {
  const none = (tls: boolean) => {
    const ways = new SignInWays();
    for (const text of ['SASL GSSAPI\r\n', 'STLS\r\n'])
      ways.take(octets(text), filterCapaLine(octets(text), tls));
    return ways.none;
  };
  expect(none(false)).toBe(false);
  expect(none(true)).toBe(true);
});
