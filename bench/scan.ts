// `postern scan` on folders of mail: scanning time as the verdicts report it, so without the start of the process.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { posternPath } from '../e2e/support/core.ts';
import { bigMessage, smallMessages } from '../e2e/support/messages.ts';
import type { Bench } from './bench.ts';

const run = promisify(execFile);

export async function benchScan(bench: Bench): Promise<void> {
  const sets = {
    '1,000 messages of 7 KB': smallMessages(1_000),
    '10 messages of 20 MB': Array.from({ length: 10 }, (_, i) => bigMessage(`big-${i}`, 20 * 1024 * 1024)),
  };
  for (const [name, messages] of Object.entries(sets)) {
    const folder = join(bench.directory, name.replace(/\W+/g, '-'));
    mkdirSync(folder);
    for (const message of messages) writeFileSync(join(folder, `${message.name}.eml`), message.wire);
    const bytes = messages.reduce((sum, message) => sum + message.wire.length, 0);
    const taken: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      const { stdout } = await run(posternPath, ['scan', '--json', folder], { maxBuffer: 64 * 1024 * 1024 });
      const inside = stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { ms: number }).ms);
      taken.push(inside.reduce((sum, ms) => sum + ms, 0));
    }
    const ms = taken.toSorted((a, b) => a - b)[Math.floor(taken.length / 2)] ?? Number.NaN;
    bench.note(
      `postern scan, ${name}: ${(ms / messages.length).toFixed(2)} ms a message, ${(bytes / 1_000 / ms).toFixed(0)} MB/s of scanning time`,
    );
  }
}
