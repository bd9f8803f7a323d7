// How connections reach us: what every way of interception gives and takes. Knows nothing of mail.
import type { Socket } from 'node:net';
import type { AddressRange } from '../contract/address-list.ts';
import type { ConnectionOwner, Endpoint, MailProtocol } from '../contract/connection.ts';
import type { PortRange } from '../contract/port-list.ts';
import type { Availability } from '../contract/state.ts';

/** A client's connection that has arrived here in place of its server. */
export interface IncomingConnection {
  /** Accepted with `allowHalfOpen` and `pauseOnConnect`: nothing has been read yet. */
  readonly socket: Socket;
  /** Where the client meant to go. */
  readonly destination: Endpoint;
  /** A fixed listener knows the protocol that was asked for; a redirected connection shows it. */
  readonly expected?: MailProtocol | undefined;
  /** The program at the client's end, as far as it can be found. */
  readonly owner: ConnectionOwner | undefined;
}

export type ConnectionHandler = (connection: IncomingConnection) => void;

/** What the kernel is to do, free of any syntax of it. */
export interface InterceptionPlan {
  readonly enabled: boolean;
  /** Destination ports that are redirected, merged. */
  readonly ports: readonly PortRange[];
  /** Destination addresses that are left alone, merged. */
  readonly excluded: readonly AddressRange[];
}

/** Source ports of our own upstream connections, which the redirect leaves alone (INTERCEPTION: reserved for us). */
export const upstreamSourcePorts: PortRange = { from: 61_000, to: 65_535 };

export interface InterceptionBackend {
  /** Sets everything up; an expected failure is `unavailable` with its reason, never an exception. */
  start(plan: InterceptionPlan): Promise<Availability>;
  /** Changes only what differs; open connections are not disturbed. */
  apply(plan: InterceptionPlan): Promise<Availability>;
  /** New connections go direct at once; the redirected ones live on until `stop`. May be called twice. */
  release(): Promise<void>;
  /** Takes everything down. May be called twice and after half a start. */
  stop(): Promise<void>;
}
