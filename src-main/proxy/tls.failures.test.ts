// How handshakes fail, on both legs: by real ones, since only Node and OpenSSL know what they call it.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { anyTerms, closed, createTlsEnds, serverName } from './tls.fixture.ts';
import { alertOf, isClientCertificateAlert } from './tls.ts';

const ends = await createTlsEnds();
const { authority, keysFor, pair, serverCertificate, tlsServer, toServer, toClient } = ends;
const leaf = await ends.leafFor(serverCertificate());

afterAll(() => ends.remove());
afterEach(() => ends.closeAll());

describe('a server that wants a certificate of its client', () => {
  const identity = serverCertificate();
  const wanting = { requestCert: true, rejectUnauthorized: true, ca: authority.certPem } as const;

  it('is told from others in TLS 1.2', async () => {
    const { inner } = await tlsServer(identity, { ...wanting, maxVersion: 'TLSv1.2' });
    const result = await toServer(inner, { serverName });
    expect(result).toEqual({
      ok: false,
      reason: 'upstream-tls-failed',
      cause: 'client-certificate',
      alert: 'handshake-failure',
    });
    await closed(inner);
  });

  async function shaken() {
    const { inner } = await tlsServer(identity, { ...wanting, minVersion: 'TLSv1.3' });
    const result = await toServer(inner, { serverName });
    if (!result.ok) throw new Error(result.reason);
    return result.upstream.socket;
  }

  it('says so after the handshake in TLS 1.3', async () => {
    const socket = await shaken();
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    await closed(socket);
    expect(errors.map(isClientCertificateAlert)).toEqual([true]);
    expect(alertOf(errors[0])).toBe('certificate-required');
  });

  it('is still known by the socket when nobody listened', async () => {
    const socket = await shaken();
    await closed(socket);
    expect(isClientCertificateAlert(socket.errored)).toBe(true);
  });

  it('is not known by the words of an error', () => {
    expect(isClientCertificateAlert(new Error('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'))).toBe(false);
    for (const nothing of [null, undefined, 'x', {}]) expect(isClientCertificateAlert(nothing)).toBe(false);
  });

  it('is content when it only asks', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { inner } = await tlsServer(identity, { ...wanting, rejectUnauthorized: false, maxVersion });
      expect((await toServer(inner, { serverName })).ok).toBe(true);
    }
  });
});

