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

export interface FetchRequest {
  readonly uid: boolean;
  readonly set: NumberSet;
  readonly setText: string;
  /** Items and modifiers as they were written, with the space before them. */
  readonly tail: string;
  /** Keys of all items. */
  readonly keys: ReadonlySet<string>;
  /** It names pieces: each message must be known whole before they leave. */
  readonly pieces: boolean;
  /** It names an item that we don't offer (BINARY, PREVIEW, SNIPPET). */
  readonly forbidden: boolean;
}

const itemName = /[^\s()[\]"{]+(?:\[(?:"[^"\\]*"|[^"\]])*\](?:<[0-9]+(?:\.[0-9]+)?>)?)?/y;
const forbiddenItem = /^(BINARY|PREVIEW|SNIPPET)/;

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

function itemNames(text: string): string[] | undefined {
  const names: string[] = [];
  const list = text.startsWith('(');
  const end = list ? closing(text, 0) - 1 : text.length;
  let at = list ? 1 : 0;
  if (list && end < 1) return undefined;
  while (at < end) {
    if (names.length > 0) {
      if (text[at] !== ' ') return undefined;
      at++;
      // `PREVIEW (LAZY)` inside a list, modifiers behind a single item.
      if (text[at] === '(') {
        at = closing(text, at);
        if (at === -1) return undefined;
        continue;
      }
      if (!list) return undefined;
    }
    itemName.lastIndex = at;
    const name = itemName.exec(text)?.[0];
    if (name === undefined) return undefined;
    names.push(name.toUpperCase());
    at += name.length;
  }
  const rest = list ? text.slice(end + 1) : '';
  return names.length > 0 && (rest === '' || /^ \(.*\)$/.test(rest)) ? names : undefined;
}

/** Reads the arguments of FETCH; undefined where the grammar isn't followed. */
export function parseFetchArguments(args: string, uid: boolean): FetchRequest | undefined {
  const space = args.indexOf(' ');
  const setText = args.slice(0, Math.max(0, space));
  const set = parseNumberSet(setText);
  const names = itemNames(args.slice(space + 1));
  if (!set || !names) return undefined;
  const items = names.map(fetchItem);
  return {
    uid,
    set,
    setText,
    tail: args.slice(space),
    keys: new Set(items.map((item) => item.key)),
    pieces: items.some((item) => item.role === 'piece'),
    forbidden: names.some((name) => forbiddenItem.test(name)),
  };
}
