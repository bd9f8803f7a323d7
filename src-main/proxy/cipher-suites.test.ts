import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClientHello, parseClientHello } from '../protocols/client-hello.ts';
import { cipherSuites, leafKeyKind, maxVersionOf, termsFor, type UpstreamTerms } from './cipher-suites.ts';

/** What Node's own client offers. */
async function offerOf(options: ConnectionOptions): Promise<ClientHello> {
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const wire = new Duplex({
      read: () => undefined,
      write(chunk, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
      },
    });
    connect({ socket: wire, minVersion: 'TLSv1.2', ...options }).on('error', reject);
  });
  const hello = parseClientHello(bytes);
  if (hello.kind !== 'client-hello') throw new Error(hello.kind);
  return hello;
}

const secureRenegotiation = 0x00ff;
const p256 = 0x0403;

const helloOf = (hello: Partial<ClientHello>): ClientHello => ({
  kind: 'client-hello',
  alpn: [],
  versions: [0x0304, 0x0303],
  cipherSuites: [],
  signatureAlgorithms: [p256],
  groups: [],
  ...hello,
});

/** One that names neither signatures nor groups. */
const bareHello = (hello: Partial<ClientHello>) => helloOf({ signatureAlgorithms: [], ...hello });

/** What a server hears from us under these terms. */
async function offerAgain(terms: UpstreamTerms | undefined): Promise<ClientHello | undefined> {
  if (!terms) return undefined;
  const { groups, ...options } = terms;
  return await offerOf({
    ...options,
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
    maxVersion: maxVersionOf(terms),
  });
}

describe('the table', () => {
  it.each([...cipherSuites])('calls %i what OpenSSL calls it: %s', async (id, name) => {
    const version = name.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2';
    const { cipherSuites: offered } = await offerOf({
      ciphers: name,
      minVersion: version,
      maxVersion: version,
    });
    expect(offered.filter((each) => each !== secureRenegotiation)).toEqual([id]);
  });

  it('has all that Node speaks by default, but for DSS and ARIA', async () => {
    const { cipherSuites: offered } = await offerOf({});
    const left = offered.filter((id) => id !== secureRenegotiation && !cipherSuites.has(id));
    const dss = [0x0032, 0x0038, 0x0040, 0x006a, 0x00a2, 0x00a3];
    const aria = [0xc050, 0xc051, 0xc052, 0xc053, 0xc056, 0xc057, 0xc05c, 0xc05d, 0xc060, 0xc061];
    expect(left.toSorted((one, other) => one - other)).toEqual([...dss, ...aria]);
    for (const id of cipherSuites.keys()) expect(offered).toContain(id);
  });
});

