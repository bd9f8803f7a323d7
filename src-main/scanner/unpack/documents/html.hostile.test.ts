import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { described } from './described.fixture.ts';
import { isHtml, unpackHtml } from './html.ts';

const floodBytes = 500_000;
const flood = (start: string, repeated: string) =>
  Buffer.from(start + repeated.repeat(floodBytes / repeated.length), 'latin1');
const unpack = (bytes: Buffer, limits = {}) => {
  isHtml(bytes);
  return described(unpackHtml(bytes, contextOf({ limits })));
};

describe('a page of nothing but', () => {
  // What is quadratic takes minutes here.
  it.each([
    ['', '<'],
    ['', 'x<'],
    ['', '<div>'],
    ['', '<a<'],
    ['', '<!'],
    ['', '<!--'],
    ['', '<!--[if x'],
    ['', '<a href="'],
    ['<a ', "b='c "],
    ['<a ', 'b=c '],
    ['<a b="', '&'],
    ['', '<script>'],
    ['', '<style></style>'],
    ['', '<a href=http://host.example>bank.com</a>'],
    ['<p style="', 'data:'],
    ['<p style="', 'data:,'],
    ['<script>', '"'],
    ['<script>', '\\"'],
    ['<script>', '"+"'],
    ['<script>', '";a+='],
    ['<script>"', ' '],
    ['<script>', '%u4141'],
    ['<script>', '\\x4'],
    ['<script>', '77,'],
    ['<script>', 'Ab1'],
    ['Content-Type: x', '\n\t'],
  ])('%j and %j ends', { timeout: 10_000 }, (start, repeated) => {
    expect(unpack(flood(start, repeated)).length).toBeLessThan(3_000);
  });
});

describe('limits', () => {
  it('are kept, and said', () => {
    const page = Buffer.from('<script>a()</script>'.repeat(50));
    expect(unpack(page, { archiveMembers: 20 }).filter((each) => each === 'archive-members')).toHaveLength(1);
    const given = unpack(page, { archiveMembers: 20 }).filter((each) => each.startsWith('script.js'));
    expect(given).toHaveLength(20);
    expect(unpack(page, { unpackedBytes: 10 })).toContain('unpacked-size');
  });
});

describe('any octets', () => {
  const pieces = fc.constantFrom(
    '<a href="',
    'data:;base64,TVqQ',
    '"',
    "'",
    '>',
    '</',
    '<script>',
    '</script>',
    '<!--',
    '-->',
    '&#x',
    'http://a.com@b.com/',
    '%41',
    '\\u00',
    '77,',
    'Ab1'.repeat(30),
    '\0',
  );
  it('end in members or traits, never in an error', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 8 })), { maxLength: 40 }), (parts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        unpack(bytes);
        unpack(Buffer.from(parts.join(''), 'utf16le'));
      }),
      { numRuns: 400 },
    );
  });
});
