import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPiece, sectionBases } from './piece-search.ts';

function octets(bytes: Uint8Array) {
  return { sizeBytes: bytes.length, read: async (from: number, to: number) => bytes.subarray(from, to) };
}
const text = (value: string) => octets(Buffer.from(value, 'latin1'));

describe('finding a piece of a message in the whole', () => {
  test('where it stands', async () => {
    expect(await findPiece(text('header\r\n\r\nbody'), text('body'), [])).toBe(10);
  });

  test('undefined where it does not', async () => {
    expect(await findPiece(text('header\r\n\r\nbody'), text('other'), [])).toBeUndefined();
    expect(await findPiece(text('short'), text('longer than it'), [])).toBeUndefined();
  });

  test('an empty piece lies anywhere', async () => {
    expect(await findPiece(text('x'), text(''), [])).toBe(0);
  });

  test('prefers a place that was overwritten over an equal one that was not', async () => {
    const whole = text('virus here, virus there');
    expect(await findPiece(whole, text('virus'), [{ offset: 13, bytes: Buffer.from('..') }])).toBe(12);
    expect(await findPiece(whole, text('virus'), [{ offset: 21, bytes: Buffer.from('.') }])).toBe(0);
  });

  test('gives up on content that repeats itself, instead of comparing it all', async () => {
    const whole = octets(Buffer.alloc(300_000, 'a'));
    expect(await findPiece(whole, octets(Buffer.from(`${'a'.repeat(5_000)}b`)), [])).toBeUndefined();
  });

  test('also across the borders of its windows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1_048_000, max: 1_049_600 }),
        fc.integer({ min: 1, max: 3_000 }),
        async (at, size) => {
          const whole = Buffer.alloc(2_200_000);
          for (let i = 0; i < size; i++) whole[at + i] = 1 + ((i * 7 + size) % 255);
          const found = await findPiece(octets(whole), octets(whole.subarray(at, at + size)), []);
          expect(found).toBe(at);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('where a section begins of which a slice is known', () => {
  const mail = text('From: a\r\n\r\n--b\r\nA: b\r\n\r\nsame text\r\n--b\r\n\r\nsame text\r\n--b--\r\n');
  const [first, second] = [24, 42];

  test('behind an empty line or a boundary; several where they are alike', async () => {
    expect(await sectionBases(mail, text('same text'), 0, undefined)).toEqual([first, second]);
    expect(await sectionBases(mail, text('text\r\n--b--'), 5, undefined)).toEqual([second]);
    expect(await sectionBases(mail, text('A: b'), 0, undefined)).toEqual([16]);
    expect(await sectionBases(mail, text('From'), 0, undefined)).toEqual([0]);
  });

  test('narrowed down by each slice; none where it would have to begin elsewhere', async () => {
    expect(await sectionBases(mail, text('text\r\n--b\r\n'), 5, [first, second])).toEqual([first]);
    expect(await sectionBases(mail, text('same'), 5, [first])).toEqual([]);
    expect(await sectionBases(mail, text('rom'), 0, undefined)).toEqual([1]);
  });

  test('content that repeats itself has one beginning', async () => {
    const whole = text(`A: b\r\n\r\n${`${'A'.repeat(76)}\r\n`.repeat(30_000)}`);
    const slice = text(`${'A'.repeat(76)}\r\n`.repeat(800));
    expect(await sectionBases(whole, slice, 0, undefined)).toEqual([8]);
    expect(await sectionBases(whole, slice, 78 * 800, [8])).toEqual([8]);
  });

  test('across the borders of windows', async () => {
    for (const at of [1_048_570, 1_048_574, 1_048_576, 1_048_580]) {
      const whole = Buffer.alloc(2_200_000, 'x');
      whole.write('\r\n\r\nhere', at, 'latin1');
      expect(await sectionBases(octets(whole), text('here'), 0, undefined)).toEqual([at + 4]);
    }
  });
});
