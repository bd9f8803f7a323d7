// For the tests of remote engines: time that passes when it is told to, and servers on loopback that say what they are
// told to.
import { createServer, type Server, type Socket } from 'node:net';
import type { RemoteSource } from './remote-engine.ts';

export interface ManualTime {
  now(): number;
  after(delayMs: number, callback: () => void): () => void;
  /** Lets so much time pass, with what is due in it, in order. */
  pass(ms: number): void;
  /** Delays of what is waited for. */
  readonly pending: readonly number[];
}

export function manualTime(): ManualTime {
  let now = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const [due] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!due) break;
        timers = timers.filter((other) => other !== due);
        now = due.at;
        due.callback();
      }
      now = end;
    },
    get pending() {
      return timers.map(({ at }) => at - now);
    },
  };
}

export interface FakeServer {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  readonly open: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** `serve`: once for each connection. */
export async function fakeServer(serve: (socket: Socket) => void, port = 0): Promise<FakeServer> {
  const open = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    serve(socket);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    get connections() {
      return connections;
    },
    open,
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

export const bytesOf = (text: string | Uint8Array): RemoteSource & { readonly kind: 'bytes' } => ({
  kind: 'bytes',
  bytes: typeof text === 'string' ? Buffer.from(text, 'latin1') : text,
});

/** Resolves when it is so, looked at between the turns of the event loop. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((next) => setImmediate(next));
}

/** Never aborts. */
export const nobodyAborts: AbortSignal = new AbortController().signal;
