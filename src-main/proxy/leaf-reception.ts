// How a client takes a leaf of ours: whether mail goes through it, or the client refuses it, by an alert in the handshake
// or after it (TLS 1.3), or by leaving without a word. From a refusal on, its connections to the server are relayed.
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Leaf } from '../certificates/leaf.ts';
import type { Endpoint, RelayReason } from '../contract/connection.ts';
import { type AcceptedClient, alertOf } from './tls.ts';
import { type NewTlsRelay, leftSilently as silently } from './tls-relays.ts';

/** Which programs have sent something under a leaf of ours to a server, since the core runs. */
export interface TakenLeaves {
  has(key: string): boolean;
  add(key: string): void;
}

/** One a program and server; the longest known go, and would have to be refused once more to be noticed. */
const maxTaken = 1_000;

export function createTakenLeaves(): TakenLeaves {
  const keys = new Set<string>();
  return {
    has: (key) => keys.has(key),
    add(key) {
      keys.delete(key);
      keys.add(key);
      const [oldest] = keys;
      if (keys.size > maxTaken && oldest !== undefined) keys.delete(oldest);
    },
  };
}

/**
 * No program gives up on a silent server sooner. One that leaves after it may have done so for the silence, which
 * anyone on the way can make; that must not switch off its scanning.
 */
const patienceMs = 5_000;

/** Alerts (RFC 8446 §6.2) over the handshake itself; every other one is taken for a word on the certificate. */
const handshakeAlerts: ReadonlySet<string> = new Set([
  'unexpected-message',
  'bad-record-mac',
  'decryption-failed',
  'record-overflow',
  'decompression-failure',
  'handshake-failure',
  'illegal-parameter',
  'decode-error',
  'protocol-version',
  'insufficient-security',
  'inappropriate-fallback',
  'no-renegotiation',
  'missing-extension',
  'unsupported-extension',
  'unrecognized-name',
  'no-application-protocol',
]);

/** Alerts by which a client may also end a handshake that takes too long (Java's does). */
const impatientAlerts: ReadonlySet<string> = new Set(['internal-error', 'user-cancelled']);

/** What is known of a server that greets first: nothing yet, that it lets clients in, or that it does not. */
type Greeting = 'none' | 'welcome' | 'unwelcome';

function greetingOf(said: Buffer): Greeting {
  if (said.length === 0) return 'none';
  return /^(?:\*(?! BYE)|\+)/i.test(said.toString('latin1', 0, 16)) ? 'welcome' : 'unwelcome';
}

export interface LeafReceptionOptions {
  readonly leaf: Leaf;
  /** Whether it is signed by the root that programs are to trust. */
  readonly trusted: boolean;
  readonly program: string | undefined;
  /** Whose program it is: another user's may ask other stores, and may mean harm. */
  readonly uid: number | undefined;
  readonly destination: Endpoint;
  readonly serverName: string | undefined;
  readonly mayRelay: boolean;
  /** When the connection was accepted: from then on the client may have been kept waiting, by the dial first. */
  readonly since: Date;
  /** The server has greeted before TLS, and waits for the client's first word. */
  readonly startTls: boolean;
  readonly taken: TakenLeaves;
  readonly now: () => Date;
  readonly onKnown: (accepted: boolean) => void;
  readonly onRefused: (detail: string) => void;
  readonly onLearnt: (relay: NewTlsRelay) => void;
}

export interface LeafReception {
  /** The handshake did not come to its end. */
  failed(result: Extract<AcceptedClient, { readonly ok: false }>): void;
  /** It did: from here on both legs are watched. */
  shaken(client: Socket, server: Socket): void;
  /** The client's leg is read from by listeners from here on. `said`: what the server has said until now. */
  flowing(said: Buffer): void;
  /** Whether the client has left without a word so soon that the server's greeting is to be waited for. */
  isLeaving(): boolean;
  /** The connection is ended by us or by the server: what the client does from here on means nothing. */
  drop(): void;
}

/** Octets of the client have come, read or not. */
const hasSpoken = (client: Socket) => client.readableDidRead || client.readableLength > 0;

export function createLeafReception(options: LeafReceptionOptions): LeafReception {
  const { leaf, trusted, program, uid, destination, serverName, taken, now } = options;
  // Under another root a program may think otherwise.
  const [, issuer = ''] = leaf.certPem.split(/(?<=-----END CERTIFICATE-----)/);
  const key = createHash('sha256')
    .update(
      JSON.stringify([
        program ?? null,
        uid ?? null,
        serverName?.toLowerCase() ?? destination.address,
        destination.port,
        issuer.trim(),
      ]),
    )
    .digest('hex');
  const startedMs = now().getTime();
  const sinceMs = options.since.getTime();
  /** Before it could see the leaf; it may have been gone by then. */
  const wasKeptWaiting = startedMs - sinceMs >= patienceMs;
  let isKnown = false;
  let greeting: Greeting = options.startTls ? 'welcome' : 'none';
  let isLeaving = false;
  let legs: { readonly client: Socket; readonly server: Socket } | undefined;

  const isServerGone = () => legs !== undefined && (legs.server.readableEnded || legs.server.destroyed);

  function took(): void {
    if (isKnown) return;
    isKnown = true;
    taken.add(key);
    options.onKnown(true);
  }

  function refused(reason: RelayReason, detail: string): void {
    if (isKnown) return;
    isKnown = true;
    options.onRefused(detail);
    if (reason !== 'client-tls') options.onKnown(false);
    if (options.mayRelay) options.onLearnt({ program, uid, destination, serverName, reason, detail });
  }

  const certificateRefused = (detail: string) =>
    refused(trusted ? 'certificate-refused' : 'untrusted-certificate-refused', detail);

  function alerted(alert: string): void {
    if (wasKeptWaiting && impatientAlerts.has(alert)) return;
    if (handshakeAlerts.has(alert)) refused('client-tls', alert);
    else certificateRefused(alert);
  }

  /** What took it once refuses it aloud, or left for another reason. */
  function leftSilently(): void {
    if (!taken.has(key)) certificateRefused(silently);
  }

  function left(): void {
    if (isKnown || isLeaving || !legs) return;
    if (hasSpoken(legs.client)) took();
    else if (greeting === 'welcome' && !isServerGone()) leftSilently();
    else if (greeting === 'none' && !isServerGone() && now().getTime() - sinceMs < patienceMs)
      isLeaving = true;
    else isKnown = true;
  }

  return {
    failed({ end, alert }) {
      if (end === 'alert') alerted(alert ?? 'alert');
      else if (end === 'incompatible') refused('client-tls', alert ?? end);
      else if (end === 'closed' && !wasKeptWaiting) leftSilently();
    },
    shaken(client, server) {
      legs = { client, server };
      client.on('error', (error) => {
        const alert = alertOf(error);
        if (alert === undefined || hasSpoken(client)) left();
        else alerted(alert);
      });
      client.on('end', left).on('close', left);
    },
    flowing(said) {
      if (!legs) return;
      if (greeting === 'none') greeting = isServerGone() ? 'unwelcome' : greetingOf(said);
      if (isLeaving && greeting === 'welcome') leftSilently();
      if (isKnown || isLeaving) return;
      if (hasSpoken(legs.client)) took();
      else legs.client.once('data', took);
    },
    isLeaving: () => isLeaving && !isKnown,
    drop() {
      isKnown = true;
    },
  };
}
