// One core a data directory: a lock that the kernel lets go of when its holder dies, however it dies. Node has no call
// for file locks of its own; SQLite holds one for as long as a transaction is open.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface CoreLock {
  /** May be called twice. */
  release(): void;
}

/** SQLITE_BUSY: another process holds the lock (https://www.sqlite.org/rescode.html#busy). */
const busy = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === busy;
}

/** The lock on an existing data directory, or `undefined` when another core holds it. */
export function takeCoreLock(dataDir: string): CoreLock | undefined {
  const database = new DatabaseSync(join(dataDir, 'core.lock'));
  try {
    // Nothing is ever written: no journal beside the file.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return {
    release() {
      if (database.isOpen) database.close();
    },
  };
}
