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
  /** Address that it leaves from, while this machine has it; else, and absent: as the system chooses. */
  readonly sourceAddress?: string | undefined;
  /** One deadline for all tries. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the connection any more. */
  readonly signal?: AbortSignal;
  /** Our own listeners and console, which are never dialled. */
  readonly isOwnEndpoint: (endpoint: Endpoint) => boolean;
}

export type Dialled =
  /** Connected, with `allowHalfOpen`; nothing reads from it yet, and an error handler stays on it. */
  | { readonly ok: true; readonly socket: Socket }
  /** `down`: the trouble is the server's or the way's to it, and not one of this machine. */
  | { readonly ok: false; readonly reason: ErrorCode; readonly down: boolean };

export type Dialer = (options: DialOptions) => Promise<Dialled>;

/**
 * A port is taken when somebody listens on it, or when the same server was reached from it and that connection still
 * lives. Both are rare in a range of thousands, and a try that fails costs no packet.
 */
const maxPortTries = 32;

/** In place of an idle limit, which IMAP IDLE would not survive. */
const keepAliveMs = 60_000;

/** Where a connection is to leave from. */
interface Source {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

type Attempt =
  | { readonly ok: true; readonly socket: Socket }
  | { readonly ok: false; readonly code: string | undefined; readonly syscall?: string | undefined };

function attempt(endpoint: Endpoint, source: Source, stop: AbortSignal): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = connect({
      host: endpoint.address,
      port: endpoint.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      ...(source.port === undefined ? {} : { localPort: source.port }),
      ...(source.address === undefined ? {} : { localAddress: source.address }),
    });
    const settle = (result: Attempt) => {
      socket.off('connect', onConnect).off('error', onError);
      stop.removeEventListener('abort', onStop);
      resolve(result);
    };
    const onConnect = () => settle({ ok: true, socket });
    const onError = (error: NodeJS.ErrnoException) =>
      settle({ ok: false, code: error.code, syscall: error.syscall });
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

/** The codes of a server that can't be reached; any other one is of this machine: no port, no descriptor, no right. */
const downCodes: ReadonlySet<string | undefined> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
]);

/**
 * Whether it is the source address that failed. Where it isn't this machine's, binding says so; from connecting,
 * EADDRNOTAVAIL means that the port already holds a connection to the same server. EINVAL: none that leads there.
 */
function isOfAddress({
  code,
  syscall,
}: {
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
}) {
  return code === 'EINVAL' || (code === 'EADDRNOTAVAIL' && syscall === 'bind');
}

/**
 * The source ports go round from a random one: those of a core that ran before may still be held by the system.
 * `random` gives a number from 0 to below 1.
 */
export function createDialer(random: () => number = Math.random): Dialer {
  let turn = Math.floor(random() * 65_536);

  async function tryPorts(options: DialOptions, stop: AbortSignal): Promise<Attempt> {
    const { endpoint, sourcePorts } = options;
    let address = options.sourceAddress;
    const count = sourcePorts ? sourcePorts.to - sourcePorts.from + 1 : 1;
    let last: Attempt = { ok: false, code: undefined };
    for (let tries = Math.min(count, maxPortTries); tries > 0 && !stop.aborted; tries--) {
      const port = sourcePorts && sourcePorts.from + (turn++ % count);
      last = await attempt(endpoint, { address, port }, stop);
      if (!last.ok && address !== undefined && isOfAddress(last)) {
        address = undefined;
        last = await attempt(endpoint, { port }, stop);
      }
      if (last.ok || (last.code !== 'EADDRINUSE' && last.code !== 'EADDRNOTAVAIL')) return last;
    }
    return last;
  }

  return async (options) => {
    const { endpoint, signal, timeoutMs, isOwnEndpoint } = options;
    if (isOwnEndpoint(endpoint)) return { ok: false, reason: 'upstream-own-endpoint', down: false };
    if (signal?.aborted) return { ok: false, reason: 'client-vanished', down: false };
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

    if (!result.ok) {
      const down = stopped === undefined ? downCodes.has(result.code) : stopped === 'upstream-timeout';
      return { ok: false, reason: stopped ?? reasonOf(result.code), down };
    }
    const { socket } = result;
    const { remoteAddress: address, remotePort: port } = socket;
    if (stopped !== undefined || address === undefined || port === undefined) {
      socket.destroy();
      return { ok: false, reason: stopped ?? 'server-vanished', down: false };
    }
    // A host name shows its address only now.
    if (isOwnEndpoint({ address, port })) {
      socket.destroy();
      return { ok: false, reason: 'upstream-own-endpoint', down: false };
    }
    return result;
  };
}
