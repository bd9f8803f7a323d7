// The grammar of the port fields: "585, 993, 1000-1010". Spaces are ignored, duplicates and touching
// ranges are merged (single neighbours stay as typed), at most 64 entries, and what is wrong is named by its piece.

/** An inclusive range of TCP ports; a single port has `from === to`. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export type PortListProblem =
  | { readonly kind: 'not-a-port'; readonly piece: string }
  | { readonly kind: 'range-backwards'; readonly piece: string }
  | { readonly kind: 'too-many'; readonly limit: number };

export type PortListResult =
  | { readonly ok: true; readonly ranges: readonly PortRange[] }
  | { readonly ok: false; readonly problem: PortListProblem };

/** One field is one nftables set; what a person types by hand stays far below this. */
export const maxPortEntries = 64;

function parsePort(text: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

function parsePiece(piece: string): PortRange | PortListProblem {
  const [first = '', last, ...rest] = piece.split('-').map((bound) => bound.trim());
  const from = parsePort(first);
  const to = last === undefined ? from : parsePort(last);
  if (from === undefined || to === undefined || rest.length > 0) return { kind: 'not-a-port', piece };
  return from <= to ? { from, to } : { kind: 'range-backwards', piece };
}

/** Whether two ranges in order become one: they overlap, or they touch and one of them is a real range. */
function joins(first: PortRange, second: PortRange): boolean {
  if (second.from <= first.to) return true;
  return second.from === first.to + 1 && (first.from < first.to || second.from < second.to);
}

function merge(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    let joined = range;
    // What became a range may now touch the single port before it: the tidy form must be tidy already when read again.
    for (let last = merged.at(-1); last !== undefined && joins(last, joined); last = merged.at(-1)) {
      joined = { from: last.from, to: Math.max(last.to, joined.to) };
      merged.pop();
    }
    merged.push(joined);
  }
  return merged;
}

/** Parses the text of a port field; an empty text is the empty list. */
export function parsePortList(text: string): PortListResult {
  const pieces = text.trim() === '' ? [] : text.split(',').map((piece) => piece.trim());
  const ranges: PortRange[] = [];
  for (const piece of pieces) {
    const parsed = parsePiece(piece);
    if ('kind' in parsed) return { ok: false, problem: parsed };
    ranges.push(parsed);
  }
  const merged = merge(ranges);
  if (merged.length > maxPortEntries)
    return { ok: false, problem: { kind: 'too-many', limit: maxPortEntries } };
  return { ok: true, ranges: merged };
}

/** The tidy form that is stored and shown: sorted, merged, split by ", ". */
export function formatPortList(ranges: readonly PortRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

/** Whether a port lies in the list. */
export function portListIncludes(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ from, to }) => port >= from && port <= to);
}
