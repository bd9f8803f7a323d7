// Everything that a running core needs around it, the same for every host: its data directory and lock, its ports, and
// the unix socket on which commands reach it.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { RPCHandler } from '@orpc/server/ws';
import type { ErrorCode } from '../contract/error-codes.ts';
import { type Core, startCore } from '../core/core.ts';
import type { Clock, Ports } from '../core/ports.ts';
import { takeCoreLock } from './core-lock.ts';
import { openDataDir, socketPath } from './data-dir.ts';
import type { Log } from './log.ts';
import { createCallServer, type ServeCalls } from './headless/rpc.ts';
import { startSocketServer } from './headless/socket-server.ts';

export interface CoreHostOptions
  extends Pick<Ports, 'intercept' | 'listeners' | 'settings' | 'consoleUrl' | 'hostEndpoints' | 'workerUrl' | 'rulesDirectory'> {
  readonly dataDir: string;
  readonly upstreamCaPath: string | undefined;
  readonly log: Log;
}

export interface CoreHost {
  readonly core: Core;
  /** Answers calls on WebSockets of the host's own. */
  readonly serveCalls: ServeCalls;
  /** Drains and ends the core, then lets the data directory go. */
  stop(): Promise<void>;
}

export type CoreHostResult =
  | { readonly ok: true; readonly host: CoreHost }
  | { readonly ok: false; readonly code: ErrorCode };

const clock: Clock = {
  now: () => new Date(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Starts a core on a data directory that has none yet; rejects with the system's error for a file that can't be read. */
export async function startCoreHost(options: CoreHostOptions): Promise<CoreHostResult> {
  const { dataDir, upstreamCaPath, ...ports } = options;
  // Every file and socket below is for its owner alone, whoever makes it.
  process.umask(0o077);
  const upstreamCa = upstreamCaPath === undefined ? undefined : readFileSync(upstreamCaPath, 'utf8');
  openDataDir(dataDir);
  const lock = takeCoreLock(dataDir);
  if (lock === undefined) return { ok: false, code: 'already-running' };
  const core = await startCore({
    ...ports,
    dataDir,
    upstreamCa,
    clock,
    random: randomBytes,
    hostname: hostname(),
    uid: process.geteuid?.() ?? 0,
  });
  const serveCalls = createCallServer(new RPCHandler(core.router));
  const socket = await startSocketServer(socketPath(dataDir), serveCalls);
  return {
    ok: true,
    host: {
      core,
      serveCalls,
      async stop() {
        await socket.stop();
        await core.stop();
        lock.release();
      },
    },
  };
}
