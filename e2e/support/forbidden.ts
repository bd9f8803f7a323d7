// What must never be seen at a client: a word that the scanner calls infected, raw, inside base64, or put together from
// the partial answers in which it came. It is made at run time, so that no file of the project holds it.

/** An infected word without blanks or specials, so that it can stand anywhere: in atoms, strings, headers, bodies. */
export const forbidden = ['POSTERN-SIMULATION-', 'DROPPER-c27f40d6e913'].join('');

/** What stands in base64 for the word at its three alignments: whole groups of four that depend on it alone. */
function inBase64(word: string): string[] {
  return [0, 1, 2].map((shift) => {
    const groups = Buffer.from('x'.repeat(shift) + word).toString('base64');
    return groups.slice(shift === 0 ? 0 : 4, Math.floor((shift + word.length) / 3) * 4);
  });
}

const encoded = inBase64(forbidden);

function shows(text: string): boolean {
  if (text.includes(forbidden)) return true;
  const joined = text.replace(/[\r\n]/g, '');
  return encoded.some((word) => joined.includes(word));
}

interface Partial {
  readonly origin: number;
  readonly content: string;
}

/** Whether a client takes what stands at `at` for an item of a FETCH answer. */
function isInFetch(got: string, at: number): boolean {
  const line = got.slice(got.lastIndexOf('\r\n* ', at) + 2, at);
  return /^\* \d+ (?:UID)?FETCH /i.test(line);
}

/** The partial literals of FETCH answers, by the section that they are cut out of. */
function partialsOf(got: string): Map<string, Partial[]> {
  const sections = new Map<string, Partial[]>();
  for (const match of got.matchAll(/(B(?:ODY|INARY)\[[^\]]*\])<(\d+)> ~?\{(\d+)\}\r\n/gi)) {
    const [whole, section = '', origin, size] = match;
    if (!isInFetch(got, match.index)) continue;
    const from = match.index + whole.length;
    const partial = { origin: Number(origin), content: got.slice(from, from + Number(size)) };
    const key = section.toUpperCase();
    sections.set(key, [...(sections.get(key) ?? []), partial]);
  }
  return sections;
}

/** Characters that are told before the place, so that one sees what carried it. */
const contextCharacters = 300;

/** Where the word shows in what a client received (latin1), or undefined where it does not. */
export function findForbidden(got: string): string | undefined {
  if (shows(got)) {
    // The shortest beginning that shows it, by halving.
    let [without, to] = [0, got.length];
    while (to - without > 1) {
      const middle = (without + to) >> 1;
      if (shows(got.slice(0, middle))) to = middle;
      else without = middle;
    }
    return `in the stream: ${JSON.stringify(got.slice(Math.max(0, to - contextCharacters), to))}`;
  }
  for (const [section, partials] of partialsOf(got)) {
    const asTheyCame = partials.map(({ content }) => content).join('');
    const byOrigin = partials.toSorted((a, b) => a.origin - b.origin).map(({ content }) => content);
    if (shows(asTheyCame) || shows(byOrigin.join('')))
      return `in the joined partials of ${section}: ${JSON.stringify(partials)}`;
  }
  return undefined;
}
