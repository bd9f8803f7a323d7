// What the client of a remote engine needs of a protocol: a look whether the server is there, and conversations in
// which it scans.
import { createConnection, Socket } from 'node:net';
import type { RemoteAnswer, RemoteEngine, RemoteSource } from './remote-engine.ts';

/** What one conversation made of one scan. */
export type Reply =
  | RemoteAnswer
  /** The server does not take so much, and said so. */
  | { readonly kind: 'too-large' }
  /** The conversation ended before its answer. */
  | { readonly kind: 'lost' };

export interface Session {
  /** Never rejects. After an abort the reply does not matter. `isRetry`: it was lost once, perhaps by its size. */
  ask(source: RemoteSource, signal: AbortSignal, isRetry: boolean): Promise<Reply>;
  /** Ends it, at once: what is under way is lost. May be called twice. */
  close(): void;
}

/** Whether a server is there. `failed`: it is, and can't scan. */
export type Probe =
  | {
      readonly kind: 'up';
      readonly version: string;
      /** Connections that it may be given at once. */
      readonly connections: number;
    }
  | { readonly kind: 'down' | 'failed'; readonly detail?: string };

export interface RemoteServer {
  readonly id: RemoteEngine['id'];
  /** Scans that one session takes at once. */
  readonly window: number;
  /** Larger items have a connection of their own, so that nothing is lost beside them. */
  readonly sharedBytes: number;
  /** Never rejects; ends by the signal at the latest. */
  probe(signal: AbortSignal): Promise<Probe>;
  /** `onVersion`: it says another version in passing. `onEnd`: the session has ended, once. */
  open(events: { onVersion(version: string): void; onEnd(): void }): Session;
}

/** Where a server listens. */
export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/** A connection to be; what goes wrong with it is told by its events. */
export function dial(endpoint: Endpoint): Socket {
  if ('path' in endpoint) return createConnection({ path: endpoint.path });
  const { host, port } = endpoint;
  if (port < 1 || port > 65_535) return new Socket().destroy(new Error('no such port'));
  // Without it the last piece of an answer may wait for 40 ms.
  return createConnection({ host, port, noDelay: true });
}
