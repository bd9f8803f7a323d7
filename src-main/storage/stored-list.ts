// A short list that outlives the process, as one JSON file. A disk that fails keeps it for this process alone.
import type { z } from 'zod';
import { type ListFileProblem, openListFile } from './list-file.ts';

export interface StoredList<Item> {
  /** In the order in which they came. */
  list(): readonly Item[];
  /** One with a key that is known takes the place of the known one. Resolves when it is kept. */
  add(items: readonly Item[]): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
}

export interface StoredListOptions<Item> {
  readonly file: string;
  readonly schema: z.ZodType<Item>;
  readonly keyOf: (item: Item) => string;
  /** The oldest go. */
  readonly maxItems: number;
  readonly onProblem: (problem: ListFileProblem) => void;
}

export function openStoredList<Item>(options: StoredListOptions<Item>): StoredList<Item> {
  const { file, schema, keyOf, maxItems, onProblem } = options;
  const stored = openListFile<Item>({
    file,
    parse(value) {
      const parsed = schema.safeParse(value);
      return parsed.success ? parsed.data : undefined;
    },
    maxItems,
    onProblem,
  });
  const items = new Map(stored.initial.map((item) => [keyOf(item), item]));

  async function write(): Promise<void> {
    for (const key of items.keys()) {
      if (items.size <= maxItems) break;
      items.delete(key);
    }
    await stored.write([...items.values()]);
  }

  return {
    list: () => [...items.values()],
    async add(added) {
      if (added.length === 0) return;
      for (const item of added) {
        items.delete(keyOf(item));
        items.set(keyOf(item), item);
      }
      await write();
    },
    async remove(keys) {
      const known = keys.filter((key) => items.delete(key));
      if (known.length > 0) await write();
    },
  };
}
