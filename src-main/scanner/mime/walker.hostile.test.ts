import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlapBaseBytes, overlapFactor } from '../limits.ts';
import { crowds, floods, overlaps, prefixes } from './hostile.fixture.ts';
import { decodeRegion, regionsOf } from './regions.ts';
import { walk } from './walker.ts';

// What is not linear here does not end within the time that a test has.
const limits = { mimeDepth: 50, mimeParts: 1_000, headerBytes: 256 * 1024 };
const partBytes = 50_000_000;

function lookInto(bytes: Buffer) {
  const walked = walk(bytes, limits);
  const { regions, complete } = regionsOf(bytes, walked);
  const octets = regions.reduce((sum, { start, end }) => sum + end - start, 0);
  let decodedBytes = 0;
  for (const region of regions)
    for (const variant of decodeRegion(bytes, region, partBytes).variants) decodedBytes += variant.length;
  return { ...walked, complete, factor: octets / bytes.length, decodedFactor: decodedBytes / bytes.length };
}

const megabyte = 1_000_000;
const within = limits.mimeParts * 4;

describe('input that costs some parsers seconds', () => {
  it.each(Object.entries(floods))('is walked and decoded in linear time: %s', (_, make) => {
    const { starts, factor, decodedFactor } = lookInto(make(2 * megabyte));
    expect(starts.length).toBeLessThanOrEqual(within);
    expect(factor).toBeLessThan(10);
    expect(decodedFactor).toBeLessThan(30);
  });
});

describe('input beyond a limit', () => {
  it.each([
    ['parts', 100_000, 'mime-parts'],
    ['parts with headers', 100_000, 'mime-parts'],
    ['nested multiparts', 500, 'mime-depth'],
    ['nested multiparts', 10_000, 'mime-depth'],
    ['nested messages', 100_000, 'mime-parts'],
    ['headers', 300_000, 'mime-parts'],
    ['headers with early ends', 100_000, 'mime-parts'],
    ['pieces of messages', 10, 'partial-message'],
    ['beginnings of uuencode', 800_000, 'mime-parts'],
    ['beginnings of base64', 100_000, 'mime-parts'],
    ['beginnings of yEnc', 600_000, 'mime-parts'],
    ['beginnings of BinHex', 100_000, 'mime-parts'],
    ['pieces of base64', 200_000, 'mime-parts'],
    ['pieces of base64 in uuencode', 100_000, 'mime-parts'],
  ] as const)('says so: %s, %i', (name, count, code) => {
    const bytes = crowds[name]?.(count) ?? Buffer.alloc(0);
    const { limits: reached, starts, factor } = lookInto(bytes);
    expect([...reached]).toContain(code);
    expect(starts.length).toBeLessThanOrEqual(within);
    expect(factor * bytes.length).toBeLessThanOrEqual(bytes.length * overlapFactor + overlapBaseBytes);
  });

  it.each([
    'header fields',
    'a header field without end',
    'a header field in folded lines',
    'segments of a name',
    'addresses',
  ])('says so: %s', (name) => {
    expect([...lookInto(floods[name]?.(megabyte) ?? Buffer.alloc(0)).limits]).toContain('header-size');
  });

  it('decodes readings that overlap only up to a budget', () => {
    const { complete, factor } = lookInto(overlaps(900, 4 * megabyte));
    expect(complete).toBe(false);
    expect(factor).toBeLessThan(10);
  });

  it('decodes each part once before it decodes what overlaps', () => {
    const bytes = overlaps(900, 4 * megabyte);
    const walked = walk(bytes, limits);
    const read = new Set(regionsOf(bytes, walked).regions.map(({ start }) => start));
    expect(walked.starts.filter(({ start }) => !read.has(start))).toEqual([]);
  });

  it('follows a thousand boundaries that begin with each other', () => {
    const { parts, factor } = lookInto(prefixes(1_000));
    expect(parts).toBeGreaterThan(900);
    expect(factor).toBeLessThan(100);
  });
});

describe('any octets', () => {
  const pieces = fc.constantFrom(
    ...[
      '--b',
      '--b--',
      '--',
      '\r\n',
      '\n',
      '\r',
      '\r\r\n',
      ' ',
      '\0',
      ':',
      '=',
      '"',
      '(',
      '>',
      '.',
      '\xff\xfe',
      'a\0b\0c\0d\0',
    ],
    ...[
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Transfer-Encoding: base64',
      'message/rfc822',
      'name*0*=',
      'x-uuencode',
    ],
    ...[
      'charset=utf-7',
      '+AGE-',
      'QUJDREVGR0hJSktM',
      'begin 644 x',
      'begin-base64 644 x',
      '====',
      'end',
      '=ybegin name=x',
      '=41',
      '=4=\n1',
      'From a',
    ],
  );

  it('are walked and decoded to an end, and each region lies in them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 80 }),
        (texts) => {
          const bytes = Buffer.from(texts.join(''), 'latin1');
          const walked = walk(bytes, limits);
          for (const region of regionsOf(bytes, walked).regions) {
            expect(region.start).toBeLessThan(region.end);
            expect(region.end).toBeLessThanOrEqual(bytes.length);
            expect(region.names.length).toBeLessThanOrEqual(8);
            for (const variant of decodeRegion(bytes, region, 100).variants)
              expect(variant.length).toBeLessThanOrEqual(100);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
