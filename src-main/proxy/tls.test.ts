import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { dnsName, makeTestCertificate, type TestCertificate } from '../certificates/authority.fixture.ts';
import { accepted, closed, createTlsEnds, serverName } from './tls.fixture.ts';

const ends = await createTlsEnds();
const { contexts, keysFor, leafFor, pair, serverCertificate, tlsClient, tlsServer, toClient, toServer } =
  ends;

afterAll(() => ends.remove());
afterEach(() => ends.closeAll());

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the leg to the server', () => {
  async function judge(certificate: TestCertificate, sni: string | undefined = serverName) {
    const { inner } = await tlsServer(certificate);
    const result = await toServer(inner, sni === '' ? {} : { serverName: sni });
    if (!result.ok) throw new Error(result.reason);
    return result.upstream;
  }

  const reasonOf = async (certificate: TestCertificate) => {
    const { judgement } = await judge(certificate);
    return judgement.trusted ? undefined : judgement.reason;
  };

  it.each(['rsa', 'ec'] as const)('trusts a good %s certificate and shows it', async (kind) => {
    const certificate = serverCertificate({ keys: keysFor(kind) });
    const upstream = await judge(certificate);
    expect(upstream.judgement).toEqual({ trusted: true });
    expect(upstream.certificate.names).toEqual([serverName]);
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
      'upstream-certificate-not-yet-valid',
    ],
    ['for another name', { names: [dnsName('other.example.org')] }, 'upstream-certificate-name-mismatch'],
    [
      'of an unknown authority',
      { issuer: makeTestCertificate({ keys: keysFor('ec', 'unknown'), isAuthority: true }) },
      'upstream-certificate-untrusted',
    ],
    [
      'of one that is no authority',
      { issuer: serverCertificate({ keys: keysFor('ec', 'neighbour'), subject: 'neighbour' }) },
      'upstream-certificate-untrusted',
    ],
  ] as const)('goes on with a certificate that is %s, and says so', async (_, options, reason) => {
    expect(await reasonOf(serverCertificate(options))).toBe(reason);
  });

  it('does not trust a self-signed certificate', async () => {
    const selfSigned = makeTestCertificate({ keys: keysFor('rsa'), names: [dnsName(serverName)] });
    expect(await reasonOf(selfSigned)).toBe('upstream-certificate-self-signed');
  });

  it('does not take the name of the subject for one when there are alternative names', async () => {
    const certificate = serverCertificate({ subject: serverName, names: [dnsName('other.example.org')] });
    expect(await reasonOf(certificate)).toBe('upstream-certificate-name-mismatch');
  });

  it('without SNI sends none and judges the chain alone', async () => {
    const certificate = serverCertificate({ names: [dnsName('other.example.org')] });
    const { inner, secure } = await tlsServer(certificate);
    const result = await toServer(inner);
    expect(result.ok && result.upstream.judgement.trusted).toBe(true);
    expect((await secure).servername).toBe(false);
    expect((await judge(makeTestCertificate({ keys: keysFor('ec') }), '')).judgement.trusted).toBe(false);
  });

  it('sends the server name and the ALPN list of the client', async () => {
    const { inner, secure } = await tlsServer(serverCertificate(), { ALPNProtocols: ['pop3', 'imap'] });
    const alpn = ['unknown', 'imap'];
    const result = await toServer(inner, { serverName, alpn });
    expect(result.ok && result.upstream.alpn).toBe('imap');
    expect((await secure).servername).toBe(serverName);
  });

  it('sends no ALPN when the client sent none', async () => {
    const { inner, secure } = await tlsServer(serverCertificate(), { ALPNProtocols: ['imap'] });
    const result = await toServer(inner, { serverName });
    expect(result.ok && result.upstream.alpn).toBeUndefined();
    expect((await secure).alpnProtocol).toBe(false);
  });

  it.each([
    ['answers with other words', (outer: Socket) => outer.write('* OK not TLS at all\r\n')],
    ['closes', (outer: Socket) => outer.end()],
    ['resets', (outer: Socket) => outer.resetAndDestroy()],
  ])('fails with a server that %s', async (_, act) => {
    const { outer, inner } = await pair();
    const result = toServer(inner, { serverName });
    await once(outer, 'readable');
    act(outer);
    expect(await result).toEqual({ ok: false, reason: 'upstream-tls-failed', cause: 'other' });
    await closed(inner);
  });

  it('gives up on a silent server', async () => {
    const { inner } = await pair();
    const result = await toServer(inner, { serverName, timeoutMs: 20 });
    expect(result).toEqual({ ok: false, reason: 'upstream-timeout', cause: 'other' });
    await closed(inner);
  });

  it('ends by itself when the server sends rubbish later', async () => {
    const { outer, inner } = await pair();
    const { certPem: cert, keyPem: key } = serverCertificate();
    createServer({ cert, key }).emit('connection', outer);
    const result = await toServer(inner, { serverName });
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
        accepted(await toClient({ socket: inner, leaf: await leafFor(certificate) }));
        await secure;
        expect(client.authorized).toBe(true);
        expect(client.getProtocol()).toBe(maxVersion);
      }
    },
  );

  it('speaks RSA with a client that knows nothing else', async () => {
    const { client, inner } = await tlsClient({
      ciphers: 'ECDHE-RSA-AES256-GCM-SHA384',
      maxVersion: 'TLSv1.2',
    });
    const leaf = await leafFor(serverCertificate(), true, 'rsa');
    accepted(await toClient({ socket: inner, leaf }));
    expect(client.getCipher().name).toBe('ECDHE-RSA-AES256-GCM-SHA384');
  });

  it('shows a leaf that nobody trusts for a server that is not trusted', async () => {
    const { client, inner } = await tlsClient({ rejectUnauthorized: false });
    const secure = once(client, 'secureConnect');
    const leaf = await leafFor(serverCertificate(), false);
    accepted(await toClient({ socket: inner, leaf }));
    await secure;
    expect(client.authorized).toBe(false);
    expect(client.authorizationError).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY/);
  });

  it('lets the client judge the name', async () => {
    const { client, inner } = await tlsClient({ servername: 'other.example.org', rejectUnauthorized: false });
    const secure = once(client, 'secureConnect');
    const leaf = await leafFor(serverCertificate());
    accepted(await toClient({ socket: inner, leaf }));
    await secure;
    expect(client.authorizationError).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('offers the protocol that the server chose', async () => {
    const { client, inner } = await tlsClient({ ALPNProtocols: ['pop3', 'imap'] });
    const leaf = await leafFor(serverCertificate());
    const socket = accepted(await toClient({ socket: inner, leaf, alpn: 'imap' }));
    expect(socket.alpnProtocol).toBe('imap');
    expect(client.alpnProtocol).toBe('imap');
  });

  it('chooses no protocol when the server chose none', async () => {
    const { inner } = await tlsClient({ ALPNProtocols: ['imap'] });
    const leaf = await leafFor(serverCertificate());
    expect(accepted(await toClient({ socket: inner, leaf })).alpnProtocol).toBe(false);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes no session of %s', async (maxVersion) => {
    const leaf = await leafFor(serverCertificate());
    const visit = async (session: Buffer | undefined) => {
      const { client, inner } = await tlsClient({ maxVersion, ...(session ? { session } : {}) });
      const sessions: Buffer[] = [];
      client.on('session', (given: Buffer) => sessions.push(given));
      const socket = accepted(await toClient({ socket: inner, leaf }));
      socket.end('bye');
      expect(await readAll(client)).toBe('bye');
      return { resumed: client.isSessionReused(), session: sessions.at(-1) ?? client.getSession() };
    };
    const first = await visit(undefined);
    expect((await visit(first.session)).resumed).toBe(false);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'gives a client of %s the suite that it likes best',
    async (version) => {
      const suites =
        version === 'TLSv1.3'
          ? ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']
          : ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'DHE-RSA-AES128-GCM-SHA256'];
      for (const list of [suites, suites.toReversed()]) {
        const { client, inner } = await tlsClient({
          ciphers: list.join(':'),
          minVersion: version,
          maxVersion: version,
        });
        const keyKind = list[0]?.includes('DHE-RSA') ? 'rsa' : 'ec';
        accepted(await toClient({ socket: inner, leaf: await leafFor(serverCertificate(), true, keyKind) }));
        expect(client.getCipher().name).toBe(list[0]);
      }
    },
  );

  it('speaks nothing older than it is told to', async () => {
    const { inner } = await tlsClient({ maxVersion: 'TLSv1.2' });
    const leaf = await leafFor(serverCertificate());
    const result = await toClient({ socket: inner, leaf, minVersion: 'TLSv1.3' });
    expect(result).toEqual({
      ok: false,
      reason: 'client-tls-failed',
      end: 'incompatible',
      alert: 'unsupported-protocol',
    });
  });

  it('starts no second handshake', async () => {
    const { client, inner } = await tlsClient({ maxVersion: 'TLSv1.2' });
    const secure = once(client, 'secureConnect');
    const socket = accepted(await toClient({ socket: inner, leaf: await leafFor(serverCertificate()) }));
    await secure;
    const refused = once(client, 'error');
    client.renegotiate({ rejectUnauthorized: false }, () => undefined);
    socket.resume();
    const [error] = await refused;
    expect(error).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
  });

  it('takes octets that were read and given back', async () => {
    const { client, inner } = await tlsClient();
    await once(inner, 'readable');
    const hello: Buffer = inner.read();
    expect(hello[0]).toBe(0x16);
    inner.unshift(hello);
    const socket = accepted(await toClient({ socket: inner, leaf: await leafFor(serverCertificate()) }));
    client.write('a login\r\n');
    const [line] = await once(socket, 'data');
    expect(line.toString()).toBe('a login\r\n');
  });

  it('passes on each half of the end', async () => {
    const { client, inner } = await tlsClient();
    const leaf = await leafFor(serverCertificate());
    const socket = accepted(await toClient({ socket: inner, leaf }));
    client.end('LOGOUT');
    expect(await readAll(socket)).toBe('LOGOUT');
    socket.end('* BYE');
    expect(await readAll(client)).toBe('* BYE');
    await Promise.all([closed(socket), closed(inner)]);
  });

  it('shares one context among the clients of a server', async () => {
    const leaf = await leafFor(serverCertificate());
    expect(contexts.forLeaf(leaf, 'TLSv1.2', false)).toBe(contexts.forLeaf(leaf, 'TLSv1.2', false));
    expect(contexts.forLeaf(leaf, 'TLSv1.3', false)).not.toBe(contexts.forLeaf(leaf, 'TLSv1.2', false));
    expect(contexts.forLeaf(leaf, 'TLSv1.2', true)).not.toBe(contexts.forLeaf(leaf, 'TLSv1.2', false));
    expect(contexts.forLeaf({ ...leaf }, 'TLSv1.2', false)).not.toBe(
      contexts.forLeaf(leaf, 'TLSv1.2', false),
    );
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
    const socket = accepted(await toClient({ socket: inner, leaf }));
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
    const client = connect({ socket: clientLeg.outer, servername: serverName, ca: ends.ourRoot });
    const up = await toServer(serverLeg.inner, { serverName });
    if (!up.ok) throw new Error(up.reason);
    const leaf = await leafFor(certificate);
    const down = accepted(await toClient({ socket: clientLeg.inner, leaf }));
    down.pipe(up.upstream.socket).pipe(down);

    client.end('CAPA\r\n');
    const serverSide = await secure;
    expect(await readAll(serverSide)).toBe('CAPA\r\n');
    serverSide.end('+OK\r\n.\r\n');
    expect(await readAll(client)).toBe('+OK\r\n.\r\n');
    expect(client.authorized).toBe(true);
  });
});
