// Desktop entries (Desktop Entry Specification 1.5): a tolerant parser, and all entries of the data directories.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

export interface DesktopEntry {
  /** File name without `.desktop`; folders become `-`. */
  readonly id: string;
  readonly name: string;
  /** The command, without field codes. */
  readonly exec: readonly string[];
  readonly icon: string | undefined;
  readonly categories: readonly string[];
  readonly mimeTypes: readonly string[];
  /** Not meant for menus. */
  readonly noDisplay: boolean;
  /** Taken back: masks the entry of that id in later directories. */
  readonly hidden: boolean;
  /** Id of the Flatpak (`X-Flatpak`) or name of the Snap (`X-SnapInstanceName`) that brought it. */
  readonly flatpak: string | undefined;
  readonly snap: string | undefined;
}

/** Entries with all their translations have some 20 KB. */
const maxEntryBytes = 256 * 1024;

/** A full desktop has some 300. */
const maxEntries = 5_000;

/** `applications/kde4/x.desktop` exists, deeper ones hardly. */
const maxFolderDepth = 3;

/** Entries that are read without a turn of the event loop. */
const entriesPerTurn = 25;

/** Value of type string: `\s`, `\n`, `\t`, `\r`, `\\` ("Possible value types"). */
function unescapeValue(value: string): string {
  const meanings: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };
  return value.replace(/\\(.)/g, (whole, letter: string) => meanings[letter] ?? whole);
}

function listOf(value: string | undefined): string[] {
  return (value ?? '').split(';').filter(Boolean);
}

/** Splits a command into its arguments ("The Exec key"): double quotes, backslash inside them, field codes dropped. */
function argumentsOf(command: string): string[] {
  const pieces = command.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
  return pieces
    .map((piece) =>
      piece.replace(/"((?:\\.|[^"\\])*)"/g, (_, quoted: string) => quoted.replace(/\\(.)/g, '$1')),
    )
    .filter((argument) => !/^%[a-zA-Z]$/.test(argument))
    .map((argument) => argument.replaceAll('%%', '%'));
}

/** Reads the group `[Desktop Entry]`; undefined when it is no application with a name. */
export function parseDesktopEntry(text: string, id: string): DesktopEntry | undefined {
  const values = new Map<string, string>();
  let group = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[(.*)\]\s*$/.exec(line);
    if (header) group = header[1] ?? '';
    const pair = group === 'Desktop Entry' ? /^([A-Za-z0-9-]+)\s*=\s*(.*?)\s*$/.exec(line) : null;
    if (pair?.[1] !== undefined && !values.has(pair[1])) values.set(pair[1], unescapeValue(pair[2] ?? ''));
  }
  const name = values.get('Name') ?? '';
  const hidden = values.get('Hidden') === 'true';
  if (!hidden && (values.get('Type') !== 'Application' || name === '')) return undefined;
  return {
    id,
    name,
    exec: argumentsOf(values.get('Exec') ?? ''),
    icon: values.get('Icon') || undefined,
    categories: listOf(values.get('Categories')),
    mimeTypes: listOf(values.get('MimeType')),
    noDisplay: values.get('NoDisplay') === 'true',
    hidden,
    flatpak: values.get('X-Flatpak') || undefined,
    snap: values.get('X-SnapInstanceName') || undefined,
  };
}

/** Paths below a folder, as far as they can be read. */
function filesBelow(folder: string, depth = 1): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((each) => {
      const path = join(folder, each.name);
      if (each.isDirectory()) return depth < maxFolderDepth ? filesBelow(path, depth + 1) : [];
      return each.name.endsWith('.desktop') ? [path] : [];
    });
  } catch {
    return [];
  }
}

function readEntry(path: string, id: string): DesktopEntry | undefined {
  try {
    const { size } = statSync(path);
    return size > maxEntryBytes ? undefined : parseDesktopEntry(readFileSync(path, 'utf8'), id);
  } catch {
    return undefined;
  }
}

/** All entries of `DIR/applications`; where an id occurs twice the earlier directory counts. Damaged files are left out. */
export async function loadDesktopEntries(dataDirs: readonly string[]): Promise<DesktopEntry[]> {
  const entries = new Map<string, DesktopEntry>();
  let read = 0;
  for (const dataDir of dataDirs) {
    const folder = join(dataDir, 'applications');
    for (const path of filesBelow(folder).slice(0, maxEntries - entries.size)) {
      const id = path.slice(folder.length + 1, -'.desktop'.length).replaceAll('/', '-');
      const entry = entries.has(id) ? undefined : readEntry(path, id);
      if (entry) entries.set(id, entry);
      if (++read % entriesPerTurn === 0) await setImmediate();
    }
  }
  return [...entries.values()].filter((entry) => !entry.hidden);
}
