// Clients and servers that say at the beginning of TLS what none does, in pieces, too much, or too early.
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { socketPair } from './testing.fixture.ts';
import { peekClientHello } from './tls-legs.ts';
import { createTlsStage, type How } from './tls-stage.fixture.ts';

let stage: Awaited<ReturnType<typeof createTlsStage>>;
beforeAll(async () => {
  stage = await createTlsStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.remove());

/** A server that never answers a ClientHello. */
const silent = () => true;

describe.each<How>(['implicit', 'imap', 'pop3'])('%s', (how) => {
  test('a ClientHello in two pieces, cut at each octet, is decided on and relayed whole', async () => {
    const hello = await stage.clientHello();
    const server = await stage.startTlsServer({ how, instead: silent });
    const { proxy, relayed } = stage.startTlsProxy({
      certificateRules: [{ name: 'r', host: 'mail.example.org', access: 'auto', scan: 'ignore' }],
    });
    const cut = async (at: number) => {
      const raw = await stage.arriveAt(proxy, server, how);
      raw.setNoDelay(true);
      raw.write(hello.subarray(0, at));
      await setImmediate();
      await setImmediate();
      raw.write(hello.subarray(at));
    };
    for (let at = 1; at < hello.length; at++) await cut(at);
    await vi.waitFor(() => expect(relayed).toHaveLength(hello.length - 1));
    expect(new Set(relayed)).toEqual(new Set(['tls-rule']));
    const wholes = () => server.heard().toString('latin1').split(hello.toString('latin1')).length - 1;
    await vi.waitFor(() => expect(wholes()).toBe(hello.length - 1));
  }, 20_000);

  test.each([
    ['garbage after its first octet', Buffer.from([0x16, 3, 1, 0, 0, 1, 2, 3])],
    ['a ClientHello of 64 KiB', Buffer.concat([...Array(5)].map((_, at) => record(at === 0)))],
  ])('%s ends the connection, and nothing is learnt', async (_, octets) => {
    const server = await stage.startTlsServer({ how, instead: silent });
    const { proxy, log, relays } = stage.startTlsProxy();
    const raw = await stage.arriveAt(proxy, server, how);
    raw.write(octets);
    await once(raw.resume(), 'close').catch(() => undefined);
    await vi.waitFor(() =>
      expect(log).toContainEqual(
        expect.objectContaining({ event: 'connection-ended', reason: 'client-tls-failed' }),
      ),
    );
    expect([relays.list(), proxy.connections()]).toEqual([[], []]);
  });

  test('a client that leaves in the middle of its ClientHello', async () => {
    const hello = await stage.clientHello();
    const server = await stage.startTlsServer({ how, instead: silent });
    const { proxy, log, relays } = stage.startTlsProxy();
    const raw = await stage.arriveAt(proxy, server, how);
    raw.end(hello.subarray(0, 50));
    await vi.waitFor(() => expect(log).toMatchObject([{ reason: 'client-vanished' }]));
    expect([relays.list(), proxy.connections()]).toEqual([[], []]);
  });

  test('a fresh connection that does not get as far ends the client’s, and the next one is relayed', async () => {
    const server = await stage.startTlsServer({
      how,
      tls: { maxVersion: 'TLSv1.2' },
      instead(socket, connection) {
        if (connection === 2) socket.resetAndDestroy();
        return connection === 2;
      },
    });
    const { proxy, relayed } = stage.startTlsProxy({ minVersion: '1.3' });
    const first = stage.secure(await stage.arriveAt(proxy, server, how)).tls;
    await once(first, 'close').catch(() => undefined);
    const second = stage.secure(await stage.arriveAt(proxy, server, how)).tls;
    await once(second, 'secureConnect');
    expect(relayed.at(-1)).toBe('server-tls');
  });
});

test('a server that speaks in the middle of a ClientHello injects', async () => {
  const [client, server] = await Promise.all([socketPair(), socketPair()]);
  stage.teardown.push(
    () => client.outer.destroy(),
    () => server.outer.destroy(),
  );
  const peeked = peekClientHello(client.inner, server.inner);
  client.outer.write((await stage.clientHello()).subarray(0, 50));
  server.outer.write('* OK injected\r\n');
  expect(await peeked).toBe('tls-injection');
});

test.each(['imap', 'pop3'] as const)(
  '%s: a server that speaks after its consent ends the connection',
  async (how) => {
    const server = await stage.startTlsServer({ how, instead: silent });
    const { proxy, log, relayed } = stage.startTlsProxy();
    await stage.arriveAt(proxy, server, how);
    server.sockets[0]?.write('* OK injected\r\n');
    await vi.waitFor(() => expect(log).toMatchObject([{ reason: 'tls-injection' }]));
    expect(relayed).toEqual([]);
  },
);

test.each([
  ['garbage', 'a NOOP\r\n'],
  ['nothing but an end', ''],
])('a client that sends %s after STARTTLS is not relayed, even where TLS is left alone', async (_, text) => {
  const server = await stage.startTlsServer({ how: 'imap', instead: silent });
  const { proxy, log, relayed } = stage.startTlsProxy({ enabled: false });
  const raw = await stage.arriveAt(proxy, server, 'imap');
  raw.end(text);
  await vi.waitFor(() => expect(log).toMatchObject([{ event: 'connection-ended' }]));
  expect([relayed, server.heard().toString()]).toEqual([[], 'a STARTTLS\r\n']);
});

test('what only begins like TLS is relayed where TLS is left alone', async () => {
  const server = await stage.startTlsServer({ instead: silent });
  const { proxy, relayed } = stage.startTlsProxy({ enabled: false });
  const octets = Buffer.from([0x16, 3, 1, 0, 0, 1, 2, 3]);
  const raw = await stage.arriveAt(proxy, server);
  raw.write(octets);
  await vi.waitFor(() => expect(server.heard()).toEqual(octets));
  expect(relayed).toEqual(['tls-off']);
});

/** 16 KiB of a ClientHello that says it has 64. */
function record(isFirst: boolean): Buffer {
  const bytes = Buffer.alloc(5 + 16_384);
  bytes.set([0x16, 3, 1, 0x40, 0]);
  if (isFirst) bytes.set([1, 1, 0, 0], 5);
  return bytes;
}
