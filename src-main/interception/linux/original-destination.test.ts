import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { endpointOf, openOriginalDestination } from './original-destination.ts';

test('reads an IPv4 address', () => {
  const sockaddr = Buffer.from('0200008fcb00710a', 'hex');
  expect(endpointOf(sockaddr, false)).toEqual({ address: '203.0.113.10', port: 143 });
});

function sockaddrIn6(address: string, scopeId: number): Buffer {
  const bytes = Buffer.from(`0a0003e100000000${address}00000000`, 'hex');
  bytes.writeUInt32LE(scopeId, 24);
  return bytes;
}

test('reads an IPv6 address in its short form', () => {
  expect(endpointOf(sockaddrIn6('fd990000000000000000000000000010', 0), true)).toEqual({
    address: 'fd99::10',
    port: 993,
  });
});

test('names the zone of a link-local address, as far as there is one', () => {
  const linkLocal = 'fe800000000000000000000000000001';
  expect(endpointOf(sockaddrIn6(linkLocal, 4_000_000), true).address).toBe('fe80::1');
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const each of addresses ?? []) {
      if (each.family !== 'IPv6' || each.scopeid === 0) continue;
      expect(endpointOf(sockaddrIn6(linkLocal, each.scopeid), true).address).toBe(`fe80::1%${name}`);
    }
  }
});

test('a connection that was not redirected has none, or the listener itself', async () => {
  const opened = await openOriginalDestination();
  if (!opened.ok) throw new Error(opened.detail);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const client = connect({ host: '127.0.0.1', port });
  const [socket]: Socket[] = await once(server, 'connection');
  if (!socket) throw new Error('no connection');
  expect([undefined, port]).toContain(opened.originalDestination(socket)?.port);
  socket.destroy();
  client.destroy();
  server.close();
  expect(opened.originalDestination(socket)).toBeUndefined();
  expect(opened.originalDestination(new Socket())).toBeUndefined();
});
