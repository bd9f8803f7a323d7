// The items of FETCH (RFC 9051 §6.4.5, §7.5.2): which of them carry octets of a message, in a command and in a
// response. What isn't known to be harmless counts as content.
import { type NumberSet, parseNumberSet } from './number-set.ts';

/**
 * `whole`: all octets of the message. `header`: its top-level header, or fields of it. `piece`: any other section.
 * `strings`: a structure whose strings are no content (ENVELOPE). `date`: one harmless string. `other`: no string
 * is expected; one that comes is content.
 */
export type ItemRole = 'whole' | 'header' | 'piece' | 'strings' | 'date' | 'other';

export interface FetchItem {
  /** The same for an item of a command and of its answer (`BODY[TEXT]<0>`). */
  readonly key: string;
  readonly role: ItemRole;
}

const named: Readonly<Record<string, FetchItem>> = {
  RFC822: { key: 'BODY[]', role: 'whole' },
  'RFC822.HEADER': { key: 'BODY[HEADER]', role: 'header' },
  'RFC822.TEXT': { key: 'BODY[TEXT]', role: 'piece' },
  ENVELOPE: { key: 'ENVELOPE', role: 'strings' },
  BODY: { key: 'BODY', role: 'strings' },
  BODYSTRUCTURE: { key: 'BODYSTRUCTURE', role: 'strings' },
  'X-GM-LABELS': { key: 'X-GM-LABELS', role: 'strings' },
  INTERNALDATE: { key: 'INTERNALDATE', role: 'date' },
  SAVEDATE: { key: 'SAVEDATE', role: 'date' },
  'BODY[]': { key: 'BODY[]', role: 'whole' },
};

const sectioned = /^(BODY|BINARY)(?:\.PEEK)?\[([^\]]*)\](?:<([0-9]+)(?:\.[0-9]+)?>)?$/;
const headerSection = /^HEADER(\.FIELDS(\.NOT)? \(.*\))?$/;

/** What an item is, by its name in upper case with section and partial (`BODY[HEADER.FIELDS (TO)]<0>`). */
export function fetchItem(name: string): FetchItem {
  if (Object.hasOwn(named, name)) return named[name] ?? { key: name, role: 'other' };
  const match = sectioned.exec(name);
  if (!match) {
    const size = /^(RFC822\.SIZE$|BINARY\.SIZE\[)/.test(name);
    return { key: name, role: !size && /\[|^RFC822/.test(name) ? 'piece' : 'other' };
  }
  const [, base = '', section = '', origin] = match;
  // Servers may quote or reorder the names of a field list: they don't tell answers apart.
  const key = `${base}[${section.replace(/ \(.*$/, '')}]${origin === undefined ? '' : `<${origin}>`}`;
  if (base === 'BINARY' || origin !== undefined) return { key, role: 'piece' };
  if (section === '') return { key, role: 'whole' };
  return { key, role: headerSection.test(section) ? 'header' : 'piece' };
}

export interface RequestedItem extends FetchItem {
  /** As it was written. */
  readonly text: string;
}

export interface FetchRequest {
  readonly uid: boolean;
  readonly set: NumberSet;
  readonly setText: string;
  readonly items: readonly RequestedItem[];
  /** What is behind the items, with the space before it (RFC 4466 §2.3). */
  readonly modifiers: string;
  /** The items as they were written, but for spare blanks, with the space before them. */
  readonly itemsText: string;
  /** Keys of all items. */
  readonly keys: ReadonlySet<string>;
  /** It names pieces: each message must be known whole before they leave. */
  readonly pieces: boolean;
}

const itemName = /[^\s()[\]"{]+(?:\[(?:"[^"\\]*"|[^"\]])*\](?:<[0-9]+(?:\.[0-9]+)?>)?)?/y;

/** Index behind the parenthesis that closes the one at `from`, or -1. */
function closing(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '(') depth++;
    else if (c === ')' && --depth === 0) return i + 1;
  }
  return -1;
}

interface ItemList {
  readonly items: readonly RequestedItem[];
  readonly modifiers: string;
}

function itemList(text: string): ItemList | undefined {
  const items: RequestedItem[] = [];
  const list = text.startsWith('(');
  const end = list ? closing(text, 0) - 1 : text.length;
  let at = list ? 1 : 0;
  if (list && end < 1) return undefined;
  while (at < end) {
    const last = items.at(-1);
    if (last) {
      if (text[at] !== ' ') return undefined;
      if (!list) break;
      at++;
      // `PREVIEW (LAZY)`
      if (text[at] === '(') {
        const to = closing(text, at);
        if (to === -1) return undefined;
        items[items.length - 1] = { ...last, text: `${last.text} ${text.slice(at, to)}` };
        at = to;
        continue;
      }
    }
    itemName.lastIndex = at;
    const name = itemName.exec(text)?.[0];
    if (name === undefined) return undefined;
    items.push({ text: name, ...fetchItem(name.toUpperCase()) });
    at += name.length;
  }
  const modifiers = text.slice(list ? end + 1 : at);
  const fits = modifiers === '' || (modifiers.startsWith(' (') && closing(modifiers, 1) === modifiers.length);
  return items.length > 0 && fits ? { items, modifiers } : undefined;
}

/** Several blanks as one, none at the ends; quoted strings stay. Servers take them, and read both alike then. */
function tidy(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"| +/g, (found) => (found.startsWith('"') ? found : ' ')).trim();
}

/** Reads the arguments of FETCH; undefined where the grammar isn't followed. */
export function parseFetchArguments(line: string, uid: boolean): FetchRequest | undefined {
  const args = tidy(line);
  const space = args.indexOf(' ');
  const setText = args.slice(0, Math.max(0, space));
  const set = parseNumberSet(setText);
  const list = itemList(args.slice(space + 1));
  if (!set || !list) return undefined;
  return {
    uid,
    set,
    setText,
    ...list,
    itemsText: args.slice(space, args.length - list.modifiers.length),
    keys: new Set(list.items.map((item) => item.key)),
    pieces: list.items.some((item) => item.role === 'piece'),
  };
}
