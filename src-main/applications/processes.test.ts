import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listProcesses } from './processes.ts';

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'proc-'));
});
afterEach(() => rmSync(proc, { recursive: true }));

function process(pid: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(proc, pid));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(proc, pid, name), content);
}

const status = (uid: number) => `Name:\tx\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`;

test('lists processes with their user, words and home, empty words too', async () => {
  process('7', {
    status: status(1000),
    cmdline: 'thunderbird\0--profile\0/home/ada/p q\0\0',
    environ: 'LANG=C\0HOME=/home/ada\0',
  });
  process('8', { status: status(1001), cmdline: 'x\0' });
  expect(await listProcesses(proc)).toEqual([
    { pid: 7, uid: 1000, argv: ['thunderbird', '--profile', '/home/ada/p q', ''], home: '/home/ada' },
    { pid: 8, uid: 1001, argv: ['x'], home: undefined },
  ]);
});

test('leaves out kernel threads, what has ended, and what is no process', async () => {
  process('2', { status: status(0), cmdline: '' });
  process('3', { cmdline: 'a\0' });
  process('4', {});
  process('self', { status: status(0), cmdline: 'a\0' });
  expect(await listProcesses(proc)).toEqual([]);
});

test('this process is among the real ones', async () => {
  const own = (await listProcesses()).find(({ pid }) => pid === globalThis.process.pid);
  expect(own?.uid).toBe(globalThis.process.geteuid?.());
  expect(own?.argv.length).toBeGreaterThan(0);
});
