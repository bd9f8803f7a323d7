import { expect, it } from 'vitest';
import { countBelow, formatNumbers, listNumbers, parseNumberSet, setHolds } from './number-set.ts';

const parsed = (text: string) => parseNumberSet(text) ?? { ranges: [], vague: false };

it.each(['', '0', '1,', ',1', '1:2:3', 'a', '1:', ':2', '-1', '1 2', '01', '12345678901'])(
  'takes no set from %j',
  (text) => {
    expect(parseNumberSet(text)).toBeUndefined();
  },
);

it('holds what it names, in either order of a range', () => {
  const set = parsed('7,9:5,20:*');
  expect([4, 5, 7, 9, 10, 19, 20, 4_000_000_000].map((n) => setHolds(set, n))).toEqual([
    false,
    true,
    true,
    true,
    false,
    false,
    true,
    true,
  ]);
  expect(set.vague).toBe(true);
  expect(parsed('$').vague).toBe(true);
});

it('lists numbers once and in order, up to a limit', () => {
  expect(listNumbers(parsed('5,1:3,2'), 4)).toEqual([1, 2, 3, 5]);
  expect(listNumbers(parsed('5,1:3,2'), 3)).toBeUndefined();
  expect(listNumbers(parsed('1:4294967295'), 16)).toBeUndefined();
  expect(listNumbers(parsed('1:*'), 16)).toBeUndefined();
  expect(listNumbers(parsed('$'), 16)).toBeUndefined();
});

it('counts below a number', () => {
  expect(countBelow(parsed('1:3,7,9:20'), 10)).toBe(5);
  expect(countBelow(parsed('5'), 5)).toBe(0);
});

it('writes numbers as a set', () => {
  expect(formatNumbers([7, 1, 2, 3, 5, 3])).toBe('1:3,5,7');
  expect(formatNumbers([])).toBe('');
});
