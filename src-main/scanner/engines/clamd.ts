// clamd as an engine: on a unix socket or a TCP port, several messages at once on a few connections.
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { ClamdSession, readTexts, sharedBytes } from './clamd-session.ts';
import { type RemoteClientOptions, remoteClient } from './remote-client.ts';
import type { RemoteEngine } from './remote-engine.ts';
import { dial, type Endpoint, type Probe } from './remote-server.ts';
import { detailOf } from './threat-name.ts';

/** Where clamd listens on Debian, Fedora and Arch. */
const clamdSockets: readonly string[] = [
  '/var/run/clamav/clamd.ctl',
  '/run/clamd.scan/clamd.sock',
  '/run/clamav/clamd.ctl',
];

/** Shared connections: one that waits for a large answer leaves the other; more of them were not faster. */
const connections = 2;

/** Unanswered scans of one connection: enough to keep clamd busy, and not many to be sent again. */
const window = 4;

/** The first of `candidates` that is a socket; undefined: there is no clamd. */
export function findClamd(candidates: readonly string[] = clamdSockets): string | undefined {
  return candidates.find((path) => statSync(path, { throwIfNoEntry: false })?.isSocket() === true);
}

/** `HOST:PORT`, `[IPV6]:PORT`, or the absolute path of a socket; undefined for anything else. */
export function parseClamdAddress(address: string): Endpoint | undefined {
  if (address.startsWith('/')) return { path: address };
  const [, bracketed, name, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(address) ?? [];
  const host = bracketed ?? name;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** The answer to one command on a connection of its own; undefined when there is none. */
function command(endpoint: Endpoint, word: string, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(undefined);
      return;
    }
    const socket: Socket = dial(endpoint);
    const close = () => socket.destroy();
    const take = (text: string) => {
      resolve(text);
      close();
      return false;
    };
    signal.addEventListener('abort', close, { once: true });
    readTexts(socket, take, close);
    // `close` follows.
    socket.on('error', close);
    socket.on('close', () => {
      signal.removeEventListener('abort', close);
      resolve(undefined);
    });
    socket.write(`z${word}\0`);
  });
}

async function probe(endpoint: Endpoint, signal: AbortSignal): Promise<Probe> {
  const pong = await command(endpoint, 'PING', signal);
  if (pong === undefined) return { kind: 'down' };
  if (pong !== 'PONG') return { kind: 'down', detail: detailOf(pong) ?? 'answer' };
  const version = await command(endpoint, 'VERSION', signal);
  if (version === undefined) return { kind: 'down' };
  // It may be forbidden to say (EnableVersionCommand).
  const said = version.startsWith('ClamAV ') ? detailOf(version) : undefined;
  return { kind: 'up', version: said ?? 'ClamAV', connections };
}

export interface ClamdOptions extends RemoteClientOptions {
  readonly endpoint: Endpoint;
}

/** Connects from now on, until it is stopped. */
export function openClamd({ endpoint, ...options }: ClamdOptions): RemoteEngine {
  return remoteClient(
    {
      id: 'clamd',
      window,
      sharedBytes,
      probe: (signal) => probe(endpoint, signal),
      open: ({ onEnd }) => new ClamdSession({ endpoint, after: options.after, onEnd }),
    },
    options,
  );
}
