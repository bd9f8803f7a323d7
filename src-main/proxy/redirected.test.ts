// What the proxy does for connections that the kernel redirects to it: servers that are down, the client's own address,
// plain mail that was found, and more connections than there are descriptors for.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Endpoint } from '../contract/connection.ts';
import { createStage } from './proxy.fixture.ts';
import { socketPair } from './testing.fixture.ts';

const { teardown, startServer, startProxy, arrive, clear } = createStage();
afterEach(clear);

const sourcePorts = { from: 61_000, to: 65_535 };
const ignored = { connectionsChanged: () => undefined, message: () => undefined, relayed: () => undefined };

async function downServer(): Promise<Endpoint> {
  const { endpoint } = await startServer('');
  await teardown.pop()?.();
  return endpoint;
}

describe('a server that refuses', () => {
  function refusing() {
    const happened: string[] = [];
    const due: { readonly delayMs: number; readonly callback: () => void }[] = [];
    return {
      happened,
      due,
      changes: {
        sourcePorts,
        refusal: {
          refuse: async (_: Endpoint, ttlSeconds: number) => void happened.push(`refuse ${ttlSeconds}`),
          admit: async () => void happened.push('admit'),
        },
        after(delayMs: number, callback: () => void) {
          due.push({ delayMs, callback });
          return () => undefined;
        },
      },
    };
  }

  test('is refused in the kernel before its client hears of it', async () => {
    const endpoint = await downServer();
    const { happened, changes } = refusing();
    const { proxy } = startProxy({}, changes);
    const { client } = await arrive(proxy, endpoint);
    client.on('error', () => happened.push('reset'));
    await once(client, 'close').catch(() => undefined);
    await vi.waitFor(() => expect(happened).toEqual(['refuse 16', 'reset']));
  });

  test('is admitted when a try of ours reaches it, which leaves from our own ports', async () => {
    const server = await startServer('* OK ready\r\n');
    const port = server.endpoint.port;
    await teardown.pop()?.();
    const { happened, due, changes } = refusing();
    const { proxy } = startProxy({}, changes);
    await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(due.some(({ delayMs }) => delayMs === 1_000)).toBe(true));
    const seen: number[] = [];
    const again = createServer((socket) => {
      seen.push(socket.remotePort ?? 0);
      socket.on('error', () => socket.destroy());
    }).listen(port, '127.0.0.1');
    teardown.push(() => again.close());
    await once(again, 'listening');
    due.find(({ delayMs }) => delayMs === 1_000)?.callback();
    await vi.waitFor(() => expect(happened).toEqual(['refuse 16', 'admit']));
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    expect(seen[0]).toBeGreaterThanOrEqual(sourcePorts.from);
  });

  test.each([
    ['by its name', { address: 'localhost' }, {}],
    ['that is ourselves', {}, { isOwnEndpoint: () => true }],
  ])('%s is not', async (_, where, more) => {
    const endpoint = { ...(await downServer()), ...where };
    const { happened, changes } = refusing();
    const { proxy, log } = startProxy({}, { ...changes, ...more });
    await arrive(proxy, endpoint);
    await vi.waitFor(() => expect(log).toMatchObject([{ event: 'connection-ended' }]));
    expect(happened).toEqual([]);
  });
});

describe("the client's own address", () => {
  async function arriveFrom(localAddress: string, changes: Parameters<typeof startProxy>[1]) {
    const server = await startServer('* OK ready\r\n');
    const { proxy } = startProxy({}, changes);
    const door = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      proxy.accept({ socket, destination: server.endpoint, owner: undefined }),
    ).listen(0, '127.0.0.1');
    teardown.push(() => door.close());
    await once(door, 'listening');
    const address = door.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const client = connect({ host: '127.0.0.1', port, localAddress });
    teardown.push(() => client.destroy());
    client.on('error', () => client.destroy());
    await vi.waitFor(() => expect(server.sockets).toHaveLength(1));
    return server.sockets[0]?.remoteAddress;
  }

  test('is what its server sees', async () => {
    expect(await arriveFrom('127.0.0.9', { sourcePorts })).toBe('127.0.0.9');
  });

  test('is not where nothing is redirected', async () => {
    expect(await arriveFrom('127.0.0.9', {})).toBe('127.0.0.1');
  });
});

