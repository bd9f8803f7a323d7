// How the connections of the self-test come to the proxy: by the real redirect of the kernel, or, without it, by a door of
// our own that hands them over as the kernel would have.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { listen } from '../interception/accepting.ts';
import { type TestTarget, testAddress } from '../proxy/expected-tests.ts';
import type { MailProxy } from '../proxy/proxy.ts';

type Connect = (options: {
  readonly host: string;
  readonly port: number;
  readonly localPort: number;
}) => Socket;

export interface TestRoute {
  /** A connection to the test's address on `port`, which leads to `target` and has come to the proxy. Rejects when it
   *  does not, and when `signal` says so. */
  open(port: number, target: TestTarget, signal: AbortSignal): Promise<Socket>;
  close(): void;
}

export interface TestRouteParts {
  readonly proxy: Pick<MailProxy, 'accept' | 'expectTest'>;
  readonly random: (sizeBytes: number) => Uint8Array;
  readonly connect?: Connect | undefined;
}

/** The dynamic ports (RFC 6335 §6) below our upstream connections', which the redirect leaves alone. */
const clientPorts = { from: 49_152, to: 60_999 };

/** A port may be taken by another program; by how many in a row is no matter of chance any more. */
const portTries = 16;

const isTaken = (error: unknown) =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'EADDRINUSE' || error.code === 'EADDRNOTAVAIL');

/**
 * Connects from a port that is known before: the proxy is told of it first. `via` is where the connection really goes.
 */
async function openFrom(
  { proxy, random, connect: open = connect }: TestRouteParts,
  via: { readonly host: string; readonly port: number },
  target: TestTarget,
  signal: AbortSignal,
  announce: (localPort: number) => void,
): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    const [high = 0, low = 0] = random(2);
    const localPort = clientPorts.from + ((high * 256 + low) % (clientPorts.to - clientPorts.from + 1));
    const expected = proxy.expectTest(localPort, target);
    if (!expected) throw new Error('too many tests at once');
    announce(localPort);
    const socket = open({ ...via, localPort });
    try {
      await once(socket, 'connect', { signal });
      socket.on('error', () => socket.destroy());
      await Promise.race([expected.arrived, once(socket, 'close', { signal })]);
      if (socket.destroyed) throw new Error('the connection ended');
      return socket;
    } catch (error) {
      socket.on('error', () => socket.destroy());
      socket.destroy();
      if (!isTaken(error) || tries === portTries) throw error;
    } finally {
      expected.cancel();
    }
  }
}

/** By the kernel. */
export function kernelRoute(parts: TestRouteParts): TestRoute {
  return {
    open: (port, target, signal) =>
      openFrom(parts, { host: testAddress, port }, target, signal, () => undefined),
    close: () => undefined,
  };
}

/** Without the kernel. Rejects when this machine has no port for the door. */
export async function doorRoute(parts: TestRouteParts): Promise<TestRoute> {
  /** The ports that connections would have gone to, by the ports that they come from. */
  const announced = new Map<number, number>();
  const door = await listen('127.0.0.1', 0, (socket) => {
    const { remotePort = 0 } = socket;
    const port = announced.get(remotePort);
    announced.delete(remotePort);
    if (port === undefined) socket.destroy();
    else parts.proxy.accept({ socket, destination: { address: testAddress, port }, owner: undefined });
  });
  if (!door.ok) throw new Error(door.code);
  const { listener } = door;
  return {
    open(port, target, signal) {
      const via = { host: listener.host, port: listener.port };
      const byDoor = { proxy: parts.proxy, random: parts.random };
      return openFrom(byDoor, via, target, signal, (localPort) => announced.set(localPort, port));
    },
    close: () => listener.close(),
  };
}
