import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Found, walk } from './walk.ts';

let base: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'postern-walk-'));
  mkdirSync(join(base, 'tree/b'), { recursive: true });
  for (const name of ['tree/c', 'tree/a', 'tree/b/2', 'tree/b/10', 'single'])
    writeFileSync(join(base, name), '');
  symlinkSync('..', join(base, 'tree/b/loop'));
  symlinkSync('/etc/passwd', join(base, 'tree/link'));
  symlinkSync('tree', join(base, 'to-tree'));
});

afterAll(() => rmSync(base, { recursive: true }));

async function all(paths: readonly string[]): Promise<Found[]> {
  const result: Found[] = [];
  for await (const each of walk(paths)) result.push(each);
  return result;
}

async function found(...paths: string[]): Promise<string[]> {
  return (await all(paths.map((path) => join(base, path)))).map(
    ({ kind, path }) => `${kind} ${path.slice(base.length + 1)}`,
  );
}

test('directories are walked in sorted order, and links in them are not followed', async () => {
  expect(await found('tree')).toEqual(['file tree/a', 'file tree/b/10', 'file tree/b/2', 'file tree/c']);
});

test('paths come in the order given, and a link that was given is followed', async () => {
  expect(await found('single', 'to-tree/b', 'single')).toEqual([
    'file single',
    'file to-tree/b/10',
    'file to-tree/b/2',
    'file single',
  ]);
});

test('what does not exist and what is no file is told apart from files', async () => {
  expect(await found('nothing', 'single/below')).toEqual(['missing nothing', 'unreadable single/below']);
  expect(await all(['/dev/null'])).toEqual([
    { kind: 'unreadable', path: '/dev/null', problem: 'not a file' },
  ]);
});

test('names that are no UTF-8 lead to their files', async () => {
  const directory = Buffer.from(join(base, 'latin-1-\u00e6'), 'latin1');
  mkdirSync(directory);
  writeFileSync(Buffer.concat([directory, Buffer.from('/bl\u00e5.eml', 'latin1')]), 'it');
  const files = (await all([base])).flatMap((each) => (each.kind === 'file' ? [each] : []));
  const [file] = files.filter(({ path }) => path.endsWith('latin-1-\ufffd/bl\ufffd.eml'));
  expect(readFileSync(file?.location ?? '', 'utf8')).toBe('it');
});
