import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { maxEndpoints, openRememberedEndpoints, type RememberedEndpoints } from './remembered-endpoints.ts';

let directory: string;
let file: string;
let nowMs: number;
let problems: string[];
let due: (() => void)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-endpoints-'));
  file = join(directory, 'endpoints.json');
  nowMs = Date.parse('2025-11-24T12:00:00Z');
  problems = [];
  due = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const dayMs = 24 * 60 * 60 * 1_000;
const endpoint = { address: '203.0.113.10', port: 10_143 };

function open(): RememberedEndpoints {
  return openRememberedEndpoints({
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

test('what was found is known after a restart, for thirty days', async () => {
  const endpoints = open();
  expect(endpoints.add(endpoint)).toBe(true);
  await endpoints.stop();
  expect(open().list()).toEqual([{ ...endpoint, until: new Date(nowMs + 30 * dayMs) }]);
  nowMs += 30 * dayMs;
  expect(open().list()).toEqual([]);
  expect(problems).toEqual([]);
});

test('found again it is news once a day', () => {
  const endpoints = open();
  endpoints.add(endpoint);
  expect(endpoints.add(endpoint)).toBe(false);
  nowMs += dayMs;
  expect(endpoints.add(endpoint)).toBe(false);
  nowMs += 1;
  expect(endpoints.add(endpoint)).toBe(true);
});

test('several are written once', async () => {
  const endpoints = open();
  endpoints.add(endpoint);
  endpoints.add({ address: '2001:db8::1', port: 10_110 });
  expect(due).toHaveLength(1);
  due[0]?.();
  await endpoints.stop();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(2);
});

test('there are so many at most, and the oldest go', () => {
  const endpoints = open();
  for (let port = 1; port <= maxEndpoints + 5; port++) endpoints.add({ address: '203.0.113.10', port });
  const list = endpoints.list();
  expect([list.length, list[0]?.port]).toEqual([maxEndpoints, 6]);
});

test.each(['', '{', '{}', 'null', '\u0000'])('a damaged file (%j) is kept beside, and begun anew', (text) => {
  writeFileSync(file, text);
  expect(open().list()).toEqual([]);
  expect(problems).toEqual(['unreadable']);
  expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
});

test('entries that are none are left out, and none stays longer than thirty days', () => {
  const until = '2099-01-01T00:00:00Z';
  const values = [
    { ...endpoint, until },
    { address: 'one.example.test', port: 1, until },
    { address: '203.0.113.10', port: 0, until },
    { address: '203.0.113.10', port: 1.5, until },
    { address: '203.0.113.10', port: 1, until: 'soon' },
    null,
    7,
  ];
  writeFileSync(file, JSON.stringify(values));
  expect(open().list()).toEqual([{ ...endpoint, until: new Date(nowMs + 30 * dayMs) }]);
});

test('a disk that takes nothing is told, and what is remembered stays', async () => {
  rmSync(directory, { recursive: true });
  const endpoints = open();
  endpoints.add(endpoint);
  await endpoints.stop();
  expect(problems).toEqual(['not-saved']);
  expect(endpoints.list()).toHaveLength(1);
});
