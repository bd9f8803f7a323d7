// The core that the system runs for all its users: whether there is one, and how a host of one user speaks with it. Two
// cores must never redirect the same connections, so a host looks here before it starts a core of its own.
import { connect } from 'node:net';
import type { WebSocket } from 'ws';
import type { ErrorCode } from '../contract/error-codes.ts';
import { type CoreClient, coreClientOn, openCoreSocket } from './core-socket.ts';

export type SystemCore =
  | { readonly kind: 'none' }
  /** It runs, and this user may speak with it on `path`. */
  | { readonly kind: 'attach'; readonly path: string }
  /** It runs, and this user may neither see nor steer it. */
  | { readonly kind: 'closed'; readonly reason: ErrorCode };

/** A busy core accepts within moments; one that does not is as good as gone. */
const handshakeTimeoutMs = 5_000;
/** The largest answer is a list of programs with their icons, or of the whole quarantine: some MB. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Looks for a core behind a unix socket; rejects only for what says nothing about it (too many open files). */
export function findSystemCore(path: string): Promise<SystemCore> {
  return new Promise((done, fail) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      done({ kind: 'attach', path });
    });
    socket.once('error', (error) => {
      const found = meaningOf('code' in error ? error.code : undefined, path);
      if (found === undefined) fail(error);
      else done(found);
    });
  });
}

function meaningOf(code: unknown, path: string): SystemCore | undefined {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    // The file of a core that is dead.
    case 'ECONNREFUSED':
      return { kind: 'none' };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'closed', reason: 'system-core-running' };
    // Its queue is full (connect(2)): somebody listens.
    case 'EAGAIN':
      return { kind: 'attach', path };
    default:
      return undefined;
  }
}

/** Begins a WebSocket to the core behind a unix socket; whatever fails, it emits `close` in the end. */
export function connectCore(path: string): WebSocket {
  const socket = openCoreSocket(path, { handshakeTimeout: handshakeTimeoutMs, maxPayload: maxAnswerBytes });
  // `close` follows.
  socket.on('error', () => socket.terminate());
  return socket;
}

/** A client, or `undefined` when the core can't be reached now. Its calls fail once the core ends or `signal` aborts. */
export async function dialCore(path: string, signal: AbortSignal): Promise<CoreClient | undefined> {
  if (signal.aborted) return undefined;
  const socket = connectCore(path);
  const hangUp = () => socket.terminate();
  signal.addEventListener('abort', hangUp, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', hangUp));
  const opened = await new Promise<boolean>((done) => {
    socket.once('open', () => done(true));
    socket.once('close', () => done(false));
  });
  return opened ? coreClientOn(socket) : undefined;
}
