import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createTestKeys, dnsName, makeTestCertificate } from '../certificates/authority.fixture.ts';
import { openCertificates } from '../certificates/authority.ts';
import type { ConnectionOwner } from '../contract/connection.ts';
import { defaultSettings, type MailTransportSettings } from '../contract/settings.ts';
import { createStage, type FakeServer } from './proxy.fixture.ts';
import type { MailProxy } from './proxy.ts';
import { rulesFrom } from './rules.ts';
import { memorySpools, received } from './testing.fixture.ts';

const { teardown, startServer, startProxy, arrive, clear } = createStage();
afterEach(clear);

const infectedImap = (line: string, socket: Socket) => {
  if (line.includes('FETCH')) socket.write('* 1 FETCH (UID 1 BODY[] {7}\r\na VIRUS)\r\na OK done\r\n');
};

describe('mail', () => {
  test('of IMAP is scanned', async () => {
    const server = await startServer('* OK ready\r\n', infectedImap);
    const { proxy, outcomes } = startProxy();
    const { client, got } = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(got()).toBe('* OK ready\r\n'));
    client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(got()).toContain('BODY[] {7}\r\na .....)\r\na OK done\r\n'));
    expect(outcomes).toEqual(['infected']);
    expect(proxy.connections()).toMatchObject([{ protocol: 'imap', state: 'scanning', messages: 1 }]);
  });

  test('of POP3 is scanned', async () => {
    const server = await startServer('+OK ready\r\n', (line, socket) => {
      if (line.startsWith('RETR')) socket.write('+OK\r\n\r\na VIRUS\r\n.\r\n');
    });
    const { proxy } = startProxy();
    const { client, got } = await arrive(proxy, server.endpoint);
    client.write('RETR 1\r\n');
    await vi.waitFor(() => expect(got()).toBe('+OK ready\r\n+OK\r\n\r\na .....\r\n.\r\n'));
  });

  test('that the client speaks of before the greeting is followed all the same', async () => {
    const server = await startServer('', (line, socket) => {
      if (line.includes('NOOP')) socket.write('* OK late\r\na OK\r\n');
      infectedImap(line, socket);
    });
    const { proxy } = startProxy();
    const { client, got } = await arrive(proxy, server.endpoint);
    client.write('a NOOP\r\n');
    await vi.waitFor(() => expect(got()).toBe('* OK late\r\na OK\r\n'));
    client.write('a FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(got()).toContain('a .....'));
  });

  test('commands before the greeting that must not pass end the connection', async () => {
    const server = await startServer('', (line, socket) => {
      if (line.startsWith('a ')) socket.write('* OK late\r\na OK enabled\r\n');
    });
    const { proxy, log } = startProxy();
    const { client } = await arrive(proxy, server.endpoint);
    client.write('a ENABLE UTF8=ACCEPT\r\n');
    await once(client, 'end');
    expect(log).toMatchObject([{ event: 'connection-ended', reason: 'protocol-violation' }]);
  });
});

describe('what is relayed untouched', () => {
  const fetched = async (proxy: MailProxy, server: FakeServer, owner?: ConnectionOwner) => {
    const { client, got } = await arrive(proxy, server.endpoint, owner);
    await vi.waitFor(() => expect(got()).toContain('ready'));
    client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(got()).toContain('a OK done'));
    return got();
  };

  test.each<[string, Partial<MailTransportSettings>, string]>([
    ['an excluded address', { excludedAddresses: [{ address: '127.0.0.0/8' }] }, 'excluded-address'],
    [
      'an excluded application',
      { excludedApplications: [{ application: '/usr/bin/curl' }] },
      'excluded-application',
    ],
    ['a protocol that is off', { scanImap: false }, 'protocol-off'],
    ['everything, when protection is off', { enabled: false }, 'protection-off'],
  ])('%s', async (_, settings, reason) => {
    const server = await startServer('* OK ready\r\n', infectedImap);
    const { proxy, outcomes, relayed } = startProxy(settings);
    expect(await fetched(proxy, server, { uid: 0, path: '/usr/bin/curl' })).toContain('a VIRUS');
    expect(outcomes).toEqual([]);
    expect(relayed).toEqual([reason]);
    expect(proxy.connections()).toMatchObject([{ state: 'relayed', reason }]);
  });

  test('a server that speaks no mail, with both half-closes', async () => {
    const server = await startServer('220 smtp\r\n', (line, socket) => socket.write(`you said ${line}`));
    const { proxy, relayed } = startProxy();
    const { client, got } = await arrive(proxy, server.endpoint);
    client.end('HELO\r\n');
    await once(client, 'end');
    expect(got()).toBe('220 smtp\r\nyou said HELO\r\n');
    await vi.waitFor(() => expect(proxy.connections()).toEqual([]));
    expect(relayed).toEqual(['not-mail']);
  });

  test('a client that speaks first to a server that answers in another language', async () => {
    const server = await startServer('', (line, socket) => socket.end(`HTTP/1.1 200 OK ${line.length}`));
    const { proxy } = startProxy();
    const { client, got } = await arrive(proxy, server.endpoint);
    client.write('GET / HTTP/1.1\r\n\r\n');
    await once(client, 'end');
    expect(got()).toBe('HTTP/1.1 200 OK 18');
    expect(server.heard()).toBe('GET / HTTP/1.1\r\n\r\n');
  });
});

