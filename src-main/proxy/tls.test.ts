import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createTestKeys,
  dnsName,
  makeTestCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from '../certificates/authority.fixture.ts';
import { type Certificates, openCertificates } from '../certificates/authority.ts';
import { socketPair } from './testing.fixture.ts';
import { type AcceptedClient, acceptClientTls, connectUpstreamTls, createTlsContexts } from './tls.ts';

const serverName = 'mail.example.org';
const timeoutMs = 5_000;
const keysFor = createTestKeys();
const authority = makeTestCertificate({
  keys: keysFor('ec', 'authority'),
  subject: 'Test authority',
  isAuthority: true,
});
const contexts = createTlsContexts({ extraCa: authority.certPem });
const cleanups: (() => void)[] = [];
let directory: string;
let certificates: Certificates;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postern-tls-'));
  certificates = await openCertificates({ directory, hostname: 'desk', now: () => new Date() });
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const serverCertificate = (options: Partial<TestCertificateOptions> = {}) =>
  makeTestCertificate({
    keys: keysFor('ec'),
    subject: serverName,
    names: [dnsName(serverName)],
    issuer: authority,
    ...options,
  });

async function pair(): Promise<{ outer: Socket; inner: Socket }> {
  const sockets = await socketPair();
  cleanups.push(
    () => sockets.outer.destroy(),
    () => sockets.inner.destroy(),
  );
  return sockets;
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A TLS server at the outer end of a pair; gives our end and the server's socket once it is secure. */
async function tlsServer(certificate: TestCertificate, options: TlsOptions = {}) {
  const { outer, inner } = await pair();
  const server = createServer({
    cert: certificate.certPem,
    key: certificate.keyPem,
    allowHalfOpen: true,
    ...options,
  });
  const secure = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
  server.on('tlsClientError', () => outer.destroy());
  server.emit('connection', outer);
  return { inner, secure };
}

/** A TLS client at the outer end of a pair that trusts our root, unless told otherwise. */
async function tlsClient(options: ConnectionOptions = {}) {
  const { outer, inner } = await pair();
  const client = connect({ socket: outer, servername: serverName, ca: certificates.rootPem, ...options });
  client.on('error', () => client.destroy());
  return { client, inner };
}

function accepted(result: AcceptedClient): TLSSocket {
  if (!result.ok) throw new Error(result.reason);
  return result.socket;
}

const leafFor = (certificate: TestCertificate, trusted = true) =>
  certificates.leafFor({ der: certificate.der, trusted });

describe('the leg to the server', () => {
  async function judge(certificate: TestCertificate, sni: string | undefined = serverName) {
    const { inner } = await tlsServer(certificate);
    const result = await connectUpstreamTls({
      socket: inner,
      alpn: [],
      contexts,
      timeoutMs,
      ...(sni === '' ? {} : { serverName: sni }),
    });
    if (!result.ok) throw new Error(result.reason);
    return result.upstream;
  }

  it.each(['rsa', 'ec'] as const)('trusts a good %s certificate and shows it', async (kind) => {
    const certificate = serverCertificate({ keys: keysFor(kind) });
    const upstream = await judge(certificate);
    expect(upstream.trusted).toBe(true);
    expect(upstream.reason).toBeUndefined();
    expect(upstream.alpn).toBeUndefined();
    expect(upstream.der.equals(certificate.der)).toBe(true);
  });

  it.each([
    [
      'expired',
      { notBefore: new Date('2019-01-01'), notAfter: new Date('2020-01-01') },
      'upstream-certificate-expired',
    ],
    [
      'not yet valid',
      { notBefore: new Date('2999-01-01'), notAfter: new Date('2999-02-01') },
      'upstream-certificate-untrusted',
    ],
    ['for another name', { names: [dnsName('other.example.org')] }, 'upstream-certificate-name-mismatch'],
    [
      'of an unknown authority',
      { issuer: makeTestCertificate({ keys: keysFor('ec', 'unknown'), isAuthority: true }) },
      'upstream-certificate-untrusted',
    ],
    ['of one that is no authority', { issuer: serverCertificate() }, 'upstream-certificate-untrusted'],
  ] as const)('goes on with a certificate that is %s, and says so', async (_, options, reason) => {
    const upstream = await judge(serverCertificate(options));
    expect(upstream.trusted).toBe(false);
    expect(upstream.reason).toBe(reason);
  });

  it('does not trust a self-signed certificate', async () => {
    const selfSigned = makeTestCertificate({ keys: keysFor('rsa'), names: [dnsName(serverName)] });
    expect((await judge(selfSigned)).reason).toBe('upstream-certificate-untrusted');
  });

  it('does not take the name of the subject for one when there are alternative names', async () => {
    const certificate = serverCertificate({ subject: serverName, names: [dnsName('other.example.org')] });
    expect((await judge(certificate)).trusted).toBe(false);
  });

  it('without SNI sends none and judges the chain alone', async () => {
    const certificate = serverCertificate({ names: [dnsName('other.example.org')] });
    const { inner, secure } = await tlsServer(certificate);
    const result = await connectUpstreamTls({ socket: inner, alpn: [], contexts, timeoutMs });
    expect(result.ok && result.upstream.trusted).toBe(true);
    expect((await secure).servername).toBe(false);
    expect((await judge(makeTestCertificate({ keys: keysFor('ec') }), '')).trusted).toBe(false);
  });

  it('sends the server name and the ALPN list of the client', async () => {
    const { inner, secure } = await tlsServer(serverCertificate(), { ALPNProtocols: ['pop3', 'imap'] });
    const alpn = ['unknown', 'imap'];
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn, contexts, timeoutMs });
    expect(result.ok && result.upstream.alpn).toBe('imap');
    expect((await secure).servername).toBe(serverName);
  });

  it('sends no ALPN when the client sent none', async () => {
    const { inner, secure } = await tlsServer(serverCertificate(), { ALPNProtocols: ['imap'] });
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs });
    expect(result.ok && result.upstream.alpn).toBeUndefined();
    expect((await secure).alpnProtocol).toBe(false);
  });

  it('fails with a server that knows no TLS of today', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { inner } = await tlsServer(serverCertificate({ keys: keysFor('rsa') }), old);
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs });
    expect(result).toEqual({ ok: false, reason: 'upstream-tls-failed' });
    await closed(inner);
  });

  it.each([
    ['answers with other words', (outer: Socket) => outer.write('* OK not TLS at all\r\n')],
    ['closes', (outer: Socket) => outer.end()],
    ['resets', (outer: Socket) => outer.resetAndDestroy()],
  ])('fails with a server that %s', async (_, act) => {
    const { outer, inner } = await pair();
    const result = connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs });
    await once(outer, 'readable');
    act(outer);
    expect(await result).toEqual({ ok: false, reason: 'upstream-tls-failed' });
    await closed(inner);
  });

  it('gives up on a silent server', async () => {
    const { inner } = await pair();
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs: 20 });
    expect(result).toEqual({ ok: false, reason: 'upstream-timeout' });
    await closed(inner);
  });

  it('ends by itself when the server sends rubbish later', async () => {
    const { outer, inner } = await pair();
    const { certPem: cert, keyPem: key } = serverCertificate();
    createServer({ cert, key }).emit('connection', outer);
    const result = await connectUpstreamTls({ socket: inner, serverName, alpn: [], contexts, timeoutMs });
    if (!result.ok) throw new Error(result.reason);
    outer.write('this is no TLS record');
    await closed(result.upstream.socket);
    expect(inner.destroyed).toBe(true);
  });
});

