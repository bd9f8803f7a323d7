// The listeners of the redirect, with a stand-in for the kernel's memory of where connections were meant to go.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionOwner, Endpoint } from '../../contract/connection.ts';
import type { IncomingConnection } from '../backend.ts';
import type { OriginalDestination } from './original-destination.ts';
import {
  openRedirectListeners,
  type RedirectListeners,
  type RedirectListenersOptions,
} from './redirect-listeners.ts';

const server: Endpoint = { address: '203.0.113.10', port: 143 };
const owner: ConnectionOwner = { pid: 7, uid: 1_000, path: '/usr/bin/mail' };

let listeners: RedirectListeners[];
let clients: Socket[];
let logged: [string, Readonly<Record<string, unknown>>][];
let arrived: IncomingConnection[];
let onArrival: () => void;

beforeEach(() => {
  [listeners, clients, logged, arrived] = [[], [], [], []];
  onArrival = () => undefined;
});
afterEach(() => {
  for (const each of listeners) each.close();
  for (const { socket } of arrived) socket.destroy();
  for (const client of clients) client.destroy();
});

interface Wishes extends Partial<RedirectListenersOptions> {
  readonly meant?: OriginalDestination;
}

async function open({ meant = () => server, ...changes }: Wishes = {}): Promise<RedirectListeners> {
  const result = await openRedirectListeners({
    onConnection: (connection) => {
      arrived.push(connection);
      onArrival();
    },
    take: () => false,
    findOwner: async () => owner,
    onlyUser: () => undefined,
    log: (event, fields) => logged.push([event, fields]),
    openDestination: async () => ({ ok: true, originalDestination: meant }),
    ...changes,
  });
  if (!result.ok) throw new Error(result.reason);
  listeners.push(result.listeners);
  return result.listeners;
}

function dial(port: number, host = '127.0.0.1'): Socket {
  const client = connect({ host, port });
  client.on('error', () => client.destroy());
  clients.push(client);
  return client;
}

async function arrivals(count: number): Promise<void> {
  while (arrived.length < count) {
    await new Promise<void>((resolve) => {
      onArrival = resolve;
    });
  }
}

/** Until the connection is no more. */
const gone = (client: Socket) => once(client.resume(), 'close');

const events = (name: string) => logged.filter(([event]) => event === name).map(([, fields]) => fields);

describe('a connection', () => {
  test('comes with where it was meant to go, and its program', async () => {
    const asked: (readonly Endpoint[])[] = [];
    const { port } = await open({
      findOwner: async (...ends) => {
        asked.push(ends);
        return owner;
      },
    });
    const client = dial(port);
    client.write('untouched');
    await arrivals(1);
    expect(arrived).toMatchObject([{ destination: server, owner }]);
    expect(asked).toEqual([[{ address: '127.0.0.1', port: client.localPort }, server]]);
    const [{ socket } = { socket: client }] = arrived;
    socket.resume();
    expect(String((await once(socket, 'data'))[0])).toBe('untouched');
  });

  test('comes by IPv6 as well, where there is any', async () => {
    const { port, ipv6 } = await open();
    expect(logged).toEqual([['interception-ready', { port, ipv6 }]]);
    expect(ipv6).toBe(true);
    dial(port, '::1');
    await arrivals(1);
    expect(arrived[0]?.socket.remoteAddress).toBe('::1');
  });

  test('of an unknown program comes without one, whoever is covered', async () => {
    const { port } = await open({ findOwner: async () => undefined, onlyUser: () => 1_000 });
    dial(port);
    await arrivals(1);
    expect(arrived).toMatchObject([{ destination: server, owner: undefined }]);
  });

  test('of the covered user comes, of another it is refused', async () => {
    let user = 1_000;
    const { port } = await open({ onlyUser: () => user });
    dial(port);
    await arrivals(1);
    user = 1_001;
    await gone(dial(port));
    expect(arrived).toHaveLength(1);
    expect(events('not-our-user')).toEqual([{ refused: 1 }]);
  });

  test.each([
    ['that the kernel does not know', () => undefined],
    [
      'that was made to the listener itself',
      ({ localAddress: address = '', localPort: port = 0 }: Socket) => ({ address, port }),
    ],
  ])('%s is refused, and told now and then', async (_, meant) => {
    const { port } = await open({ meant });
    for (let i = 0; i < 9; i++) await gone(dial(port));
    expect(arrived).toEqual([]);
    expect(events('not-redirected').map(({ refused }) => refused)).toEqual([1, 2, 4, 8]);
  });

  test('to the same port of another address, or another port of the same, is a redirected one', async () => {
    const { port } = await open({
      meant: ({ localPort = 0 }) => ({ address: '127.0.0.2', port: localPort }),
    });
    const { port: other } = await open({ meant: () => ({ address: '127.0.0.1', port: 143 }) });
    dial(port);
    dial(other);
    await arrivals(2);
  });

  test('that was taken is nobody else’s', async () => {
    const taken: (Endpoint | undefined)[] = [];
    const { port } = await open({
      take: (socket, destination) => {
        taken.push(destination);
        socket.end('.');
        return true;
      },
    });
    await gone(dial(port));
    expect([taken, arrived, events('not-redirected')]).toEqual([[server], [], []]);
  });

  test('that ends while its program is looked for is not handed on', async () => {
    const { promise: found, resolve: find } = Promise.withResolvers<ConnectionOwner>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const opened = await open({
      findOwner: () => {
        ask();
        return found;
      },
    });
    const client = dial(opened.port);
    await asked;
    opened.close();
    await gone(client);
    find(owner);
    await found;
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    expect(arrived).toEqual([]);
  });
});

describe('closed', () => {
  test('it accepts none, and those that came live on; twice is once', async () => {
    const opened = await open();
    const client = dial(opened.port);
    await arrivals(1);
    opened.close();
    opened.close();
    const [error] = await once(dial(opened.port), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    arrived[0]?.socket.end('bye');
    expect(String((await once(client, 'data'))[0])).toBe('bye');
  });
});

test('without the system call nothing is opened', async () => {
  const result = await openRedirectListeners({
    onConnection: () => undefined,
    take: () => false,
    findOwner: async () => undefined,
    onlyUser: () => undefined,
    log: (event, fields) => logged.push([event, fields]),
    openDestination: async () => ({ ok: false, detail: 'no binary' }),
  });
  expect(result).toEqual({ ok: false, reason: 'original-destination-unavailable', detail: 'no binary' });
  expect(logged).toEqual([]);
});
