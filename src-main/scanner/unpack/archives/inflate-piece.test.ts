import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inflatePiece, readPiece } from './inflate-piece.ts';

const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${(i * 7_919) % 10_007}`).join(' '));
const strategies = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
] as const;

describe('a first piece of a deflate stream', () => {
  it.each(strategies)('is all of it where there is no more (strategy %i)', (strategy) => {
    for (const level of [0, 1, 6, 9])
      for (const bytes of [text, Buffer.alloc(100_000), Buffer.alloc(0), Buffer.from('a')])
        expect(inflatePiece(deflateRawSync(bytes, { level, strategy }), 1_000_000).equals(bytes)).toBe(true);
  });

  it('ends at the wanted size', () => {
    const packed = deflateRawSync(text);
    for (const size of [0, 1, 1_000, 50_000])
      expect(inflatePiece(packed, size).equals(text.subarray(0, size))).toBe(true);
    // In the middle of a reference, and of a stored block.
    expect(inflatePiece(deflateRawSync(Buffer.alloc(1_000)), 100)).toHaveLength(100);
    expect(inflatePiece(deflateRawSync(text, { level: 0 }), 100)).toHaveLength(100);
  });

  it('is what any cut leaves of it', () => {
    const packed = deflateRawSync(text.subarray(0, 3_000));
    let longest = 0;
    for (let length = 0; length <= packed.length; length++) {
      const given = inflatePiece(packed.subarray(0, length), 10_000);
      expect(given.equals(text.subarray(0, given.length))).toBe(true);
      expect(given.length).toBeGreaterThanOrEqual(longest);
      longest = given.length;
    }
    expect(longest).toBe(3_000);
  });

  it('says how far it went, and why', () => {
    const packed = deflateRawSync(text);
    const behind = Buffer.concat([packed, Buffer.alloc(10_000, 'x')]);
    expect(readPiece(behind, text.length + 1)).toMatchObject({ isFull: false });
    expect(Math.abs(readPiece(behind, text.length + 1).inputBytes - packed.length)).toBeLessThan(4);
    expect(readPiece(behind, 100)).toMatchObject({ isFull: true });
  });

  it('ends for any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        expect(inflatePiece(Buffer.from(octets), 5_000).length).toBeLessThanOrEqual(5_000);
      }),
      { numRuns: 2_000 },
    );
  });
});
