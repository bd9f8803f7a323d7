import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { IncomingConnection } from './backend.ts';
import {
  type FixedListener,
  type FixedListeners,
  openFixedListeners,
  parseFixedListener,
} from './listeners.ts';

describe('the text of a fixed listener', () => {
  test.each([
    [
      '1993=imap.example.org:993/imaps',
      { localPort: 1993, host: 'imap.example.org', port: 993, protocol: 'imaps' },
    ],
    ['1=127.0.0.1:65535/pop3', { localPort: 1, host: '127.0.0.1', port: 65535, protocol: 'pop3' }],
    [' 1143=[2001:db8::1]:143/imap ', { localPort: 1143, host: '2001:db8::1', port: 143, protocol: 'imap' }],
    ['1995=mail_1.lan:995/pop3s', { localPort: 1995, host: 'mail_1.lan', port: 995, protocol: 'pop3s' }],
  ])('%s', (text, listener) => {
    expect(parseFixedListener(text)).toEqual({ ok: true, listener });
  });

  test.each([
    '',
    '1993',
    '0=host:993/imaps',
    '65536=host:993/imaps',
    '1993=host:0/imaps',
    '1993=host:993/smtp',
    '1993=host:993/IMAPS',
    '1993=host/imaps',
    '1993=:993/imaps',
    '1993=2001:db8::1:993/imaps',
    '1993=[host]:993/imaps',
    '1993=[10.0.0.1]:993/imaps',
    '1993=[1::2::3]:993/imaps',
    '1993=ho st:993/imaps',
    `1993=${'a'.repeat(254)}:993/imaps`,
    '1993=host:993/imaps/x',
  ])('refuses %j', (text) => {
    expect(parseFixedListener(text)).toEqual({ ok: false });
  });
});

describe('fixed listeners', () => {
  let listeners: FixedListeners | undefined;
  const servers: Server[] = [];
  afterEach(async () => {
    await listeners?.stop();
    await listeners?.stop();
    for (const server of servers.splice(0)) server.close();
  });

  /** A port of 127.0.0.1 that is taken until the test ends, or free again. */
  async function port(state: 'taken' | 'free'): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (state === 'taken') servers.push(server);
    else {
      server.close();
      await once(server, 'close');
    }
    return typeof address === 'object' && address ? address.port : 0;
  }

  const listener = (localPort: number): FixedListener => ({
    localPort,
    host: 'mail.example.test',
    port: 993,
    protocol: 'imaps',
  });

  test('hand on what arrives: unread, with its server, protocol and owner', async () => {
    const arrived = Promise.withResolvers<IncomingConnection>();
    const localPort = await port('free');
    const asked: unknown[] = [];
    listeners = await openFixedListeners([listener(localPort)], {
      onConnection: arrived.resolve,
      findOwner: async (...ends) => {
        asked.push(...ends);
        return { uid: 7, pid: 8 };
      },
    });
    expect(listeners).toMatchObject({ opened: [listener(localPort)], failed: [] });
    const client = connect({ host: '127.0.0.1', port: localPort });
    client.end('hello');
    const { socket, ...known } = await arrived.promise;
    expect(known).toEqual({
      destination: { address: 'mail.example.test', port: 993 },
      owner: { uid: 7, pid: 8 },
    });
    expect(asked).toEqual([
      { address: '127.0.0.1', port: client.localPort },
      { address: '127.0.0.1', port: localPort },
    ]);
    expect(socket.bytesRead).toBe(0);
    let said = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    socket.resume();
    await once(socket, 'end');
    expect(said).toBe('hello');
    // Half-open: the client has ended, and still gets an answer.
    socket.end('bye');
    const [answer]: Buffer[] = await once(client, 'data');
    expect(answer?.toString()).toBe('bye');
  });

  test('one that is busy is named and does not keep the others', async () => {
    const [busy, free] = [await port('taken'), await port('free')];
    listeners = await openFixedListeners([listener(busy), listener(free)], {
      onConnection: () => undefined,
      findOwner: async () => undefined,
    });
    expect(listeners.opened).toEqual([listener(free)]);
    expect(listeners.failed).toEqual([{ listener: listener(busy), reason: 'listener-busy' }]);
  });

  test('a reset while the owner is looked for ends nothing but that connection', async () => {
    const localPort = await port('free');
    const looking = Promise.withResolvers<void>();
    const owner = Promise.withResolvers<undefined>();
    listeners = await openFixedListeners([listener(localPort)], {
      onConnection: ({ socket }) => {
        socket.resume();
      },
      findOwner: () => {
        looking.resolve();
        return owner.promise;
      },
    });
    const client = connect({ host: '127.0.0.1', port: localPort });
    await looking.promise;
    client.resetAndDestroy();
    await once(client, 'close');
    owner.resolve(undefined);
    const next = connect({ host: '127.0.0.1', port: localPort });
    await once(next, 'connect');
    next.destroy();
  });

  test('stopped, they accept no more and end who still waits', async () => {
    const localPort = await port('free');
    const looking = Promise.withResolvers<void>();
    listeners = await openFixedListeners([listener(localPort)], {
      onConnection: () => undefined,
      findOwner: () => {
        looking.resolve();
        return new Promise(() => undefined);
      },
    });
    const client = connect({ host: '127.0.0.1', port: localPort });
    client.on('error', () => client.destroy());
    await looking.promise;
    await listeners.stop();
    await once(client.resume(), 'close');
    const refused = connect({ host: '127.0.0.1', port: localPort });
    const [error] = await once(refused, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
