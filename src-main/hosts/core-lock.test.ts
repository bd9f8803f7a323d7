import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { takeCoreLock } from './core-lock.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'postern-lock-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

const inChild = (dataDir: string) =>
  `const { takeCoreLock } = await import(${JSON.stringify(join(import.meta.dirname, 'core-lock.ts'))});
   const lock = takeCoreLock(${JSON.stringify(dataDir)});
   console.log(lock === undefined ? 'taken' : 'mine');`;

test('one core holds a data directory, and another may when it lets go', () => {
  const dataDir = temporary();
  const lock = takeCoreLock(dataDir);
  expect(lock).toBeDefined();
  expect(takeCoreLock(dataDir)).toBeUndefined();
  expect(
    execFileSync(process.execPath, ['--input-type=module', '-e', inChild(dataDir)], { encoding: 'utf8' }),
  ).toBe('taken\n');
  lock?.release();
  lock?.release();
  const next = takeCoreLock(dataDir);
  expect(next).toBeDefined();
  next?.release();
});

test('a core that is killed holds nothing', async () => {
  const dataDir = temporary();
  const child = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `${inChild(dataDir)} setInterval(() => {}, 9_999);`,
  ]);
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('mine\n');
  expect(takeCoreLock(dataDir)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = takeCoreLock(dataDir);
  expect(lock).toBeDefined();
  lock?.release();
});
