// Listens to both sides of a new connection until it is known what they speak; opens implicit TLS on the way.
import type { Socket } from 'node:net';
import { detectClient, detectServer } from '../protocols/detect.ts';
import { greetingBytes } from '../protocols/limits.ts';
import { nextChunk } from './next-chunk.ts';
import type { Upgrade } from './tls-legs.ts';

/** Both legs of a connection and what they have said so far. */
export interface Legs {
  client: Socket;
  server: Socket;
  tls: boolean;
  /** Said by the server, not yet passed on. */
  greeting: Buffer;
  /** Said by the client, already passed on. */
  forwarded: Buffer;
}

export type Spoken =
  | { readonly kind: 'imap' | 'pop3' | 'not-mail' }
  /** TLS is not opened, or could not be. */
  | Exclude<Upgrade, { readonly kind: 'open' }>;

export interface RecogniseOptions {
  /** The client's first octets are of TLS, and lie in its socket. */
  readonly openTls: (client: Socket, server: Socket) => Promise<Upgrade>;
  /** Whether the client has left inside TLS in such a way that the server's greeting is still waited for. */
  readonly isLeaving: () => boolean;
}

/** A greeting that does not come at once is none that a client which has left could have waited for. */
const lateGreetingMs = 10_000;

/** Octets that a client may say before the server has said anything, before it is no mail. */
const clientFirstBytes = 64 * 1024;

async function lateGreeting(legs: Legs): Promise<void> {
  const { server } = legs;
  const timer = setTimeout(() => server.destroy(), lateGreetingMs);
  const { bytes } = await nextChunk({ server });
  clearTimeout(timer);
  if (bytes) legs.greeting = Buffer.concat([legs.greeting, bytes]);
}

/** Changes `legs` as it learns; what it has read of the server stays in `greeting`, for whoever takes over. */
export async function recognise(legs: Legs, options: RecogniseOptions): Promise<Spoken> {
  let undecided = Buffer.alloc(0);
  let clientIsPlain = false;
  for (;;) {
    const { from, bytes } = await nextChunk({ client: legs.client, server: legs.server });
    if (from === 'server') {
      legs.greeting = Buffer.concat([legs.greeting, bytes ?? Buffer.alloc(0)]);
      const spoken = bytes ? detectServer(legs.greeting) : 'not-mail';
      if (spoken !== 'need-more') return { kind: spoken };
      if (legs.greeting.length > greetingBytes) return { kind: 'not-mail' };
      continue;
    }
    undecided = Buffer.concat([undecided, bytes ?? Buffer.alloc(0)]);
    const heard = legs.tls || clientIsPlain || !bytes ? 'not-tls' : detectClient(undecided);
    if (heard === 'need-more') continue;
    if (heard === 'tls') {
      legs.client.unshift(undecided);
      const upgrade = await options.openTls(legs.client, legs.server);
      if (upgrade.kind !== 'open') return upgrade;
      legs.client = upgrade.client;
      legs.server = upgrade.server;
      legs.tls = true;
      undecided = Buffer.alloc(0);
      continue;
    }
    if (!bytes && options.isLeaving()) {
      await lateGreeting(legs);
      return { kind: 'failed', reason: 'client-vanished' };
    }
    // The client speaks first, in the clear. The server hears it, and its answer decides.
    clientIsPlain = true;
    if (undecided.length > 0) legs.server.write(undecided);
    legs.forwarded = Buffer.concat([legs.forwarded, undecided]);
    undecided = Buffer.alloc(0);
    if (!bytes || legs.forwarded.length > clientFirstBytes) return { kind: 'not-mail' };
  }
}
