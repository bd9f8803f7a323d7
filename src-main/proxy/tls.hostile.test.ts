import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestKeys, dnsName, makeTestCertificate } from '../certificates/authority.fixture.ts';
import { type Leaf, openCertificates } from '../certificates/authority.ts';
import { socketPair } from './testing.fixture.ts';
import { acceptClientTls, connectUpstreamTls, createTlsContexts } from './tls.ts';

const serverName = 'mail.example.org';
const timeoutMs = 5_000;
const keysFor = createTestKeys();
const authority = makeTestCertificate({
  keys: keysFor('ec', 'authority'),
  subject: 'Test authority',
  isAuthority: true,
});
const server = makeTestCertificate({ keys: keysFor('ec'), names: [dnsName(serverName)], issuer: authority });
const contexts = createTlsContexts({ extraCa: authority.certPem });
const sockets: Socket[] = [];
let directory: string;
let leaf: Leaf;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postern-tls-'));
  const certificates = await openCertificates({ directory, hostname: 'desk', now: () => new Date() });
  leaf = await certificates.leafFor({ der: server.der, trusted: true });
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function pair(): Promise<{ outer: Socket; inner: Socket }> {
  const { outer, inner } = await socketPair();
  sockets.push(outer, inner);
  return { outer, inner };
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));

/** The first flight of a client, as octets. */
async function clientHello(maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  const { outer, inner } = await pair();
  connect({ socket: outer, servername: serverName, maxVersion }).on('error', () => undefined);
  await once(inner, 'readable');
  const hello: Buffer = inner.read();
  return hello;
}

describe('a hostile client', () => {
  it.each([
    ['speaks another language', Buffer.from('a001 LOGIN somebody secret\r\n')],
    ['claims a record too large', Buffer.from('160301ffff', 'hex')],
    ['sends an empty handshake message', Buffer.from('16030100040100000000', 'hex')],
    ['sends nothing but zeros', Buffer.alloc(4_096)],
  ])('that %s gets no session', async (_, bytes) => {
    const { outer, inner } = await pair();
    outer.end(bytes);
    const result = await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs });
    expect(result).toEqual({ ok: false, reason: 'client-tls-failed' });
    await closed(inner);
  });

  it('that ends anywhere in its ClientHello gets no session', async () => {
    const hello = await clientHello('TLSv1.3');
    for (let size = 0; size < hello.length; size += 37) {
      const { outer, inner } = await pair();
      outer.end(hello.subarray(0, size));
      const result = await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs });
      expect(result).toEqual({ ok: false, reason: 'client-tls-failed' });
    }
  });

  it('that says no more than half of a ClientHello is given up', async () => {
    const hello = await clientHello('TLSv1.3');
    const { outer, inner } = await pair();
    outer.write(hello.subarray(0, 100));
    const result = await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs: 20 });
    expect(result).toEqual({ ok: false, reason: 'client-tls-failed' });
    await closed(inner);
  });

  it('that resets before its handshake gets no session', async () => {
    const { outer, inner } = await pair();
    const result = acceptClientTls({ socket: inner, leaf, contexts, timeoutMs });
    outer.resetAndDestroy();
    expect(await result).toEqual({ ok: false, reason: 'client-tls-failed' });
  });

  it('whose socket is gone already gets no session', async () => {
    const { inner } = await pair();
    inner.destroy();
    const result = await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs });
    expect(result).toEqual({ ok: false, reason: 'client-tls-failed' });
  });

  it('that asks for a TLS of the past gets no session', async () => {
    const { outer, inner } = await pair();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    connect({ socket: outer, ...old }).on('error', () => undefined);
    const result = await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs });
    expect(result).toEqual({ ok: false, reason: 'client-tls-failed' });
  });

  it.each([
    [48, 'unknown-ca'],
    [46, 'certificate-unknown'],
    [42, 'bad-certificate'],
    [40, 'handshake-failure'],
  ])('that refuses our certificate by alert %i is heard', async (description, alert) => {
    const { outer, inner } = await pair();
    const result = acceptClientTls({ socket: inner, leaf, contexts, timeoutMs });
    outer.write(await clientHello('TLSv1.2'));
    await once(outer, 'readable');
    outer.write(Buffer.from([0x15, 3, 3, 0, 2, 2, description]));
    expect(await result).toEqual({ ok: false, reason: 'client-tls-failed', alert });
  });
});

describe('a hostile server or client list', () => {
  async function upstream(options: { serverName?: string; alpn?: readonly string[] }) {
    const { outer, inner } = await pair();
    const { certPem: cert, keyPem: key } = server;
    const tlsServer = createServer({ cert, key, ALPNProtocols: ['imap'] });
    const secure = new Promise<TLSSocket>((resolve) => tlsServer.once('secureConnection', resolve));
    tlsServer.on('tlsClientError', () => outer.destroy());
    tlsServer.emit('connection', outer);
    const result = await connectUpstreamTls({ socket: inner, alpn: [], contexts, timeoutMs, ...options });
    return { result, secure };
  }

  it.each([[['', 'imap']], [['x'.repeat(256), 'imap']], [['\u0080\u00ff', 'imap']]])(
    'of protocols that do not fit the wire leaves the others: %j',
    async (alpn) => {
      const { result } = await upstream({ alpn });
      expect(result.ok && result.upstream.alpn).toBe('imap');
    },
  );

  it('of unfit protocols alone sends no list', async () => {
    const { result, secure } = await upstream({ alpn: [''] });
    expect(result.ok && result.upstream.trusted).toBe(true);
    expect((await secure).alpnProtocol).toBe(false);
  });

  it.each(['', 'x'.repeat(300), 'mail.example.org\0.evil.example', '\u00e6\u00f8\u00e5.example', '.', '*'])(
    'name %j is never taken for the name of the certificate',
    async (name) => {
      const { result } = await upstream({ serverName: name });
      expect(result.ok && result.upstream.trusted).toBe(false);
    },
  );

  it('socket that is gone already fails', async () => {
    const { inner } = await pair();
    inner.destroy();
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs });
    expect(result).toEqual({ ok: false, reason: 'upstream-tls-failed' });
  });

  it('that speaks in the clear before the handshake fails', async () => {
    const { outer, inner } = await pair();
    outer.write('* OK injected\r\n');
    await once(inner, 'readable');
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs });
    expect(result).toEqual({ ok: false, reason: 'upstream-tls-failed' });
    await closed(inner);
  });
});
