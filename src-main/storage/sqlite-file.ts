// One SQLite file for its owner alone, opened whatever it holds: one that is damaged makes room for a new one, and where
// none can be opened there is one in memory. Knows nothing of what is kept in it.
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** SQLITE_CORRUPT and SQLITE_NOTADB (https://www.sqlite.org/rescode.html). */
const corruptCodes: readonly unknown[] = [11, 26];

/** A database and its companions (https://www.sqlite.org/tempfiles.html). */
const fileEndings = ['', '-wal', '-shm'] as const;

/** A file of a later version, or one that holds what we never write. */
export class NotOurs extends Error {}

function isUnusable(error: unknown): boolean {
  if (error instanceof NotOurs) return true;
  // Extended codes carry the primary one in their low octet.
  return error instanceof Error && 'errcode' in error && corruptCodes.includes(Number(error.errcode) & 0xff);
}

/** Makes the tables of `schema` where they are missing; a later version than `version` is not ours. */
export function ensureSchema(database: DatabaseSync, version: number, schema: string): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found > version) throw new NotOurs(`version ${found}`);
  database.exec(`${schema}; PRAGMA user_version = ${version}`);
}

/** Moves the database to a name of its own, which is given. */
export function moveAside(file: string, now: Date): string {
  const movedTo = `${file}.bad-${now.toISOString().replace(/[-:.]/g, '')}`;
  for (const ending of fileEndings) {
    if (existsSync(file + ending)) renameSync(file + ending, movedTo + ending);
  }
  return movedTo;
}

export function removeDatabase(file: string): void {
  for (const ending of fileEndings) rmSync(file + ending, { force: true });
}

function openAs<Opened>(path: string, prepare: (database: DatabaseSync) => Opened): Opened {
  const database = new DatabaseSync(path);
  try {
    // A commit survives the death of the process; the last ones may not survive a loss of power, the file does.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    return prepare(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

export interface DatabaseFile<Opened> {
  readonly file: string;
  /** Makes of the database what its owner works with; throws for one that is not as it should be. */
  readonly prepare: (database: DatabaseSync) => Opened;
  /** Takes a file away that could not be understood. */
  readonly replace: (error: unknown) => void;
  /** No file can be opened: what is kept ends with this process. */
  readonly onInMemory: (error: unknown) => void;
}

export function openDatabase<Opened>({ file, prepare, replace, onInMemory }: DatabaseFile<Opened>): Opened {
  const openPrivately = () => {
    // SQLite gives its companion files the mode of the database.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    return openAs(file, prepare);
  };
  try {
    try {
      return openPrivately();
    } catch (error) {
      if (!isUnusable(error)) throw error;
      replace(error);
      return openPrivately();
    }
  } catch (error) {
    onInMemory(error);
    return openAs(':memory:', prepare);
  }
}

/** Runs `write` in one transaction; throws what it throws, with nothing written. */
export function inTransaction(database: DatabaseSync, write: () => void): void {
  database.exec('BEGIN');
  try {
    write();
    database.exec('COMMIT');
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
