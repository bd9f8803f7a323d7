import { expect, test } from 'vitest';
import { Seen } from './seen.ts';

const mebibyte = 1024 * 1024;

test.each([0, 10, mebibyte - 1, mebibyte, 3 * mebibyte])(
  '%i octets are new once, and what was found in them is kept',
  (size) => {
    const seen = new Seen();
    const first = seen.claim(Buffer.alloc(size, 'a'));
    expect(first.isNew).toBe(true);
    first.look.names = ['found'];
    expect(seen.claim(Buffer.alloc(size, 'a'))).toMatchObject({ look: { names: ['found'] }, isNew: false });
  },
);

test.each([mebibyte - 1, mebibyte])('%i octets that differ in the last one are others', (size) => {
  const seen = new Seen();
  seen.claim(Buffer.alloc(size));
  const other = Buffer.alloc(size);
  other[size - 1] = 1;
  expect(seen.claim(other).isNew).toBe(true);
  expect(seen.claim(Buffer.alloc(size - 1)).isNew).toBe(true);
});

test('knows large ones also when there are more than it keeps', () => {
  const seen = new Seen();
  const sized = (index: number) => Buffer.alloc(9 * mebibyte, String.fromCharCode(97 + index));
  for (let index = 0; index < 9; index++) expect(seen.claim(sized(index)).isNew).toBe(true);
  for (let index = 0; index < 9; index++) expect(seen.claim(sized(index)).isNew).toBe(false);
});