describe('an infected message that is never to be changed', () => {
  test('is delivered as it came, and the event says so', async () => {
    const server = await startServer('* OK ready\r\n', infectedImap);
    const message = vi.fn();
    const response = { ...defaultSettings.response, delivery: 'unchanged' } as const;
    const { proxy } = startProxy(
      {},
      {
        rules: () => rulesFrom({ ...defaultSettings, response }, 1),
        events: { connectionsChanged: () => undefined, message, relayed: () => undefined },
      },
    );
    const { client, got } = await arrive(proxy, server.endpoint);
    client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(got()).toContain('BODY[] {7}\r\na VIRUS)'));
    expect(message.mock.calls).toMatchObject([
      [{ outcome: 'infected', unchanged: true, quarantineId: 'q1' }],
    ]);
  });
});

describe('a server that leaves no way to sign in', () => {
  const greeting = '* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI] ready\r\n';

  test('is relayed untouched from the next connection on', async () => {
    const server = await startServer(greeting);
    const { proxy, relayed, log } = startProxy();
    const first = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(first.got()).toContain('ready'));
    expect(first.got()).not.toContain('GSSAPI');
    expect(log).toMatchObject([{ event: 'no-sign-in', server: '127.0.0.1' }]);
    const second = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(second.got()).toBe(greeting));
    expect(proxy.connections()).toMatchObject([
      { state: 'scanning' },
      { state: 'relayed', reason: 'no-sign-in' },
    ]);
    expect(relayed).toEqual(['no-sign-in']);
  });

  test('on another port is another server', async () => {
    const [server, other] = [await startServer(greeting), await startServer('* OK ready\r\n', infectedImap)];
    const { proxy } = startProxy();
    const first = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(first.got()).toContain('ready'));
    const { client, got } = await arrive(proxy, other.endpoint);
    client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(got()).toContain('a .....'));
  });

  test('is known by its name at another address, and its TLS stays unopened', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'postern-proxy-'));
    teardown.push(() => rm(directory, { recursive: true }));
    const keysFor = createTestKeys();
    const issuer = makeTestCertificate({
      keys: keysFor('ec', 'authority'),
      subject: 'Authority',
      isAuthority: true,
    });
    const { certPem, keyPem } = makeTestCertificate({
      keys: keysFor('ec'),
      subject: 'mail.example.org',
      names: [dnsName('mail.example.org')],
      issuer,
    });
    const secure = createTlsServer({ cert: certPem, key: keyPem }, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.write(greeting);
    }).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const address = secure.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const heard: Buffer[] = [];
    const raw = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes) => heard.push(bytes));
      teardown.push(() => socket.destroy());
    }).listen(port, '127.0.0.2');
    await once(raw, 'listening');
    teardown.push(
      () => secure.close(),
      () => raw.close(),
    );
    const { proxy, relayed } = startProxy(
      {},
      {
        certificates: await openCertificates({ directory, hostname: 'desk', now: () => new Date() }),
        extraCa: issuer.certPem,
      },
    );
    const secured = async (host: string, servername: string) => {
      const { client } = await arrive(proxy, { address: host, port });
      const tls = connectTls({ socket: client, servername, rejectUnauthorized: false });
      tls.on('error', () => tls.destroy());
      teardown.push(() => tls.destroy());
      return tls;
    };

    const first = received(await secured('127.0.0.1', 'mail.example.org'));
    await vi.waitFor(() => expect(first()).toContain('ready'), 5_000);
    await secured('127.0.0.2', 'MAIL.example.org');
    await vi.waitFor(() => expect(relayed).toEqual(['no-sign-in']));
    // The client's own ClientHello, not one of ours.
    await vi.waitFor(() => expect(Buffer.concat(heard).toString('latin1')).toContain('MAIL.example.org'));
    expect(proxy.connections()).toMatchObject([
      { state: 'scanning' },
      { server: 'MAIL.example.org', state: 'relayed' },
    ]);
  });
});

