// Messages that were scanned and found clean, by the SHA-256 of their octets, in one SQLite file over restarts.
//
// The hash is the key, with the revision of the rules and engines that it was found by. Every message passes through us as a whole before anything of it is delivered, so that its
// hash is known for certain; server, mailbox, UIDVALIDITY and UID say nothing that the hash does not say better, and a
// server that uses a UID again can't lead it astray. Nothing is shared between users but by what the octets are: whoever
// has the same octets has the same message, and nobody can ask the cache anything else. Only what is clean is kept: what
// was found must be found, reported and kept in quarantine each time. What other revisions found clean is not known, stays
// for the day on which they are back, and makes room for what is asked for.
//
// All of this is only time saved. What a crash, a full disk or a damaged file takes away is scanned again.
import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { ensureSchema, inTransaction, openDatabase, removeDatabase } from './sqlite-file.ts';

export interface VerdictCache {
  /** Whether a message of these octets was found clean, by the rules and engines of now. `sha256`: in hex. */
  isClean(sha256: string): boolean;
  /** Names the rules and engines of now. */
  readonly revision: string;
  /** `revision`: the one before the message was scanned. If it is another one now, nobody knows by which it is clean. */
  addClean(sha256: string, revision: string): void;
  /** Writes what is not yet written and closes the file. May be called twice. */
  stop(): void;
}

export type VerdictCacheProblem =
  /** The file could not be understood; a new one took its place. */
  | { readonly kind: 'replaced'; readonly error: unknown }
  /** The file can't be opened: the cache ends with this process. */
  | { readonly kind: 'in-memory'; readonly error: unknown }
  /** A batch is lost; told once until one succeeds. */
  | { readonly kind: 'not-written'; readonly error: unknown }
  /** Told once: from then on the file is asked no more. */
  | { readonly kind: 'not-read'; readonly error: unknown };

export interface VerdictCacheOptions {
  readonly file: string;
  /** Names the rules and engines of now; may change at any time. */
  readonly revision: () => string;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly onProblem: (problem: VerdictCacheProblem) => void;
  readonly maxEntries?: number;
}

/** Several large mailboxes; some 10 MB with the index. */
const defaultMaxEntries = 100_000;

/** What a crash may lose. */
const flushDelayMs = 1_000;

const schemaVersion = 1;

/**
 * `sha256`: of a revision and a message (keyOf). `used`: number of the batch that wrote or last asked for it; a clock of
 * its own, which no change of time disturbs. Earlier versions had one revision for all, as a fact.
 */
const schema = `
  DROP TABLE IF EXISTS fact;
  CREATE TABLE IF NOT EXISTS clean (sha256 BLOB PRIMARY KEY, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS clean_used ON clean (used)`;

function prepareCache(database: DatabaseSync) {
  ensureSchema(database, schemaVersion, schema);
  const last = database.prepare('SELECT max(used) AS used FROM clean').get()?.['used'];
  const count = database.prepare('SELECT count(*) AS entries FROM clean');
  return {
    database,
    batch: Number(last ?? 0),
    entries: () => Number(count.get()?.['entries']),
    find: database.prepare('SELECT 1 FROM clean WHERE sha256 = ?'),
    put: database.prepare(
      'INSERT INTO clean (sha256, used) VALUES (?, ?) ON CONFLICT DO UPDATE SET used = excluded.used',
    ),
    prune: database.prepare(
      'DELETE FROM clean WHERE sha256 IN (SELECT sha256 FROM clean ORDER BY used LIMIT ?)',
    ),
  };
}

const keyOf = (sha256: string, revision: string) => hash('sha256', JSON.stringify([revision, sha256]));

/** Opens the cache. Whatever happens to its file, it answers; at worst nothing is known as clean. */
export function openVerdictCache(options: VerdictCacheOptions): VerdictCache {
  const { file, revision, after, onProblem, maxEntries = defaultMaxEntries } = options;
  const opened = openDatabase({
    file,
    prepare: prepareCache,
    replace: (error) => {
      // There is nothing in it that anybody could miss.
      removeDatabase(file);
      onProblem({ kind: 'replaced', error });
    },
    onInMemory: (error) => onProblem({ kind: 'in-memory', error }),
  });
  const { database, entries, find, put, prune } = opened;
  let { batch } = opened;
  /** Keys that were added or asked for since the last batch. */
  const recent = new Set<string>();
  let cancelFlush: (() => void) | undefined;
  let isFailing = false;
  let isReadable = true;
  let isStopped = false;

  function flush(): void {
    cancelFlush?.();
    cancelFlush = undefined;
    if (recent.size === 0) return;
    try {
      inTransaction(database, () => {
        batch++;
        for (const key of recent) put.run(Buffer.from(key, 'hex'), batch);
        const surplus = entries() - maxEntries;
        if (surplus > 0) prune.run(surplus);
      });
      isFailing = false;
    } catch (error) {
      if (!isFailing) onProblem({ kind: 'not-written', error });
      isFailing = true;
    }
    recent.clear();
  }

  function note(key: string): void {
    recent.add(key);
    cancelFlush ??= after(flushDelayMs, flush);
  }

  function isStored(key: string): boolean {
    try {
      return isReadable && find.get(Buffer.from(key, 'hex')) !== undefined;
    } catch (error) {
      isReadable = false;
      onProblem({ kind: 'not-read', error });
      return false;
    }
  }

  return {
    isClean(sha256) {
      if (isStopped) return false;
      const key = keyOf(sha256, revision());
      if (recent.has(key)) return true;
      if (!isStored(key)) return false;
      note(key);
      return true;
    },
    get revision() {
      return revision();
    },
    addClean(sha256, before) {
      if (!isStopped && before === revision()) note(keyOf(sha256, before));
    },
    stop() {
      if (isStopped) return;
      isStopped = true;
      flush();
      database.close();
    },
  };
}
