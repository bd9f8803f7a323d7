// Scans hostile files each by a process of its own, and measures what that takes. As a program it prints a table:
// `node e2e/hostile/scan-set.ts [WORDS OF A NAME]`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { atHome, posternPath } from '../support/core.ts';
import { type HostileFile, hostileFiles } from './scan-files.ts';

export interface Measured {
  readonly outcome: string;
  readonly limits: readonly string[];
  readonly names: readonly string[];
  /** From its start to its end. */
  readonly seconds: number;
  /** The most that was resident, of the process, and of the one in which it unpacks what is risky to unpack. */
  readonly megabytes: number;
  readonly childMegabytes: number;
}

const lineSchema = z.object({
  outcome: z.string(),
  limits: z.array(z.string()),
  detections: z.array(z.object({ name: z.string() })),
});

const pollMs = 10;

/** What the kernel says of a process (proc_pid_status(5)); a process that has ended says nothing. */
function ofProcess(pid: number): { peakBytes: number; children: number[] } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? '0';
    // A child is one of the thread that started it.
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
    return { peakBytes: Number(peak) * 1_024, children };
  } catch {
    return { peakBytes: 0, children: [] };
  }
}

/** Scans one file by `postern scan`. Rejects when that says nothing. */
async function scanFile(path: string): Promise<Measured> {
  const args = ['scan', '--json', '--engines', 'builtin', path];
  const startedAt = performance.now();
  const child = spawn(posternPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: atHome(tmpdir()) });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let peakBytes = 0;
  let childPeakBytes = 0;
  const watch = setInterval(() => {
    if (child.pid === undefined) return;
    const own = ofProcess(child.pid);
    peakBytes = Math.max(peakBytes, own.peakBytes);
    for (const pid of own.children) childPeakBytes = Math.max(childPeakBytes, ofProcess(pid).peakBytes);
  }, pollMs);
  await new Promise((done) => child.once('close', done));
  clearInterval(watch);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { outcome, limits, detections } = lineSchema.parse(JSON.parse(output));
  const names = [...new Set(detections.map(({ name }) => name))];
  return {
    outcome,
    limits,
    names,
    seconds,
    megabytes: peakBytes / 1e6,
    childMegabytes: childPeakBytes / 1e6,
  };
}

/** The same of a file that is made for it. */
export async function scanHostile({ make }: Pick<HostileFile, 'make'>): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-hostile-'));
  try {
    const path = join(directory, 'file');
    writeFileSync(path, await make());
    return await scanFile(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function printTable(words: string): Promise<void> {
  const empty = await scanHostile({ make: () => Buffer.alloc(0) });
  // The first one may have to compile.
  const { seconds: idleSeconds } = await scanHostile({ make: () => Buffer.alloc(0) });
  const row = (name: string, { seconds, megabytes, childMegabytes, outcome, limits, names }: Measured) =>
    [
      name.padEnd(44),
      (seconds - idleSeconds).toFixed(2).padStart(6),
      megabytes.toFixed(0).padStart(5),
      childMegabytes.toFixed(0).padStart(6),
      outcome.padEnd(12),
      [...names, ...limits].join(' '),
    ].join(' ');
  const lines = [
    'seconds beyond an empty file, MB of the process, MB of its child',
    row('an empty file', empty),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const file of hostileFiles.filter(({ name }) => name.includes(words)))
    process.stdout.write(`${row(file.name, await scanHostile(file))}\n`);
}

if (import.meta.main) await printTable(process.argv.slice(2).join(' '));
