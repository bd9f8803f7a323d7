// What the core and the netfilter helper say to each other: one JSON object a line, each way. No line carries text for nft:
// numbers, addresses as hexadecimal digits, and words of fixed lists. Pure.

import type { HelperProblem } from './helper-problems.ts';

/** Raised when a line comes to mean something else; a helper that was installed earlier is then told to be renewed. */
export const helperProtocol = 1;

/** The longest line: the most elements that a plan can have (`maxElements`), some 80 octets each. */
export const maxLineBytes = 256 * 1024;

/** Elements of all sets in one request. */
export const maxElements = 3_000;

/** The core says that it lives this often; after `silenceMs` without a line its redirect is taken away. */
export const heartbeatMs = 2_000;
export const silenceMs = 10_000;

/** Remembered endpoints stay this long at most. */
export const maxTtlSeconds = 30 * 24 * 60 * 60;

/** Greetings by which the kernel finds plain mail on any port. */
export type Greeting = 'imap' | 'pop3';

/** Inclusive ports, 1 to 65535. */
export type PortElement = readonly [from: number, to: number];
/** Inclusive addresses: 8 (IPv4) or 32 (IPv6) lower-case hexadecimal digits. */
export type AddressElement = readonly [from: string, to: string];
/** A server's address and port, and for how many seconds it stays in the set. */
export type EndpointElement = readonly [address: string, port: number, ttlSeconds: number];

/**
 * Elements by set. `ports`: destination ports that are redirected; `bridges`: ports that are redirected on addresses of this
 * machine; `skip4|6`: servers left alone; `found4|6`: endpoints redirected whatever their port; `down4|6`: endpoints that are
 * refused as they would refuse themselves.
 */
export interface Elements {
  readonly ports?: readonly PortElement[];
  readonly bridges?: readonly PortElement[];
  readonly skip4?: readonly AddressElement[];
  readonly skip6?: readonly AddressElement[];
  readonly found4?: readonly EndpointElement[];
  readonly found6?: readonly EndpointElement[];
  readonly down4?: readonly EndpointElement[];
  readonly down6?: readonly EndpointElement[];
}

/** One end of a connection: an address as in `AddressElement`, and a port. */
export type End = readonly [address: string, port: number];

export type HelperRequest =
  /** Makes the table and fills it, in one transaction. `block`: mail that is not redirected is refused, also when the
   *  helper is gone, until a request says otherwise; the block holds the same elements. */
  | {
      readonly id: number;
      readonly do: 'open';
      readonly listen: number;
      readonly ipv6: boolean;
      readonly detect: readonly Greeting[];
      readonly block: boolean;
      readonly add: Elements;
    }
  /** Changes an open table, in one transaction. What has run out meanwhile may be removed all the same. `block`: `true` makes
   *  the same change in the block that stands, elements put up a block with these in place of any, `false` removes it. */
  | {
      readonly id: number;
      readonly do: 'change';
      readonly detect: readonly Greeting[];
      readonly block: Elements | boolean;
      readonly remove: Elements;
      readonly add: Elements;
    }
  /** Takes the redirect away; a block stays unless `block` is false. */
  | { readonly id: number; readonly do: 'close'; readonly block: boolean }
  /** Ends established connections of the helper's user, given as their programs see them. */
  | {
      readonly id: number;
      readonly do: 'end';
      readonly connections: readonly (readonly [local: End, remote: End])[];
    }
  /** Which process holds a socket; answered for all users' sockets by the system core's helper alone. */
  | { readonly id: number; readonly do: 'owner'; readonly inode: number; readonly uid: number }
  /** Nothing but a sign of life; not answered. */
  | { readonly do: 'alive' };

/** Connections in one `end`. */
export const maxEnded = 256;

export type HelperOutcome =
  | { readonly ok: true; readonly answer?: HelperAnswer }
  | { readonly ok: false; readonly reason: HelperProblem; readonly detail?: string };

export type HelperLine =
  /** The first line. `user`: whose connections are covered; `denied`: ports that are never redirected, by rule. */
  | {
      readonly hello: number;
      readonly user: number | 'all';
      readonly nft: string;
      readonly denied: readonly PortElement[];
    }
  | ({ readonly id: number } & HelperOutcome)
  /** The last line: why the helper ends. */
  | { readonly end: HelperProblem; readonly detail?: string };

export interface HelperAnswer {
  /** `open`: how greetings are found: by the payload (`ih`), by offsets of the usual TCP headers (`th`), or not at all. */
  readonly greetings?: 'ih' | 'th' | 'none';
  /** `end`: how many. */
  readonly ended?: number;
  /** `owner`. */
  readonly owner?: {
    readonly pid: number;
    readonly path?: string;
    readonly sandboxId?: string;
    readonly script?: string;
  };
}
