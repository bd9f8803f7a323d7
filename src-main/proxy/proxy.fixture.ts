// A stage for tests of the whole proxy: plain servers, a proxy whose rooms are in memory, and clients that arrive at it.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionOwner, Endpoint, RelayReason } from '../contract/connection.ts';
import { defaultSettings, type MailTransportSettings, type TlsSettings } from '../contract/settings.ts';
import type { ClientHandshake } from './handling.ts';
import { createProxy, type MailProxy, type ProxyOptions } from './proxy.ts';
import { rulesFrom } from './rules.ts';
import {
  memoryQuarantine,
  memorySpools,
  memoryVerdicts,
  received,
  socketPair,
  wordScanner,
} from './testing.fixture.ts';
import { createTlsRelays } from './tls-relays.ts';

export interface FakeServer {
  readonly endpoint: Endpoint;
  readonly sockets: Socket[];
  heard(): string;
}

/** What it opens ends with `clear`, which is called after each test. */
export function createStage() {
  const teardown: (() => unknown)[] = [];
  async function startServer(
    greeting: string,
    answer?: (line: string, socket: Socket) => void,
  ): Promise<FakeServer> {
    const sockets: Socket[] = [];
    let heard = '';
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on('error', () => socket.destroy());
      socket.write(greeting);
      socket.on('end', () => socket.end());
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.toString('latin1');
        answer?.(bytes.toString('latin1'), socket);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    teardown.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    return { endpoint: { address: '127.0.0.1', port }, sockets, heard: () => heard };
  }

  function startProxy(settings: Partial<MailTransportSettings> = {}, changes: Partial<ProxyOptions> = {}) {
    const current = {
      settings: { ...defaultSettings.mailTransport, ...settings },
      tls: defaultSettings.tls,
      revision: 1,
    };
    const now = changes.now ?? (() => new Date('2026-01-01T00:00:00Z'));
    const handshakes: ClientHandshake[] = [];
    const relays = createTlsRelays({ now });
    const outcomes: string[] = [];
    const relayed: RelayReason[] = [];
    const log: Readonly<Record<string, unknown>>[] = [];
    const proxy: MailProxy = createProxy({
      certificates: {
        caPath: '',
        roots: () => [],
        replace: async () => undefined,
        maintain: async () => undefined,
        promote: async () => false,
        leafFor: async () => {
          throw new Error('no TLS in these tests');
        },
      },
      scanner: wordScanner(),
      spools: memorySpools(),
      quarantine: memoryQuarantine(),
      verdicts: memoryVerdicts(),
      tlsRelays: relays,
      rules: () =>
        rulesFrom(
          { ...defaultSettings, mailTransport: current.settings, tls: current.tls },
          current.revision,
        ),
      sourcePorts: undefined,
      extraCa: undefined,
      isOwnEndpoint: () => false,
      summarise: async () => ({}),
      events: {
        connectionsChanged: () => undefined,
        message: (event) => outcomes.push(event.outcome),
        relayed: (reason) => relayed.push(reason),
        handshake: (handshake) => handshakes.push(handshake),
      },
      log: (event, fields) => log.push({ event, ...fields }),
      now,
      ...changes,
    });
    teardown.push(() => proxy.stop());
    const change = (patch: Partial<MailTransportSettings>) => {
      current.settings = { ...current.settings, ...patch };
      current.revision++;
    };
    const changeTls = (patch: Partial<TlsSettings>) => {
      current.tls = { ...current.tls, ...patch };
      current.revision++;
    };
    return { proxy, outcomes, relayed, log, handshakes, relays, change, changeTls };
  }

  async function arrive(proxy: MailProxy, destination: Endpoint, owner?: ConnectionOwner) {
    const { outer, inner } = await socketPair();
    teardown.push(() => outer.destroy());
    const got = received(outer);
    proxy.accept({ socket: inner, destination, owner });
    return { client: outer, got };
  }

  async function clear(): Promise<void> {
    for (const undo of teardown.splice(0).reverse()) await undo();
  }

  return { teardown, startServer, startProxy, arrive, clear };
}
