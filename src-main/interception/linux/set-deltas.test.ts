import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeAddressRanges } from '../../contract/address-list.ts';
import { deltaOf, type ElementRange } from './set-deltas.ts';

const element = (from: number, to = from): ElementRange => ({ from: BigInt(from), to: BigInt(to) });

test('nothing is sent when nothing changed', () => {
  const have = [element(110), element(143)];
  expect(deltaOf(have, have)).toEqual({ remove: [], add: [] });
});

test('an element stays when a range grows around it', () => {
  expect(deltaOf([element(993)], [element(990, 995)])).toEqual({
    remove: [],
    add: [element(990, 992), element(994, 995)],
  });
});

test('an element of which only a part is wanted is replaced', () => {
  expect(deltaOf([element(990, 995), element(1000)], [element(993, 1005)])).toEqual({
    remove: [element(990, 995)],
    add: [element(993, 999), element(1001, 1005)],
  });
});

test('after any row of changes the elements are disjoint and cover what is wanted', () => {
  const ranges = fc
    .array(fc.tuple(fc.nat(60), fc.nat(12)), { maxLength: 8 })
    .map((pairs) =>
      mergeAddressRanges(pairs.map(([from, size]) => ({ family: 4, ...element(from, from + size) }))),
    );
  const covered = (elements: readonly ElementRange[]) =>
    elements.flatMap(({ from, to }) =>
      Array.from({ length: Number(to - from) + 1 }, (_, i) => Number(from) + i),
    );
  fc.assert(
    fc.property(fc.array(ranges, { maxLength: 6 }), (rows) => {
      let have: readonly ElementRange[] = [];
      for (const wanted of rows) {
        const { remove, add } = deltaOf(have, wanted);
        // Two pieces that touch within one command would become one element, which could not be deleted by half later.
        expect(add.every((each, i) => i === 0 || each.from > (add[i - 1]?.to ?? 0n) + 1n)).toBe(true);
        expect(remove.every((each) => have.includes(each))).toBe(true);
        have = [...have.filter((each) => !remove.includes(each)), ...add].toSorted((a, b) =>
          a.from < b.from ? -1 : 1,
        );
        expect(covered(have)).toEqual(covered(wanted));
      }
    }),
  );
});
