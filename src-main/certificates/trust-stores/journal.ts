// What each store held before a root of ours came: so that taking it out leaves what was there. Written before the change
// that it tells of; one file, whole or absent.
import { z } from 'zod';
import { moveAside, readIfPresent, replacePrivateFile } from '../private-files.ts';

const beforeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('absent') }),
  /** The certificate was there by a person's hand, under this name and with this trust (certutil's `C,,`). */
  z.object({ kind: z.literal('present'), nickname: z.string(), flags: z.string() }),
]);
export type Before = z.infer<typeof beforeSchema>;

const entrySchema = z.object({
  store: z.string(),
  sha256: z.string(),
  before: beforeSchema,
  at: z.iso.datetime(),
});
type Entry = z.infer<typeof entrySchema>;

const journalSchema = z.object({ version: z.literal(1), entries: z.array(entrySchema) });

/** Profiles times roots; the oldest go. */
const maxEntries = 5_000;

/** All reject when the file can't be read or written: what it would have told of is then not to be done. */
export interface Journal {
  /** Ids of all stores that it tells of. */
  stores(): Promise<readonly string[]>;
  find(store: string, sha256: string): Promise<Before | undefined>;
  /** In place of what was known. */
  record(store: string, sha256: string, before: Before): Promise<void>;
  forget(store: string, sha256: string): Promise<void>;
}

/** `onDamaged`: the file was no journal, and lies there now. */
export function openJournal(options: {
  readonly file: string;
  readonly now: () => Date;
  readonly onDamaged: (movedTo: string) => void;
}): Journal {
  const { file, now, onDamaged } = options;

  async function read(): Promise<readonly Entry[]> {
    const text = await readIfPresent(file);
    if (text === undefined) return [];
    const parsed = journalSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data.entries;
    const movedTo = await moveAside(file, text);
    if (movedTo !== undefined) onDamaged(movedTo);
    return [];
  }

  let last: Promise<unknown> = Promise.resolve();
  /** One change at a time: each reads the whole file and writes it again. */
  async function change(next: (entries: readonly Entry[]) => readonly Entry[]): Promise<void> {
    const mine = last.then(async () => {
      const entries = await read();
      const changed = next(entries);
      if (changed.length === 0 && entries.length === 0) return;
      const text = JSON.stringify({ version: 1, entries: changed.slice(-maxEntries) }, undefined, 1);
      await replacePrivateFile(file, `${text}\n`);
    });
    last = mine.catch(() => undefined);
    await mine;
  }

  const isOf = (store: string, sha256: string) => (entry: Entry) =>
    entry.store === store && entry.sha256 === sha256;

  return {
    async stores() {
      await last;
      return [...new Set((await read()).map(({ store }) => store))];
    },
    async find(store, sha256) {
      await last;
      return (await read()).find(isOf(store, sha256))?.before;
    },
    record: (store, sha256, before) =>
      change((entries) => [
        ...entries.filter((entry) => !isOf(store, sha256)(entry)),
        { store, sha256, before, at: now().toISOString() },
      ]),
    forget: (store, sha256) => change((entries) => entries.filter((entry) => !isOf(store, sha256)(entry))),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half a file, or another's: the caller moves it aside.
    return undefined;
  }
}
