// The scanner alone: what a message costs in processor time with a thousand rules, how fast large attachments go through,
// beside clamd on the same files in the same run, and how long the host's event loop is held up meanwhile.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Clamd, makeClamd } from '../e2e/support/clamd.ts';
import { posternPath } from '../e2e/support/core.ts';
import { bigMessage, smallMessages, type TestMessage } from '../e2e/support/messages.ts';
import { clamdAt, scanned } from '../e2e/support/remote-engines.ts';
import { missingTools } from '../e2e/support/tools.ts';
import { loadEngines } from '../src-main/scanner/engines/load-engines.ts';
import { defaultLimits } from '../src-main/scanner/limits.ts';
import { defaultOptions } from '../src-main/scanner/options.ts';
import { type Inspector, inspect } from '../src-main/scanner/pipeline.ts';
import { startScanner } from '../src-main/scanner/pool.ts';
import type { Bench } from './bench.ts';

const run = promisify(execFile);

const rulesDirectory = fileURLToPath(new URL('../src-main/scanner/rules', import.meta.url));
const workerUrl = new URL('../src-main/scanner/worker.ts', import.meta.url);
const rules = 1_000;

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const judged = (isMet: boolean, budget: string) => `${isMet ? 'pass' : 'over'} (${budget})`;

/** A directory with so many rules that match nothing: texts, octets with gaps, patterns, each kind in its turn. */
function writeRules(directory: string): void {
  mkdirSync(directory);
  const kinds = [
    (n: number) => `$a = "postern bench marker ${n} of many"`,
    (n: number) => `$a = { ${Buffer.from(`pb${n}`).toString('hex')} ?? ?? 9C 8B [2-4] F1 E${n % 10} }`,
    (n: number) => `$a = "PosternBenchName${n}" nocase wide ascii`,
    (n: number) => `$a = /postern-bench-${n}-[0-9a-f]{8,16}\\.(exe|dll)/`,
  ];
  const source = Array.from({ length: rules }, (_, n) => {
    const strings = kinds[n % kinds.length]?.(n);
    return `rule bench_${n} { strings: ${strings} condition: $a }`;
  });
  writeFileSync(join(directory, 'bench.yar'), source.join('\n'));
}

