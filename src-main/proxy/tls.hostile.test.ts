import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeTestCertificate } from '../certificates/authority.fixture.ts';
import { closed, createTlsEnds, serverName } from './tls.fixture.ts';

const ends = await createTlsEnds();
const { pair, toClient, toServer } = ends;
const server = ends.serverCertificate();
const leaf = await ends.leafFor(server);

afterAll(() => ends.remove());
afterEach(() => ends.closeAll());

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
    ['speaks another language', 'wrong-version-number', Buffer.from('a001 LOGIN somebody secret\r\n')],
    ['claims a record too large', 'data-length-too-long', Buffer.from('160301ffff', 'hex')],
    ['sends an empty handshake message', 'length-too-short', Buffer.from('16030100040100000000', 'hex')],
    ['sends nothing but zeros', 'wrong-version-number', Buffer.alloc(4_096)],
  ])('that %s gets no session', async (_, alert, bytes) => {
    const { outer, inner } = await pair();
    outer.end(bytes);
    const result = await toClient({ socket: inner, leaf });
    expect(result).toEqual({
      ok: false,
      reason: 'client-tls-failed',
      end: 'incompatible',
      alert,
    });
    await closed(inner);
  });

  it('that ends anywhere in its ClientHello gets no session', async () => {
    const hello = await clientHello('TLSv1.3');
    for (let size = 0; size < hello.length; size += 37) {
      const { outer, inner } = await pair();
      outer.end(hello.subarray(0, size));
      const result = await toClient({ socket: inner, leaf });
      expect(result).toEqual({ ok: false, reason: 'client-tls-failed', end: 'other' });
    }
  });

  it('that says no more than half of a ClientHello is given up', async () => {
    const hello = await clientHello('TLSv1.3');
    const { outer, inner } = await pair();
    outer.write(hello.subarray(0, 100));
    const result = await toClient({ socket: inner, leaf, timeoutMs: 20 });
    expect(result).toEqual({ ok: false, reason: 'client-tls-failed', end: 'timeout' });
    await closed(inner);
  });

  it('that resets before its handshake gets no session', async () => {
    const { outer, inner } = await pair();
    const result = toClient({ socket: inner, leaf });
    outer.resetAndDestroy();
    expect(await result).toEqual({ ok: false, reason: 'client-tls-failed', end: 'other' });
  });

  it('whose socket is gone already gets no session', async () => {
    const { inner } = await pair();
    inner.destroy();
    const result = await toClient({ socket: inner, leaf });
    expect(result).toEqual({ ok: false, reason: 'client-tls-failed', end: 'other' });
  });

  it('that asks for a TLS of the past gets no session', async () => {
    const { outer, inner } = await pair();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    connect({ socket: outer, ...old }).on('error', () => undefined);
    const result = await toClient({ socket: inner, leaf });
    expect(result).toEqual({
      ok: false,
      reason: 'client-tls-failed',
      end: 'incompatible',
      alert: 'unsupported-protocol',
    });
  });

  it.each([
    [48, 'unknown-ca'],
    [46, 'certificate-unknown'],
    [42, 'bad-certificate'],
    [40, 'handshake-failure'],
  ])('that refuses our certificate by alert %i is heard', async (description, alert) => {
    const { outer, inner } = await pair();
    const result = toClient({ socket: inner, leaf });
    outer.write(await clientHello('TLSv1.2'));
    await once(outer, 'readable');
    outer.write(Buffer.from([0x15, 3, 3, 0, 2, 2, description]));
    expect(await result).toEqual({ ok: false, reason: 'client-tls-failed', end: 'alert', alert });
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
    const result = await toServer(inner, options);
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
    expect(result.ok && result.upstream.judgement.trusted).toBe(true);
    expect((await secure).alpnProtocol).toBe(false);
  });

  it.each(['', 'x'.repeat(300), 'mail.example.org\0.evil.example', '\u00e6\u00f8\u00e5.example', '.', '*'])(
    'name %j is never taken for the name of the certificate',
    async (name) => {
      const { result } = await upstream({ serverName: name });
      expect(result.ok && result.upstream.judgement.trusted).toBe(false);
    },
  );

  it('socket that is gone already fails', async () => {
    const { inner } = await pair();
    inner.destroy();
    const result = await toServer(inner, { serverName });
    expect(result).toEqual({ ok: false, reason: 'upstream-tls-failed', cause: 'other' });
  });

  it('that speaks in the clear before the handshake fails', async () => {
    const { outer, inner } = await pair();
    outer.write('* OK injected\r\n');
    await once(inner, 'readable');
    const result = await toServer(inner, { serverName });
    expect(result).toEqual({ ok: false, reason: 'upstream-tls-failed', cause: 'other' });
    await closed(inner);
  });

  it('that sends many certificates is judged by those that count', async () => {
    const others = Array.from({ length: 60 }, (_, index) =>
      makeTestCertificate({
        keys: ends.keysFor('ec', 'other'),
        subject: `other ${index}`,
        isAuthority: true,
      }),
    );
    const certPem = [server, ...others].map((each) => each.certPem).join('');
    const { inner } = await ends.tlsServer({ certPem, keyPem: server.keyPem });
    const result = await toServer(inner, { serverName });
    expect(result.ok && result.upstream.judgement).toEqual({ trusted: true });
  });

  it('that sends more certificates than OpenSSL takes fails', async () => {
    const certPem = server.certPem.repeat(400);
    const { inner } = await ends.tlsServer({ certPem, keyPem: server.keyPem });
    expect(await toServer(inner, { serverName })).toMatchObject({ ok: false, cause: 'other' });
  });

  it('whose certificate has a date that is none is never trusted', async () => {
    const octets = Buffer.from(server.der);
    const at = octets.indexOf(Buffer.from([0x18, 0x0f]));
    octets.write('no date at all Z'.slice(0, 15), at + 2, 'latin1');
    const certPem = `-----BEGIN CERTIFICATE-----\n${octets.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const { inner } = await ends.tlsServer({ certPem, keyPem: server.keyPem });
    const result = await toServer(inner, { serverName });
    // Node may read any date out of it, so that the connection goes on or fails.
    expect(result.ok && result.upstream.judgement.trusted).toBe(false);
  });
});
