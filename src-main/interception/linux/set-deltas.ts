// What to delete from a set of the kernel and what to add, so that it covers what is wanted: only the difference is ever sent,
// since a set that is flushed and filled again lets connections through meanwhile. Pure.

/** An inclusive range as one element of an interval set; ports are numbers like addresses here. */
export interface ElementRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** The parts of `whole` that none of `taken` covers; both sorted and disjoint. */
function uncovered(whole: readonly ElementRange[], taken: readonly ElementRange[]): ElementRange[] {
  return whole.flatMap((range) => {
    const pieces: ElementRange[] = [];
    let from = range.from;
    for (const each of taken) {
      if (each.to < from || each.from > range.to) continue;
      if (each.from > from) pieces.push({ from, to: each.from - 1n });
      from = each.to + 1n;
    }
    if (from <= range.to) pieces.push({ from, to: range.to });
    return pieces;
  });
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