/** Milliseconds of processor time of one pass over the messages by one thread. */
function processorMs(messages: readonly Buffer[], inspector: Inspector): number {
  const before = process.cpuUsage();
  for (const message of messages) inspect(message, inspector, inspector.now() + 60_000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function benchThread(bench: Bench, sets: Sets, inspector: Inspector): void {
  const budgets = {
    small: (ms: number) => judged(ms <= 0.5, '≤ 0.5 ms'),
    large: (_: number, speed: number) => judged(speed >= 150, '≥ 150 MB/s'),
  };
  for (const [kind, judge] of Object.entries(budgets)) {
    const messages = sets[kind as keyof Sets].map(({ wire }) => wire);
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    processorMs(messages, inspector);
    const taken = median(Array.from({ length: bench.rounds }, () => processorMs(messages, inspector)));
    const [ms, speed] = [taken / messages.length, bytes / 1_000 / taken];
    bench.note(
      `built-in engines, ${rules} rules, ${names[kind as keyof Sets]}: ${ms.toFixed(3)} ms of processor time a message, ${speed.toFixed(0)} MB/s a core: ${judge(ms, speed)}`,
    );
  }
}

interface Sets {
  readonly small: readonly TestMessage[];
  readonly large: readonly TestMessage[];
}

const names = { small: '1,000 messages of 7 KB', large: '10 messages of 20 MB' } as const;

/** clamd with a few test signatures: the least that it can cost. undefined: it is not installed. */
async function startClamd(bench: Bench): Promise<Clamd | undefined> {
  if (missingTools(['clamd'])) return undefined;
  const directory = join(bench.directory, 'clamd');
  mkdirSync(directory);
  const lines = ['MaxScanSize 400M', 'MaxFileSize 200M'];
  const clamd = await makeClamd({ directory, streamMaxLength: '200M', lines });
  await clamd.start();
  return clamd;
}

/** clamd alone on the same messages, a few at once as a busy scanner has them. */
async function benchClamd(bench: Bench, sets: Sets, socket: string): Promise<void> {
  const engine = clamdAt(socket, 600_000);
  for (const [kind, messages] of Object.entries(sets)) {
    const bytes = messages.reduce((sum: number, { wire }: TestMessage) => sum + wire.length, 0);
    const startedAt = performance.now();
    const answers = await Promise.all(messages.map(({ wire }: TestMessage) => scanned(engine, wire)));
    const seconds = (performance.now() - startedAt) / 1_000;
    const clean = answers.filter((answer) => answer.kind === 'clean').length;
    bench.note(
      `clamd alone, test signatures, ${names[kind as keyof Sets]}: ${((seconds * 1_000) / messages.length).toFixed(2)} ms a message, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s (${clean} of ${messages.length} answered as clean)`,
    );
  }
  await engine.stop();
}

/** Seconds of scanning that the verdicts of `postern scan` tell, the start of the process left out. */
async function scanSeconds(folder: string, engines: string): Promise<number> {
  const { stdout } = await run(posternPath, ['scan', '--json', '--engines', engines, folder], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = stdout.trim().split('\n');
  return lines.reduce((sum, line) => sum + (JSON.parse(line) as { ms: number }).ms, 0) / 1_000;
}

async function benchCommand(bench: Bench, sets: Sets): Promise<void> {
  const clamd = await startClamd(bench);
  if (!clamd) bench.note('clamd is not installed: nothing is measured beside it');
  try {
    if (clamd) await benchClamd(bench, sets, clamd.socketPath);
    for (const [kind, messages] of Object.entries(sets)) {
      const folder = join(bench.directory, kind);
      mkdirSync(folder);
      for (const { name, wire } of messages) writeFileSync(join(folder, `${name}.eml`), wire);
      const bytes = messages.reduce((sum: number, { wire }: TestMessage) => sum + wire.length, 0);
      for (const [engine, words] of [
        ['builtin', 'built-in engines'],
        ...(clamd ? [[`clamd=${clamd.socketPath}`, 'clamd beside them']] : []),
      ] as const) {
        const seconds = median([
          await scanSeconds(folder, engine ?? ''),
          await scanSeconds(folder, engine ?? ''),
        ]);
        bench.note(
          `postern scan, ${words}, ${names[kind as keyof Sets]}: ${((seconds * 1_000) / messages.length).toFixed(2)} ms a message, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s`,
        );
      }
    }
  } finally {
    await clamd?.stop();
  }
}

/** The host's event loop while the workers are as busy as they can be. */
async function benchEventLoop(bench: Bench, sets: Sets, userRulesDirectory: string): Promise<void> {
  const scanner = await startScanner({ workerUrl, rulesDirectory, userRulesDirectory, workers: 2 });
  // As the proxy has them: in shared memory.
  const messages = [...sets.small, ...sets.large].map(({ wire }) => {
    const bytes = new Uint8Array(new SharedArrayBuffer(wire.length));
    bytes.set(wire);
    return bytes;
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let round = 0; round < bench.rounds; round++)
    await Promise.all(messages.map((bytes) => scanner.scan({ kind: 'bytes', bytes })));
  delay.disable();
  await scanner.stop();
  // The sampling itself waits for a millisecond.
  const p99 = delay.percentile(99) / 1e6 - 1;
  bench.note(
    `event loop of the host at full load: p99 ${p99.toFixed(1)} ms, longest ${(delay.max / 1e6 - 1).toFixed(1)} ms: ${judged(p99 <= 10, '≤ 10 ms')}`,
  );
}

export async function benchScan(bench: Bench): Promise<void> {
  const sets: Sets = {
    small: smallMessages(1_000),
    large: Array.from({ length: 10 }, (_, n) => bigMessage(`big-${n}`, 20 * 1024 * 1024)),
  };
  const userRulesDirectory = join(bench.directory, 'rules.d');
  writeRules(userRulesDirectory);
  const now = () => performance.now();
  const { engines, fallback } = loadEngines({ rulesDirectory, userRulesDirectory, isFirst: true, now });
  const inspector: Inspector = {
    engines,
    fallback,
    limits: defaultLimits,
    options: defaultOptions,
    sandbox: undefined,
    now,
  };
  benchThread(bench, sets, inspector);
  await benchEventLoop(bench, sets, userRulesDirectory);
  await benchCommand(bench, sets);
}
