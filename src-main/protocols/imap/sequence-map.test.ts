import { expect, it } from 'vitest';
import { parseNumberSet } from './number-set.ts';
import { SequenceMap } from './sequence-map.ts';

const whole = (message: number, sequence: number, uid: number) => ({
  message,
  sequence,
  uid,
  sizeBytes: 0,
  bodyAt: 0,
});

function filled() {
  const gone: number[] = [];
  const map = new SequenceMap((message) => gone.push(message));
  map.add(whole(1, 10, 110));
  map.add(whole(2, 20, 120));
  map.add(whole(3, 30, 130));
  return { map, gone };
}

const set = (text: string) => parseNumberSet(text) ?? { ranges: [], vague: false };

it('moves the numbers behind an expunged one', () => {
  const { map, gone } = filled();
  map.expunged(5);
  map.expunged(19);
  expect(gone).toEqual([2]);
  expect(map.bySequence(9)?.message).toBe(1);
  expect(map.bySequence(28)?.message).toBe(3);
  expect(map.byUid(120)).toBeUndefined();
});

it('moves the numbers by the UIDs that vanished below', () => {
  const { map, gone } = filled();
  map.vanished(set('101:104,120,125'));
  expect(gone).toEqual([2]);
  expect(map.bySequence(6)?.message).toBe(1);
  expect(map.bySequence(24)?.message).toBe(3);
});

it('knows no number any more where a server tells impossible things', () => {
  const { map } = filled();
  map.vanished(set('1:100'));
  expect(map.bySequence(0)).toBeUndefined();
  expect(map.byUid(110)?.sequence).toBe(0);
});

it('keeps those that were used last', () => {
  const { map, gone } = filled();
  map.byUid(110);
  map.trim(2);
  expect(gone).toEqual([2]);
  map.trim(0);
  expect(gone).toEqual([2, 3, 1]);
});

it('replaces a message that is fetched again', () => {
  const { map, gone } = filled();
  map.add(whole(4, 20, 120));
  expect(gone).toEqual([2]);
  expect(map.byUid(120)?.message).toBe(4);
});
