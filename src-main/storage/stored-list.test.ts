import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { openStoredList } from './stored-list.ts';

let directory: string;
let problems: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'list-'));
  problems = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = () => join(directory, 'list.json');
const open = (place = file()) =>
  openStoredList({
    file: place,
    schema: z.object({ id: z.string(), size: z.number() }),
    keyOf: ({ id }) => id,
    maxItems: 3,
    onProblem: ({ kind }) => problems.push(kind),
  });
const item = (id: string, size = 0) => ({ id, size });

test('remembers over restarts, for its owner alone, each key once', async () => {
  const list = open();
  expect(list.list()).toEqual([]);
  await list.add([item('a'), item('b')]);
  await list.add([item('a', 2)]);
  expect(open().list()).toEqual([item('b'), item('a', 2)]);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  await list.remove(['b', 'unknown']);
  expect(open().list()).toEqual([item('a', 2)]);
  expect(problems).toEqual([]);
});

test('keeps the latest, also of a file that holds more, and leaves out what is no item', async () => {
  const list = open();
  await list.add(['a', 'b', 'c', 'd'].map((id) => item(id)));
  expect(list.list().map(({ id }) => id)).toEqual(['b', 'c', 'd']);
  const stored: unknown[] = JSON.parse(readFileSync(file(), 'utf8'));
  writeFileSync(file(), JSON.stringify([...stored, null, 7, { id: 'x' }, item('e')]));
  expect(
    open()
      .list()
      .map(({ id }) => id),
  ).toEqual(['c', 'd', 'e']);
});

test.each(['', '{', '{"a":1}', 'null', '\0'])(
  'begins anew with a file of %j, sets it aside, and says so',
  async (text) => {
    writeFileSync(file(), text);
    const list = open();
    expect(problems).toEqual(['unreadable']);
    expect(readFileSync(`${file()}.damaged`, 'utf8')).toBe(text);
    await list.add([item('a')]);
    expect(open().list()).toEqual([item('a')]);
  },
);

test('changes at the same time are all kept', async () => {
  const list = open();
  await Promise.all([list.add([item('a')]), list.add([item('b')]), list.remove(['a'])]);
  expect(open().list()).toEqual([item('b')]);
});

test('a disk that fails is told, and the list is there meanwhile', async () => {
  const list = await open(join(directory, 'missing', 'list.json'));
  await list.add([item('a')]);
  expect(problems).toEqual(['not-saved']);
  expect(list.list()).toEqual([item('a')]);
});
