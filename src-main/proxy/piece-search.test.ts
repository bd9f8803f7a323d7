import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPiece } from './piece-search.ts';

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
