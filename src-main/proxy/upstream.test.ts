import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Endpoint } from '../contract/connection.ts';
import { createDialer, type Dialled, type DialOptions } from './upstream.ts';

const sourcePorts = { from: 61_000, to: 65_535 };
const cleanups: (() => void)[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(): Promise<{ server: Server; endpoint: Endpoint; accepted: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection').then(([socket]: Socket[]) => {
    if (!socket) throw new Error('no socket');
    cleanups.push(() => socket.destroy());
    return socket;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  return { server, endpoint: { address, port }, accepted };
}

function socketOf(dialled: Dialled): Socket {
  if (!dialled.ok) throw new Error(dialled.reason);
  const { socket } = dialled;
  cleanups.push(() => socket.destroy());
  return socket;
}

const options = (endpoint: Endpoint): DialOptions => ({
  endpoint,
  timeoutMs: 15_000,
  isOwnEndpoint: () => false,
});

describe('createDialer', () => {
  it('gives a socket whose halves end by themselves', async () => {
    const { endpoint, accepted } = await listen();
    const socket = socketOf(await createDialer()(options(endpoint)));
    const peer = await accepted;
    socket.end('question');
    const received: Buffer[] = [];
    for await (const chunk of peer.iterator({ destroyOnReturn: false })) received.push(chunk);
    expect(Buffer.concat(received).toString()).toBe('question');
    peer.end('answer');
    const [answer] = await once(socket, 'data');
    expect(answer.toString()).toBe('answer');
  });

  it('keeps what the server says first until somebody reads', async () => {
    const { endpoint, accepted } = await listen();
    const socket = socketOf(await createDialer()(options(endpoint)));
    (await accepted).write('* OK ready\r\n');
    await once(socket, 'readable');
    expect(socket.read()?.toString()).toBe('* OK ready\r\n');
  });

  it('survives a reset that nobody waits for', async () => {
    const { endpoint, accepted } = await listen();
    const socket = socketOf(await createDialer()(options(endpoint)));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    (await accepted).resetAndDestroy();
    expect(await closed).toBe(true);
  });

  it('tells a refusal from a network that is not there', async () => {
    const { server, endpoint } = await listen();
    server.close();
    await once(server, 'close');
    expect(await createDialer()(options(endpoint))).toEqual({
      ok: false,
      reason: 'upstream-refused',
      down: true,
    });
    // A broadcast address: the system refuses it before any packet leaves.
    const nowhere = { address: '255.255.255.255', port: 143 };
    expect(await createDialer()(options(nowhere))).toMatchObject({
      ok: false,
      reason: 'upstream-unreachable',
    });
  });

  it('says unreachable of a name that does not resolve', async () => {
    // A label of 64 octets (RFC 1035 §2.3.4): no resolver asks anybody for it.
    const unknown = { address: `${'x'.repeat(64)}.example`, port: 143 };
    expect(await createDialer()(options(unknown))).toEqual({
      ok: false,
      reason: 'upstream-unreachable',
      down: false,
    });
  });

  it('gives up at its deadline', async () => {
    const { endpoint } = await listen();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const dialled = createDialer()(options(endpoint));
    vi.advanceTimersByTime(15_000);
    expect(await dialled).toEqual({ ok: false, reason: 'upstream-timeout', down: true });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind', async () => {
    const { endpoint } = await listen();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    socketOf(await createDialer()(options(endpoint)));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops when nobody waits any more', async () => {
    const { endpoint } = await listen();
    const abort = new AbortController();
    const dialled = createDialer()({ ...options(endpoint), signal: abort.signal });
    abort.abort();
    expect(await dialled).toEqual({ ok: false, reason: 'client-vanished', down: false });
    expect(await createDialer()({ ...options(endpoint), signal: abort.signal })).toEqual({
      ok: false,
      reason: 'client-vanished',
      down: false,
    });
  });

  it('never dials ourselves, by address or by name', async () => {
    const { endpoint } = await listen();
    const isOwnEndpoint = ({ address, port }: Endpoint) => address === '127.0.0.1' && port === endpoint.port;
    const own = { ok: false, reason: 'upstream-own-endpoint', down: false };
    expect(await createDialer()({ ...options(endpoint), isOwnEndpoint })).toEqual(own);
    const named = { address: 'localhost', port: endpoint.port };
    expect(await createDialer()({ ...options(named), isOwnEndpoint })).toEqual(own);
  });
});

describe('source ports', () => {
  it('come from the range, one after the other', async () => {
    const { endpoint } = await listen();
    const dial = createDialer(() => 0.5);
    const ports: number[] = [];
    for (let index = 0; index < 4; index++) {
      const { localPort = 0 } = socketOf(await dial({ ...options(endpoint), sourcePorts }));
      ports.push(localPort);
    }
    expect(ports.every((port) => port >= sourcePorts.from && port <= sourcePorts.to)).toBe(true);
    expect(new Set(ports).size).toBe(4);
  });

  it('begin elsewhere after each start', async () => {
    const { endpoint } = await listen();
    const first = async (random: number) =>
      socketOf(await createDialer(() => random)({ ...options(endpoint), sourcePorts })).localPort ?? 0;
    expect(Math.abs((await first(0.25)) - (await first(0.26)))).toBeGreaterThan(100);
  });

  it('that somebody listens on are passed over', async () => {
    const { endpoint } = await listen();
    const taken = (await listen()).endpoint.port;
    const range = { from: taken, to: taken + 20 };
    const socket = socketOf(await createDialer(() => 0)({ ...options(endpoint), sourcePorts: range }));
    expect(socket.localPort).toBeGreaterThan(taken);
    expect(socket.localPort).toBeLessThanOrEqual(range.to);
  });

  it('that hold a connection to the same server are passed over', async () => {
    const { endpoint } = await listen();
    const first = socketOf(await createDialer(() => 0.7)({ ...options(endpoint), sourcePorts }));
    const second = socketOf(await createDialer(() => 0.7)({ ...options(endpoint), sourcePorts }));
    expect(second.localPort).not.toBe(first.localPort);
  });

  it('that are all taken end the tries', async () => {
    const { endpoint } = await listen();
    const taken = (await listen()).endpoint.port;
    const dialled = await createDialer()({ ...options(endpoint), sourcePorts: { from: taken, to: taken } });
    expect(dialled).toEqual({
      ok: false,
      reason: 'upstream-unreachable',
      down: false,
    });
  });
});

describe('a source address', () => {
  it('is left from, from a port of the range', async () => {
    const { endpoint, accepted } = await listen();
    socketOf(await createDialer()({ ...options(endpoint), sourcePorts, sourceAddress: '127.0.0.9' }));
    const { remoteAddress, remotePort = 0 } = await accepted;
    expect(remoteAddress).toBe('127.0.0.9');
    expect(remotePort).toBeGreaterThanOrEqual(sourcePorts.from);
  });

  it.each([
    ['that this machine does not have', '203.0.113.9'],
    ['of the other family', '::1'],
  ])('%s is left away', async (_, sourceAddress) => {
    const { endpoint } = await listen();
    const socket = socketOf(await createDialer()({ ...options(endpoint), sourcePorts, sourceAddress }));
    expect(socket.localAddress).toBe('127.0.0.1');
  });

  it('whose port holds a connection to the same server stays, with the next port', async () => {
    const { endpoint } = await listen();
    const from = { ...options(endpoint), sourcePorts, sourceAddress: '127.0.0.9' };
    const first = socketOf(await createDialer(() => 0.6)(from));
    const second = socketOf(await createDialer(() => 0.6)(from));
    expect(second.localAddress).toBe('127.0.0.9');
    expect(second.localPort).not.toBe(first.localPort);
  });
});
