import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf16Text } from './utf16.ts';

const bytes = Buffer.from('xabc', 'utf16le');

describe('text in UTF-16', () => {
  it('is decoded from even and odd places, without half a unit at the end', () => {
    expect(utf16Text(bytes, 2)).toBe('abc');
    expect(utf16Text(bytes, 2, 7)).toBe('ab');
    const shifted = Buffer.concat([Buffer.from('.'), bytes, Buffer.from('.')]);
    expect(utf16Text(shifted, 1)).toBe('xabc');
    expect(utf16Text(shifted.subarray(1))).toBe('xabc');
  });

  it('is cut to what there is', () => {
    expect(utf16Text(bytes, 6, 99)).toBe('c');
    expect(utf16Text(bytes, 99)).toBe('');
    expect(utf16Text(bytes, -4, 2)).toBe('x');
    expect(utf16Text(bytes, 4, 2)).toBe('');
    expect(utf16Text(Buffer.alloc(0))).toBe('');
  });

  it('does no harm where its address and its size are odd', () => {
    // The runtime's decoder overruns its memory here; some thousand times of that end a process.
    for (let size = 3; size < 2_000; size++) {
      const odd = Buffer.from(Buffer.alloc(size, 'a')).subarray(1);
      expect(utf16Text(odd)).toHaveLength((size - 1) >> 1);
    }
  });
});

it('nothing else in this room decodes UTF-16', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const sources = files.filter(
    (name) => /\.ts$/.test(name) && !/\.(test|fixture)\.ts$|^utf16\.ts$/.test(name),
  );
  const decoding = sources.filter((name) =>
    /(toString|Slice|write)\([^)]*(utf16le|utf-16|ucs2|ucs-2)/i.test(
      readFileSync(join(import.meta.dirname, name), 'utf8'),
    ),
  );
  expect(sources.length).toBeGreaterThan(50);
  expect(decoding).toEqual([]);
});
