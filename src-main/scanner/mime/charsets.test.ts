import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCharset, decodeUtf7, decodeUtf16, utf16At } from './charsets.ts';
import { isText } from './text-shape.ts';

describe('UTF-16', () => {
  const little = (text: string): Buffer => Buffer.from(text, 'utf16le');
  const big = (text: string): Buffer => little(text).swap16();

  it('is known by its mark, or by ASCII in it', () => {
    expect(utf16At(little('\ufeffж'), 0)).toBe('utf-16le');
    expect(utf16At(big('\ufeffж'), 0)).toBe('utf-16be');
    expect(utf16At(little('text'), 0)).toBe('utf-16le');
    expect(utf16At(big('text'), 0)).toBe('utf-16be');
  });

  it.each([
    ['text', Buffer.from('plain text')],
    ['NULs', Buffer.alloc(16)],
    ['too little', little('abc')],
    ['other octets', Buffer.from('MZ\x90\0\x03\0\0\0\x04\0', 'latin1')],
    ['nothing', Buffer.alloc(0)],
  ])('is not seen in %s', (_, bytes) => {
    expect(utf16At(bytes, 0)).toBeUndefined();
  });

  it('is read as UTF-8, in either order', () => {
    expect(decodeUtf16(little('\ufeffж€'))).toEqual(Buffer.from('ж€'));
    expect(decodeUtf16(big('\ufeffж€'))).toEqual(Buffer.from('ж€'));
    expect(decodeUtf16(big('some text'))).toEqual(Buffer.from('some text'));
  });
});

describe('UTF-7', () => {
  it.each([
    ['a+AOk-b', 'aéb'],
    ['a+AOk b', 'aé b'],
    ['1 +- 2', '1 + 2'],
    ['+2D3eAA-', '\u{1f600}'],
    ['+', ''],
    ['+AOk', 'é'],
  ])('%s reads %s', (text, decoded) => {
    expect(decodeUtf7(Buffer.from(text)).toString()).toBe(decoded);
  });

  it('is what was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const units = Buffer.from(text.toWellFormed(), 'utf16le')
          .swap16()
          .toString('base64')
          .replaceAll('=', '');
        expect(decodeUtf7(Buffer.from(text === '' ? '' : `+${units}-`)).toString()).toBe(text.toWellFormed());
      }),
    );
  });
});

describe('text in a character set', () => {
  it('is Latin-1 where nobody knows the character set', () => {
    expect(decodeCharset(Buffer.from([0xe9]), 'no such thing')).toBe('é');
    expect(decodeCharset(Buffer.from([0xe9]), 'Windows-1251')).toBe('й');
    expect(decodeCharset(Buffer.from('é'), 'UTF-8')).toBe('é');
  });
});

describe('what may be text', () => {
  it.each([
    ['text', 'Hello', true],
    ['a program', `MZ\x90${'\0\x03'.repeat(600)}`, false],
    ['a header with NULs', 'Con\0tent-Type: text/plain\r\n\r\nx', true],
    ['a boundary behind NULs', `preamble\0\r\n\0--b\r\n\r\nx`, true],
    ['UTF-16', '\xff\xfea\0b\0c\0d\0', true],
  ])('is told by its beginning: %s', (_, text, expected) => {
    expect(isText(Buffer.from(text, 'latin1'))).toBe(expected);
  });
});
