import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eicar, multipart, part } from '../test-messages.ts';
import { decodeWords } from './encoded-words.ts';
import { walk } from './walker.ts';

const limits = { mimeDepth: 50, mimeParts: 1_000, headerBytes: 256 * 1024 };

/** All names of a part with `fields`. */
function names(...fields: readonly string[]): readonly string[] {
  return walk(multipart('b', [part(fields, eicar)]), limits).starts.at(-1)?.names ?? [];
}

const disposition = (parameters: string): string => `Content-Disposition: attachment; ${parameters}`;

describe('the names of a part', () => {
  it.each([
    ['quoted', disposition('filename="a b.txt"'), 'a b.txt'],
    ['unquoted', disposition('filename=a.txt; size=1'), 'a.txt'],
    ['unquoted, with a blank', disposition('filename=a b.exe; size=1'), 'a b.exe'],
    ['unquoted, up to its blank', disposition('filename=a.exe b.txt'), 'a.exe'],
    ['with an escaped quote', disposition('filename="a\\"b.txt"'), 'a"b.txt'],
    ['that ends at an escaped quote', disposition('filename="a.exe\\"b.txt"'), 'a.exe'],
    ['with escapes as they stand', disposition('filename="C:\\dir\\a.exe"'), 'C:\\dir\\a.exe'],
    ['without a closing quote', disposition('filename="a.exe'), 'a.exe'],
    ['in single quotes', disposition("filename='a.exe'"), 'a.exe'],
    ['with blanks around the equals sign', disposition('filename = "a.exe"'), 'a.exe'],
    ['with a comment before the equals sign', disposition('filename (x) = "a.exe"'), 'a.exe'],
    ['folded', disposition('filename=\r\n\t"a.exe"'), 'a.exe'],
    ['folded within', disposition('filename="a\r\n .exe"'), 'a.exe'],
    ['of the type field', 'Content-Type: a/b; name="a.exe"', 'a.exe'],
    ['with a NUL in it', disposition('file\0name="a.exe"'), 'a.exe'],
    ['percent-encoded', disposition("filename*=utf-8''%e2%82%ac.exe"), '€.exe'],
    ['percent-encoded, as it stands', disposition("filename*=utf-8''a%2eexe"), "utf-8''a%2eexe"],
    ['percent-encoded in another character set', disposition("filename*=koi8-r''%c1.exe"), 'а.exe'],
    ['percent-encoded in an unknown character set', disposition("filename*=x-none''%e9.exe"), 'é.exe'],
    ['percent-encoded without a character set', disposition("filename*=''%e9.exe"), 'é.exe'],
    ['percent-encoded without quotes', disposition('filename*=a%2eexe'), 'a.exe'],
    ['in pieces', disposition('filename*0="a"; filename*1=".exe"'), 'a.exe'],
    ['in pieces of any order', disposition('filename*2=xe; filename*0=a; filename*1=".e"'), 'a.exe'],
    [
      'in encoded pieces',
      disposition("filename*0*=utf-8''%e2%82; filename*1*=%ac; filename*2=.exe"),
      '€.exe',
    ],
    ['an encoded word', disposition('filename="=?utf-8?B?4oKsLmV4ZQ==?="'), '€.exe'],
    ['an encoded word without quotes', disposition('filename==?utf-8?Q?=E2=82=AC.exe?='), '€.exe'],
    ['two encoded words', disposition('filename="=?utf-8?Q?a_?=\r\n =?utf-8?Q?b.exe?="'), 'a b.exe'],
    ['an encoded word as it stands', disposition('filename="=?utf-8?Q?a?="'), '=?utf-8?Q?a?='],
    ['octets of UTF-8', Buffer.from(disposition('filename="€.exe"')).toString('latin1'), '€.exe'],
    ['octets of Latin-1', disposition('filename="\xe9.exe"'), 'é.exe'],
    ['a location', 'Content-Type: a/b\r\nContent-Location: http://x.test/dir/a.exe?b=c', 'a.exe'],
    ['a description', 'Content-Type: a/b\r\nContent-Description: "a.exe"', 'a.exe'],
  ])('hold one that is %s', (_, field, name) => {
    expect(names(field)).toContain(name);
  });

  it('hold those of both fields, the one of the disposition first', () => {
    expect(names('Content-Type: a/b; name="b.txt"', disposition('filename="a.exe"'))).toEqual([
      'a.exe',
      'b.txt',
    ]);
  });

  it('hold the first and the last of many, and no more than 8', () => {
    const many = Array.from({ length: 20 }, (_, index) => `filename="${index}.txt"`).join('; ');
    const found = names('Content-Type: a/b; name="n.exe"', disposition(many));
    expect(found).toHaveLength(8);
    expect(found).toEqual(expect.arrayContaining(['0.txt', '19.txt', 'n.exe']));
  });

  it('prefer what is percent-encoded, as programs do', () => {
    expect(names(disposition('filename="a.txt"; filename*=utf-8\'\'b.exe'))[0]).toBe('b.exe');
  });

  it('keep the characters that turn their direction round', () => {
    expect(names(disposition("filename*=utf-8''a%e2%80%aefdp.exe"))[0]).toBe('a\u202efdp.exe');
  });

  it('keep their end, however long they are', () => {
    for (const parameter of [
      `filename="${'a'.repeat(1_500)}.exe"`,
      `${Array.from({ length: 400 }, (_, i) => `filename*${i}=aaa`).join(';')};filename*400=.exe`,
    ])
      expect(names(disposition(parameter))[0]).toMatch(/^a{100}.*…a+\.exe$/);
  });

  it('hold no sentence that describes it', () => {
    expect(names('Content-Type: a/b\r\nContent-Description: See it. Now')).toEqual([]);
  });

  it('are none where there is no field', () => {
    expect(names('X-Note: x')).toEqual([]);
  });
});

describe('encoded words', () => {
  it.each([
    ['=?utf-8?q?a?= =?utf-8?q?b?=', 'ab'],
    ['=?utf-8?q?a?= b =?utf-8?q?c?= d', 'a b c d'],
    ['=?utf-8?b?4oI=?= =?utf-8?b?rA==?=', '€'],
    ['=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=', '€'],
    ['=?iso-8859-1*en?q?=e9?=', 'é'],
    ['=?shift_jis?b?g0M=?=', 'イ'],
    ['=?x-none?q?=e9?=', 'é'],
    ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
    ['=?utf-8?q?a', '=?utf-8?q?a'],
    ['a =?utf-8?q?_b?=', 'a  b'],
  ])('%s reads %s', (text, decoded) => {
    expect(decodeWords(text)).toBe(decoded);
  });

  it('are what was encoded, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (text, size) => {
          const octets = Buffer.from(text.toWellFormed(), 'utf8');
          const words: string[] = [];
          for (let at = 0; at < octets.length; at += size)
            words.push(`=?utf-8?B?${octets.subarray(at, at + size).toString('base64')}?=`);
          // A mark at the beginning means nothing to a decoder.
          expect(decodeWords(words.join(' '))).toBe(text.toWellFormed().replace(/^\ufeff/, ''));
        },
      ),
    );
  });
});
