// How connections reach us: what every way of interception gives and takes. Knows nothing of mail.
import type { Socket } from 'node:net';
import type { AddressRange } from '../contract/address-list.ts';
import type { ConnectionOwner, Endpoint } from '../contract/connection.ts';
import type { PortRange } from '../contract/port-list.ts';
import type { Availability, Remark } from '../contract/state.ts';

/** A client's connection that has arrived here in place of its server. */
export interface IncomingConnection {
  /** Accepted with `allowHalfOpen` and `pauseOnConnect`: nothing has been read yet. */
  readonly socket: Socket;
  /** Where the client meant to go. */
  readonly destination: Endpoint;
  /** The program at the client's end, as far as it can be found. */
  readonly owner: ConnectionOwner | undefined;
}

export type ConnectionHandler = (connection: IncomingConnection) => void;

/** A server where plain mail was found on a port of its own. */
export interface FoundEndpoint extends Endpoint {
  readonly until: Date;
}

/** What the kernel is to do, free of any syntax of it. */
export interface InterceptionPlan {
  readonly enabled: boolean;
  /** Destination ports that are redirected, merged. */
  readonly ports: readonly PortRange[];
  /** Ports that are redirected on addresses of this machine itself, merged. */
  readonly localPorts: readonly PortRange[];
  /** Destination addresses that are left alone, merged. */
  readonly excluded: readonly AddressRange[];
  /** Plain mail of these protocols is found on any port, by the server's greeting. */
  readonly detect: readonly ('imap' | 'pop3')[];
  /** Endpoints that were found before, redirected from the first connection on. */
  readonly found: readonly FoundEndpoint[];
  /** When the core is gone, mail is refused in place of going directly. */
  readonly blockWhenStopped: boolean;
  /** The same, whether enabled or not: a block of an earlier core may stand, and is lifted. */
  readonly blockChosen: boolean;
}

/** Source ports of our own upstream connections, which the redirect leaves alone (INTERCEPTION: reserved for us). */
export const upstreamSourcePorts: PortRange = { from: 61_000, to: 65_535 };

/** What an interception does, and what it can't do here or leaves out by rule. */
export interface InterceptionState {
  readonly availability: Availability;
  readonly remarks: readonly Remark[];
}

/** The process that holds a socket, and its program. */
export interface SocketHolder {
  readonly pid: number;
  readonly path?: string;
  readonly sandboxId?: string;
  readonly script?: string;
}

/** A connection that was open before the interception began, as its program sees it. */
export interface DirectConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

export interface InterceptionBackend {
  /** Begins what takes long, on the way to the first plan; changes nothing yet. */
  prepare(): void;
  /** Sets everything up; an expected failure is `unavailable` with its reason, never an exception. */
  start(plan: InterceptionPlan): Promise<InterceptionState>;
  /** Changes only what differs; open connections are not disturbed. */
  apply(plan: InterceptionPlan): Promise<InterceptionState>;
  /** Tests the way of a connection from here through the kernel to us; tries again what is unavailable. */
  retry(): Promise<InterceptionState>;
  /** Refuses connections to a server that can't be reached, as it would itself; for `ttlSeconds`, or until `admit`. */
  refuse(endpoint: Endpoint, ttlSeconds: number): Promise<void>;
  admit(endpoint: Endpoint): Promise<void>;
  /** Mail connections of the covered users that go past us; `known` says which ones don't. */
  directConnections(known: (connection: DirectConnection) => boolean): Promise<readonly DirectConnection[]>;
  /** Ends connections that go past us; answers how many. */
  endDirect(connections: readonly DirectConnection[]): Promise<number>;
  /** The process behind another user's socket, where the helper may say it. */
  ownerOf(inode: number, uid: number): Promise<SocketHolder | undefined>;
  /** New connections go direct at once; the redirected ones live on until `stop`. May be called twice. */
  release(): Promise<void>;
  /** Takes everything down. May be called twice and after half a start. */
  stop(): Promise<void>;
}