describe('plain mail that was found', () => {
  test.each([
    ['* OK ready\r\n', ['imap']],
    ['+OK ready\r\n', ['pop3']],
    ['220 smtp\r\n', []],
  ])('%j', async (greeting, found) => {
    const plainMailFound = vi.fn();
    const server = await startServer(greeting);
    const { proxy } = startProxy({}, { events: { ...ignored, plainMailFound } });
    const { got } = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(got()).toBe(greeting));
    expect(plainMailFound.mock.calls).toEqual(found.map((protocol) => [server.endpoint, protocol]));
  });
});

describe('more connections than there is room for', () => {
  test('are reset and told of at the 1st, 2nd, 4th ... time; one that ends makes room', async () => {
    const server = await startServer('* OK ready\r\n');
    const { proxy, log } = startProxy({}, { maxConnections: 2 });
    const first = await arrive(proxy, server.endpoint);
    await arrive(proxy, server.endpoint);
    for (let over = 1; over <= 5; over++) {
      const { outer, inner } = await socketPair();
      const reset = once(outer, 'error');
      proxy.accept({ socket: inner, destination: server.endpoint, owner: undefined });
      expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
    }
    expect(log.map(({ event, reason, refused }) => [event, reason, refused])).toEqual(
      [1, 2, 4].map((count) => ['connection-refused', 'too-many-connections', count]),
    );
    expect(proxy.connections()).toHaveLength(2);
    await vi.waitFor(() => expect(first.got()).toContain('ready'));
    first.client.destroy();
    await vi.waitFor(() => expect(proxy.connections()).toHaveLength(1));
    const { got } = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(got()).toBe('* OK ready\r\n'));
  });
});

describe("the self-test's address", () => {
  const destination: Endpoint = { address: '192.0.2.77', port: 143 };

  test('leads nowhere for who was not announced', async () => {
    const { proxy, log, relayed } = startProxy();
    const { client } = await arrive(proxy, destination);
    expect(await once(client, 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(proxy.connections()).toEqual([]);
    expect([log, relayed]).toEqual([[], []]);
  });

  test('leads to its server once, where nothing is counted, shown or left alone', async () => {
    const server = await startServer('* OK ready\r\n', (line, socket) => {
      if (line.includes('FETCH')) socket.write('* 1 FETCH (UID 1 BODY[] {7}\r\na VIRUS)\r\na OK done\r\n');
    });
    const counting = vi.fn();
    const events = {
      connectionsChanged: counting,
      message: counting,
      relayed: counting,
      plainMailFound: counting,
    };
    const { proxy } = startProxy(
      { enabled: false, scanImap: false, excludedAddresses: [{ address: '0.0.0.0/0' }] },
      { maxConnections: 0, events },
    );
    const { outer, inner } = await socketPair();
    teardown.push(() => outer.destroy());
    const expected = proxy.expectTest(inner.remotePort ?? 0, { server: server.endpoint, ca: '' });
    let got = '';
    outer.on('data', (octets: Buffer) => {
      got += octets.toString();
    });
    proxy.accept({ socket: inner, destination, owner: { uid: 0, path: '/usr/bin/curl' } });
    await expected?.arrived;
    await vi.waitFor(() => expect(got).toContain('ready'));
    outer.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(got).toContain('a .....'));
    expect(proxy.connections()).toEqual([]);
    expect(counting).not.toHaveBeenCalled();
    const closed = once(outer, 'close').catch(() => undefined);
    await proxy.stop();
    await closed;
  });
});
