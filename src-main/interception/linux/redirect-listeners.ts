// Where redirected connections arrive: one random port on 127.0.0.1 and, where there is one, ::1; each connection with the
// destination that it was meant for, and its program.
import type { Socket } from 'node:net';
import type { ConnectionOwner, Endpoint } from '../../contract/connection.ts';
import { type Listener, listen } from '../accepting.ts';
import { type ConnectionHandler, upstreamSourcePorts } from '../backend.ts';
import type { RedirectTarget } from './helper-tables.ts';
import { type OriginalDestination, openOriginalDestination } from './original-destination.ts';

type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void;

export interface RedirectListenersOptions {
  readonly onConnection: ConnectionHandler;
  /** Takes a connection for itself; it is not handed on then. `destination`: undefined when the kernel does not know it. */
  readonly take: (socket: Socket, destination: Endpoint | undefined) => boolean;
  /** The program that connects `local` to `remote`, both as it sees them. */
  readonly findOwner: (local: Endpoint, remote: Endpoint) => Promise<ConnectionOwner | undefined>;
  /** The only user whose connections are redirected; undefined: all are. */
  readonly onlyUser: () => number | undefined;
  readonly log: Log;
  /** How the kernel is asked where a connection was meant to go. */
  readonly openDestination?: typeof openOriginalDestination;
}

export interface RedirectListeners extends RedirectTarget {
  /** Listens on ::1 as well, where there was none before; answers whether it does so only now. */
  addIpv6(): Promise<boolean>;
  /** Accepts no more; connections that were handed on live on. May be called twice. */
  close(): void;
}

export type RedirectListenersResult =
  | { readonly ok: true; readonly listeners: RedirectListeners }
  | {
      readonly ok: false;
      readonly reason: 'original-destination-unavailable' | 'listener-failed';
      readonly detail?: string;
    };

/** Tries for a random port that is free on both addresses. */
const portTries = 10;

class Acceptor {
  readonly #options: RedirectListenersOptions;
  readonly #originalDestination: OriginalDestination;
  readonly #waiting = new Set<Socket>();
  #refused = 0;

  constructor(options: RedirectListenersOptions, originalDestination: OriginalDestination) {
    this.#options = options;
    this.#originalDestination = originalDestination;
  }

  async accept(socket: Socket): Promise<void> {
    const { take, findOwner, onlyUser, onConnection } = this.#options;
    const { remoteAddress: address, remotePort: port } = socket;
    const destination = this.#originalDestination(socket);
    if (take(socket, destination)) return;
    const redirected =
      destination && (destination.port !== socket.localPort || destination.address !== socket.localAddress);
    if (!redirected || address === undefined || port === undefined)
      return this.#refuse(socket, 'not-redirected');
    this.#waiting.add(socket);
    const owner = await findOwner({ address, port }, destination);
    this.#waiting.delete(socket);
    const user = onlyUser();
    // The rules match that user's packets alone; a second lock costs nothing.
    if (user !== undefined && owner && owner.uid !== user) return this.#refuse(socket, 'not-our-user');
    if (!socket.destroyed) onConnection({ socket, destination, owner });
  }

  stop(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  #refuse(socket: Socket, why: string): void {
    socket.destroy();
    this.#refused++;
    // A program that keeps trying must not fill the log: the 1st, 2nd, 4th, 8th ... time.
    const isPowerOfTwo = (this.#refused & (this.#refused - 1)) === 0;
    if (isPowerOfTwo) this.#options.log(why, { refused: this.#refused });
  }
}

async function listenOnBoth(acceptor: Acceptor, log: Log): Promise<Listener[]> {
  const onSocket = (socket: Socket) => void acceptor.accept(socket);
  for (let tries = 0; tries < portTries; tries++) {
    const v4 = await listen('127.0.0.1', 0, onSocket);
    if (!v4.ok) return [];
    const { port } = v4.listener;
    const isReserved = port >= upstreamSourcePorts.from && port <= upstreamSourcePorts.to;
    const v6 = isReserved ? undefined : await listen('::1', port, onSocket);
    if (v6?.ok) return [v4.listener, v6.listener];
    if (v6 && v6.reason !== 'listener-busy') {
      log('no-ipv6', { code: v6.code });
      return [v4.listener];
    }
    v4.listener.close();
  }
  return [];
}

export async function openRedirectListeners(
  options: RedirectListenersOptions,
): Promise<RedirectListenersResult> {
  const destination = await (options.openDestination ?? openOriginalDestination)();
  if (!destination.ok)
    return { ok: false, reason: 'original-destination-unavailable', detail: destination.detail };
  const acceptor = new Acceptor(options, destination.originalDestination);
  const open = await listenOnBoth(acceptor, options.log);
  const [first] = open;
  if (!first) return { ok: false, reason: 'listener-failed' };
  const { port } = first;
  options.log('interception-ready', { port, ipv6: open.length > 1 });
  return {
    ok: true,
    listeners: {
      port,
      get ipv6() {
        return open.length > 1;
      },
      async addIpv6() {
        if (open.length > 1) return false;
        const added = await listen('::1', port, (socket) => void acceptor.accept(socket));
        if (added.ok) open.push(added.listener);
        return added.ok;
      },
      close() {
        for (const listener of open) listener.close();
        acceptor.stop();
      },
    },
  };
}
