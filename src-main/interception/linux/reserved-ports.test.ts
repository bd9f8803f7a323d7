import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reservePorts } from './reserved-ports.ts';

const range = { from: 61_000, to: 65_535 };
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-reserved-'));
  path = join(folder, 'sysctl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function reserve(before: string) {
  writeFileSync(path, before);
  const reserved = await reservePorts(range, path);
  if (!reserved.ok) throw new Error(reserved.detail);
  return reserved;
}

test.each([
  ['\n', '61000-65535\n'],
  ['8080,9000-9100\n', '8080,9000-9100,61000-65535\n'],
  ['61000-65000\n', '61000-65000,61000-65535\n'],
])('appends to %j and puts it back', async (before, after) => {
  const reserved = await reserve(before);
  expect(readFileSync(path, 'utf8')).toBe(after);
  await reserved.restore();
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test('leaves what is reserved already, also afterwards', async () => {
  const reserved = await reserve('8080,60000-65535\n');
  await reserved.restore();
  expect(readFileSync(path, 'utf8')).toBe('8080,60000-65535\n');
});

test("does not undo somebody else's change", async () => {
  const reserved = await reserve('\n');
  writeFileSync(path, '25,61000-65535\n');
  await reserved.restore();
  expect(readFileSync(path, 'utf8')).toBe('25,61000-65535\n');
});

test('says why when it can not be done', async () => {
  expect(await reservePorts(range, join(folder, 'none', 'sysctl'))).toMatchObject({
    ok: false,
    detail: expect.stringContaining('ENOENT'),
  });
});
