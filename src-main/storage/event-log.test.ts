import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MessageEvent } from '../contract/state.ts';
import { type EventLog, type EventLogProblem, openEventLog } from './event-log.ts';

type Message = Omit<MessageEvent, 'id' | 'at'>;

let directory: string;
let file: string;
let problems: EventLogProblem[];
let timers: (() => void)[];
let logs: EventLog[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'event-log-'));
  file = join(directory, 'events.sqlite');
  problems = [];
  timers = [];
  logs = [];
});
afterEach(() => {
  for (const log of logs) log.stop();
  rmSync(directory, { recursive: true, force: true });
});

function open(): EventLog {
  const log = openEventLog({
    file,
    now: () => new Date('2025-11-24T12:00:00Z'),
    after: (_delayMs, callback) => {
      timers.push(callback);
      return () => timers.splice(timers.indexOf(callback), 1);
    },
    onProblem: (problem) => problems.push(problem),
  });
  logs.push(log);
  return log;
}

function fireTimers(): void {
  for (const fire of timers.splice(0)) fire();
}

const clean: Message = { outcome: 'clean', detections: [], limits: [], server: 's' };
const infected: Message = {
  outcome: 'infected',
  detections: [
    { name: 'Postern.Test.Word', engine: 'literal', category: 'test', part: '1', sha256: 'ab'.repeat(32) },
  ],
  limits: [],
  server: 'imap.example.test',
  subject: 'Hei på deg',
  quarantineId: 'q1',
};

const inFile = (query: string) => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database
      .prepare(query)
      .all()
      .map((row) => Object.values(row)[0]);
  } finally {
    database.close();
  }
};

describe('the event log', () => {
  test('counts by outcome and reason, and makes events of all but clean messages', () => {
    const log = open();
    expect(log.add(clean)).toBeUndefined();
    expect(log.add(infected)).toEqual({ ...infected, id: 1, at: '2025-11-24T12:00:00.000Z' });
    log.add({ ...infected, outcome: 'suspicious' });
    log.add({ ...clean, outcome: 'not-scanned', limits: ['message-size', 'scan-time', 'scan-time'] });
    log.add({ ...clean, outcome: 'not-scanned', limits: ['scan-time'] });
    expect(log.counters()).toEqual({
      scanned: 3,
      clean: 1,
      infected: 1,
      suspicious: 1,
      notScanned: 2,
      notScannedByReason: { 'message-size': 1, 'scan-time': 2 },
      relayedByReason: {},
      since: '2025-11-24T12:00:00.000Z',
    });
    expect(log.list(3).map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      '4 not-scanned',
      '3 not-scanned',
      '2 suspicious',
    ]);
  });

  test('keeps counters and events over a restart, and counts on', () => {
    const log = open();
    log.add(clean);
    log.add(infected);
    log.add({ ...clean, outcome: 'not-scanned', limits: ['encrypted'] });
    log.stop();
    log.stop();
    const later = open();
    expect(later.counters()).toMatchObject({ scanned: 2, clean: 1, infected: 1, notScanned: 1 });
    expect(later.add(infected)?.id).toBe(3);
    expect(later.list(10).map(({ id }) => id)).toEqual([3, 2, 1]);
    expect(later.list(10)[2]).toEqual({ ...infected, id: 1, at: '2025-11-24T12:00:00.000Z' });
    expect(problems).toEqual([]);
  });

  test('counts relayed connections by reason, over a restart', () => {
    const log = open();
    log.addRelayed('not-mail');
    log.addRelayed('no-sign-in');
    log.addRelayed('not-mail');
    expect(log.counters()).toMatchObject({ scanned: 0, relayedByReason: { 'not-mail': 2, 'no-sign-in': 1 } });
    log.stop();
    log.addRelayed('not-mail');
    expect(open().counters().relayedByReason).toEqual({ 'not-mail': 2, 'no-sign-in': 1 });
  });

  test('counts on from a file of before there was a count of relayed connections', () => {
    open().stop();
    const database = new DatabaseSync(file);
    database.exec("UPDATE fact SET value = json_remove(json_set(value, '$.clean', 7), '$.relayedByReason')");
    database.close();
    const log = open();
    expect(problems).toEqual([]);
    expect(log.counters()).toMatchObject({ clean: 7, relayedByReason: {} });
  });

  test('writes a thousand clean messages once', () => {
    const log = open();
    fireTimers();
    for (let i = 0; i < 1_000; i++) log.add(clean);
    expect(timers).toHaveLength(1);
    expect(inFile('SELECT value FROM fact')).toEqual([expect.stringContaining('"clean":0')]);
    fireTimers();
    expect(inFile('SELECT value FROM fact')).toEqual([expect.stringContaining('"clean":1000')]);
    expect(timers).toEqual([]);
  });

  test('a detection is in the file at once, with what was counted before it', () => {
    const log = open();
    log.add(clean);
    log.add(infected);
    expect(inFile('SELECT id FROM message')).toEqual([1]);
    expect(inFile('SELECT value FROM fact')).toEqual([expect.stringContaining('"clean":1')]);
  });

  test('keeps ten thousand events and no more', () => {
    const log = open();
    for (let i = 0; i < 10_001; i++) log.add({ ...clean, outcome: 'not-scanned', limits: ['encrypted'] });
    fireTimers();
    expect(inFile('SELECT count(*) FROM message')).toEqual([10_000]);
    expect(inFile('SELECT min(id) FROM message')).toEqual([2]);
    expect(log.counters().notScanned).toBe(10_001);
  });

  test('its files are for their owner alone', () => {
    open().add(infected);
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });
});

