// Servers that can't be reached. To a client behind a redirect each server looks alive, for we are who accepts: so a
// server that is down is refused by the kernel, as it would refuse itself, and the client tries its next address. Our own
// tries tell when it is back. Nothing is ever passed unscanned for it.
import type { Endpoint } from '../contract/connection.ts';

/** What refuses connections to a server in the kernel. */
export interface Refusal {
  /** Until `admit`, or for `ttlSeconds`. */
  refuse(endpoint: Endpoint, ttlSeconds: number): Promise<void>;
  admit(endpoint: Endpoint): Promise<void>;
}

export interface DownServersOptions extends Refusal {
  /** Whether the server can be reached now, asked from `sourceAddress`; takes no longer than `timeoutMs`. */
  readonly reach: (
    endpoint: Endpoint,
    sourceAddress: string | undefined,
    timeoutMs: number,
  ) => Promise<boolean>;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly now: () => Date;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface DownServers {
  /** A client's connection could not be made. Resolves when the next one is refused, or soon in any case. */
  down(endpoint: Endpoint, sourceAddress: string | undefined): Promise<void>;
  /** Ends the tries; what is refused is admitted by its time. May be called twice. */
  stop(): void;
}

/** Waits before the first tries; from then on the last one. */
const waitsMs = [1_000, 2_000, 4_000, 8_000, 15_000];

/** A SYN that was lost twice is answered within it. */
const tryMs = 10_000;

/** What a renewal may come late. */
const marginMs = 5_000;

/** A server that is down for longer is tried again when a client asks for it. */
const giveUpMs = 30 * 60_000;

/** A client tries again at once: worth a wait until it is refused, but not one for a kernel that does not answer. */
const refuseWaitMs = 500;

/** A network that fails takes a user's few servers with it; each costs a try every 15 s. */
const maxServers = 256;

interface Down {
  readonly endpoint: Endpoint;
  readonly sourceAddress: string | undefined;
  readonly sinceMs: number;
  tries: number;
  cancel: () => void;
}

export function createDownServers(options: DownServersOptions): DownServers {
  const { after, log } = options;
  const servers = new Map<string, Down>();
  let stopped = false;

  async function ask(what: 'refuse' | 'admit', endpoint: Endpoint, asking: Promise<void>): Promise<void> {
    try {
      await asking;
    } catch (error) {
      log(`${what}-failed`, { ...endpoint, error: String(error) });
    }
  }

  /** Refuses until behind the next try, and waits for that. */
  async function refuseUntilTry(key: string, server: Down): Promise<void> {
    const waitMs = waitsMs[Math.min(server.tries, waitsMs.length - 1)] ?? 0;
    server.cancel = after(waitMs, () => void tryAgain(key, server));
    const { endpoint } = server;
    const ttlSeconds = Math.ceil((waitMs + tryMs + marginMs) / 1_000);
    await ask('refuse', endpoint, options.refuse(endpoint, ttlSeconds));
  }

  async function tryAgain(key: string, server: Down): Promise<void> {
    server.tries++;
    const reached = await options.reach(server.endpoint, server.sourceAddress, tryMs);
    if (stopped) return;
    const { endpoint } = server;
    if (reached) {
      servers.delete(key);
      log('upstream-back', { ...endpoint, tries: server.tries });
      await ask('admit', endpoint, options.admit(endpoint));
    } else if (options.now().getTime() - server.sinceMs >= giveUpMs) {
      servers.delete(key);
      log('upstream-given-up', { ...endpoint, tries: server.tries });
    } else {
      await refuseUntilTry(key, server);
    }
  }

  return {
    async down(endpoint, sourceAddress) {
      const key = `${endpoint.address} ${endpoint.port}`;
      // A connection that was made before the server was refused; or one too many, which is reset each time.
      if (stopped || servers.has(key) || servers.size >= maxServers) return;
      const server: Down = {
        endpoint,
        sourceAddress,
        sinceMs: options.now().getTime(),
        tries: 0,
        cancel: () => undefined,
      };
      servers.set(key, server);
      log('upstream-down', { ...endpoint });
      const { promise: waited, resolve } = Promise.withResolvers<void>();
      const cancel = after(refuseWaitMs, resolve);
      await Promise.race([refuseUntilTry(key, server), waited]);
      cancel();
    },
    stop() {
      stopped = true;
      for (const { cancel } of servers.values()) cancel();
      servers.clear();
    },
  };
}
