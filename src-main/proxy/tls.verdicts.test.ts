// What is said of servers: by real handshakes, since what OpenSSL and Node call each fault is known by them alone.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  issuersFor,
  type MadeCertificate,
  type MadeCertificateOptions,
  makeCertificate,
  mustStaple,
  onlyBelow,
  usage,
} from '../certificates/bad-certificates.fixture.ts';
import { makeOcspResponse, type OcspOptions } from '../certificates/ocsp.fixture.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import { parseClientHello } from '../protocols/client-hello.ts';
import { anyTerms, createTlsEnds, serverName } from './tls.fixture.ts';
import { createTlsContexts, termsFor, trustingOnly } from './tls.ts';

const ends = await createTlsEnds();
const { keysFor, pair, tlsServer, toServer } = ends;

afterAll(() => ends.remove());
afterEach(() => ends.closeAll());

const root = makeCertificate({
  keys: keysFor('rsa', 'root'),
  subject: 'Root',
  authority: 'any',
  digest: 'sha1',
});
const stranger = makeCertificate({ keys: keysFor('ec', 'stranger'), subject: 'Stranger', authority: 'any' });
const trusting = trustingOnly(root.certPem, ends.contexts);
const weakKeys = generateKeyPairSync('rsa', { modulusLength: 1024 });

const past = { notBefore: new Date('2019-01-01'), notAfter: new Date('2020-01-01') };
const future = { notBefore: new Date('2999-01-01'), notAfter: new Date('2999-02-01') };

const { leafOf, authorityOf } = issuersFor(serverName, keysFor);

/** What a server sends: its own certificate, then others. */
const sent = (leaf: MadeCertificate, ...others: MadeCertificate[]) => ({
  keyPem: leaf.keyPem,
  certPem: [leaf, ...others].map(({ certPem }) => certPem).join(''),
});

/** A leaf under an authority that is sent along. */
function under(between: MadeCertificate, options: Partial<MadeCertificateOptions> = {}) {
  return sent(leafOf(between, options), between);
}

function longChain() {
  const upper = authorityOf(root, { authority: 0 });
  const lower = authorityOf(upper, { keys: keysFor('ec', 'lower'), subject: 'Lower' });
  return sent(leafOf(lower), lower, upper);
}

/** Servers of all strengths, so that it is always we who judge. */
const relaxed = { ciphers: 'DEFAULT@SECLEVEL=0' } as const;

async function judge(identity: ReturnType<typeof sent>, options: TlsOptions & { staple?: Buffer } = {}) {
  const { inner } = await tlsServer(identity, { ...relaxed, ...options });
  const result = await toServer(inner, { serverName, contexts: trusting });
  if (!result.ok) throw new Error(`${result.reason} ${result.cause}`);
  return result.upstream.judgement;
}

