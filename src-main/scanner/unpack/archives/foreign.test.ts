import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';

const header = (...places: readonly (readonly [at: number, octets: string])[]): Buffer => {
  const bytes = Buffer.alloc(64, 1);
  for (const [at, octets] of places) bytes.write(octets, at, 'latin1');
  return bytes;
};

describe('archives of programs that are not ours', () => {
  it.each([
    ['ACE', header([7, '**ACE**'])],
    ['EGG', header([0, 'EGGA\0\x01'], [12, '\0\0'])],
    ['lzip', header([0, 'LZIP\x01'])],
    ['StuffIt', header([0, 'SIT!'], [10, 'rLau'])],
    ['lz4', header([0, '\x04\x22\x4d\x18'])],
  ])('are a limit: %s', (_, bytes) => {
    expect(contentsOf(bytes)).toEqual(['unsupported-archive']);
  });

  it('are told from what only begins so', () => {
    for (const text of ['SIT! Stay.', 'EGGA and ham', 'LZIP', 'ALZ', ''])
      expect(contentsOf(Buffer.from(text))).toEqual([]);
  });
});
