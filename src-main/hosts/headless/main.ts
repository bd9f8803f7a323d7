// The headless host: a core, its console, the ready line, and an orderly end.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ErrorCode } from '../../contract/error-codes.ts';
import type { Ports } from '../../core/ports.ts';
import { startCoreHost } from '../core-host.ts';
import { createLog } from '../log.ts';
import { createConsoleAuth } from './auth.ts';
import { type Console, type ConsoleOptions, startConsole } from './http.ts';
import { readyLine } from './ready-line.ts';

export interface HeadlessOptions {
  readonly dataDir: string;
  /** A settings document, as JSON. */
  readonly settingsPath: string | undefined;
  readonly console: Pick<ConsoleOptions, 'host' | 'port'> | 'off';
  readonly intercept: Ports['intercept'];
  readonly listeners: Ports['listeners'];
  readonly upstreamCaPath: string | undefined;
  readonly print: (line: string) => void;
}

export type HeadlessEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail?: string };

const root = resolve(import.meta.dirname, '../../..');

/** Runs until SIGTERM or SIGINT, then drains; a second signal ends the process at once. */
export async function runHeadless(options: HeadlessOptions): Promise<HeadlessEnd> {
  const log = createLog({ write: (line) => process.stderr.write(line), now: () => new Date() });
  exitOnFaults(log);
  const stopAsked = askedToStop();

  let running: Console | undefined;
  const started = await startCoreHost({
    dataDir: options.dataDir,
    intercept: options.intercept,
    listeners: options.listeners,
    settings: options.settingsPath === undefined ? undefined : JSON.parse(readFileSync(options.settingsPath, 'utf8')),
    upstreamCaPath: options.upstreamCaPath,
    workerUrl: new URL('../../scanner/worker.ts', import.meta.url),
    rulesDirectory: resolve(root, 'src-main/scanner/rules'),
    consoleUrl: () => running?.url(),
    hostEndpoints: () => (running === undefined ? [] : running.endpoints),
    log,
  });
  if (!started.ok) return { kind: 'failed', code: started.code, detail: options.dataDir };
  const { host } = started;
}
