// Leaves that were minted lately, in memory. Each is minted once, however many connections ask for it at the same time.
import { LRUCache } from 'lru-cache';
import type { Leaf } from './leaf.ts';

/** A leaf is some 3 KB, and a machine talks to a handful of mail servers. */
export const maxCachedLeaves = 500;

/** A leaf and when it may be given out: from the first time on, and before the second. Absent: always. */
interface Minted {
  readonly leaf: Leaf;
  readonly usable?: { readonly from: Date; readonly until: Date };
}

interface Entry {
  readonly minted: Promise<Minted>;
  /** Absent while it is being minted: then it is as new as can be. */
  usable?: Minted['usable'];
}

export interface LeafCache {
  /** The leaf under a key, or what `mint` gives; a failure is told to all who wait and is not kept. */
  get(key: string, mint: () => Promise<Minted>): Promise<Leaf>;
  /** Forgets all; those who wait for a leaf get it. */
  clear(): void;
}

export function createLeafCache(options: { readonly now: () => Date }): LeafCache {
  const entries = new LRUCache<string, Entry>({ max: maxCachedLeaves });

  function isUsable({ usable }: Entry): boolean {
    const now = options.now();
    return usable === undefined || (usable.from <= now && now < usable.until);
  }

  function add(key: string, mint: () => Promise<Minted>): Entry {
    const entry: Entry = { minted: mint() };
    entries.set(key, entry);
    entry.minted.then(
      ({ usable }) => {
        entry.usable = usable;
      },
      () => {
        if (entries.peek(key) === entry) entries.delete(key);
      },
    );
    return entry;
  }

  return {
    async get(key, mint) {
      const known = entries.get(key);
      const entry = known && isUsable(known) ? known : add(key, mint);
      return (await entry.minted).leaf;
    },
    clear: () => entries.clear(),
  };
}
