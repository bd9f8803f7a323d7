import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reservePorts } from './reserved-ports.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-reserved-'));
  path = join(folder, 'sysctl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function reserve(before: string) {
  writeFileSync(path, before);
  return await reservePorts(path);
}

test.each([
  ['\n', '61000-65535\n'],
  ['8080,9000-9100\n', '8080,9000-9100,61000-65535\n'],
  ['61000-65000\n', '61000-65000,61000-65535\n'],
])('appends to %j and puts it back', async (before, after) => {
  const giveBack = await reserve(before);
  expect(readFileSync(path, 'utf8')).toBe(after);
  await giveBack();
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test('leaves what is reserved already, also afterwards', async () => {
  const giveBack = await reserve('8080,60000-65535\n');
  await giveBack();
  expect(readFileSync(path, 'utf8')).toBe('8080,60000-65535\n');
});

test.each([
  ['61000-65535\n', '\n'],
  ['8080,61000-65535\n', '8080\n'],
  ['60000-65535\n', '60000-65535\n'],
])('what a helper that was killed has left is taken back: %j', async (before, after) => {
  const giveBack = await reserve(before);
  await giveBack();
  expect(readFileSync(path, 'utf8')).toBe(after);
});

test('takes out what is ours alone when somebody has changed the rest', async () => {
  const giveBack = await reserve('\n');
  writeFileSync(path, '25,61000-65535\n');
  await giveBack();
  expect(readFileSync(path, 'utf8')).toBe('25\n');
});

test('rejects when it can not be done', async () => {
  await expect(reservePorts(join(folder, 'none', 'sysctl'))).rejects.toThrow('ENOENT');
});
