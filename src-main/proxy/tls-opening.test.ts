// What the proxy does with TLS as programs and servers meet it: what is opened, what is relayed, and what is learnt.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { dnsName } from '../certificates/authority.fixture.ts';
import type { TlsSettings } from '../contract/settings.ts';
import { createTlsStage, type How, mutt, serverName, type TlsServer } from './tls-stage.fixture.ts';

let stage: Awaited<ReturnType<typeof createTlsStage>>;
beforeAll(async () => {
  stage = await createTlsStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.remove());

const ways: How[] = ['implicit', 'imap', 'pop3'];
type Proxy = ReturnType<typeof stage.startTlsProxy>;

const gone = (socket: Socket) =>
  new Promise<void>((resolve) => {
    if (socket.readableEnded || socket.closed) resolve();
    else socket.once('end', resolve).once('close', resolve);
  });

/** Opens TLS as a client does and says a word; gives who signed the certificate that it saw. */
async function talk(
  { proxy }: Proxy,
  server: TlsServer,
  how: How = 'implicit',
  options: ConnectionOptions = {},
) {
  const raw = await stage.arriveAt(proxy, server, how);
  const { tls, got } = stage.secure(raw, options);
  await once(tls, 'secureConnect');
  const { issuer } = tls.getPeerCertificate();
  tls.write('b NOOP\r\n');
  await vi.waitFor(() => expect(got()).toMatch(/OK done|ERR/));
  return { issuer: issuer.CN, tls, got };
}

/** A client whose connection comes to nothing. */
async function fail(
  { proxy }: Proxy,
  server: TlsServer,
  how: How = 'implicit',
  options: ConnectionOptions = {},
) {
  const raw = await stage.arriveAt(proxy, server, how);
  const { tls } = stage.secure(raw, options);
  await gone(tls);
}

const rogue = () => ({ issuer: stage.certificateOf({ subject: 'Rogue', isAuthority: true }) });
const ours = /^Postern desk/;
const theirs = 'Test authority';
const signInList = '+OK\r\nSTLS\r\nSASL GSSAPI\r\n.\r\n';
const echo = (line: string, socket: Socket) => socket.write(line.startsWith('b ') ? 'b OK done\r\n' : '');

describe.each(ways)('%s', (how) => {
  const start = (options: Parameters<typeof stage.startTlsServer>[0] = {}) =>
    stage.startTlsServer({ how, answer: echo, ...options });

  test('is opened, and it is told once that the leaf is taken', async () => {
    const server = await start();
    const started = stage.startTlsProxy();
    const { issuer } = await talk(started, server, how);
    expect(issuer).toMatch(ours);
    await vi.waitFor(() =>
      expect(started.handshakes).toEqual([
        {
          owner: mutt,
          program: '/usr/bin/mutt',
          server: serverName,
          port: server.endpoint.port,
          accepted: true,
          trusted: true,
        },
      ]),
    );
    expect(started.proxy.connections()).toMatchObject([{ state: 'scanning' }]);
  });

  test.each<[string, Partial<TlsSettings>, string]>([
    ['by the switch', { enabled: false }, 'tls-off'],
    ['for a program', { applicationRules: [{ application: '/usr/bin/mutt', action: 'ignore' }] }, 'tls-rule'],
    [
      'for a name',
      { certificateRules: [{ name: 'r', host: '*.example.org', access: 'auto', scan: 'ignore' }] },
      'tls-rule',
    ],
    [
      'for an issuer, which is seen first',
      { certificateRules: [{ name: 'r', issuer: 'CN=Test authority', access: 'auto', scan: 'ignore' }] },
      'tls-rule',
    ],
  ])('stays unopened %s', async (_, settings, reason) => {
    const server = await start();
    const started = stage.startTlsProxy(settings);
    const { issuer } = await talk(started, server, how);
    expect(issuer).toBe(theirs);
    expect(started.relayed).toEqual([reason]);
    expect(started.proxy.connections()).toMatchObject([{ server: serverName, state: 'relayed', reason }]);
    expect([started.handshakes, started.relays.list()]).toEqual([[], []]);
  });

  test('a server that is blocked is not reached', async () => {
    const server = await start();
    const started = stage.startTlsProxy({
      certificateRules: [{ name: 'r', host: serverName, access: 'block', scan: 'auto' }],
    });
    await fail(started, server, how);
    expect(started.log).toContainEqual(
      expect.objectContaining({ event: 'connection-ended', reason: 'upstream-certificate-blocked' }),
    );
    expect(server.secured).toEqual([]);
    expect(started.proxy.connections()).toEqual([]);
  });

  test('a server that needs a TLS of another kind: the client never sees a failure, and it is shown', async () => {
    const server = await start({ tls: { maxVersion: 'TLSv1.2' } });
    const started = stage.startTlsProxy({ minVersion: '1.3' });
    for (let round = 0; round < 2; round++) {
      expect((await talk(started, server, how)).issuer).toBe(theirs);
    }
    expect(started.relayed).toEqual(['server-tls', 'server-tls']);
    expect(started.relays.list()).toMatchObject([{ server: serverName, reason: 'server-tls' }]);
    expect(started.relays.list()[0]?.program).toBeUndefined();
    // Each time it is asked first, and dialled afresh for the client.
    expect(server.sockets).toHaveLength(4);
  });

  test('by policy such a server is refused', async () => {
    const server = await start({ tls: { maxVersion: 'TLSv1.2' } });
    const started = stage.startTlsProxy({ minVersion: '1.3', mode: 'policy' });
    await fail(started, server, how);
    expect([started.relayed, started.relays.list()]).toEqual([[], []]);
    expect(started.log).toContainEqual(expect.objectContaining({ reason: 'upstream-tls-failed' }));
  });

  test.each(['a reset', 'an end'])('%s in the handshake switches nothing off', async (what) => {
    const server = await start({
      instead: (socket) => {
        socket.once('data', () => (what === 'a reset' ? socket.resetAndDestroy() : socket.end()));
        return true;
      },
    });
    const started = stage.startTlsProxy();
    await fail(started, server, how);
    expect([started.relayed, started.relays.list(), server.sockets.length]).toEqual([[], [], 1]);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: a server that needs the client’s own certificate',
    async (version) => {
      const server = await start({
        tls: {
          requestCert: true,
          rejectUnauthorized: true,
          ca: stage.authority.certPem,
          minVersion: version,
          maxVersion: version,
        },
      });
      const own = stage.certificateOf({ subject: 'a person' });
      const identity = { cert: own.certPem, key: own.keyPem };
      const started = stage.startTlsProxy();
      if (version === 'TLSv1.3') {
        await fail(started, server, how, identity);
        await vi.waitFor(() => expect(started.relays.list()).toHaveLength(1));
      }
      expect((await talk(started, server, how, identity)).issuer).toBe(theirs);
      // Only TLS 1.3 proves who says so; in TLS 1.2 it is asked anew each time.
      expect(started.relays.list()).toMatchObject([
        { reason: version === 'TLSv1.3' ? 'client-certificate' : 'server-tls' },
      ]);
      expect(started.relayed.at(-1)).toBe('client-certificate');
    },
  );

  test('one that claims the name, and demands a certificate, switches nothing off for the real one', async () => {
    const rogueServer = await start({
      certificate: rogue(),
      tls: { requestCert: true, rejectUnauthorized: true, ca: stage.authority.certPem },
    });
    const started = stage.startTlsProxy();
    const own = stage.certificateOf({ subject: 'a person' });
    const identity = { cert: own.certPem, key: own.keyPem };
    const trusting = { rejectUnauthorized: false };
    await fail(started, rogueServer, how, trusting);
    await vi.waitFor(() =>
      expect(started.relays.list()).toMatchObject([
        { program: '/usr/bin/mutt', reason: 'untrusted-certificate-refused', detail: 'certificate-required' },
      ]),
    );
    const other = { program: '/usr/bin/curl', uid: mutt.uid };
    expect(started.relays.find(other, rogueServer.endpoint, serverName)).toBeUndefined();
    // The program that was led there goes on with the server's own certificate.
    const { issuer } = await talk(started, rogueServer, how, { ...trusting, ...identity });
    expect(issuer).toBe('Rogue');
  });

  test('one that claims the name, and lets nobody sign in, switches nothing off for the real one', async () => {
    const capabilities = '[CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI]';
    const rogueServer = await start({
      certificate: rogue(),
      greeting: `* OK ${capabilities}\r\n`,
      answer: (_, socket) => socket.write(how === 'pop3' ? signInList : `b OK ${capabilities} OK done\r\n`),
    });
    const started = stage.startTlsProxy();
    const raw = await stage.arriveAt(started.proxy, rogueServer, how);
    const { tls } = stage.secure(raw, { rejectUnauthorized: false });
    tls.write(how === 'pop3' ? 'CAPA\r\n' : 'b NOOP\r\n');
    await vi.waitFor(() =>
      expect(started.relays.list()).toMatchObject([
        { program: '/usr/bin/mutt', reason: 'untrusted-certificate-refused', detail: 'no-sign-in' },
      ]),
    );
  });

  test('one that only asks for it is opened', async () => {
    const server = await start({ tls: { requestCert: true, rejectUnauthorized: false } });
    const started = stage.startTlsProxy();
    expect((await talk(started, server, how)).issuer).toMatch(ours);
    expect(started.relays.list()).toEqual([]);
  });

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: a client that refuses the leaf', (version) => {
    const only = { minVersion: version, maxVersion: version } as const;
    const refusals: [string, (raw: Socket) => Promise<unknown>][] = [
      [
        'for it does not know the root',
        async (raw) => await gone(stage.secure(raw, { ...only, ca: stage.authority.certPem }).tls),
      ],
      [
        'for it is not the one that it knows',
        async (raw) => {
          const { tls } = stage.secure(raw, { ...only, checkServerIdentity: () => new Error('pinned') });
          await gone(tls);
        },
      ],
      [
        'by a reset',
        async (raw) => {
          const { tls } = stage.secure(raw, only);
          await once(tls, 'secureConnect');
          raw.resetAndDestroy();
        },
      ],
    ];
    test.each(refusals)('%s', async (_, refuse) => {
      const server = await start();
      const started = stage.startTlsProxy();
      await refuse(await stage.arriveAt(started.proxy, server, how));
      await vi.waitFor(() =>
        expect(started.relays.list()).toMatchObject([
          { program: '/usr/bin/mutt', server: serverName, reason: 'certificate-refused', detail: 'closed' },
        ]),
      );
      expect(started.handshakes).toMatchObject([{ accepted: false, trusted: true }]);
      expect(started.log.map(({ event }) => event)).toEqual(
        expect.arrayContaining(['tls-refused', 'tls-relay-learnt']),
      );
      const { issuer } = await talk(started, server, how, { ...only, ca: stage.authority.certPem });
      expect(issuer).toBe(theirs);
      expect(started.relayed.at(-1)).toBe('certificate-refused');
    });
  });

  test('a client that can verify no leaf of ours is relayed within the same connection', async () => {
    const server = await start({ certificate: { keys: generateKeyPairSync('ed25519') } });
    const started = stage.startTlsProxy();
    expect((await talk(started, server, how, { sigalgs: 'ed25519' })).issuer).toBe(theirs);
    expect([started.relayed, started.relays.list()]).toEqual([['client-tls'], []]);
  });

  test('the client gets no weaker a suite than its server chose', async () => {
    const server = await start({ tls: { honorCipherOrder: true, ciphers: 'TLS_AES_256_GCM_SHA384' } });
    const started = stage.startTlsProxy();
    const ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384';
    const { issuer, tls } = await talk(started, server, how, { ciphers });
    expect(issuer).toMatch(ours);
    expect(tls.getCipher().name).toBe('TLS_AES_256_GCM_SHA384');
  });

  test('an alert in the handshake is heard by its name', async () => {
    const server = await start();
    const started = stage.startTlsProxy();
    const raw = await stage.arriveAt(started.proxy, server, how);
    raw.write(await stage.clientHello());
    await once(raw, 'readable');
    // RFC 5246 §7.2: fatal, unknown_ca, before there are keys.
    raw.end(Buffer.of(0x15, 3, 3, 0, 2, 2, 48));
    await vi.waitFor(() =>
      expect(started.relays.list()).toMatchObject([{ reason: 'certificate-refused', detail: 'unknown-ca' }]),
    );
  });

  test.each<[string, Partial<TlsSettings>]>([
    ['by policy', { mode: 'policy' }],
    ['by a rule', { applicationRules: [{ application: '/usr/bin/mutt', action: 'scan' }] }],
  ])('%s a refusal is told, and TLS is opened all the same', async (_, settings) => {
    const server = await start();
    const started = stage.startTlsProxy(settings);
    await fail(started, server, how, { ca: stage.authority.certPem });
    await vi.waitFor(() => expect(started.handshakes).toMatchObject([{ accepted: false }]));
    expect(started.relays.list()).toEqual([]);
    expect((await talk(started, server, how)).issuer).toMatch(ours);
  });

  test('a bad certificate: one refusal, then the client judges the server itself, until the server is good', async () => {
    const server = await start({ certificate: rogue() });
    const started = stage.startTlsProxy();
    await fail(started, server, how);
    await vi.waitFor(() =>
      expect(started.relays.list()).toMatchObject([{ reason: 'untrusted-certificate-refused' }]),
    );
    expect(started.handshakes).toMatchObject([{ accepted: false, trusted: false }]);
    expect(started.log).toContainEqual(
      expect.objectContaining({
        event: 'upstream-untrusted',
        server: serverName,
        issuer: 'CN=Rogue',
        subject: `CN=${serverName}`,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    );
    expect((await talk(started, server, how, { rejectUnauthorized: false })).issuer).toBe('Rogue');
    expect(started.relayed).toEqual(['untrusted-certificate-refused']);
  });

  test('a bad certificate is blocked where that is set', async () => {
    const server = await start({ certificate: rogue() });
    const started = stage.startTlsProxy({ whenUntrusted: 'block' });
    await fail(started, server, how, { rejectUnauthorized: false });
    expect(started.log.map(({ event }) => event)).toEqual(['upstream-untrusted', 'connection-ended']);
    expect([started.handshakes, started.relays.list()]).toEqual([[], []]);
  });

  test('a bad certificate that is allowed counts as good', async () => {
    const server = await start({ certificate: rogue() });
    const started = stage.startTlsProxy();
    // Seen first, as a person would see it.
    await fail(started, server, how);
    const seen = started.log.find(({ event }) => event === 'upstream-untrusted');
    started.changeTls({
      certificateRules: [{ name: 'r', sha256: String(seen?.sha256), access: 'allow', scan: 'auto' }],
    });
    started.relays.forget();
    expect((await talk(started, server, how)).issuer).toMatch(ours);
  });

  test('no name leads to another: two names at one address', async () => {
    const server = await start({ certificate: { names: [dnsName('*.example.org')] } });
    const started = stage.startTlsProxy();
    const raw = await stage.arriveAt(started.proxy, server, how);
    await gone(stage.secure(raw, { servername: 'one.example.org', ca: stage.authority.certPem }).tls);
    await vi.waitFor(() => expect(started.relays.list()).toMatchObject([{ server: 'one.example.org' }]));
    expect(
      started.relays.find({ program: '/usr/bin/mutt' }, server.endpoint, 'two.example.org'),
    ).toBeUndefined();
  });

  test('a program that is not known is remembered as none', async () => {
    const server = await start();
    const started = stage.startTlsProxy();
    const raw = await stage.arriveAt(started.proxy, server, how, { uid: 1000 });
    await gone(stage.secure(raw, { ca: stage.authority.certPem }).tls);
    await vi.waitFor(() => expect(started.relays.list()).toHaveLength(1));
    expect(started.relays.list()[0]?.program).toBeUndefined();
    expect(started.handshakes[0]?.program).toBeUndefined();
  });

  test('a leaf that can’t be made ends the connection and nothing else', async () => {
    const server = await start();
    const leafFor = async () => {
      throw new Error('no leaf');
    };
    const started = stage.startTlsProxy({}, { certificates: { ...stage.certificates, leafFor } });
    await fail(started, server, how);
    expect(started.log).toContainEqual(expect.objectContaining({ event: 'connection-failed' }));
    await vi.waitFor(() => expect(started.proxy.connections()).toEqual([]));
  });

  test('a connection that is ended from here teaches nothing', async () => {
    const server = await start();
    const started = stage.startTlsProxy();
    const raw = await stage.arriveAt(started.proxy, server, how);
    const { tls } = stage.secure(raw);
    await once(tls, 'secureConnect');
    await vi.waitFor(() => expect(started.proxy.connections()).toMatchObject([{ state: 'scanning' }]));
    started.proxy.close(started.proxy.connections().map(({ id }) => id));
    await gone(tls);
    expect([started.relays.list(), started.handshakes]).toEqual([[], []]);
  });
});

describe('a client that leaves at once, before the server has greeted', () => {
  async function leave() {
    const server = await stage.startTlsServer({ greeting: '' });
    const started = stage.startTlsProxy();
    const raw = await stage.arriveAt(started.proxy, server);
    const { tls } = stage.secure(raw);
    await once(tls, 'secureConnect');
    // After the handshake, and in order: one that leaves in it needs no greeting to have refused.
    tls.end();
    await vi.waitFor(() => expect(server.secured).toHaveLength(1));
    return { ...started, secured: server.secured[0] };
  }

  test('refuses, if the server greets then', async () => {
    const { relays, relayed, proxy, secured } = await leave();
    secured?.write('* OK late\r\n');
    await vi.waitFor(() => expect(relays.list()).toMatchObject([{ reason: 'certificate-refused' }]));
    await vi.waitFor(() => expect(proxy.connections()).toEqual([]));
    expect(relayed).toEqual([]);
  });

  test.each<[string, string]>([
    ['sends everybody away', '* BYE too many\r\n'],
    ['ends', ''],
  ])('does not, if the server %s', async (_, said) => {
    const { relays, handshakes, proxy, secured } = await leave();
    secured?.end(said);
    await vi.waitFor(() => expect(proxy.connections()).toEqual([]));
    expect([relays.list(), handshakes]).toEqual([[], []]);
  });
});

test('a server that ends before a word of the client teaches nothing', async () => {
  const server = await stage.startTlsServer();
  const { proxy, relays, handshakes } = stage.startTlsProxy();
  const { tls, got } = stage.secure(await stage.arriveAt(proxy, server));
  await vi.waitFor(() => expect(got()).toContain('ready'));
  server.secured[0]?.destroy();
  await gone(tls);
  tls.destroy();
  await vi.waitFor(() => expect(proxy.connections()).toEqual([]));
  expect([relays.list(), handshakes]).toEqual([[], []]);
});

test('what was learnt of a bad certificate does not count for a good one', async () => {
  const server = await stage.startTlsServer({ answer: echo });
  const started = stage.startTlsProxy();
  const { relays } = started;
  const reason = 'untrusted-certificate-refused';
  relays.add({ program: mutt.path, destination: server.endpoint, serverName, reason });
  expect((await talk(started, server)).issuer).toMatch(ours);
});

test('an infected message is made harmless after STARTTLS as before', async () => {
  const server = await stage.startTlsServer({ how: 'imap' });
  const { proxy, outcomes } = stage.startTlsProxy();
  const { tls, got } = stage.secure(await stage.arriveAt(proxy, server, 'imap'));
  await once(tls, 'secureConnect');
  tls.write('a UID FETCH 1 BODY.PEEK[]\r\n');
  await vi.waitFor(() => expect(got()).toContain('a .....'));
  expect(outcomes).toEqual(['infected']);
});
