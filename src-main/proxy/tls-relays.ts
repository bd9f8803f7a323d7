// What TLS is not opened for, from experience: programs that refused a certificate of ours, and servers that can't be
// scanned. Each is tried again after its time.
import { createHash } from 'node:crypto';
import { assertNever } from '../contract/assert-never.ts';
import type { Endpoint, RelayReason } from '../contract/connection.ts';
import type { TlsRelay } from '../contract/trust.ts';

export interface NewTlsRelay {
  /** As `programOf` calls it; undefined: it is not known, or the reason is the server's. */
  readonly program: string | undefined;
  /** Whose program it is; of no account without its doing. */
  readonly uid?: number | undefined;
  readonly destination: Endpoint;
  /** The client's SNI. */
  readonly serverName: string | undefined;
  readonly reason: RelayReason;
  /** What was seen: an alert's name, or that the connection was closed. */
  readonly detail?: string | undefined;
}

export interface TlsRelays {
  /** What counts now for this program at this server: what was learnt of both, else of the server alone. */
  find(
    client: { readonly program: string | undefined; readonly uid?: number | undefined },
    destination: Endpoint,
    serverName: string | undefined,
  ): TlsRelay | undefined;
  add(relay: NewTlsRelay): void;
  /** Those that count now, the longest known first. */
  list(): TlsRelay[];
  /** Takes back those with these ids, or all; returns how many. */
  forget(ids?: readonly string[]): number;
}

export interface TlsRelaysOptions {
  readonly now: () => Date;
  readonly stored?: readonly TlsRelay[];
  /** Something was learnt, or taken back. */
  readonly onChange?: () => void;
}

const dayMs = 24 * 60 * 60 * 1_000;

/** Detail of a program that left without a word. */
export const leftSilently = 'closed';

/** How long it counts. A root that is put into a program's store later frees the program at once, by `forget`. */
function lifetimeMs({ reason, detail }: Pick<NewTlsRelay, 'reason' | 'detail'>): number {
  // Leaving may have had another cause (a person who changed their mind): tried again soon.
  if (reason === 'certificate-refused') return detail === leftSilently ? dayMs : 30 * dayMs;
  // A server may get a good certificate any day.
  if (reason === 'untrusted-certificate-refused') return 7 * dayMs;
  // Its administrator may have changed what was in the way.
  return dayMs;
}

/** The longest known go. No user has as many, but a network may make them up. */
export const maxRelays = 1_000;

/** Names know no case (RFC 4343) and may end with the root's dot. */
const tidy = (host: string) => host.toLowerCase().replace(/\.$/, '');

/** Names the entry too; a program's path is no secret, but an id is no place for 4 KiB of it. */
function keyOf({
  program,
  uid,
  server,
  port,
}: Pick<TlsRelay, 'program' | 'uid' | 'server' | 'port'>): string {
  return createHash('sha256')
    .update(JSON.stringify([program ?? null, uid ?? null, server, port]))
    .digest('hex')
    .slice(0, 32);
}

/** Where many names share an address, what is known of one says nothing of the others. */
const serverOf = (destination: Endpoint, serverName: string | undefined) =>
  tidy(serverName ?? destination.address);

/** Whether it was the program's doing. Of one that is not known it says nothing of those that are. */
function isOfProgram(reason: RelayReason): boolean {
  switch (reason) {
    case 'certificate-refused':
    case 'untrusted-certificate-refused':
    case 'client-tls':
      return true;
    case 'no-sign-in':
    case 'client-certificate':
    case 'server-tls':
    case 'tls-off':
    case 'tls-rule':
    case 'excluded-application':
    case 'excluded-address':
    case 'protection-off':
    case 'protocol-off':
    case 'not-mail':
      return false;
    default:
      return assertNever(reason);
  }
}

export function createTlsRelays({ now, stored = [], onChange }: TlsRelaysOptions): TlsRelays {
  const relays = new Map<string, TlsRelay>();
  for (const relay of stored.slice(-maxRelays)) {
    relays.set(keyOf(relay), relay);
  }

  function live(key: string): TlsRelay | undefined {
    const relay = relays.get(key);
    if (relay === undefined || Date.parse(relay.until) > now().getTime()) return relay;
    relays.delete(key);
    return undefined;
  }

  return {
    find({ program, uid }, destination, serverName) {
      const server = serverOf(destination, serverName);
      const { port } = destination;
      const own = live(keyOf({ program, uid, server, port }));
      if (own) return own;
      const general = live(keyOf({ server, port }));
      return general && !isOfProgram(general.reason) ? general : undefined;
    },
    add({ program, uid, destination, serverName, reason, detail }) {
      const server = serverOf(destination, serverName);
      const { port } = destination;
      const key = keyOf({ program, uid, server, port });
      const atMs = now().getTime();
      // Said again is known anew.
      relays.delete(key);
      relays.set(key, {
        id: key,
        ...(program === undefined ? {} : { program }),
        ...(uid === undefined ? {} : { uid }),
        server,
        port,
        reason,
        ...(detail === undefined ? {} : { detail }),
        at: new Date(atMs).toISOString(),
        until: new Date(atMs + lifetimeMs({ reason, detail })).toISOString(),
      });
      const [oldest] = relays.keys();
      if (relays.size > maxRelays && oldest !== undefined) relays.delete(oldest);
      onChange?.();
    },
    list: () => [...relays.keys()].flatMap((key) => live(key) ?? []),
    forget(ids) {
      const wanted = ids && new Set(ids);
      let forgotten = 0;
      for (const [key, { id }] of relays)
        if (!wanted || wanted.has(id)) forgotten += Number(relays.delete(key));
      if (forgotten > 0) onChange?.();
      return forgotten;
    },
  };
}
