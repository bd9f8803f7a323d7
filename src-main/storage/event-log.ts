// What was found, and how much was scanned since the installation: counters and the last events in one SQLite file.
// Clean messages and relayed connections cost a number in memory; what has changed is written about once a second.
import type { DatabaseSync } from 'node:sqlite';
import { assertNever } from '../contract/assert-never.ts';
import type { RelayReason } from '../contract/connection.ts';
import { type Counters, countersSchema, type MessageEvent, messageEventSchema } from '../contract/state.ts';
import { ensureSchema, inTransaction, moveAside, NotOurs, openDatabase } from './sqlite-file.ts';

export interface EventLog {
  /** Counts a message. One in which nothing was found is only counted; any other becomes an event. After `stop` nothing
   *  is counted any more. */
  add(message: Omit<MessageEvent, 'id' | 'at'>): MessageEvent | undefined;
  /** Counts a connection that was passed through unscanned. */
  addRelayed(reason: RelayReason): void;
  counters(): Counters;
  /** Newest first. */
  list(limit: number): MessageEvent[];
  /** Writes what is not yet written and closes the file. May be called twice. */
  stop(): void;
}

export type EventLogProblem =
  /** The file could not be understood and was moved aside; counting begins anew. */
  | { readonly kind: 'moved-aside'; readonly movedTo: string; readonly error: unknown }
  /** The file can't be opened: events and counters end with this process. */
  | { readonly kind: 'in-memory'; readonly error: unknown }
  /** A write failed and is tried again each second; told once until one succeeds. */
  | { readonly kind: 'not-written'; readonly error: unknown }
  | { readonly kind: 'not-read'; readonly error: unknown };

export interface EventLogOptions {
  readonly file: string;
  readonly now: () => Date;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly onProblem: (problem: EventLogProblem) => void;
}

/** What a crash may lose of the count of clean messages. */
const flushDelayMs = 1_000;

/** Events that are kept; older ones go. Years of a normal mailbox, some megabytes. */
const maxEvents = 10_000;

/** Events that wait for a disk that is full; older ones go. */
const maxPending = 1_000;

const schemaVersion = 1;

function emptyCounters(now: Date): Counters {
  return {
    scanned: 0,
    clean: 0,
    infected: 0,
    suspicious: 0,
    notScanned: 0,
    notScannedByReason: {},
    relayedByReason: {},
    since: now.toISOString(),
  };
}

/** The counters with one more message. `scanned` counts those with a verdict: all but the ones not scanned. */
function counted(counters: Counters, message: Pick<MessageEvent, 'outcome' | 'limits'>): Counters {
  const { outcome } = message;
  switch (outcome) {
    case 'clean':
    case 'infected':
    case 'suspicious':
      return { ...counters, scanned: counters.scanned + 1, [outcome]: counters[outcome] + 1 };
    case 'not-scanned': {
      const byReason = { ...counters.notScannedByReason };
      for (const reason of new Set(message.limits)) byReason[reason] = (byReason[reason] ?? 0) + 1;
      return { ...counters, notScanned: counters.notScanned + 1, notScannedByReason: byReason };
    }
    default:
      return assertNever(outcome);
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT`;

function prepareLog(database: DatabaseSync, now: Date) {
  ensureSchema(database, schemaVersion, schema);
  const stored = database.prepare("SELECT value FROM fact WHERE name = 'counters'").get()?.['value'];
  return {
    database,
    isNew: stored === undefined,
    counters: stored === undefined ? emptyCounters(now) : parseCounters(stored),
    lastId: Number(database.prepare('SELECT max(id) AS id FROM message').get()?.['id'] ?? 0),
    insert: database.prepare('INSERT INTO message (id, event) VALUES (?, ?)'),
    prune: database.prepare('DELETE FROM message WHERE id <= ?'),
    save: database.prepare("INSERT OR REPLACE INTO fact (name, value) VALUES ('counters', ?)"),
    newest: database.prepare('SELECT event FROM message ORDER BY id DESC LIMIT ?'),
  };
}

function parseCounters(stored: unknown): Counters {
  try {
    return countersSchema.parse(JSON.parse(String(stored)));
  } catch (error) {
    throw new NotOurs('the counters are damaged', { cause: error });
  }
}

/** Opens the log; one that can't be opened is replaced, at worst by one in memory, and told to `onProblem`. */
export function openEventLog(options: EventLogOptions): EventLog {
  const { file, now, after, onProblem } = options;
  const opened = openDatabase({
    file,
    prepare: (fresh) => prepareLog(fresh, now()),
    replace: (error) => onProblem({ kind: 'moved-aside', movedTo: moveAside(file, now()), error }),
    onInMemory: (error) => onProblem({ kind: 'in-memory', error }),
  });
  const { database, insert, prune, save, newest } = opened;
  let { counters, lastId, isNew: dirty } = opened;
  let pending: MessageEvent[] = [];
  let cancelFlush: (() => void) | undefined;
  let failing = false;
  let stopped = false;

  function flush(): void {
    cancelFlush?.();
    cancelFlush = undefined;
    if (!dirty) return;
    try {
      inTransaction(database, () => {
        for (const event of pending) insert.run(event.id, JSON.stringify(event));
        if (pending.length > 0) prune.run(lastId - maxEvents);
        save.run(JSON.stringify(counters));
      });
      pending = [];
      dirty = false;
      failing = false;
    } catch (error) {
      pending = pending.slice(-maxPending);
      if (!failing) onProblem({ kind: 'not-written', error });
      failing = true;
      flushLater();
    }
  }

  function flushLater(): void {
    if (!stopped) cancelFlush ??= after(flushDelayMs, flush);
  }

  function parseEvent(row: unknown): MessageEvent[] {
    try {
      return [messageEventSchema.parse(JSON.parse(String(row)))];
    } catch (error) {
      onProblem({ kind: 'not-read', error });
      return [];
    }
  }

  function stored(limit: number): MessageEvent[] {
    try {
      return newest.all(limit).flatMap((row) => parseEvent(row['event']));
    } catch (error) {
      onProblem({ kind: 'not-read', error });
      return [];
    }
  }

  if (dirty) flushLater();

  return {
    add(message) {
      if (stopped) return undefined;
      counters = counted(counters, message);
      dirty = true;
      const event =
        message.outcome === 'clean' ? undefined : { ...message, id: ++lastId, at: now().toISOString() };
      if (event) pending.push(event);
      // A detection is written at once: the message that it tells of may not come again.
      const isDetection = message.outcome === 'infected' || message.outcome === 'suspicious';
      if (isDetection && !failing) flush();
      else flushLater();
      return event;
    },
    addRelayed(reason) {
      if (stopped) return;
      const { relayedByReason: before } = counters;
      counters = { ...counters, relayedByReason: { ...before, [reason]: (before[reason] ?? 0) + 1 } };
      dirty = true;
      flushLater();
    },
    counters: () => counters,
    list: (limit) => [...pending.toReversed(), ...stored(limit)].slice(0, limit),
    stop() {
      if (stopped) return;
      stopped = true;
      flush();
      database.close();
    },
  };
}