describe('the leg to the client', () => {
  it.each(['rsa', 'ec'] as const)(
    'shows a leaf that a client with our root trusts, for an %s server',
    async (kind) => {
      const certificate = serverCertificate({ keys: keysFor(kind) });
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const { client, inner } = await tlsClient({ maxVersion });
        const secure = once(client, 'secureConnect');
        accepted(
          await acceptClientTls({ socket: inner, leaf: await leafFor(certificate), contexts, timeoutMs }),
        );
        await secure;
        expect(client.authorized).toBe(true);
        expect(client.getProtocol()).toBe(maxVersion);
      }
    },
  );

  it('keeps what the client was known to speak with an RSA server', async () => {
    const { client, inner } = await tlsClient({
      ciphers: 'ECDHE-RSA-AES256-GCM-SHA384',
      maxVersion: 'TLSv1.2',
    });
    const leaf = await leafFor(serverCertificate({ keys: keysFor('rsa') }));
    accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs }));
    expect(client.getCipher().name).toBe('ECDHE-RSA-AES256-GCM-SHA384');
  });

  it('shows a leaf that nobody trusts for a server that is not trusted', async () => {
    const { client, inner } = await tlsClient({ rejectUnauthorized: false });
    const secure = once(client, 'secureConnect');
    const leaf = await leafFor(serverCertificate(), false);
    accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs }));
    await secure;
    expect(client.authorized).toBe(false);
    expect(client.authorizationError).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY/);
  });

  it('lets the client judge the name', async () => {
    const { client, inner } = await tlsClient({ servername: 'other.example.org', rejectUnauthorized: false });
    const secure = once(client, 'secureConnect');
    const leaf = await leafFor(serverCertificate());
    accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs }));
    await secure;
    expect(client.authorizationError).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('offers the protocol that the server chose', async () => {
    const { client, inner } = await tlsClient({ ALPNProtocols: ['pop3', 'imap'] });
    const leaf = await leafFor(serverCertificate());
    const socket = accepted(
      await acceptClientTls({ socket: inner, leaf, alpn: 'imap', contexts, timeoutMs }),
    );
    expect(socket.alpnProtocol).toBe('imap');
    expect(client.alpnProtocol).toBe('imap');
  });

  it('chooses no protocol when the server chose none', async () => {
    const { inner } = await tlsClient({ ALPNProtocols: ['imap'] });
    const leaf = await leafFor(serverCertificate());
    expect(accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs })).alpnProtocol).toBe(
      false,
    );
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes no session of %s', async (maxVersion) => {
    const leaf = await leafFor(serverCertificate());
    const visit = async (session: Buffer | undefined) => {
      const { client, inner } = await tlsClient({ maxVersion, ...(session ? { session } : {}) });
      const sessions: Buffer[] = [];
      client.on('session', (given: Buffer) => sessions.push(given));
      const socket = accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs }));
      socket.end('bye');
      expect(await readAll(client)).toBe('bye');
      return { resumed: client.isSessionReused(), session: sessions.at(-1) ?? client.getSession() };
    };
    const first = await visit(undefined);
    expect((await visit(first.session)).resumed).toBe(false);
  });

  it('takes octets that were read and given back', async () => {
    const { client, inner } = await tlsClient();
    await once(inner, 'readable');
    const hello: Buffer = inner.read();
    expect(hello[0]).toBe(0x16);
    inner.unshift(hello);
    const socket = accepted(
      await acceptClientTls({ socket: inner, leaf: await leafFor(serverCertificate()), contexts, timeoutMs }),
    );
    client.write('a login\r\n');
    const [line] = await once(socket, 'data');
    expect(line.toString()).toBe('a login\r\n');
  });

  it('passes on each half of the end', async () => {
    const { client, inner } = await tlsClient();
    const leaf = await leafFor(serverCertificate());
    const socket = accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs }));
    client.end('LOGOUT');
    expect(await readAll(socket)).toBe('LOGOUT');
    socket.end('* BYE');
    expect(await readAll(client)).toBe('* BYE');
    await Promise.all([closed(socket), closed(inner)]);
  });

  it('shares one context among the clients of a server', async () => {
    const leaf = await leafFor(serverCertificate());
    expect(contexts.forLeaf(leaf)).toBe(contexts.forLeaf(leaf));
    expect(contexts.forLeaf({ ...leaf })).not.toBe(contexts.forLeaf(leaf));
  });

  it.each([
    ['sends rubbish', (outer: Socket) => outer.write('this is no TLS record')],
    ['resets', (outer: Socket) => outer.resetAndDestroy()],
  ])('ends with one error when the client %s later', async (_, act) => {
    // A relay between the two, and some words first: a socket under TLS sends no reset, and one that comes while the
    // handshake is still being written shows as an end.
    const { client, inner: near } = await tlsClient();
    const { outer, inner } = await pair();
    near.pipe(outer).pipe(near);
    client.on('error', () => client.destroy());
    const leaf = await leafFor(serverCertificate());
    const socket = accepted(await acceptClientTls({ socket: inner, leaf, contexts, timeoutMs }));
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    socket.write('* OK ready');
    await once(client, 'data');
    act(outer);
    await closed(socket);
    expect(errors).toHaveLength(1);
    expect(inner.destroyed).toBe(true);
  });
});

