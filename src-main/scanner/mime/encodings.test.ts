import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64Lines, quotedPrintableLines, uuencodeLines, yencLines } from '../test-messages.ts';
import { decodeBase64, firstOutsideBase64 } from './base64.ts';
import { decodeUuencode, decodeYenc } from './line-encodings.ts';
import { decodeQuotedPrintable } from './quoted-printable.ts';

const octets = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));

function texts(encoded: string): string[] {
  return decodeBase64(Buffer.from(encoded, 'latin1')).map((variant) => variant.toString('latin1'));
}

describe('what was encoded', () => {
  it('is decoded again, from each encoding', () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        expect(decodeBase64(Buffer.from(base64Lines(bytes)))).toEqual([bytes]);
        expect(decodeQuotedPrintable(Buffer.from(quotedPrintableLines(bytes)))).toEqual([bytes]);
        const uu = uuencodeLines(bytes, 'x').split('\r\n').slice(1, -2).join('\r\n');
        expect(decodeUuencode(Buffer.from(uu, 'latin1'))).toContainEqual(bytes);
        const yenc = yencLines(bytes, 'x');
        const data = yenc.subarray(yenc.indexOf('\r\n') + 2, yenc.lastIndexOf('\r\n=yend'));
        expect(decodeYenc(data)).toEqual(bytes);
      }),
    );
  });

  it('is decoded in pieces and as a whole alike', () => {
    const bytes = Buffer.alloc(300_000, 'some text that repeats itself now and then');
    const lines = base64Lines(bytes);
    const irregular = `AAAA\r\n${lines}`;
    expect(decodeBase64(Buffer.from(lines))[0]?.equals(bytes)).toBe(true);
    expect(decodeBase64(Buffer.from(irregular))[0]?.equals(Buffer.concat([Buffer.alloc(3), bytes]))).toBe(
      true,
    );
    const junk = lines.replace(/^(.{76000})./s, '$1*');
    expect(decodeBase64(Buffer.from(junk))[0]).toEqual(
      Buffer.from(lines.replace(/^(.{76000})./s, '$1'), 'base64'),
    );
  });
});

describe('base64', () => {
  it('keeps a character more in a line that has an octet less of a line end', () => {
    const lines = base64Lines(Buffer.alloc(300_000, 'some text that repeats itself now and then')).split(
      '\r\n',
    );
    const longer = lines.map((line, index) => `${line}${index === 10 ? 'A\n' : '\r\n'}`).join('');
    const [decoded] = decodeBase64(Buffer.from(longer));
    expect(decoded?.equals(Buffer.from(longer, 'base64'))).toBe(true);
  });

  it('goes on behind padding, in both ways in which programs do', () => {
    expect(texts('YWI=Y2Q=')).toEqual(['abcd', Buffer.from('YWIY2Q', 'base64').toString('latin1')]);
    expect(texts('====YWJj')).toContain('abc');
  });

  it('takes "-" for nothing, and for the URL-safe alphabet', () => {
    expect(texts('YW-Jj')).toContain('abc');
    expect(texts('-_8=')).toContain('\xfb\xff');
  });
});

describe('quoted-printable', () => {
  it.each([
    ['a=3Db', 'a=b'],
    ['a=3db', 'a=b'],
    ['a=\r\nb', 'ab'],
    ['a=\nb', 'ab'],
    ['a=\rb', 'ab'],
    ['a= \t\r\nb', 'ab'],
    ['a=', 'a'],
    ['a=XY', 'a=XY'],
    ['a=4', 'a=4'],
    ['=', ''],
  ])('reads %j as %j', (encoded, text) => {
    expect(decodeQuotedPrintable(Buffer.from(encoded)).map(String)).toEqual([text]);
  });
});

describe('uuencode', () => {
  it('reads trimmed blanks as zero bits, and lines cut short', () => {
    expect(decodeUuencode(Buffer.from('#'))).toEqual([Buffer.alloc(3)]);
    expect(decodeUuencode(Buffer.from('#86('))).toEqual([Buffer.from([0x61, 0x62, 0x00])]);
    expect(decodeUuencode(Buffer.from('M86)C\r\n`\r\n'))[0]?.toString('latin1', 0, 3)).toBe('abc');
    // A line of no octets ends it for some decoders, and not for others.
    expect(decodeUuencode(Buffer.from('#86)C\n`\n#86)C\n')).map(String)).toEqual(['abc', 'abcabc']);
  });
});

describe('the end of base64 text', () => {
  const inside = /[A-Za-z0-9+/=\r\n]*/y;

  it('is where the first other octet stands, wherever the text lies in memory', () => {
    const run = fc.string({ unit: fc.constantFrom(...'AZaz09+/=\r\n'), maxLength: 40 });
    const text = fc
      .tuple(run, fc.nat(256), run)
      .map(([before, other, after]) => `${before}${other < 256 ? String.fromCharCode(other) : ''}${after}`);
    fc.assert(
      fc.property(text, fc.nat(8), fc.nat(90), (characters, shift, from) => {
        const bytes = Buffer.concat([Buffer.alloc(shift, 'A'), Buffer.from(characters, 'latin1')]).subarray(
          shift,
        );
        const start = Math.min(from, bytes.length);
        inside.lastIndex = start;
        inside.exec(characters);
        expect(firstOutsideBase64(bytes, start)).toBe(inside.lastIndex);
      }),
      { numRuns: 500 },
    );
  });

  it('is the end of the octets where there is no other', () => {
    for (let length = 0; length < 20; length++)
      expect(firstOutsideBase64(Buffer.alloc(length, 'A'), 0)).toBe(length);
  });
});