const bad = (reason: ErrorCode, kind: 'untrusted' | 'invalid' = 'invalid') => ({
  trusted: false,
  reason,
  kind,
});
const untrusted = bad('upstream-certificate-untrusted', 'untrusted');
const selfSigned = bad('upstream-certificate-self-signed', 'untrusted');
const weak = bad('upstream-certificate-weak');
const invalid = bad('upstream-certificate-invalid');
const good = { trusted: true };

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a server’s certificate in %s', (maxVersion) => {
  it.each([
    ['good', good, sent(leafOf(root))],
    ['under an authority that comes along', good, under(authorityOf(root))],
    [
      'with a common name alone',
      good,
      sent(makeCertificate({ keys: keysFor('ec'), subject: serverName, issuer: root })),
    ],
    ['for all names of a domain', good, sent(leafOf(root, { names: ['*.example.org'] }))],
    [
      'for another name',
      bad('upstream-certificate-name-mismatch'),
      sent(leafOf(root, { names: ['other.example.org'] })),
    ],
    ['expired', bad('upstream-certificate-expired'), sent(leafOf(root, past))],
    [
      'under an authority that has expired',
      bad('upstream-certificate-expired'),
      under(authorityOf(root, past)),
    ],
    ['not yet valid', bad('upstream-certificate-not-yet-valid'), sent(leafOf(root, future))],
    ['signed by itself', selfSigned, sent(leafOf(undefined))],
    ['signed by itself, and expired', selfSigned, sent(leafOf(undefined, past))],
    ['signed by itself, and weak', selfSigned, sent(leafOf(undefined, { keys: weakKeys }))],
    ['of an unknown authority', untrusted, sent(leafOf(stranger))],
    ['of an unknown authority, and expired', untrusted, sent(leafOf(stranger, past))],
    ['of an unknown authority that comes along', untrusted, sent(leafOf(stranger), stranger)],
    [
      'of an unknown authority that comes along, and expired',
      untrusted,
      sent(leafOf(stranger, past), stranger),
    ],
    ['without the authority between', untrusted, sent(leafOf(authorityOf(root)))],
    ['with a weak key', weak, sent(leafOf(root, { keys: weakKeys }))],
    ['signed with SHA-1', weak, sent(leafOf(root, { digest: 'sha1' }))],
    ['signed with MD5', weak, sent(leafOf(root, { digest: 'md5' }))],
    ['signed with SHA-1, and expired', weak, sent(leafOf(root, { digest: 'sha1', ...past }))],
    ['under an authority with a weak key', weak, under(authorityOf(root, { keys: weakKeys }))],
    ['under an authority signed with SHA-1', weak, under(authorityOf(root, { digest: 'sha1' }))],
    [
      'outside of its authority’s names',
      invalid,
      under(authorityOf(root, { extensions: [onlyBelow('other.org')] })),
    ],
    ['too far below its authority', invalid, longChain()],
    ['for clients', invalid, sent(leafOf(root, { usages: [usage.clientAuth] }))],
    [
      'under one that is no authority',
      invalid,
      under(leafOf(root, { keys: keysFor('ec', 'neighbour'), subject: 'Neighbour' })),
    ],
  ] as const)('%s', async (_, judgement, identity) => {
    expect(await judge(identity, { maxVersion })).toEqual(judgement);
  });

  it('may be allowed by a person, who sees what it is', async () => {
    const leaf = leafOf(undefined, past);
    const { inner } = await tlsServer(sent(leaf), { maxVersion });
    const seen: string[] = [];
    const isAllowed = ({ sha256 }: { sha256: string }) => seen.push(sha256) > 0;
    const result = await toServer(inner, { serverName, contexts: trusting, isAllowed });
    expect(result.ok && result.upstream.judgement).toEqual(good);
    expect(seen).toEqual([result.ok && result.upstream.certificate.sha256]);
  });

  it('needs no leave when it is good', async () => {
    const { inner } = await tlsServer(sent(leafOf(root)), { maxVersion });
    const isAllowed = () => {
      throw new Error('not asked');
    };
    expect((await toServer(inner, { serverName, contexts: trusting, isAllowed })).ok).toBe(true);
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a staple in %s', (maxVersion) => {
  const plain = leafOf(root);
  const demanding = leafOf(root, { extensions: [mustStaple] });
  const revoked = bad('upstream-certificate-revoked');

  const stapled = (certificate: MadeCertificate, options: Partial<OcspOptions> = {}) =>
    judge(sent(certificate), {
      maxVersion,
      staple: makeOcspResponse({ certificate, issuer: root, ...options }),
    });

  it('that says so revokes', async () => {
    expect(await stapled(plain, { status: 'revoked' })).toEqual(revoked);
    expect(await stapled(plain, { status: 'good' })).toEqual(good);
  });

  it('of somebody else says nothing', async () => {
    expect(await stapled(plain, { status: 'revoked', signer: stranger })).toEqual(good);
    expect(await judge(sent(plain), { maxVersion, staple: Buffer.from('no staple') })).toEqual(good);
  });

  it('is demanded by some certificates', async () => {
    expect(await judge(sent(demanding), { maxVersion })).toEqual(invalid);
    expect(await stapled(demanding)).toEqual(good);
    expect(await stapled(demanding, { status: 'unknown' })).toEqual(invalid);
    expect(await stapled(demanding, { status: 'revoked' })).toEqual(revoked);
  });

  it('is by the authority between where there is one', async () => {
    const between = authorityOf(root);
    const certificate = leafOf(between);
    const staple = makeOcspResponse({ certificate, issuer: between, status: 'revoked' });
    expect(await judge(sent(certificate, between), { maxVersion, staple })).toEqual(revoked);
  });
});

describe('contexts', () => {
  const terms = { minVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const;
  const other = { minVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' } as const;

  it('are shared by clients that offer the same, and by no others', () => {
    const contexts = trustingOnly(root.certPem, ends.contexts);
    expect(contexts.upstream({ ...terms })).toBe(contexts.upstream(terms));
    expect(contexts.upstream(other)).not.toBe(contexts.upstream(terms));
  });

  it('are kept for the sixteen that were used last', () => {
    const contexts = trustingOnly(root.certPem, ends.contexts);
    const names = anyTerms.ciphers.split(':').filter((name) => !name.startsWith('TLS_'));
    const [first = '', second = '', ...rest] = names;
    const of = (ciphers: string) => contexts.upstream({ minVersion: 'TLSv1.2', ciphers });
    const [one, two] = [of(first), of(second)];
    for (const name of rest.slice(0, 14)) of(name);
    expect(of(first)).toBe(one);
    of(rest[14] ?? '');
    expect(of(first)).toBe(one);
    expect(of(second)).not.toBe(two);
  });

  it('have the roots of all that they trust', () => {
    const both = root.certPem + stranger.certPem;
    expect(
      trustingOnly(both, ends.contexts)
        .roots()
        .map(({ raw }) => raw.equals(root.der)),
    ).toEqual([true, false]);
    const roots = createTlsContexts({ extraCa: root.certPem }).roots();
    expect(roots.length).toBeGreaterThan(1);
    expect(roots.at(-1)?.raw.equals(root.der)).toBe(true);
  });

  it('fit a real client: what it offers is what its server can choose', async () => {
    const { outer, inner } = await pair();
    connect({ socket: outer, servername: serverName, maxVersion: 'TLSv1.2' }).on('error', () => undefined);
    await once(inner, 'readable');
    const bytes: Buffer = inner.read();
    const hello = parseClientHello(bytes);
    const given = hello.kind === 'client-hello' ? termsFor(hello, 'TLSv1.2') : undefined;
    const server = await tlsServer(sent(leafOf(root)), {});
    const result = given && (await toServer(server.inner, { serverName, contexts: trusting, terms: given }));
    expect(result?.ok && result.upstream.socket.getProtocol()).toBe('TLSv1.2');
  });
});
