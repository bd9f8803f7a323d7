// Connections to servers: from the source ports that the redirect leaves alone, within one deadline, and never to
// ourselves. Knows no TLS and no mail.
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { PortRange } from '../contract/port-list.ts';

export interface DialOptions {
  /** An address, or the host name that a fixed listener was given. */
  readonly endpoint: Endpoint;
  /** Where the connection leaves from; absent: as the system chooses. */
  readonly sourcePorts?: PortRange;
  /** One deadline for all tries. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the connection any more. */
  readonly signal?: AbortSignal;
  /** Our own listeners and console, which are never dialled. */
  readonly isOwnEndpoint: (endpoint: Endpoint) => boolean;
}

export type Dialled =
  /** Connected, with `allowHalfOpen`; nothing reads from it yet, and an error handler stays on it. */
  { readonly ok: true; readonly socket: Socket } | { readonly ok: false; readonly reason: ErrorCode };

export type Dialer = (options: DialOptions) => Promise<Dialled>;

/**
 * A port is taken when somebody listens on it, or when the same server was reached from it and that connection still
 * lives. Both are rare in a range of thousands, and a try that fails costs no packet.
 */
const maxPortTries = 32;

/** In place of an idle limit, which IMAP IDLE would not survive. */
const keepAliveMs = 60_000;

type Attempt =
  | { readonly ok: true; readonly socket: Socket }
  | { readonly ok: false; readonly code: string | undefined };

function attempt(endpoint: Endpoint, localPort: number | undefined, stop: AbortSignal): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = connect({
      host: endpoint.address,
      port: endpoint.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      ...(localPort === undefined ? {} : { localPort }),
    });
    const settle = (result: Attempt) => {
      socket.off('connect', onConnect).off('error', onError);
      stop.removeEventListener('abort', onStop);
      resolve(result);
    };
    const onConnect = () => settle({ ok: true, socket });
    const onError = (error: NodeJS.ErrnoException) => settle({ ok: false, code: error.code });
    const onStop = () => {
      settle({ ok: false, code: undefined });
      socket.destroy();
    };
    // Stays when the connection stands: a reset that comes while nobody else listens must not end the process.
    socket.on('error', () => socket.destroy());
    socket.on('connect', onConnect).on('error', onError);
    stop.addEventListener('abort', onStop);
  });
}

function reasonOf(code: string | undefined): ErrorCode {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return 'upstream-refused';
    case 'ETIMEDOUT':
      return 'upstream-timeout';
    default:
      return 'upstream-unreachable';
  }
}

/**
 * The source ports go round from a random one: those of a core that ran before may still be held by the system.
 * `random` gives a number from 0 to below 1.
 */
export function createDialer(random: () => number = Math.random): Dialer {
  let turn = Math.floor(random() * 65_536);

  async function tryPorts(options: DialOptions, stop: AbortSignal): Promise<Attempt> {
    const { endpoint, sourcePorts } = options;
    if (!sourcePorts) return await attempt(endpoint, undefined, stop);
    const count = sourcePorts.to - sourcePorts.from + 1;
    let last: Attempt = { ok: false, code: undefined };
    for (let tries = Math.min(count, maxPortTries); tries > 0 && !stop.aborted; tries--) {
      last = await attempt(endpoint, sourcePorts.from + (turn++ % count), stop);
      if (last.ok || (last.code !== 'EADDRINUSE' && last.code !== 'EADDRNOTAVAIL')) return last;
    }
    return last;
  }

  return async (options) => {
    const { endpoint, signal, timeoutMs, isOwnEndpoint } = options;
    if (isOwnEndpoint(endpoint)) return { ok: false, reason: 'upstream-own-endpoint' };
    if (signal?.aborted) return { ok: false, reason: 'client-vanished' };
    const stop = new AbortController();
    let stopped: ErrorCode | undefined;
    const stopFor = (reason: ErrorCode) => {
      stopped ??= reason;
      stop.abort();
    };
    const timer = setTimeout(() => stopFor('upstream-timeout'), timeoutMs);
    const onVanished = () => stopFor('client-vanished');
    signal?.addEventListener('abort', onVanished);
    const result = await tryPorts(options, stop.signal);
    clearTimeout(timer);
    signal?.removeEventListener('abort', onVanished);

    if (!result.ok) return { ok: false, reason: stopped ?? reasonOf(result.code) };
    const { socket } = result;
    const { remoteAddress: address, remotePort: port } = socket;
    if (stopped !== undefined || address === undefined || port === undefined) {
      socket.destroy();
      return { ok: false, reason: stopped ?? 'server-vanished' };
    }
    // A host name shows its address only now.
    if (isOwnEndpoint({ address, port })) {
      socket.destroy();
      return { ok: false, reason: 'upstream-own-endpoint' };
    }
    return result;
  };
}
