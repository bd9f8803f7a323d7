// Items of a FETCH that are answered out of what was scanned: the server is asked for a few octets in their place, which
// show that it means the same message, and it sets \Seen and adds its own items as it would have.
import { type FetchRequest, fetchItem, type RequestedItem } from './fetch-items.ts';

/** Octets that the server is asked for at most. */
export const probeOctets = 64;

export interface Substitute {
  /** `message` and `text` come out of the message that was fetched whole, at the beginning or behind its header.
   *  `part`: what the server decodes (RFC 3516) or selects, in full; what was asked for is cut out of its scanned form. */
  readonly source: 'message' | 'text' | 'part';
  /** Its name in the answer to the client. */
  readonly name: string;
  readonly origin: number;
  /** Infinity: up to the end. */
  readonly count: number;
}

export interface Substitution {
  /** To send in place of the client's, with the space before them. */
  readonly items: string;
  /** Keys of all items that the server will answer with. */
  readonly keys: ReadonlySet<string>;
  readonly byKey: ReadonlyMap<string, Substitute>;
}

interface Asked {
  readonly text: string;
  readonly key: string;
  readonly substitute?: Substitute;
}

/** Some servers take a partial without a count, up to the end. */
const sectioned = /^(BODY|BINARY)(\.PEEK)?\[([^\]]*)\](?:<([0-9]+)(?:\.([0-9]+))?>)?$/;

/** RFC 9051 §9 number. */
const maxNumber = 4_294_967_295;

/** Other names of sections (RFC 3501 §6.4.5). */
const synonyms: ReadonlyMap<string, string> = new Map([
  ['RFC822', 'BODY[]'],
  ['RFC822.TEXT', 'BODY[TEXT]'],
]);

function askedFor({ text, key }: RequestedItem): Asked {
  const upper = text.toUpperCase();
  const synonym = synonyms.get(upper);
  const [whole, base = '', peek = '', section = '', first, size] = sectioned.exec(synonym ?? upper) ?? [];
  const origin = Number(first ?? 0);
  const count = size === undefined ? Number.POSITIVE_INFINITY : Number(size);
  // What is no number of the grammar the server is to refuse itself.
  if (whole === undefined || origin > maxNumber || Number(size ?? 0) > maxNumber) return { text, key };
  const partial = first === undefined ? '' : `<${origin}>`;
  const name = synonym === undefined ? `${base}[${section}]${partial}` : upper;
  if (base === 'BINARY' || section.includes('HEADER.FIELDS')) {
    if (partial === '' || count === 0) return { text, key };
    const inFull = `${base}${peek}[${section}]`;
    return { text: inFull, key: fetchItem(inFull).key, substitute: { source: 'part', name, origin, count } };
  }
  const isStretch = section === '' || section === 'TEXT';
  if (!isStretch || count === 0 || (partial !== '' && size === undefined)) return { text, key };
  return {
    text: `${base}${peek}[${section}]<${origin}.${Math.min(probeOctets, count)}>`,
    key: `${base}[${section}]<${origin}>`,
    substitute: { source: section === '' ? 'message' : 'text', name, origin, count },
  };
}

/** What to ask the server for in place of a FETCH's items; undefined where nothing is gained, or answers would be alike. */
export function substitutionFor({ items }: FetchRequest): Substitution | undefined {
  const asked = items.map(askedFor);
  const keys = new Set(asked.map(({ key }) => key));
  const byKey = new Map(
    asked.flatMap(({ key, substitute }) => (substitute ? [[key, substitute] as const] : [])),
  );
  if (byKey.size === 0 || keys.size < asked.length) return undefined;
  return { items: ` (${asked.map(({ text }) => text).join(' ')})`, keys, byKey };
}
