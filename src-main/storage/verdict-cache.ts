// Messages that were scanned and found clean, by the SHA-256 of their octets, in one SQLite file over restarts.
//
// The hash alone is the key. Every message passes through us as a whole before anything of it is delivered, so that its
// hash is known for certain; server, mailbox, UIDVALIDITY and UID say nothing that the hash does not say better, and a
// server that uses a UID again can't lead it astray. Nothing is shared between users but by what the octets are: whoever
// has the same octets has the same message, and nobody can ask the cache anything else. Only what is clean is kept: what
// was found must be found, reported and kept in quarantine each time. An entry is good for the rules and engines that it
// was found by.
//
// All of this is only time saved. What a crash, a full disk or a damaged file takes away is scanned again.
import type { DatabaseSync } from 'node:sqlite';
import { ensureSchema, inTransaction, openDatabase, removeDatabase } from './sqlite-file.ts';

export interface VerdictCache {
  /** Whether a message of these octets was found clean, by the rules and engines of now. `sha256`: in hex. */
  isClean(sha256: string): boolean;
  addClean(sha256: string): void;
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
  /** Names the rules and engines of now; entries of any other are dropped when the file is opened. */
  readonly revision: string;
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

/** `used`: number of the batch that wrote or last asked for it; a clock of its own, which no change of time disturbs. */
const schema = `
  CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS clean (sha256 BLOB PRIMARY KEY, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS clean_used ON clean (used)`;

function prepareCache(database: DatabaseSync, revision: string) {
  ensureSchema(database, schemaVersion, schema);
  const found = database.prepare("SELECT value FROM fact WHERE name = 'revision'").get()?.['value'];
  if (found !== revision) {
    inTransaction(database, () => {
      database.exec('DELETE FROM clean');
      database.prepare("INSERT OR REPLACE INTO fact (name, value) VALUES ('revision', ?)").run(revision);
    });
  }
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

const keyOf = (sha256: string) => Buffer.from(sha256, 'hex');

/** Opens the cache. Whatever happens to its file, it answers; at worst nothing is known as clean. */
export function openVerdictCache(options: VerdictCacheOptions): VerdictCache {
  const { file, revision, after, onProblem, maxEntries = defaultMaxEntries } = options;
  const opened = openDatabase({
    file,
    prepare: (fresh) => prepareCache(fresh, revision),
    replace: (error) => {
      // There is nothing in it that anybody could miss.
      removeDatabase(file);
      onProblem({ kind: 'replaced', error });
    },
    onInMemory: (error) => onProblem({ kind: 'in-memory', error }),
  });
  const { database, entries, find, put, prune } = opened;
  let { batch } = opened;
  /** Added or asked for since the last batch. */
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
        for (const sha256 of recent) put.run(keyOf(sha256), batch);
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

  function note(sha256: string): void {
    recent.add(sha256);
    cancelFlush ??= after(flushDelayMs, flush);
  }

  function isStored(sha256: string): boolean {
    try {
      return isReadable && find.get(keyOf(sha256)) !== undefined;
    } catch (error) {
      isReadable = false;
      onProblem({ kind: 'not-read', error });
      return false;
    }
  }

  return {
    isClean(sha256) {
      if (isStopped) return false;
      if (recent.has(sha256)) return true;
      if (!isStored(sha256)) return false;
      note(sha256);
      return true;
    },
    addClean(sha256) {
      if (!isStopped) note(sha256);
    },
    stop() {
      if (isStopped) return;
      isStopped = true;
      flush();
      database.close();
    },
  };
}
