import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TlsRelay } from '../contract/trust.ts';
import { maxStoredRelays, openRememberedRelays, type RememberedRelays } from './remembered-relays.ts';

let directory: string;
let file: string;
let nowMs: number;
let problems: string[];
let due: (() => void)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-relays-'));
  file = join(directory, 'tls-relays.json');
  nowMs = Date.parse('2026-01-24T12:00:00Z');
  problems = [];
  due = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const dayMs = 24 * 60 * 60 * 1_000;
const isoIn = (days: number) => new Date(nowMs + days * dayMs).toISOString();

const relay = (changes: Partial<TlsRelay> = {}): TlsRelay => ({
  id: 'one',
  program: '/usr/bin/mutt',
  server: 'mail.example.org',
  port: 993,
  reason: 'certificate-refused',
  detail: 'unknown-ca',
  at: isoIn(0),
  until: isoIn(30),
  ...changes,
});

function open(): RememberedRelays {
  return openRememberedRelays({
    file,
    now: () => new Date(nowMs),
    after(_delayMs, callback) {
      due.push(callback);
      return () => {
        due = due.filter((each) => each !== callback);
      };
    },
    onProblem: ({ kind }) => problems.push(kind),
  });
}

test('what was learnt is known after a restart, for as long as it counts', async () => {
  const relays = open();
  expect(relays.initial).toEqual([]);
  relays.save(() => [relay()]);
  await relays.stop();
  expect(open().initial).toEqual([relay()]);
  nowMs += 30 * dayMs;
  expect(open().initial).toEqual([]);
  expect(problems).toEqual([]);
});

test('several are written once, as they are then', async () => {
  const relays = open();
  let list = [relay()];
  relays.save(() => list);
  relays.save(() => list);
  expect(due).toHaveLength(1);
  list = [relay(), relay({ id: 'two', port: 143 })];
  due[0]?.();
  await relays.stop();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(2);
});

test('where nothing was learnt nothing is written, and stopping twice does no harm', async () => {
  const relays = open();
  await relays.stop();
  await relays.stop();
  expect(existsSync(file)).toBe(false);
});

test('there are so many at most, and the last ones stay', async () => {
  const many = Array.from({ length: maxStoredRelays + 5 }, (_, port) => relay({ id: String(port), port }));
  writeFileSync(file, JSON.stringify(many));
  const { initial } = open();
  expect([initial.length, initial[0]?.port]).toEqual([maxStoredRelays, 5]);
  const relays = open();
  relays.save(() => many);
  await relays.stop();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(maxStoredRelays);
});

test.each(['', '{', '{}', 'null', '\u0000'])('a damaged file (%j) is kept beside, and begun anew', (text) => {
  writeFileSync(file, text);
  expect(open().initial).toEqual([]);
  expect(problems).toEqual(['unreadable']);
  expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
});

test('entries that are none are left out', () => {
  const bad = [
    { ...relay(), reason: 'because' },
    { ...relay(), until: 'soon' },
    { ...relay(), port: '993' },
    { ...relay(), program: 7 },
    null,
    7,
  ];
  writeFileSync(file, JSON.stringify([...bad, relay()]));
  expect(open().initial).toEqual([relay()]);
});

test('a clock that was ahead keeps none for years', () => {
  writeFileSync(file, JSON.stringify([relay({ at: isoIn(3_000), until: isoIn(3_030) })]));
  expect(open().initial).toEqual([relay({ at: isoIn(0), until: isoIn(30) })]);
});

test('a disk that takes nothing is told', async () => {
  const relays = open();
  rmSync(directory, { recursive: true });
  relays.save(() => [relay()]);
  await relays.stop();
  expect(problems).toEqual(['not-saved']);
});