describe('failures', () => {
  test('a server that refuses: the client is reset, not left hanging', async () => {
    const server = await startServer('');
    const { endpoint } = server;
    await teardown.pop()?.();
    const { proxy, log } = startProxy();
    const { client } = await arrive(proxy, endpoint);
    const [error] = await once(client, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(log).toMatchObject([{ event: 'connection-ended', reason: 'upstream-refused' }]);
    expect(proxy.connections()).toEqual([]);
  });

  test('our own endpoints are never dialled', async () => {
    const server = await startServer('* OK\r\n');
    const { proxy, log } = startProxy({}, { isOwnEndpoint: () => true });
    const { client } = await arrive(proxy, server.endpoint);
    await once(client, 'error');
    expect(log).toMatchObject([{ reason: 'upstream-own-endpoint' }]);
    expect(server.sockets).toEqual([]);
  });

  test('a server that closes in the middle of a literal: no octet of it reaches the client, and the spool goes', async () => {
    const spools = memorySpools();
    const server = await startServer('* OK ready\r\n', (_line, socket) => {
      socket.end('* 1 FETCH (UID 1 BODY[] {100}\r\nhalf of a message');
    });
    const { proxy, outcomes } = startProxy({}, { spools });
    const { client, got } = await arrive(proxy, server.endpoint);
    client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await once(client, 'end');
    expect(got()).toBe('* OK ready\r\n');
    expect(outcomes).toEqual([]);
    client.end();
    await vi.waitFor(() => expect(proxy.connections()).toEqual([]));
    expect(spools.live()).toBe(0);
  });

  test('a client that vanishes while a message arrives takes the connection to the server with it', async () => {
    const spools = memorySpools();
    const server = await startServer('* OK ready\r\n', (_line, socket) => {
      socket.write('* 1 FETCH (UID 1 BODY[] {100}\r\nhalf of a message');
    });
    const { proxy, log } = startProxy({}, { spools });
    const { client } = await arrive(proxy, server.endpoint);
    client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(spools.live()).toBe(1));
    client.resetAndDestroy();
    await vi.waitFor(() => expect(server.sockets[0]?.destroyed).toBe(true));
    expect(spools.live()).toBe(0);
    expect(log).toMatchObject([{ event: 'connection-ended', reason: 'client-vanished' }]);
  });

  test('a server that resets before it has said anything resets the client', async () => {
    const server = await startServer('');
    const { proxy } = startProxy();
    const { client } = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(server.sockets).toHaveLength(1));
    const closed = once(client, 'close').catch(() => undefined);
    server.sockets[0]?.resetAndDestroy();
    await closed;
    await vi.waitFor(() => expect(proxy.connections()).toEqual([]));
  });
});

describe('changed rules', () => {
  test('act on new connections; open ones keep theirs, and can be closed', async () => {
    const server = await startServer('* OK ready\r\n', infectedImap);
    const { proxy, change } = startProxy();
    const first = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(first.got()).toContain('ready'));
    change({ scanImap: false });
    const second = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(second.got()).toContain('ready'));
    expect(proxy.connections().map((each) => each.state)).toEqual(['scanning', 'relayed']);
    expect(proxy.staleCount()).toBe(1);
    first.client.write('a UID FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(() => expect(first.got()).toContain('a .....'));
    const closed = once(first.client, 'close').catch(() => undefined);
    expect(proxy.close('stale')).toBe(1);
    await closed;
    expect(proxy.staleCount()).toBe(0);
    expect(proxy.connections()).toHaveLength(1);
  });

  test('draining waits for open connections, and no longer than it may', async () => {
    const server = await startServer('* OK ready\r\n');
    const { proxy } = startProxy();
    const { client, got } = await arrive(proxy, server.endpoint);
    await vi.waitFor(() => expect(got()).toContain('ready'));
    const drained = proxy.drain(60_000);
    client.end();
    await drained;
    expect(proxy.connections()).toEqual([]);
    await arrive(proxy, server.endpoint);
    await proxy.drain(1);
    expect(proxy.connections()).toHaveLength(1);
  });
});
