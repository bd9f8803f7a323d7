// The headless host: a core, its console, the ready line, and an orderly end.
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { ErrorCode } from '../../contract/error-codes.ts';
import type { CoreOptions } from '../core-arguments.ts';
import { type CoreHostOptions, endOnFaults, startCoreHost } from '../core-host.ts';
import { createLog } from '../log.ts';
import { rulesDirectory, summaryWorkerUrl, workerUrl } from '../scanner-files.ts';
import { createConsoleAuth } from './auth.ts';
import type { Console, ConsoleOptions } from './http.ts';
import { keepPublicCopy } from './public-ca.ts';
import { isLogged, readyLine } from './ready-line.ts';

export interface HeadlessOptions extends CoreOptions, Pick<CoreHostOptions, 'dataDir' | 'controlSocket'> {
  readonly console: Pick<ConsoleOptions, 'host' | 'port'> | 'off';
  /** A copy of the root's certificate is kept there for every user; its directory exists. */
  readonly publicCa?: string | undefined;
}

export type HeadlessEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string };

const rendererDir = resolve(import.meta.dirname, '../../../out/renderer');

/** Runs until SIGTERM or SIGINT, then drains; a second signal ends the process at once. */
export async function runHeadless(options: HeadlessOptions): Promise<HeadlessEnd> {
  const log = createLog({ write: (line) => process.stderr.write(line), now: () => new Date() });
  endOnFaults(log);
  const signalled = firstSignal();

  let running: Console | undefined;
  const { console: wanted, publicCa, ...ports } = options;
  const starting = startCoreHost({
    ...ports,
    workerUrl,
    summaryWorkerUrl,
    rulesDirectory,
    consoleUrl: () => running?.url(),
    hostEndpoints: () => running?.endpoints ?? [],
    log,
  });
  // The console's modules load while the core waits for its workers.
  const [started, http] = await Promise.all([starting, wanted === 'off' ? undefined : import('./http.ts')]);
  if (!started.ok) return { kind: 'failed', code: started.code, detail: started.detail };
  const { core, serveCalls, stop } = started.host;
  const copy = publicCa === undefined ? undefined : keepPublicCopy({ from: core.caPath, to: publicCa, log });

  if (http !== undefined && wanted !== 'off') {
    const result = await http.startConsole({
      ...wanted,
      rendererDir,
      auth: createConsoleAuth({ now: Date.now, randomBytes }),
      randomBytes,
      now: Date.now,
      serveCalls,
      log,
    });
    if (!result.ok) {
      await stop();
      return { kind: 'failed', code: result.code, detail: `console ${wanted.host}:${wanted.port}` };
    }
    running = result.console;
  }
  const facts = {
    ...core,
    pid: process.pid,
    readyMs: process.uptime() * 1_000,
    consoleUrl: running?.url(),
  };
  process.stdout.write(`${readyLine(facts, { logged: isLogged(process.env) })}\n`);

  await signalled;
  copy?.stop();
  await running?.stop();
  await stop();
  return { kind: 'stopped' };
}

/** Resolves at the first signal to end. */
function firstSignal(): Promise<void> {
  return new Promise((done) => {
    let signals = 0;
    for (const [signal, number] of [
      ['SIGINT', 2],
      ['SIGTERM', 15],
    ] as const) {
      process.on(signal, () => {
        // What a shell says of a program that a signal ended.
        if (++signals > 1) process.exit(128 + number);
        done();
      });
    }
  });
}
