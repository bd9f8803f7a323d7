// `npm run fuzz -- [--minutes N] [--runs N] [--target NAME] [--seed N]`: fuzzes the scanner, one target after the other, and
// ends with exit code 1 when something did not hold. `--reproduce FILE --target NAME` runs one input again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { selfTest, targets } from './targets.ts';
import type { WorkerReport, WorkerTask } from './worker.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    /** Of each target. */
    runs: { type: 'string', default: 'Infinity' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    /** Where inputs for which something does not hold are written. */
    findings: { type: 'string', default: 'fuzz-findings' },
    reproduce: { type: 'string' },
  },
});

/** Milliseconds for loading the scanner and its seeds. */
const startMs = 60_000;

/** Workers of one target that may hang or crash until it is left. */
const maxLost = 5;

const pollMs = 200;

/** Milliseconds that the end of a worker is waited for; V8 can't interrupt every loop. */
const endMs = 2_000;
let areStuck = false;

/** No input is larger: mutations copy it. */
const maxInputBytes = 512 * 1024;

interface Finding {
  readonly what: string;
  readonly message: string;
  readonly bytes: Uint8Array;
}

interface Outcome {
  readonly corpus: readonly Uint8Array[];
  readonly findings: readonly Finding[];
  /** It ended by itself. */
  readonly isDone: boolean;
  readonly runs: number;
  readonly covered: number;
  readonly kept: number;
}

type Order = Omit<WorkerTask, 'current'>;

/** One worker, until it is done, or hangs, or crashes: then its last input is a finding. */
async function runWorker(order: Order, boundMs: number): Promise<Outcome> {
  const current = {
    counts: new Int32Array(new SharedArrayBuffer(8)),
    input: new Uint8Array(new SharedArrayBuffer(maxInputBytes)),
  };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { ...order, current } });
  const corpus: Uint8Array[] = [];
  const findings: Finding[] = [];
  let last = { runs: 0, covered: 0, corpus: 0 };
  let isDone = false;
  const lastInput = () => new Uint8Array(current.input.subarray(0, Atomics.load(current.counts, 1)));
  worker.on('message', (report: WorkerReport) => {
    if (report.kind === 'kept') corpus.push(report.bytes);
    else if (report.kind === 'finding') findings.push(report);
    else {
      last = report;
      isDone = report.kind === 'done';
    }
  });
  worker.on('error', (error) => {
    // It does not even load: nothing of that is the input's fault.
    if (Atomics.load(current.counts, 0) === 0) throw error;
    findings.push({ what: 'crash', message: error.stack ?? error.message, bytes: lastInput() });
  });
  const ended = Promise.withResolvers<void>();
  worker.once('exit', () => ended.resolve());
  let seen = 0;
  let since = performance.now();
  const watch = setInterval(() => {
    const runs = Atomics.load(current.counts, 0);
    if (runs !== seen) [seen, since] = [runs, performance.now()];
    else if (!isDone && performance.now() - since > (runs === 0 ? startMs : 2 * boundMs)) {
      findings.push({ what: 'hang', message: `did not end within ${2 * boundMs} ms`, bytes: lastInput() });
      void worker.terminate();
      setTimeout(() => {
        areStuck ||= worker.threadId !== -1;
        ended.resolve();
      }, endMs).unref();
      since = Number.POSITIVE_INFINITY;
    }
  }, pollMs);
  await ended.promise;
  clearInterval(watch);
  const { runs, covered, corpus: kept } = last;
  return { corpus, findings, isDone, runs: Math.max(runs, Atomics.load(current.counts, 0)), covered, kept };
}

function write(target: string, { what, message, bytes }: Finding): string {
  mkdirSync(values.findings, { recursive: true });
  const hash = bytes.reduce((sum, octet) => (Math.imul(sum, 31) + octet) | 0, 7) >>> 0;
  const path = join(values.findings, `${target}-${what.toLowerCase()}-${hash.toString(16)}`);
  writeFileSync(path, bytes);
  writeFileSync(`${path}.txt`, `${message}\n`);
  return path;
}

/** All workers of one target; one that is lost is followed by another one with what it had kept. */
async function fuzz({ name, boundMs }: (typeof targets)[number], maxMs: number): Promise<number> {
  const endsAt = performance.now() + maxMs;
  const found: Finding[] = [];
  let order: Order = { target: name, seed: Number(values.seed), maxRuns: Number(values.runs), maxMs };
  let runs = 0;
  for (let lost = 0; ; lost++) {
    const outcome = await runWorker(order, boundMs);
    runs += outcome.runs;
    for (const finding of outcome.findings) {
      // The machine may have been busy with something else.
      const isTime = finding.what === 'hang' || finding.what === 'slow';
      const again = isTime ? await runWorker({ ...order, only: finding.bytes }, boundMs) : outcome;
      if (again.findings.length === 0) continue;
      found.push(finding);
      process.stdout.write(`${name}: ${finding.what}: ${write(name, finding)}\n${finding.message}\n`);
    }
    const leftMs = endsAt - performance.now();
    if (outcome.isDone || lost === maxLost || leftMs <= 0) {
      const { covered, kept } = outcome;
      process.stdout.write(
        `${name}: ${runs} executions, ${covered} blocks, ${kept} inputs kept, ${found.length} findings\n`,
      );
      return found.length;
    }
    const corpus = [...(order.corpus ?? []), ...outcome.corpus];
    order = { ...order, seed: order.seed + 1, maxMs: leftMs, ...(corpus.length > 0 ? { corpus } : {}) };
  }
}

const { target: wanted } = values;
const chosen = wanted ? [...targets, selfTest].filter(({ name }) => wanted.includes(name)) : targets;
if (chosen.length === 0)
  throw new Error(`no such target; there are ${targets.map(({ name }) => name).join(', ')}`);

let findings = 0;
if (values.reproduce === undefined) {
  const ms = (Number(values.minutes) * 60_000) / chosen.length;
  for (const target of chosen) findings += await fuzz(target, ms);
} else {
  const only = readFileSync(values.reproduce);
  for (const { name: target, boundMs } of chosen) {
    const order = { target, seed: 1, maxRuns: 1, maxMs: boundMs, only };
    const outcome = await runWorker(order, boundMs);
    for (const { what, message } of outcome.findings)
      process.stdout.write(`${target}: ${what}: ${message}\n`);
    findings += outcome.findings.length;
  }
  process.stdout.write(`${findings} findings\n`);
}
// An orderly end waits for all threads.
if (areStuck) process.kill(process.pid, 'SIGKILL');
process.exit(findings > 0 ? 1 : 0);
