// One scanned connection in this process: a real session with a real engine between two pairs of sockets, whose outer
// ends the test plays. Spools and quarantine stay in memory.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ErrorCode } from '../../src-main/contract/error-codes.ts';
import type { Engine } from '../../src-main/protocols/engine.ts';
import { createImapEngine } from '../../src-main/protocols/imap/engine.ts';
import { createPop3Engine } from '../../src-main/protocols/pop3/engine.ts';
import { Session } from '../../src-main/proxy/session.ts';
import { memoryQuarantine, memorySpools, memoryVerdicts } from '../../src-main/proxy/testing.fixture.ts';
import type { Scanner } from '../../src-main/scanner/pool.ts';

export type Spoken = 'imap' | 'pop3';

/** Makes connected pairs over one listener: a new one for each pair would cost more than the test. */
export class SocketPairs {
  readonly #listener: Server;
  /** By the port of the outer end, whichever of the two is there first. */
  readonly #waiting = new Map<number, (inner: Socket) => void>();
  readonly #arrived = new Map<number, Socket>();

  private constructor(listener: Server) {
    this.#listener = listener;
    listener.on('connection', (inner: Socket) => {
      const port = inner.remotePort ?? 0;
      const wanted = this.#waiting.get(port);
      if (wanted) wanted(inner);
      else this.#arrived.set(port, inner);
    });
  }

  static async open(): Promise<SocketPairs> {
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new SocketPairs(listener);
  }

  /** What a peer sees, and what the proxy holds. */
  async pair(): Promise<{ outer: Socket; inner: Socket }> {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const outer = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    await once(outer, 'connect');
    const local = outer.localPort ?? 0;
    const inner =
      this.#arrived.get(local) ?? (await new Promise<Socket>((resolve) => this.#waiting.set(local, resolve)));
    this.#waiting.delete(local);
    this.#arrived.delete(local);
    for (const socket of [outer, inner]) socket.on('error', () => socket.destroy());
    return { outer, inner };
  }

  close(): void {
    this.#listener.close();
  }
}

export interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** All that the client has received, as latin1. */
  readonly atClient: () => string;
  /** Why the session ended; `undefined` for an end without a reason. */
  readonly ended: Promise<ErrorCode | undefined>;
  /** Spools that were not dropped. */
  readonly liveSpools: () => number;
  /** Ends what is left of it. */
  close(): void;
}

export interface LinkOptions {
  readonly pairs: SocketPairs;
  readonly spoken: Spoken;
  readonly scanner: Scanner;
  /** Whether `atClient` keeps what comes; default: yes. */
  readonly keepsReceived?: boolean;
}

function engineFor(spoken: Spoken): Engine {
  return spoken === 'imap' ? createImapEngine({ tls: true }) : createPop3Engine({ tls: true });
}

/** Opens a session whose server has said `greeting`. */
export async function openLink(
  { pairs, spoken, scanner, keepsReceived = true }: LinkOptions,
  greeting: string,
): Promise<Link> {
  const [client, server] = await Promise.all([pairs.pair(), pairs.pair()]);
  const spools = memorySpools();
  const { promise: ended, resolve } = Promise.withResolvers<ErrorCode | undefined>();
  let got = '';
  client.outer.on('data', (bytes: Buffer) => {
    if (keepsReceived) got += bytes.toString('latin1');
  });
  const session = new Session({
    client: client.inner,
    server: server.inner,
    engine: engineFor(spoken),
    forwarded: Buffer.alloc(0),
    keepAliveMs: 3_600_000,
    onNoSignIn: () => undefined,
    onTls: () => undefined,
    onRelay: () => undefined,
    upgrade: async () => ({ kind: 'failed', reason: 'client-tls-failed' }),
    onEnd: resolve,
    delivery: {
      spools,
      scanner,
      quarantine: memoryQuarantine(),
      summarise: async () => ({}),
      verdicts: memoryVerdicts(),
      treatment: { neutralise: true, needsEngines: false, tag: undefined },
      server: 'mail.example.test',
      onOutcome: () => undefined,
    },
  });
  session.start(Buffer.from(greeting, 'latin1'));
  return {
    client: client.outer,
    server: server.outer,
    atClient: () => got,
    ended,
    liveSpools: () => spools.live(),
    close() {
      session.close(undefined);
      client.outer.destroy();
      server.outer.destroy();
    },
  };
}
