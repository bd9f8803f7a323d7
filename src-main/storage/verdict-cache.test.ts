import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  openVerdictCache,
  type VerdictCache,
  type VerdictCacheOptions,
  type VerdictCacheProblem,
} from './verdict-cache.ts';

let directory: string;
let file: string;
let problems: VerdictCacheProblem[];
let timers: (() => void)[];
let caches: VerdictCache[];
let revision: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'verdict-cache-'));
  file = join(directory, 'verdicts.sqlite');
  [problems, timers, caches] = [[], [], []];
  revision = 'rules of today';
});
afterEach(() => {
  for (const cache of caches) cache.stop();
  rmSync(directory, { recursive: true, force: true });
});

function open(changes: Partial<VerdictCacheOptions> = {}): VerdictCache {
  const cache = openVerdictCache({
    file,
    revision: () => revision,
    after: (_delayMs, callback) => {
      timers.push(callback);
      return () => timers.splice(timers.indexOf(callback), 1);
    },
    onProblem: (problem) => problems.push(problem),
    ...changes,
  });
  caches.push(cache);
  return cache;
}

function fireTimers(): void {
  for (const fire of timers.splice(0)) fire();
}

const hash = (what: string | number) => createHash('sha256').update(String(what)).digest('hex');

function inFile(query: string): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database
      .prepare(query)
      .all()
      .map((row) => Object.values(row)[0]);
  } finally {
    database.close();
  }
}

/** Which of the first so many hashes are known. */
function cleanOf(cache: VerdictCache, count: number): number[] {
  return Array.from({ length: count }, (_, each) => each).filter((each) => cache.isClean(hash(each)));
}

