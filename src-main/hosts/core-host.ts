// Everything that a running core needs around it, the same for every host: its data directory and lock, its ports, and
// the unix socket on which commands reach it.
import { randomBytes } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { RPCHandler } from '@orpc/server/ws';
import type { ErrorCode } from '../contract/error-codes.ts';
import { type Core, startCore } from '../core/core.ts';
import type { Log, Ports } from '../core/ports.ts';
import { takeCoreLock } from './core-lock.ts';
import { openDataDir, socketPath } from './data-dir.ts';
import { createCallServer, type ServeCalls } from './headless/rpc.ts';
import { type SocketServer, startSocketServer } from './headless/socket-server.ts';
import { systemClock } from './system-clock.ts';
import { findAdministrator } from './trust-route.ts';

/** The same for every host. */
type SuppliedPorts = 'administrator' | 'clock' | 'homeDir' | 'hostname' | 'random' | 'uid';

/** What differs from host to host. */
export interface CoreHostOptions extends Omit<Ports, SuppliedPorts> {
  /** Commands are answered there, too, for the group of this process; its directory exists. */
  readonly controlSocket?: string | undefined;
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
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** A fault ends the process: the kernel then takes the redirect away, and mail goes directly to its servers. */
export function endOnFaults(log: Log): void {
  // Rejections that nobody handles arrive here, too (node's default for them).
  process.on('uncaughtException', (error) => {
    log('fault', { error });
    process.exit(1);
  });
}

/** Starts a core on a data directory that has none running yet. */
export async function startCoreHost(options: CoreHostOptions): Promise<CoreHostResult> {
  // Every file and socket that is made from here on is for its owner alone, whoever makes it.
  process.umask(0o077);
  openDataDir(options.dataDir);
  const lock = takeCoreLock(options.dataDir);
  if (lock === undefined) return { ok: false, code: 'already-running', detail: options.dataDir };
  const started = await startCore({
    ...options,
    clock: systemClock,
    random: randomBytes,
    hostname: hostname(),
    homeDir: homedir(),
    administrator: findAdministrator,
    uid: process.geteuid?.() ?? 0,
  }).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  if (!started.ok) {
    lock.release();
    return started;
  }
  const { core } = started;
  const serveCalls = createCallServer(new RPCHandler(core.router));
  const sockets: SocketServer[] = [];
  const stop = async () => {
    for (const socket of sockets) await socket.stop();
    await core.stop();
    lock.release();
  };
  try {
    sockets.push(await startSocketServer(socketPath(options.dataDir), serveCalls));
    if (options.controlSocket !== undefined) {
      sockets.push(await startSocketServer(options.controlSocket, serveCalls, { group: true }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { ok: true, host: { core, serveCalls, stop } };
}
