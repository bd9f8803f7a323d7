import { expect, test } from 'vitest';
import { octets } from './bytes.ts';
import { detectClient, detectServer } from './detect.ts';

test.each([
  ['* OK hello\r\n', 'imap'],
  ['*', 'imap'],
  ['* PREAUTH', 'imap'],
  ['+OK ready', 'pop3'],
  ['+', 'pop3'],
  ['', 'need-more'],
  ['220 smtp', 'not-mail'],
  ['HTTP/1.1 400', 'not-mail'],
  ['-ERR', 'not-mail'],
])('a server that says %j: %s', (text, expected) => {
  expect(detectServer(octets(text))).toBe(expected);
});

test.each([
  ['\x16\x03\x01', 'tls'],
  ['\x16\x03', 'tls'],
  ['\x16', 'need-more'],
  ['', 'need-more'],
  ['\x16\x02', 'not-tls'],
  ['a LOGIN', 'not-tls'],
])('a client that says %j: %s', (text, expected) => {
  expect(detectClient(octets(text))).toBe(expected);
});
