// How a connection gets to its server: from where the client would have come, while the client waits; a server that is
// down is refused by the kernel before the client hears of it.
import { isIP, type Socket } from 'node:net';
import type { Endpoint } from '../contract/connection.ts';
import type { PortRange } from '../contract/port-list.ts';
import { createDownServers, type DownServersOptions, type Refusal } from './down-servers.ts';
import { sourceAddressFor } from './source-address.ts';
import { createDialer, type Dialled } from './upstream.ts';

export interface ReachOptions extends Pick<DownServersOptions, 'after' | 'now' | 'log'> {
  /** Source ports of upstream connections, when the kernel's redirect knows ours by them. */
  readonly sourcePorts: PortRange | undefined;
  /** Our own listeners and console are never dialled. */
  readonly isOwnEndpoint: (endpoint: Endpoint) => boolean;
  /** How the kernel refuses servers that are down; absent where it redirects nothing. */
  readonly refusal: Refusal | undefined;
}

export interface Reach {
  /** Connects to the server of a client's connection, or to `target` in its place. Fails when the client goes away. */
  dial(client: Socket, destination: Endpoint, target: Endpoint | undefined): Promise<Dialled>;
  /** May be called twice. */
  stop(): void;
}

/** One deadline for all tries to reach a server. */
const dialMs = 15_000;

export function createReach(options: ReachOptions): Reach {
  const { refusal, isOwnEndpoint, sourcePorts, after, now, log } = options;
  const dial = createDialer();
  const source = sourcePorts === undefined ? {} : { sourcePorts };
  const downServers =
    refusal &&
    createDownServers({
      refuse: (endpoint, ttlSeconds) => refusal.refuse(endpoint, ttlSeconds),
      admit: (endpoint) => refusal.admit(endpoint),
      async reach(endpoint, sourceAddress, timeoutMs) {
        const dialled = await dial({ endpoint, timeoutMs, isOwnEndpoint, sourceAddress, ...source });
        if (dialled.ok) dialled.socket.destroy();
        // What fails for want of something here is no sign that the server is down.
        return dialled.ok || !dialled.down;
      },
      after,
      now,
      log,
    });

  return {
    async dial(client, destination, target) {
      const abort = new AbortController();
      const onGone = () => abort.abort();
      client.once('close', onGone);
      const sourceAddress =
        target || !sourcePorts ? undefined : sourceAddressFor(client.remoteAddress, destination.address);
      const dialled = await dial({
        endpoint: target ?? destination,
        timeoutMs: dialMs,
        signal: abort.signal,
        isOwnEndpoint: target ? () => false : isOwnEndpoint,
        sourceAddress,
        ...source,
      });
      client.off('close', onGone);
      if (dialled.ok && client.destroyed) {
        dialled.socket.destroy();
        return { ok: false, reason: 'client-vanished', down: false };
      }
      // Before the client hears of it: its next try is to meet the refusal. A name is no destination of the kernel's.
      if (!dialled.ok && dialled.down && !target && isIP(destination.address) !== 0)
        await downServers?.down(destination, sourceAddress);
      return dialled;
    },
    stop: () => downServers?.stop(),
  };
}
