// A relay in front of a server: counts what passes, keeps what clients say for a test to read, and may make the way longer.
import { connect, createServer, type Socket } from 'node:net';

interface Octets {
  /** To the server. */
  readonly up: number;
  /** From the server. */
  readonly down: number;
}

export interface Relay {
  readonly port: number;
  /** All so far. */
  octets(): Octets;
  /** What each client has said, connection by connection; with `record` alone. */
  said(): Buffer[];
  stop(): Promise<void>;
}

export interface RelayOptions {
  /** Port of the server, at 127.0.0.1. */
  readonly target: number;
  /** One way; a round trip takes twice this. Every chunk is late by it, so that the throughput stays. */
  readonly delayMs?: number;
  readonly record?: boolean;
}

/** On their way at a time: more than any loopback carries within a delay, so that a slow reader alone meets it. */
const maxUnderwayBytes = 64 * 1024 * 1024;

export async function startRelay({ target, delayMs = 0, record = false }: RelayOptions): Promise<Relay> {
  const octets = { up: 0, down: 0 };
  const connections: Buffer[][] = [];
  const open = new Set<Socket>();

  const later = (task: () => void) => {
    if (delayMs === 0) task();
    // Timers of the same length fire in the order in which they were set.
    else setTimeout(task, delayMs);
  };
  const pump = (from: Socket, to: Socket, onBytes: (bytes: Buffer) => void) => {
    let underwayBytes = 0;
    from.on('data', (bytes) => {
      onBytes(bytes);
      underwayBytes += bytes.length;
      if (underwayBytes > maxUnderwayBytes) from.pause();
      later(() =>
        to.write(bytes, () => {
          underwayBytes -= bytes.length;
          if (from.isPaused()) from.resume();
        }),
      );
    });
    from.on('end', () => later(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => open.delete(from));
    open.add(from);
    from.setNoDelay(true);
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true });
    const said: Buffer[] = [];
    connections.push(said);
    pump(client, upstream, (bytes) => {
      octets.up += bytes.length;
      if (record) said.push(bytes);
    });
    pump(upstream, client, (bytes) => {
      octets.down += bytes.length;
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the relay has no port');
  return {
    port: address.port,
    octets: () => ({ ...octets }),
    said: () => connections.map((each) => Buffer.concat(each)),
    async stop() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
