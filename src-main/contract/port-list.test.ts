import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatPortList,
  maxPortEntries,
  type PortRange,
  parsePortList,
  portListIncludes,
} from './port-list.ts';

function tidy(text: string): string | undefined {
  const parsed = parsePortList(text);
  return parsed.ok ? formatPortList(parsed.ranges) : undefined;
}

function problem(text: string) {
  const parsed = parsePortList(text);
  return parsed.ok ? undefined : parsed.problem;
}

describe('port list', () => {
  it.each([
    ['585, 993', '585, 993'],
    ['993,585', '585, 993'],
    ['  993 ,\t585 ', '585, 993'],
    ['993, 993, 993', '993'],
    ['1000-1010', '1000-1010'],
    ['1000 - 1010', '1000-1010'],
    ['1000-1010, 1005-1020', '1000-1020'],
    ['1000-1010, 1011-1020', '1000-1020'],
    ['1000-1010, 1011', '1000-1011'],
    ['999, 1000-1010', '999-1010'],
    ['993, 994', '993, 994'],
    ['992, 993, 994-995', '992-995'],
    ['993-993', '993'],
    ['1, 65535', '1, 65535'],
    ['00993', '993'],
    ['', ''],
    ['   ', ''],
  ])('shows %j back as %j', (text, shown) => {
    expect(tidy(text)).toBe(shown);
  });

  it.each([
    ['99999,abc', '99999'],
    ['abc', 'abc'],
    ['993, abc, 0', 'abc'],
    ['0', '0'],
    ['65536', '65536'],
    ['-1', '-1'],
    ['9 93', '9 93'],
    ['993;585', '993;585'],
    ['993,,585', ''],
    ['993,', ''],
    ['1-2-3', '1-2-3'],
    ['1000-', '1000-'],
    ['1000-70000', '1000-70000'],
    ['9.93', '9.93'],
    ['1e3', '1e3'],
    ['+993', '+993'],
    ['٩٩٣', '٩٩٣'],
  ])('refuses %j and names %j', (text, piece) => {
    expect(problem(text)).toEqual({ kind: 'not-a-port', piece });
  });

  it('names a range that runs backwards', () => {
    expect(problem('993, 1010-1000')).toEqual({ kind: 'range-backwards', piece: '1010-1000' });
  });

  it('takes as many entries as the limit and not one more', () => {
    const ports = (count: number) => Array.from({ length: count }, (_, at) => 2 * at + 1).join(',');
    expect(parsePortList(ports(maxPortEntries)).ok).toBe(true);
    expect(problem(ports(maxPortEntries + 1))).toEqual({ kind: 'too-many', limit: maxPortEntries });
  });

  it('counts entries after duplicates are merged', () => {
    expect(
      tidy(
        Array(maxPortEntries + 1)
          .fill('993')
          .join(','),
      ),
    ).toBe('993');
  });

  const port = fc.integer({ min: 1, max: 65_535 });
  const piece = fc.oneof(
    port.map((from) => ({ from, to: from })),
    fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
    // Neighbours, where merging has its edges.
    fc
      .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 3 }))
      .map(([from, more]) => ({ from, to: from + more })),
  );
  const pieces = fc.array(piece, { maxLength: 40 });
  const written = (ranges: readonly PortRange[]) => ranges.map(({ from, to }) => `${from}-${to}`).join(',');

  it('holds the ports of its pieces and no others', () => {
    fc.assert(
      fc.property(pieces, fc.oneof(port, fc.integer({ min: 1, max: 40 })), (ranges, asked) => {
        const parsed = parsePortList(written(ranges));
        expect(parsed.ok && portListIncludes(parsed.ranges, asked)).toBe(
          ranges.some(({ from, to }) => asked >= from && asked <= to),
        );
      }),
    );
  });

  it('is tidy at once: its tidy form read again is the same', () => {
    fc.assert(
      fc.property(pieces, (ranges) => {
        const once = tidy(written(ranges));
        expect(once).toBeDefined();
        expect(tidy(once ?? '')).toBe(once);
      }),
    );
  });

  it('does not depend on the order of its pieces', () => {
    fc.assert(
      fc.property(pieces, (ranges) => {
        expect(tidy(written(ranges.toReversed()))).toBe(tidy(written(ranges)));
      }),
    );
  });

  it('answers any text with ranges or a problem', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parsePortList(text);
        if (parsed.ok)
          expect(parsed.ranges.every(({ from, to }) => from >= 1 && from <= to && to <= 65_535)).toBe(true);
      }),
    );
  });
});
