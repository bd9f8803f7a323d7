import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createProgramCache, programMark } from './program-cache.ts';

/** A line of proc_pid_stat(5): field n holds 1000 + n but for the name and what is given. */
function statLine(name: string, fields: Readonly<Record<number, string | number>> = {}): string {
  const values = Array.from({ length: 52 }, (_, i) => String(fields[i + 1] ?? 1_001 + i));
  return `${[values[0], `(${name})`, 'S', ...values.slice(3)].join(' ')}\n`;
}

describe('the mark of a running program', () => {
  test('is the same whatever the process does, and whatever its name holds', () => {
    const mark = programMark(statLine('mutt'));
    for (const name of ['mutt', 'a b', 'x) R 1 (y', '))) ', '', '(']) {
      expect(programMark(statLine(name, { 14: 77, 15: 88, 23: 99, 24: 1 }))).toBe(mark);
    }
  });

  test.each([22, 26, 28, 48, 49, 51])('is another one with another field %i', (field) => {
    expect(programMark(statLine('x', { [field]: 7 }))).not.toBe(programMark(statLine('x')));
  });

  test('is none for a line that is cut short or is no such line', () => {
    const whole = statLine('x');
    expect(programMark(whole.slice(0, whole.lastIndexOf(' 1051')))).toBeUndefined();
    for (const line of ['', ')', 'x', '1 (x', statLine('x', { 22: '-1' }), statLine('x', { 28: '' })]) {
      expect(programMark(line)).toBeUndefined();
    }
  });
});

describe('the program of a process', () => {
  let procRoot: string;
  let named: number[];
  const path = (pid: number, name: string) => join(procRoot, String(pid), name);
  const cache = () =>
    createProgramCache({
      procRoot,
      identify: (pid) => {
        named.push(pid);
        return { path: `/named/${named.length}` };
      },
    });

  beforeEach(() => {
    procRoot = mkdtempSync(join(tmpdir(), 'postern-proc-'));
    named = [];
  });
  afterEach(() => rmSync(procRoot, { recursive: true }));

  function run(pid: number, exe: string, stat = statLine('x')): void {
    rmSync(path(pid, ''), { recursive: true, force: true });
    mkdirSync(path(pid, ''));
    writeFileSync(path(pid, 'stat'), stat);
    symlinkSync(exe, path(pid, 'exe'));
  }

  test('is named once', () => {
    run(10, '/usr/bin/mutt');
    const programOf = cache();
    expect([programOf(10), programOf(10)]).toEqual([{ path: '/named/1' }, { path: '/named/1' }]);
  });

  test('is named anew for another process of that pid, another program, and an upgraded one', () => {
    const programOf = cache();
    run(10, '/usr/bin/mutt');
    programOf(10);
    run(10, '/usr/bin/mutt', statLine('x', { 22: 5 }));
    expect(programOf(10)).toEqual({ path: '/named/2' });
    run(10, '/usr/bin/mbsync', statLine('x', { 22: 5 }));
    expect(programOf(10)).toEqual({ path: '/named/3' });
    run(10, '/usr/bin/mbsync (deleted)', statLine('x', { 22: 5 }));
    expect(programOf(10)).toEqual({ path: '/named/4' });
  });

  test('is not kept when it changes while it is named, can not be marked, or has no name', () => {
    const changing = createProgramCache({
      procRoot,
      identify: (pid) => {
        named.push(pid);
        run(pid, '/usr/bin/x', statLine('x', { 22: named.length }));
        return { path: `/named/${named.length}` };
      },
    });
    run(10, '/usr/bin/x');
    expect([changing(10), changing(10)]).toEqual([{ path: '/named/1' }, { path: '/named/2' }]);
    named = [];
    const programOf = cache();
    expect([programOf(99), programOf(99)]).toEqual([{ path: '/named/1' }, { path: '/named/2' }]);
    const blind = createProgramCache({ procRoot, identify: () => undefined });
    expect([blind(10), blind(10)]).toEqual([undefined, undefined]);
  });

  test('is kept for 64 processes, those that were not asked for longest leave first', () => {
    for (let pid = 1; pid <= 65; pid++) run(pid, '/usr/bin/x');
    const programOf = cache();
    for (let pid = 1; pid <= 64; pid++) programOf(pid);
    programOf(1);
    expect(named).toHaveLength(64);
    programOf(65);
    programOf(1);
    expect(named).toHaveLength(65);
    programOf(2);
    expect(named).toHaveLength(66);
  });

  test('of a real process is named anew after it has executed the same program with other arguments', async () => {
    const child = spawn('/bin/sh', ['-c', 'echo; read line; exec /bin/sh -c "echo; read line #"']);
    try {
      await once(child.stdout, 'data');
      const pid = child.pid ?? 0;
      const programOf = createProgramCache({
        procRoot: '/proc',
        identify: () => ({ path: readFileSync(`/proc/${pid}/cmdline`, 'utf8') }),
      });
      const before = programOf(pid);
      expect(programOf(pid)).toBe(before);
      child.stdin.write('\n');
      await once(child.stdout, 'data');
      expect(programOf(pid)?.path).toBe('/bin/sh\0-c\0echo; read line #\0');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
