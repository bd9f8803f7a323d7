// What to delete from a set of the kernel and what to add, so that it covers what is wanted: only the difference is ever sent,
// since a set that is flushed and filled again lets connections through meanwhile. Pure.

/** An inclusive range as one element of an interval set; ports are numbers like addresses here. */
export interface ElementRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** The parts of `whole` that none of `taken` covers, in the order of `whole`. */
export function uncovered(whole: readonly ElementRange[], taken: readonly ElementRange[]): ElementRange[] {
  return taken.reduce<ElementRange[]>(
    (left, each) =>
      left.flatMap((range) => {
        if (each.to < range.from || each.from > range.to) return [range];
        const before = { from: range.from, to: each.from - 1n };
        const after = { from: each.to + 1n, to: range.to };
        return [before, after].filter((piece) => piece.from <= piece.to);
      }),
    [...whole],
  );
}

/**
 * What to delete from and add to a set that holds `have`, so that it covers `wanted` (merged) and nothing else. What stays
 * covered keeps its element wherever that can be: a set that is flushed and filled again lets connections through meanwhile.
 */
export function deltaOf(
  have: readonly ElementRange[],
  wanted: readonly ElementRange[],
): { readonly remove: readonly ElementRange[]; readonly add: readonly ElementRange[] } {
  const stays = (element: ElementRange) =>
    wanted.some((range) => range.from <= element.from && element.to <= range.to);
  return {
    remove: have.filter((element) => !stays(element)),
    add: uncovered(wanted, have.filter(stays)),
  };
}