describe('the verdict cache', () => {
  test('knows what was added, and nothing else, at once and in the file', () => {
    const cache = open();
    expect(cache.isClean(hash('a'))).toBe(false);
    cache.addClean(hash('a'), revision);
    expect(cache.isClean(hash('a'))).toBe(true);
    expect(cache.isClean(hash('b'))).toBe(false);
    fireTimers();
    expect(cache.isClean(hash('a'))).toBe(true);
    expect(cache.isClean(hash('b'))).toBe(false);
  });

  test('knows it after a restart', () => {
    open().addClean(hash('a'), revision);
    caches[0]?.stop();
    caches[0]?.stop();
    expect(open().isClean(hash('a'))).toBe(true);
    expect(problems).toEqual([]);
  });

  test('knows nothing by other rules and engines, and everything again when they are back', () => {
    const cache = open();
    cache.addClean(hash('a'), revision);
    revision = 'rules of tomorrow';
    expect(cache.isClean(hash('a'))).toBe(false);
    fireTimers();
    expect(cache.isClean(hash('a'))).toBe(false);
    cache.addClean(hash('b'), revision);
    cache.stop();
    const later = open();
    expect(['a', 'b'].map((each) => later.isClean(hash(each)))).toEqual([false, true]);
    revision = 'rules of today';
    expect(['a', 'b'].map((each) => later.isClean(hash(each)))).toEqual([true, false]);
  });

  test('keeps nothing that was scanned while the rules changed', () => {
    const cache = open();
    const before = cache.revision;
    revision = 'rules of tomorrow';
    cache.addClean(hash('a'), before);
    expect(cache.isClean(hash('a'))).toBe(false);
    revision = 'rules of today';
    expect(cache.isClean(hash('a'))).toBe(false);
    expect(timers).toEqual([]);
  });

  test('knows nothing of a file whose entries were of one revision', () => {
    const database = new DatabaseSync(file);
    database.exec(`
      CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE clean (sha256 BLOB PRIMARY KEY, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO fact VALUES ('revision', 'rules of today');
      INSERT INTO clean VALUES (x'${hash('a')}', 1);
      PRAGMA user_version = 1`);
    database.close();
    const cache = open();
    expect(problems).toEqual([]);
    expect(cache.isClean(hash('a'))).toBe(false);
    cache.addClean(hash('a'), revision);
    fireTimers();
    expect(cache.isClean(hash('a'))).toBe(true);
  });

  test('writes a thousand messages in one batch', () => {
    const cache = open();
    for (let i = 0; i < 1_000; i++) cache.addClean(hash(i), revision);
    expect(timers).toHaveLength(1);
    expect(inFile('SELECT count(*) FROM clean')).toEqual([0]);
    fireTimers();
    expect(inFile('SELECT count(*) FROM clean')).toEqual([1_000]);
    expect(timers).toEqual([]);
  });

  test('keeps as many as it may and no more: those that were asked for last', () => {
    const cache = open({ maxEntries: 3 });
    for (const each of [0, 1, 2]) {
      cache.addClean(hash(each), revision);
      fireTimers();
    }
    expect(cache.isClean(hash(0))).toBe(true);
    fireTimers();
    expect(inFile('SELECT count(*) FROM clean')).toEqual([3]);
    cache.addClean(hash(3), revision);
    fireTimers();
    expect(inFile('SELECT count(*) FROM clean')).toEqual([3]);
    expect(cleanOf(cache, 4)).toEqual([0, 2, 3]);
  });

  test('still knows the order of use after a restart', () => {
    const first = open({ maxEntries: 2 });
    for (const each of [0, 1]) {
      first.addClean(hash(each), revision);
      fireTimers();
    }
    first.isClean(hash(0));
    first.stop();
    const later = open({ maxEntries: 2 });
    later.addClean(hash(2), revision);
    fireTimers();
    expect(cleanOf(later, 3)).toEqual([0, 2]);
  });

  test('its files are for their owner alone', () => {
    open().addClean(hash('a'), revision);
    fireTimers();
    expect(readdirSync(directory).length).toBeGreaterThan(1);
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test('after the end nothing is known, and nothing breaks', () => {
    const cache = open();
    cache.addClean(hash('a'), revision);
    cache.stop();
    cache.addClean(hash('b'), revision);
    expect(cache.isClean(hash('a'))).toBe(false);
    expect(timers).toEqual([]);
  });
});

describe('a file that is not what it should be', () => {
  const contents: Readonly<Record<string, () => void>> = {
    'no database': () => writeFileSync(file, 'not a database at all'.repeat(100)),
    'of a later version': () => {
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 99');
      database.close();
    },
    'damaged in its middle': () => {
      const cache = open();
      for (let i = 0; i < 1_000; i++) cache.addClean(hash(i), revision);
      cache.stop();
      const size = statSync(file).size;
      writeFileSync(file, Buffer.alloc(size - 100, 0x53));
    },
  };

  test.each(Object.entries(contents))('%s: a new one takes its place', (_name, make) => {
    make();
    const cache = open();
    expect(problems).toMatchObject([{ kind: 'replaced' }]);
    expect(cache.isClean(hash(1))).toBe(false);
    cache.addClean(hash('a'), revision);
    cache.stop();
    expect(open().isClean(hash('a'))).toBe(true);
    expect(problems).toHaveLength(1);
    expect(readdirSync(directory).filter((name) => name.includes('bad'))).toEqual([]);
  });

  test('one that can not be opened at all: the cache lives in memory', () => {
    mkdirSync(file);
    const cache = open();
    expect(problems).toMatchObject([{ kind: 'in-memory' }]);
    cache.addClean(hash('a'), revision);
    fireTimers();
    expect(cache.isClean(hash('a'))).toBe(true);
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  test('a batch that can not be written is lost, told once, and the next one is written', () => {
    const cache = open();
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    for (const each of ['a', 'b']) {
      cache.addClean(hash(each), revision);
      fireTimers();
    }
    expect(problems).toMatchObject([{ kind: 'not-written' }]);
    expect(cache.isClean(hash('a'))).toBe(false);
    other.exec('ROLLBACK');
    other.close();
    cache.addClean(hash('c'), revision);
    fireTimers();
    expect(cache.isClean(hash('c'))).toBe(true);
    expect(problems).toHaveLength(1);
  });

  test('one that breaks while it is open: nothing is clean any more, told once', () => {
    const cache = open();
    cache.addClean(hash('a'), revision);
    fireTimers();
    const other = new DatabaseSync(file);
    other.exec('DROP TABLE clean');
    other.close();
    expect(cache.isClean(hash('a'))).toBe(false);
    expect(cache.isClean(hash('a'))).toBe(false);
    expect(problems).toMatchObject([{ kind: 'not-read' }]);
    cache.addClean(hash('a'), revision);
    cache.stop();
    expect(problems.map(({ kind }) => kind)).toEqual(['not-read', 'not-written']);
  });
});
