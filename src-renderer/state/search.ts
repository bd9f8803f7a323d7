// The search of the window: which pages and rows a text leads to, by their labels in either language.

import { type LayoutNode, pagesOf } from '../../src-main/contract/layout-nodes.ts';
import { languages, type TextKey, translate } from '../../src-main/contract/locales.ts';
import type { SettingPath } from '../../src-main/contract/setting-path.ts';

export interface SearchResult {
  /** Per page the rows to show. A page that is not here has no match. */
  readonly pages: ReadonlyMap<string, ReadonlySet<SettingPath>>;
  readonly count: number;
}

export function foldCase(text: string): string {
  return text.toLocaleLowerCase('nb').normalize('NFC');
}

function labelMatches(label: TextKey, wanted: string): boolean {
  return languages.some((language) => foldCase(translate(language, label)).includes(wanted));
}

/** Undefined when there is nothing to search for. A page or section that matches brings all its rows. */
export function searchSettings(tree: readonly LayoutNode[], query: string): SearchResult | undefined {
  const wanted = foldCase(query.trim());
  if (wanted === '') return undefined;
  const pages = new Map<string, ReadonlySet<SettingPath>>();
  let count = 0;
  for (const { page } of pagesOf(tree)) {
    const whole = labelMatches(page.label, wanted);
    const rows = page.sections.flatMap((section) => {
      const all = whole || labelMatches(section.label, wanted);
      return section.rows.filter((row) => all || labelMatches(row.label, wanted));
    });
    if (rows.length > 0) pages.set(page.id, new Set(rows.map((row) => row.path)));
    count += rows.length;
  }
  return { pages, count };
}

/** A piece of a text, by where it begins. */
export interface Piece {
  readonly from: number;
  readonly text: string;
  readonly isMatch: boolean;
}

/** The text in pieces that match and pieces that don't. */
export function splitAtMatches(text: string, query: string): Piece[] {
  const wanted = foldCase(query.trim());
  const folded = foldCase(text);
  // Folding that changes the length would shift the pieces.
  if (wanted === '' || folded.length !== text.length) return [{ from: 0, text, isMatch: false }];
  const pieces: Piece[] = [];
  const cut = (from: number, to: number, isMatch: boolean) => {
    if (to > from) pieces.push({ from, text: text.slice(from, to), isMatch });
  };
  let from = 0;
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, from)) {
    cut(from, at, false);
    from = at + wanted.length;
    cut(at, from, true);
  }
  cut(from, text.length, false);
  return pieces;
}
