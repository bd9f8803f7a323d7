import { describe, expect, test } from 'vitest';
import { parseConsoleAddress, parseListenOption } from './addresses.ts';

describe('the console address', () => {
  test.each([
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:8080', { host: 'localhost', port: 8080 }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
    ['off', 'off'],
  ])('%s is taken', (text, value) => {
    expect(parseConsoleAddress(text)).toEqual({ ok: true, value });
  });

  test.each([
    '0.0.0.0:80',
    '[::]:80',
    '192.168.0.1:80',
    'example.org:80',
    '127.0.0.1.example.org:80',
    '127.0.0.2:80',
  ])('%s is not loopback as we mean it', (text) => {
    expect(parseConsoleAddress(text)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('loopback'),
    });
  });

  test.each([
    '',
    '127.0.0.1',
    '127.0.0.1:',
    ':80',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '127.0.0.1:8x',
    '::1:80',
    '[::1]',
    '127.0.0.1:00000080',
  ])('%j is no address', (text) => {
    expect(parseConsoleAddress(text).ok).toBe(false);
  });
});

describe('a fixed listener', () => {
  test.each([
    [
      '1993=imap.example.org:993/imaps',
      { localPort: 1993, host: 'imap.example.org', port: 993, protocol: 'imaps' },
    ],
    ['1=[2001:db8::1]:110/pop3', { localPort: 1, host: '2001:db8::1', port: 110, protocol: 'pop3' }],
    ['1110=192.0.2.1:995/pop3s', { localPort: 1110, host: '192.0.2.1', port: 995, protocol: 'pop3s' }],
  ])('%s is taken', (text, value) => {
    expect(parseListenOption(text)).toEqual({ ok: true, value });
  });

  test.each([
    '',
    '1993',
    '1993=host:993',
    '1993=host:993/smtp',
    '1993=host/imaps',
    '=host:993/imaps',
    '0=host:993/imaps',
    '70000=host:993/imaps',
    '1993=host:0/imaps',
    '1993=:993/imaps',
    '1993=2001:db8::1:993/imaps',
    '1993=[host]:993/imaps',
    '1993=host:993/IMAPS',
  ])('%j is refused with the form that it should have', (text) => {
    expect(parseListenOption(text)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('LOCALPORT='),
    });
  });
});
