import { describe, expect, it } from 'vitest';
import { inFewPieces, maxOverwrites } from './overwrite-pieces.ts';

const original = Buffer.alloc(3_000_000, 'original ');

function pieces(count: number, everyBytes: number) {
  return Array.from({ length: count }, (_, each) => {
    return { offset: 10 + each * everyBytes, bytes: Buffer.from('XY') };
  });
}

function changedBy(overwrites: ReturnType<typeof inFewPieces>): Buffer {
  const changed = Buffer.from(original);
  for (const { offset, bytes } of overwrites) changed.set(bytes, offset);
  return changed;
}

describe('the overwrites of a message', () => {
  it('stay as they are as long as they are few', () => {
    const few = pieces(maxOverwrites, 70);
    expect(inFewPieces(few, original)).toBe(few);
    expect(inFewPieces([], original)).toEqual([]);
  });

  it.each([70, 290, 299])('change the same in fewer pieces, in order: one in %i octets', (everyBytes) => {
    const many = pieces(maxOverwrites + 1, everyBytes);
    const fewer = inFewPieces(many, original);
    expect(fewer.length).toBeLessThanOrEqual(maxOverwrites);
    expect(fewer[0]?.offset).toBe(10);
    expect(changedBy(fewer).equals(changedBy(many))).toBe(true);
    fewer.reduce((end, { offset, bytes }) => {
      expect(offset).toBeGreaterThanOrEqual(end);
      return offset + bytes.length;
    }, 0);
  });

  it('are few whatever lies between them', () => {
    const clusters = [0, 1_000_000, 2_000_000].flatMap((start) =>
      pieces(5_000, 8).map(({ offset, bytes }) => ({ offset: start + offset, bytes })),
    );
    expect(inFewPieces(clusters, original).map(({ offset }) => offset)).toEqual([10, 1_000_010, 2_000_010]);
  });
});
