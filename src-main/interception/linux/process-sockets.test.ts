import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createProcessSockets } from './process-sockets.ts';

const uid = process.getuid?.() ?? 0;
let procRoot: string;
beforeEach(() => {
  procRoot = mkdtempSync(join(tmpdir(), 'postern-proc-'));
});
afterEach(() => rmSync(procRoot, { recursive: true }));

function addProcess(pid: number, ...inodes: number[]): void {
  const folder = join(procRoot, String(pid), 'fd');
  mkdirSync(folder, { recursive: true });
  symlinkSync('/dev/null', join(folder, '0'));
  for (const [i, inode] of inodes.entries()) symlinkSync(`socket:[${inode}]`, join(folder, String(3 + i)));
}

/** A clock that moves by `stepMs` each time that it is read. */
function clock(stepMs: number): () => number {
  let nowMs = 0;
  return () => {
    nowMs += stepMs;
    return nowMs;
  };
}

describe('the process of a socket', () => {
  test('is found by the inode, to the last digit', async () => {
    addProcess(10, 1234);
    addProcess(20, 123, 12);
    const sockets = createProcessSockets({ procRoot, now: clock(0) });
    expect(await sockets.find(123, uid)).toBe(20);
    expect(await sockets.find(1234, uid)).toBe(10);
  });

  test('is unknown when nobody has it, and when /proc holds other things', async () => {
    mkdirSync(join(procRoot, 'self'));
    mkdirSync(join(procRoot, '77'));
    expect(await createProcessSockets({ procRoot, now: clock(0) }).find(5, uid)).toBeUndefined();
    expect(
      await createProcessSockets({ procRoot: join(procRoot, 'none'), now: clock(0) }).find(5, uid),
    ).toBeUndefined();
  });

  test('is found although it runs as another user than the one who made the socket', async () => {
    addProcess(10, 55);
    expect(await createProcessSockets({ procRoot, now: clock(0) }).find(55, uid + 1)).toBe(10);
  });

  test('many who ask at once are answered by one walk', async () => {
    for (let pid = 100; pid < 200; pid++) addProcess(pid, pid * 10, pid * 10 + 1);
    const sockets = createProcessSockets({ procRoot, now: clock(0) });
    const asked = Array.from({ length: 100 }, (_, i) => sockets.find((100 + i) * 10 + (i % 2), uid));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 100 }, (_, i) => 100 + i));
  });

  test('a process that starts while one walk is under way is found by the next', async () => {
    addProcess(10);
    // Each look at the clock ends a slice, so that the walk yields after every process.
    const sockets = createProcessSockets({ procRoot, now: clock(5) });
    const first = sockets.find(1, uid);
    addProcess(5, 2);
    const second = sockets.find(2, uid);
    expect(await Promise.all([first, second])).toEqual([undefined, 5]);
  });

  test('who has waited for too long is answered without', async () => {
    for (let pid = 100; pid < 150; pid++) addProcess(pid);
    addProcess(50, 7);
    expect(await createProcessSockets({ procRoot, now: clock(5) }).find(7, uid)).toBeUndefined();
    expect(await createProcessSockets({ procRoot, now: clock(0.01) }).find(7, uid)).toBe(50);
  });

  test('a program that had a mail socket is looked at first', async () => {
    addProcess(50, 7);
    const steps = { ms: 0 };
    let nowMs = 0;
    const sockets = createProcessSockets({
      procRoot,
      now: () => {
        nowMs += steps.ms;
        return nowMs;
      },
    });
    expect(await sockets.find(7, uid)).toBe(50);
    for (let pid = 100; pid < 150; pid++) addProcess(pid);
    symlinkSync('socket:[8]', join(procRoot, '50', 'fd', '9'));
    // On this clock a walk that began elsewhere would run out of time.
    steps.ms = 5;
    expect(await sockets.find(8, uid)).toBe(50);
  });

  test('is not the one that had the last socket of that descriptor, unless the descriptor shows it', async () => {
    addProcess(50, 7);
    const sockets = createProcessSockets({ procRoot, now: clock(0) });
    expect(await sockets.find(7, uid)).toBe(50);
    const folder = join(procRoot, '50', 'fd');
    for (const name of ['0', '3']) rmSync(join(folder, name));
    symlinkSync('socket:[8]', join(folder, '5'));
    expect(await sockets.find(8, uid)).toBe(50);
    // The number is taken by something else: the descriptor is read, never believed.
    rmSync(join(folder, '5'));
    symlinkSync('socket:[9]', join(folder, '5'));
    expect(await sockets.find(8, uid)).toBeUndefined();
  });

  test('a process with very many descriptors keeps none of the others from being found', async () => {
    addProcess(60, ...Array.from({ length: 13_000 }, (_, i) => 100 + i));
    addProcess(50, 7);
    // On this clock all 13,000 would take longer than there is time for, 10,000 do not.
    expect(await createProcessSockets({ procRoot, now: clock(0.65) }).find(7, uid)).toBe(50);
  });

  test('who has waited for too long is answered within one process', async () => {
    addProcess(60, ...Array.from({ length: 5_000 }, (_, i) => 100 + i));
    let nowMs = 0;
    let looks = 0;
    const now = () => {
      looks++;
      nowMs += 5;
      return nowMs;
    };
    expect(await createProcessSockets({ procRoot, now }).find(7, uid)).toBeUndefined();
    expect(looks).toBeLessThan(100);
  });
});
