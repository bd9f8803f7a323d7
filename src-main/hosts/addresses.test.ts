import { describe, expect, test } from 'vitest';
import { parseConsoleAddress } from './addresses.ts';

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
