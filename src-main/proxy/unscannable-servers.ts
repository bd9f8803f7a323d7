// Servers that leave a client of ours no way to sign in: from the next connection on they are relayed untouched, for a
// day, then tried again. Kept in memory only: after a restart each of them costs one connection more.
import type { Endpoint } from '../contract/connection.ts';

export interface UnscannableServers {
  /** Remembers a server under its address and, where the client said one, the name of its certificate. */
  add(destination: Endpoint, serverName: string | undefined): void;
  /** `host`: an address or a name. */
  has(host: string, port: number): boolean;
}

/** A server is offered to a scan again after this: its administrator may have added a way to sign in. */
const rememberedMs = 24 * 60 * 60 * 1_000;

/** Names and addresses; the longest known go. No user has as many, but a network may make them up. */
const maxServers = 1_000;

/** Names know no case (RFC 4343) and may end with the root's dot. */
function keyOf(host: string, port: number): string {
  return `${host.toLowerCase().replace(/\.$/, '')} ${port}`;
}

export function createUnscannableServers(now: () => Date): UnscannableServers {
  /** Until when, in milliseconds since the epoch. */
  const until = new Map<string, number>();

  function remember(key: string): void {
    // Said again is known anew.
    until.delete(key);
    until.set(key, now().getTime() + rememberedMs);
    const [oldest] = until.keys();
    if (until.size > maxServers && oldest !== undefined) until.delete(oldest);
  }

  return {
    add({ address, port }, serverName) {
      remember(keyOf(address, port));
      if (serverName !== undefined) remember(keyOf(serverName, port));
    },
    has(host, port) {
      const key = keyOf(host, port);
      const untilMs = until.get(key);
      if (untilMs === undefined) return false;
      if (untilMs > now().getTime()) return true;
      until.delete(key);
      return false;
    },
  };
}