describe('termsFor', () => {
  it('keeps the order of the client and what both speak', () => {
    const hello = bareHello({ cipherSuites: [0xc02f, 0x1301, 0x00ff, 0xc030, 0x1302, 0x000a, 0xc02f] });
    expect(termsFor(hello, 'TLSv1.2')).toEqual({
      minVersion: 'TLSv1.2',
      ciphers:
        'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384',
    });
  });

  it.each([
    ['offers TLS 1.3 alone', { versions: [0x0304], cipherSuites: [0x1301, 0xc02f] }],
    ['has no suite of TLS 1.2 that we speak', { cipherSuites: [0x1301, 0x000a] }],
  ])('excludes TLS 1.2 for a client that %s', (_, hello) => {
    expect(termsFor(bareHello(hello), 'TLSv1.2')).toEqual({
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
    });
  });

  it('excludes TLS 1.2 where the settings do', () => {
    const hello = bareHello({ cipherSuites: [0xc02f, 0x1301] });
    expect(termsFor(hello, 'TLSv1.3')).toEqual({ minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' });
    expect(termsFor(bareHello({ cipherSuites: [0xc02f] }), 'TLSv1.3')).toBeUndefined();
    expect(termsFor(bareHello({ versions: [0x0303], cipherSuites: [0x1301] }), 'TLSv1.3')).toBeUndefined();
  });

  it('excludes TLS 1.3 for a client that does not offer it', () => {
    const older = termsFor(bareHello({ versions: [0x0303], cipherSuites: [0x1301, 0xc02f] }), 'TLSv1.2');
    expect(older).toEqual({ minVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' });
    expect(older && maxVersionOf(older)).toBe('TLSv1.2');
    const newer = termsFor(bareHello({ cipherSuites: [0xc02f, 0x1301] }), 'TLSv1.2');
    expect(newer && maxVersionOf(newer)).toBe('TLSv1.3');
  });

  it.each([
    ['TLS 1.1', { versions: [0x0302, 0x0301], cipherSuites: [0xc02f, 0xc013] }],
    ['no version', { versions: [], cipherSuites: [0x1301, 0xc02f] }],
    ['no suite', {}],
    ['suites of the past', { cipherSuites: [0x000a, 0x0005] }],
    ['each half of what it would need', { versions: [0x0304], cipherSuites: [0xc02f] }],
  ])('are none for a client that offers %s', (_, hello) => {
    expect(termsFor(bareHello(hello), 'TLSv1.2')).toBeUndefined();
  });

  it('repeats signatures and groups that the client offers, in its order, and nothing that is weak', () => {
    const hello = helloOf({
      cipherSuites: [0x1301],
      signatureAlgorithms: [0x0804, 0x0201, 0x0403, 0x0203, 0x0804],
      groups: [0x11ec, 0x6399, 0x001d, 0x0018, 0x0016],
    });
    expect(termsFor(hello, 'TLSv1.2')).toMatchObject({
      sigalgs: 'rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256',
      groups: '*X25519MLKEM768:*x25519:secp384r1',
    });
  });

  it('lets the server choose no signature and no group that the client did not offer', async () => {
    const standard = await offerOf({ minVersion: 'TLSv1.3' });
    const offers = fc.record({
      signatureAlgorithms: fc.subarray([...standard.signatureAlgorithms]),
      groups: fc.subarray([...standard.groups]),
    });
    await fc.assert(
      fc.asyncProperty(offers, async (offer) => {
        const terms = termsFor(helloOf({ ...standard, ...offer }), 'TLSv1.3');
        const ours = await offerAgain(terms);
        if (terms?.sigalgs !== undefined)
          expect(offer.signatureAlgorithms).toEqual(
            expect.arrayContaining([...(ours?.signatureAlgorithms ?? [])]),
          );
        if (terms?.groups !== undefined)
          expect(offer.groups).toEqual(expect.arrayContaining([...(ours?.groups ?? [])]));
      }),
      { numRuns: 60 },
    );
    // All that Node offers by itself is known, but for ML-DSA and brainpool: no mail server has such a key.
    const again = await offerAgain(termsFor(standard, 'TLSv1.3'));
    expect(again?.groups).toEqual(standard.groups);
    const left = standard.signatureAlgorithms.filter((each) => !again?.signatureAlgorithms.includes(each));
    const mlDsa = [0x0904, 0x0905, 0x0906];
    const brainpool = [0x081a, 0x081b, 0x081c];
    expect(left.toSorted((one, other) => one - other)).toEqual([...brainpool, ...mlDsa]);
  });

  it('lets the server choose nothing that the client did not offer', async () => {
    const id = fc.oneof(fc.constantFrom(...cipherSuites.keys()), fc.integer({ min: 0, max: 0xffff }));
    const hellos = fc.record({
      cipherSuites: fc.array(id, { maxLength: 12 }),
      versions: fc.subarray([0x0304, 0x0303, 0x0302]),
      minVersion: fc.constantFrom('TLSv1.2' as const, 'TLSv1.3' as const),
    });
    await fc.assert(
      fc.asyncProperty(hellos, async ({ minVersion, ...offer }) => {
        const terms = termsFor(bareHello(offer), minVersion);
        if (!terms) return;
        const ours = await offerAgain(terms);
        if (!ours) throw new Error('nothing is offered');
        for (const suite of ours.cipherSuites) {
          if (suite !== secureRenegotiation) expect(offer.cipherSuites).toContain(suite);
        }
        expect(
          ours.versions.filter((version) => version >= 0x0303).every((each) => offer.versions.includes(each)),
        ).toBe(true);
        if (minVersion === 'TLSv1.3') expect(ours.versions).toEqual([0x0304]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('leafKeyKind', () => {
  it.each([
    ['ec', 'TLS 1.3', { cipherSuites: [0x1301] }],
    ['ec', 'TLS 1.2 with a suite of ECDSA', { versions: [0x0303], cipherSuites: [0xc02f, 0xc02b] }],
    [
      'rsa',
      'TLS 1.2 with suites of RSA alone',
      { versions: [0x0303], cipherSuites: [0x1301, 0xc02f, 0x009c] },
    ],
    [
      'rsa',
      'TLS 1.2 without the curve P-256',
      {
        versions: [0x0303],
        cipherSuites: [0xc02b, 0xc02f],
        signatureAlgorithms: [p256, 0x0401],
        groups: [0x1d],
      },
    ],
    ['ec', 'TLS 1.3 without the curve P-256', { cipherSuites: [0x1301, 0xc02b], groups: [0x1d] }],
    [
      undefined,
      'TLS 1.2 with ECDSA by P-384 alone',
      { versions: [0x0303], cipherSuites: [0xc02c, 0xc030], signatureAlgorithms: [0x0503], groups: [0x18] },
    ],
    [
      undefined,
      'TLS 1.3 with Ed25519 alone',
      { cipherSuites: [0x1301, 0xc02f], signatureAlgorithms: [0x0807] },
    ],
    [
      'rsa',
      'TLS 1.2 that asks for no signature',
      { versions: [0x0303], cipherSuites: [0x009d], signatureAlgorithms: [] },
    ],
    [
      undefined,
      'TLS 1.2 with signatures by SHA-1 alone',
      { versions: [0x0303], cipherSuites: [0xc02f], signatureAlgorithms: [0x0201] },
    ],
    [
      'rsa',
      'TLS 1.3 without ECDSA by P-256',
      { cipherSuites: [0x1301], signatureAlgorithms: [0x0804, 0x0503] },
    ],
    [undefined, 'no signature algorithms', { cipherSuites: [0xc02b], signatureAlgorithms: [] }],
    [undefined, 'nothing that we speak', { versions: [0x0303] }],
  ] as const)('is %s for a client of %s', (kind, _, hello) => {
    expect(leafKeyKind(helloOf(hello))).toBe(kind);
  });
});
