import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identify } from './identity.ts';
import { type Machine, makeMachine } from './machine.fixture.ts';

let machine: Machine;
beforeEach(() => {
  machine = makeMachine();
});
afterEach(() => machine.remove());

describe('hostile content of a process', () => {
  test('a pipe in place of a file is not waited for', () => {
    machine.process(10, { exe: '/usr/bin/x' });
    mkdirSync(machine.path('proc/10/root'));
    execFileSync('mkfifo', [machine.path('proc/10/root/.flatpak-info')]);
    expect(identify(10, machine.procRoot)).toEqual({ path: '/usr/bin/x' });
  });

  test('a link in place of a file is not followed', () => {
    machine.process(10, { exe: '/usr/bin/x' });
    machine.link('proc/10/root/.flatpak-info', machine.file('other', '[Application]\nname=org.x\n'));
    expect(identify(10, machine.procRoot)).toEqual({ path: '/usr/bin/x' });
  });

  test('of an endless file only the beginning is read', () => {
    const flatpakInfo = `${'x'.repeat(300 * 1024)}\n[Application]\nname=org.x\n`;
    machine.process(10, { exe: '/usr/bin/x', flatpakInfo });
    expect(identify(10, machine.procRoot)).toEqual({ path: '/usr/bin/x' });
  });

  test('a command line without an end names no script by half', () => {
    const argv = ['python3', `/${'x'.repeat(40 * 1024)}`];
    machine.process(10, { exe: '/usr/bin/python3', argv });
    expect(identify(10, machine.procRoot)).toEqual({ path: '/usr/bin/python3' });
  });

  test('a command line that its program has written over is no script', () => {
    for (const [i, argv] of [
      [],
      [''],
      ['getmail: idle'],
      ['\n', '\ufffd'],
      ['python3', '', '/a'],
    ].entries()) {
      machine.process(20 + i, { exe: '/usr/bin/python3', argv });
      expect(identify(20 + i, machine.procRoot)).toEqual({ path: '/usr/bin/python3' });
    }
  });

  test('a path longer than any rule is no script', () => {
    for (const [pid, length] of [
      [10, 4_096],
      [11, 4_097],
    ] as const) {
      const script = `/${'x'.repeat(length - 1)}`;
      machine.process(pid, { exe: '/usr/bin/python3', argv: ['python3', script] });
      expect(identify(pid, machine.procRoot)?.script).toBe(length > 4_096 ? undefined : script);
    }
  });
});
