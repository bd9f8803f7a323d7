// `npm run bench [-- --rounds N] [--only PART] [--json FILE]`: direct against through Postern in one run, interleaved, so that a machine
// whose speed drifts gives the same ratios. Prints medians and ratios; --json also writes every single figure.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificates } from '../e2e/support/authority.ts';
import { makeDirectory } from '../e2e/support/directory.ts';
import { missingTools } from '../e2e/support/tools.ts';
import type { Bench, Budget, Measurement } from './bench.ts';
import { benchFixedListener } from './fixed-listener.ts';
import { benchHandshake } from './handshake.ts';
import { benchIdleMemory } from './idle-memory.ts';
import { benchInterception } from './interception.ts';
import { benchLongerWay } from './longer-way.ts';
import { benchOwnerLookup } from './owner-lookup.ts';
import { benchScan } from './scan.ts';

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

async function seconds(task: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await task();
  return (performance.now() - started) / 1_000;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds takes a whole number from 1, not ${values.rounds}`);
const missing = missingTools(['dovecot', 'mbsync', 'curl', 'openssl'], { root: true });
if (missing) {
  process.stderr.write(`the bench can't run${missing}\n`);
  process.exit(1);
}

const parts = [
  benchFixedListener,
  benchLongerWay,
  benchInterception,
  benchHandshake,
  benchIdleMemory,
  benchOwnerLookup,
  benchScan,
];
const { only } = values;
const chosen = parts.filter(({ name }) => only === undefined || name === `bench${only}`);
if (chosen.length === 0)
  throw new Error(`--only takes one of ${parts.map(({ name }) => name.slice('bench'.length)).join(', ')}`);

const directory = makeDirectory('bench');
const measurements: Measurement[] = [];
const notes: string[] = [];
const bench: Bench = {
  directory,
  rounds,
  certificates: makeCertificates(directory),
  async compare(name, budget, direct, through) {
    const figures: Measurement = { name, unit: 's', budget, direct: [], through: [] };
    for (let round = 0; round <= rounds; round++) {
      const pair = [
        { into: figures.direct, task: direct },
        { into: figures.through, task: through },
      ];
      for (const { into, task } of round % 2 === 0 ? pair : pair.reverse()) {
        const taken = await seconds(task);
        if (round > 0) into.push(taken);
      }
      process.stderr.write('.');
    }
    process.stderr.write(` ${name}\n`);
    measurements.push(figures);
  },
  add: (measurement) => measurements.push(measurement),
  note: (line) => notes.push(line),
};

try {
  for (const part of chosen) {
    mkdirSync(join(directory, part.name));
    await part({ ...bench, directory: join(directory, part.name) });
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** "pass" or "over", with the budget. */
function judge({ kind, most }: Budget, direct: number, through: number, unit: string): string {
  const reached = kind === 'ratio' ? through / direct : through - direct;
  const limit = kind === 'ratio' ? `≤ ${most.toFixed(2)} ×` : `≤ + ${most} ${unit}`;
  return `${reached <= most ? 'pass' : 'over'} (${limit})`;
}

const rows = measurements.map(({ name, unit, budget, direct, through }) => {
  const [a, b] = [median(direct), median(through)];
  return { name, unit, direct: a, through: b, ratio: b / a, verdict: judge(budget, a, b, unit) };
});
const cell = (value: number, unit: string) => `${value.toFixed(3)} ${unit}`.padStart(11);
process.stdout.write(`${'medians'.padEnd(62)}     direct     through   ratio\n`);
for (const { name, unit, direct, through, ratio, verdict } of rows) {
  process.stdout.write(
    `${name.padEnd(60)} ${cell(direct, unit)} ${cell(through, unit)} ${ratio.toFixed(2).padStart(6)}×  ${verdict}\n`,
  );
}
for (const line of notes) process.stdout.write(`${line}\n`);
if (values.json !== undefined) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
  writeFileSync(values.json, `${JSON.stringify({ machine, rounds, rows, notes, measurements }, null, 2)}\n`);
}
