// Many entries in one text: split by newline, comma or semicolon; what follows a # on a line is the note of its entries.
// The form that a list is exported in and imported from.
import { maxNoteLength } from '../../src-main/contract/settings.ts';

export interface TypedEntry {
  readonly text: string;
  readonly note?: string;
}

export function splitEntries(text: string): TypedEntry[] {
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    const hash = line.indexOf('#');
    const note =
      hash < 0
        ? ''
        : line
            .slice(hash + 1)
            .trim()
            .slice(0, maxNoteLength);
    return (hash < 0 ? line : line.slice(0, hash))
      .split(/[,;]/)
      .map((piece) => piece.trim())
      .filter((piece) => piece !== '')
      .map((piece) => (note === '' ? { text: piece } : { text: piece, note }));
  });
}

export function joinEntries(entries: readonly TypedEntry[]): string {
  return entries
    .map(({ text, note }) => (note === undefined ? `${text}\n` : `${text} # ${note.replace(/\s+/g, ' ')}\n`))
    .join('');
}

export type Checked<Entry> =
  | { readonly ok: true; readonly entry: Entry }
  | { readonly ok: false; readonly text: string; readonly problem: string };

/** Sorts typed entries into new and wrong ones; one that is in the list (`present`: by key) or came before is left out
 * silently. */
export function checkEntries<Entry>(
  text: string,
  present: readonly string[],
  check: (typed: TypedEntry) => Checked<Entry>,
  keyOf: (entry: Entry) => string,
): { readonly entries: Entry[]; readonly wrong: { readonly text: string; readonly problem: string }[] } {
  const seen = new Set(present);
  const entries: Entry[] = [];
  const wrong = new Map<string, string>();
  for (const typed of splitEntries(text)) {
    const checked = check(typed);
    if (!checked.ok) wrong.set(checked.text, checked.problem);
    else if (!seen.has(keyOf(checked.entry))) {
      seen.add(keyOf(checked.entry));
      entries.push(checked.entry);
    }
  }
  return { entries, wrong: [...wrong].map(([wrongText, problem]) => ({ text: wrongText, problem })) };
}