describe('a file that is not what it should be', () => {
  const contents: Readonly<Record<string, () => void>> = {
    'no database': () => writeFileSync(file, 'not a database at all'.repeat(100)),
    'cut off': () => {
      const log = open();
      log.add(infected);
      log.stop();
      const database = new DatabaseSync(file);
      database.exec('PRAGMA journal_mode = DELETE');
      database.close();
      writeFileSync(file, Buffer.alloc(2_000, 0x53));
    },
    'of a later version': () => {
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 99');
      database.close();
    },
    'with damaged counters': () => {
      open().stop();
      const database = new DatabaseSync(file);
      database.exec("UPDATE fact SET value = '{}'");
      database.close();
    },
  };

  test.each(Object.entries(contents))('%s: it is moved aside, and counting begins anew', (_name, make) => {
    make();
    const log = open();
    expect(problems).toMatchObject([{ kind: 'moved-aside', movedTo: `${file}.bad-20251124T120000000Z` }]);
    expect(existsSync(`${file}.bad-20251124T120000000Z`)).toBe(true);
    expect(log.counters().scanned).toBe(0);
    log.add(infected);
    log.stop();
    expect(open().counters().infected).toBe(1);
  });

  test('one that can not be opened at all: the log lives in memory', () => {
    mkdirSync(file);
    const log = open();
    expect(problems).toMatchObject([{ kind: 'in-memory' }]);
    log.add(infected);
    expect(log.list(5)).toHaveLength(1);
  });

  test('a row that can not be understood is left out', () => {
    const log = open();
    log.add(infected);
    log.add(infected);
    const database = new DatabaseSync(file);
    database.exec("UPDATE message SET event = '{' WHERE id = 1");
    database.close();
    expect(log.list(5).map(({ id }) => id)).toEqual([2]);
    expect(problems).toMatchObject([{ kind: 'not-read' }]);
  });

  test('writes that fail are told once and tried again, and nothing is forgotten', () => {
    const log = open();
    fireTimers();
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    log.add(infected);
    log.add(infected);
    expect(timers).toHaveLength(1);
    fireTimers();
    expect(problems).toMatchObject([{ kind: 'not-written' }]);
    expect(log.list(5).map(({ id }) => id)).toEqual([2, 1]);
    other.exec('ROLLBACK');
    other.close();
    fireTimers();
    expect(inFile('SELECT id FROM message')).toEqual([1, 2]);
    log.add(infected);
    expect(inFile('SELECT id FROM message')).toEqual([1, 2, 3]);
    expect(log.list(5)).toHaveLength(3);
    expect(timers).toEqual([]);
  });

  test('after the end nothing is counted, and nothing breaks', () => {
    const log = open();
    log.stop();
    expect(log.add(infected)).toBeUndefined();
    expect(log.counters().infected).toBe(0);
  });
});
