import { describe, expect, it } from 'vitest';
import { regionsOf } from './regions.ts';
import { walk } from './walker.ts';

// What is not linear here does not end within the time that a test has.
const limits = { mimeDepth: 50, mimeParts: 1_000, headerBytes: 256 * 1024 };

function lookInto(text: string) {
  const bytes = Buffer.from(text, 'latin1');
  const walked = walk(bytes, limits);
  const { regions, complete } = regionsOf(bytes, walked);
  const octets = regions.reduce((sum, { start, end }) => sum + end - start, 0);
  return { ...walked, complete, factor: octets / bytes.length };
}

const megabyte = 1_000_000;

describe('input that costs some parsers seconds', () => {
  it.each([
    ['LF', '\n'.repeat(5 * megabyte)],
    ['CR', '\r'.repeat(5 * megabyte)],
    ['CR CR LF', '\r\r\n'.repeat(3 * megabyte)],
    ['one line', 'x'.repeat(20 * megabyte)],
    ['one line of base64', 'QUJD'.repeat(5 * megabyte)],
    ['NUL', '\0'.repeat(5 * megabyte)],
    ['dashes', '--\n'.repeat(megabyte)],
    ['lines like boundaries', '--x\n'.repeat(megabyte / 2)],
    ['lines of blanks in a header', `A: b\n${' \n'.repeat(megabyte)}`],
    ['uuencoded lines', `begin 644 x\n${'M\n'.repeat(megabyte)}`],
    ['padding', `Content-Transfer-Encoding: base64\n\n${'QQ=='.repeat(megabyte)}`],
    [
      'a soft break without end',
      `Content-Transfer-Encoding: quoted-printable\n\n=${' '.repeat(5 * megabyte)}`,
    ],
    ['unclosed boundary parameters', `Content-Type: multipart/mixed;${' boundary="\\'.repeat(20_000)}\n\nx`],
  ])('is walked in linear time: %s', (_, text) => {
    expect(lookInto(text).complete).toBe(true);
  });
});

describe('input beyond a limit', () => {
  it.each([
    [
      '100,000 parts',
      `Content-Type: multipart/mixed; boundary=B\n\n${'--B\n\nx\n'.repeat(100_000)}`,
      'mime-parts',
    ],
    [
      '10,000 nested multiparts',
      Array.from(
        { length: 10_000 },
        (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
      ).join(''),
      'mime-depth',
    ],
    ['200,000 fields', Array.from({ length: 200_000 }, (_, i) => `X-${i}: v\n`).join(''), 'header-size'],
    ['300,000 headers', 'Content-Type: text/plain\n\n'.repeat(300_000), 'mime-parts'],
    ['800,000 beginnings of uuencode', 'begin 644 x\n'.repeat(800_000), 'mime-parts'],
    ['600,000 beginnings of yEnc', '=ybegin name=x\n'.repeat(600_000), 'mime-parts'],
    ['200,000 pieces of base64', 'QUJDREVGR0hJSktMTU5PUA==\n.\n'.repeat(200_000), 'mime-parts'],
  ] as const)('says so: %s', (_, text, code) => {
    const { limits: reached, factor } = lookInto(text);
    expect([...reached]).toContain(code);
    expect(factor).toBeLessThan(20);
  });

  it('decodes readings that overlap only up to a budget', () => {
    const text = `${'--a\nContent-Transfer-Encoding: base64\n\n'.repeat(900)}${'QUJD'.repeat(megabyte)}`;
    const { complete, factor } = lookInto(text);
    expect(complete).toBe(false);
    expect(factor).toBeLessThan(10);
  });
});
