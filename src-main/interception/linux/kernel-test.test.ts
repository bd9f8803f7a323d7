// The test of the way through the kernel, with a way of its own: what comes of it is told by its right name.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AddressRange, parseAddressEntry } from '../../contract/address-list.ts';
import type { Endpoint } from '../../contract/connection.ts';
import { createKernelTest, type KernelTest } from './kernel-test.ts';

let server: Server;
/** Ends of connections that the way brought to us. */
let arrived: Socket[];
let dialled: Endpoint[];
let kernelTest: KernelTest;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [arrived, dialled] = [[], []];
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    arrived.push(socket);
    server.emit('arrived');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  kernelTest = createKernelTest((to) => {
    dialled.push({ address: to.host, port: to.port });
    return connect({ host: '127.0.0.1', port });
  });
});
afterEach(() => {
  for (const socket of arrived) socket.destroy();
  server.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const range = (text: string): AddressRange => {
  const parsed = parseAddressEntry(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.range;
};

/** A test under way, with what came through and where it was meant to go. */
async function begin(family: 4 | 6 = 4, excluded: readonly AddressRange[] = []) {
  const result = kernelTest.run(family, 143, excluded);
  await once(server, 'arrived');
  const [socket, destination] = [arrived.at(-1), dialled.at(-1)];
  if (!socket || !destination) throw new Error('nothing came');
  return { result, socket, destination };
}

describe('what comes back to us', () => {
  test('passes', async () => {
    const { result, socket, destination } = await begin();
    expect(kernelTest.take(socket, destination)).toBe(true);
    expect(await result).toEqual({ kind: 'passed' });
  });

  test.each([4, 6] as const)(
    'IPv%i goes to an address of documentation, each time another one',
    async (family) => {
      for (let i = 0; i < 8; i++) {
        const { result, socket, destination } = await begin(family);
        kernelTest.take(socket, destination);
        await result;
      }
      const form = family === 4 ? /^192\.0\.2\.(1\d\d|2[0-4]\d)$/ : /^2001:db8::(1\d\d|2[0-4]\d)$/;
      for (const { address, port } of dialled) {
        expect(address).toMatch(form);
        expect(port).toBe(143);
      }
      expect(new Set(dialled.map(({ address }) => address)).size).toBeGreaterThan(1);
    },
  );

  test('takes no connection but its own, and none after it', async () => {
    const { result, socket, destination } = await begin();
    expect(kernelTest.take(socket, { ...destination, port: 110 })).toBe(false);
    expect(kernelTest.take(socket, { ...destination, address: '198.51.100.7' })).toBe(false);
    expect(kernelTest.take(socket, destination)).toBe(true);
    await result;
    expect(kernelTest.take(socket, destination)).toBe(false);
  });

  test('without its destination is another conntrack zone', async () => {
    const { result, socket } = await begin();
    expect(kernelTest.take(socket, undefined)).toBe(false);
    socket.resetAndDestroy();
    vi.advanceTimersByTime(1_000);
    expect(await result).toEqual({
      kind: 'failed',
      detail: 'it came without its destination: another conntrack zone',
    });
  });
});

describe('what does not', () => {
  test('fails after a second', async () => {
    const { result } = await begin();
    vi.advanceTimersByTime(1_000);
    expect(await result).toEqual({
      kind: 'failed',
      detail: 'it did not come through: a firewall, a VPN or a notrack rule',
    });
  });

  test('fails though somebody else answers', async () => {
    const { result, socket } = await begin();
    socket.end('* OK ready\r\n');
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    vi.advanceTimersByTime(1_000);
    expect(await result).toMatchObject({ kind: 'failed' });
  });

  test.each([
    ['ENETUNREACH', { kind: 'no-route' }],
    ['EHOSTUNREACH', { kind: 'no-route' }],
    ['ENETDOWN', { kind: 'no-route' }],
    ['EADDRNOTAVAIL', { kind: 'no-route' }],
    ['ECONNREFUSED', { kind: 'refused' }],
    ['ECONNRESET', { kind: 'failed', detail: 'it ended with ECONNRESET' }],
    ['EPERM', { kind: 'failed', detail: 'it ended with EPERM' }],
  ])('by %s', async (code, result) => {
    const failing = createKernelTest(() => new Socket().destroy(Object.assign(new Error(code), { code })));
    expect(await failing.run(4, 143, [])).toEqual(result);
  });
});

describe('excluded addresses', () => {
  test('are left out', async () => {
    const { result, socket, destination } = await begin(4, [range('192.0.2.0/24'), range('198.51.100.0/24')]);
    expect(destination.address).toMatch(/^203\.0\.113\./);
    kernelTest.take(socket, destination);
    expect(await result).toEqual({ kind: 'passed' });
  });

  test.each([
    [4, ['0.0.0.0/0']],
    [4, ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24']],
    [6, ['2001:db8::/32']],
  ] as const)('of IPv%i that leave no way are not tested', async (family, excluded) => {
    expect(await kernelTest.run(family, 143, excluded.map(range))).toEqual({ kind: 'not-testable' });
    expect(dialled).toEqual([]);
  });
});