describe('a server that does not agree', () => {
  const identity = serverCertificate({ keys: keysFor('rsa') });
  const failed = (cause: string, alert?: string) => ({
    ok: false,
    reason: 'upstream-tls-failed',
    cause,
    ...(alert === undefined ? {} : { alert }),
  });
  const only13 = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;
  const only12 = { minVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const;

  it.each([
    [
      'on a version of today',
      anyTerms,
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      'protocol-version',
    ],
    ['on TLS 1.3', only13, { maxVersion: 'TLSv1.2' }, 'protocol-version'],
    ['on TLS 1.2', only12, { minVersion: 'TLSv1.3' }, 'protocol-version'],
    [
      'on a suite',
      only12,
      { ciphers: 'ECDHE-RSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' },
      'handshake-failure',
    ],
    ['on a suite of TLS 1.3', only13, { ciphers: 'TLS_AES_256_GCM_SHA384' }, 'handshake-failure'],
    ['on a group', only13, { ecdhCurve: 'brainpoolP256r1tls13' }, 'handshake-failure'],
  ] as const)('%s is incompatible', async (_, terms, options, alert) => {
    const { inner } = await tlsServer(identity, options);
    const result = await toServer(inner, { serverName, terms });
    expect(result).toEqual(failed('incompatible', alert));
    await closed(inner);
  });

  it('is never met by a suite that the client did not offer', async () => {
    for (const ciphers of ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_AES_256_GCM_SHA384']) {
      const { inner } = await tlsServer(identity, { honorCipherOrder: true });
      const terms = { minVersion: 'TLSv1.2', ciphers } as const;
      const result = await toServer(inner, { serverName, terms });
      expect(result.ok && result.upstream.socket.getCipher().name).toBe(ciphers);
    }
  });

  /** Speaks as a server of TLS 1.2 would: octets after the ClientHello. */
  async function answered(bytes: Buffer) {
    const { outer, inner } = await pair();
    outer.once('data', () => outer.write(bytes));
    return await toServer(inner, { serverName });
  }

  it.each([
    [70, 'incompatible', 'protocol-version'],
    [71, 'incompatible', 'insufficient-security'],
    [40, 'incompatible', 'handshake-failure'],
    [47, 'incompatible', 'illegal-parameter'],
    [112, 'other', 'unrecognized-name'],
    [80, 'other', 'internal-error'],
    // No certificate was seen, so that none of the client's can be missing.
    [116, 'other', 'certificate-required'],
    [48, 'other', 'unknown-ca'],
  ])('by alert %i is %s', async (description, cause, alert) => {
    expect(await answered(Buffer.from([0x15, 3, 3, 0, 2, 2, description]))).toEqual(failed(cause, alert));
  });

  it('because it chose what we can not speak is incompatible', async () => {
    // A ServerHello of TLS 1.1 (RFC 4346 §7.4.1.3).
    const body = Buffer.concat([Buffer.from([3, 2]), Buffer.alloc(32, 7), Buffer.from([0, 0xc0, 0x13, 0])]);
    const message = Buffer.concat([Buffer.from([2, 0, 0, body.length]), body]);
    const record = Buffer.concat([Buffer.from([0x16, 3, 2, 0, message.length]), message]);
    expect(await answered(record)).toEqual(failed('incompatible'));
  });
});

describe('a client that leaves', () => {
  const failed = (end: string, alert?: string) => ({
    ok: false,
    reason: 'client-tls-failed',
    end,
    ...(alert === undefined ? {} : { alert }),
  });

  /** A client that hears nothing of what we say: the test ends its connection below TLS. */
  async function deafClient(options: ConnectionOptions) {
    const [near, far] = [await pair(), await pair()];
    const client = connect({ socket: near.outer, servername: serverName, ...options });
    client.on('error', () => client.destroy());
    near.inner.pipe(far.outer);
    const answered = once(far.outer, 'data');
    return { result: toClient({ socket: far.inner, leaf }), answered, far: far.outer };
  }

  it.each([
    ['TLSv1.2', 'ends', (socket: Socket) => socket.end()],
    ['TLSv1.3', 'ends', (socket: Socket) => socket.end()],
    ['TLSv1.2', 'resets', (socket: Socket) => socket.resetAndDestroy()],
    ['TLSv1.3', 'resets', (socket: Socket) => socket.resetAndDestroy()],
  ] as const)('in %s when it has our certificate, and %s, has closed', async (maxVersion, _, leave) => {
    const { result, answered, far } = await deafClient({ maxVersion });
    await answered;
    leave(far);
    expect(await result).toEqual(failed('closed'));
  });

  it('before our certificate is out has not closed for it, whatever was said before', async () => {
    const { outer, inner } = await pair();
    inner.write('x'.repeat(100_000));
    outer.resume().end();
    expect(await toClient({ socket: inner, leaf })).toEqual(failed('other'));
  });

  it('when it was asked for another group first has not seen it', async () => {
    const ecdhCurve = 'brainpoolP256r1tls13:X25519';
    const { result, answered, far } = await deafClient({ ecdhCurve, minVersion: 'TLSv1.3' });
    const [retry] = await answered;
    // The random that makes a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3).
    expect(Buffer.from(retry).includes(Buffer.from('cf21ad74e59a6111be1d8c02', 'hex'))).toBe(true);
    far.end();
    expect(await result).toEqual(failed('other'));
  });
});
