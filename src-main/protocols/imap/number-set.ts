// Sequence sets and UID sets (RFC 9051 §9 sequence-set): what a command names, and what VANISHED takes away.

interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export interface NumberSet {
  readonly ranges: readonly NumberRange[];
  /** It names `*` or `$` (RFC 5182), so only the server knows all that is in it. */
  readonly vague: boolean;
}

const number = (text: string) =>
  text === '*' ? Number.POSITIVE_INFINITY : /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : undefined;

/** Parses `1,5:9,12:*` or `$`; undefined where it is no set. */
export function parseNumberSet(text: string): NumberSet | undefined {
  if (text === '$') return { ranges: [], vague: true };
  const ranges: NumberRange[] = [];
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split(':');
    const a = number(first);
    const b = number(last);
    if (a === undefined || b === undefined || more.length > 0) return undefined;
    ranges.push({ from: Math.min(a, b), to: Math.max(a, b) });
  }
  return { ranges, vague: ranges.some(({ to }) => to === Number.POSITIVE_INFINITY) };
}

/** Whether the number surely lies in the set. */
export function setHolds(set: NumberSet, value: number): boolean {
  return set.ranges.some(({ from, to }) => value >= from && value <= to);
}

/** All numbers of the set in order, each once; undefined when there are more than `max` or it is vague. */
export function listNumbers(set: NumberSet, max: number): number[] | undefined {
  if (set.vague || set.ranges.length > max) return undefined;
  const found = new Set<number>();
  for (const { from, to } of set.ranges) {
    if (to - from >= max) return undefined;
    for (let value = from; value <= to; value++) found.add(value);
  }
  return found.size > max ? undefined : [...found].sort((a, b) => a - b);
}

/** The numbers as a set, `1:3,7`. */
export function formatNumbers(values: readonly number[]): string {
  const ranges: NumberRange[] = [];
  for (const value of [...values].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && value <= last.to + 1) ranges[ranges.length - 1] = { from: last.from, to: value };
    else ranges.push({ from: value, to: value });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}:${to}`)).join(',');
}

/** How many numbers of the set are below `value`. */
export function countBelow(set: NumberSet, value: number): number {
  let count = 0;
  for (const { from, to } of set.ranges) {
    if (from < value) count += Math.min(to, value - 1) - from + 1;
  }
  return count;
}