describe('STARTTLS', () => {
  it('opens both legs on sockets that have spoken before', async () => {
    const [clientLeg, serverLeg] = [await pair(), await pair()];
    const certificate = serverCertificate({ keys: keysFor('rsa') });
    const speak = async (from: Socket, to: Socket, line: string) => {
      from.write(line);
      await once(to, 'readable');
      expect(to.read()?.toString()).toBe(line);
    };
    await speak(serverLeg.outer, serverLeg.inner, '+OK ready\r\n');
    await speak(clientLeg.inner, clientLeg.outer, '+OK ready\r\n');
    await speak(clientLeg.outer, clientLeg.inner, 'STLS\r\n');
    await speak(serverLeg.inner, serverLeg.outer, 'STLS\r\n');
    await speak(serverLeg.outer, serverLeg.inner, '+OK begin\r\n');
    await speak(clientLeg.inner, clientLeg.outer, '+OK begin\r\n');

    const { certPem: cert, keyPem: key } = certificate;
    const server = createServer({ cert, key, allowHalfOpen: true });
    const secure = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
    server.emit('connection', serverLeg.outer);
    const client = connect({ socket: clientLeg.outer, servername: serverName, ca: certificates.rootPem });
    const up = await connectUpstreamTls({
      socket: serverLeg.inner,
      serverName,
      alpn: [],
      contexts,
      timeoutMs,
    });
    if (!up.ok) throw new Error(up.reason);
    const leaf = await certificates.leafFor(up.upstream);
    const down = accepted(await acceptClientTls({ socket: clientLeg.inner, leaf, contexts, timeoutMs }));
    down.pipe(up.upstream.socket).pipe(down);

    client.end('CAPA\r\n');
    const serverSide = await secure;
    expect(await readAll(serverSide)).toBe('CAPA\r\n');
    serverSide.end('+OK\r\n.\r\n');
    expect(await readAll(client)).toBe('+OK\r\n.\r\n');
    expect(client.authorized).toBe(true);
  });
});
