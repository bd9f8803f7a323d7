// Leaves that were minted lately, in memory. Each is minted once, however many connections ask for it at the same time.
import { LRUCache } from 'lru-cache';
import type { Leaf } from './leaf.ts';

/** A leaf is some 3 KB, and a machine talks to a handful of mail servers. */
export const maxCachedLeaves = 500;

interface Entry {
  readonly leaf: Promise<Leaf>;
  readonly renewAtMs: number;
}

export interface LeafCache {
  /** The leaf under a key, or what `mint` gives; a failure is told to all who wait and is not kept. */
  get(key: string, mint: () => Promise<Leaf>): Promise<Leaf>;
}

/** `renewAfterMs`: a leaf older than this is minted anew, before it ends. */
export function createLeafCache(options: {
  readonly now: () => Date;
  readonly renewAfterMs: number;
}): LeafCache {
  const entries = new LRUCache<string, Entry>({ max: maxCachedLeaves });
  return {
    get(key, mint) {
      const nowMs = options.now().getTime();
      const known = entries.get(key);
      if (known && nowMs < known.renewAtMs) return known.leaf;
      const entry: Entry = { leaf: mint(), renewAtMs: nowMs + options.renewAfterMs };
      entries.set(key, entry);
      entry.leaf.catch(() => {
        if (entries.peek(key) === entry) entries.delete(key);
      });
      return entry.leaf;
    },
  };
}
