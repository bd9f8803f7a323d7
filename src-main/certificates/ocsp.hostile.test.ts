import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestKeys, der } from './authority.fixture.ts';
import { makeCertificate, usage } from './bad-certificates.fixture.ts';
import { makeOcspResponse, type OcspOptions } from './ocsp.fixture.ts';
import { judgeStaple, maxResponderCertificates, maxStapleBytes } from './ocsp.ts';

const keysFor = createTestKeys();
const now = new Date();
const dayMs = 86_400_000;
const at = (offsetMs: number) => new Date(now.getTime() + offsetMs);

const issuer = makeCertificate({ keys: keysFor('ec', 'issuer'), subject: 'Issuer', authority: 'any' });
const certificate = makeCertificate({ keys: keysFor('ec'), subject: 'mail.example.org', issuer });
const stranger = makeCertificate({ keys: keysFor('ec', 'stranger'), subject: 'Issuer', authority: 'any' });

const alias = makeCertificate({ keys: keysFor('ec', 'issuer'), subject: 'Alias', authority: 'any' });

const read = (response: Uint8Array) =>
  judgeStaple({ response, der: certificate.der, issuerDer: issuer.der, now });
const judge = (options: Partial<OcspOptions>) => read(makeOcspResponse({ certificate, issuer, ...options }));

const responder = (options: Partial<Parameters<typeof makeCertificate>[0]> = {}) =>
  makeCertificate({
    keys: keysFor('ec', 'responder'),
    subject: 'Responder',
    issuer,
    usages: [usage.ocspSigning],
    ...options,
  });

describe('a staple that proves nothing', () => {
  it('is one that somebody else signed', () => {
    expect(judge({ signer: stranger })).toBe('unusable');
    expect(judge({ signer: stranger, sent: [stranger] })).toBe('unusable');
    expect(judge({ signer: certificate, sent: [certificate] })).toBe('unusable');
  });

  it.each([
    ['was not named for it', { usages: [usage.serverAuth] }],
    ['has no usage at all', { usages: [] }],
    ['has ended', { notAfter: at(-dayMs) }],
    ['is not valid yet', { notBefore: at(dayMs) }],
    ['another authority named', { issuer: stranger }],
    ['another authority with the same key named', { issuer: alias }],
    ['named itself', { issuer: undefined }],
  ])('is one of a responder that %s', (_, options) => {
    const { issuer: by, ...rest } = { issuer, ...options };
    const signer = makeCertificate({
      keys: keysFor('ec', 'responder'),
      subject: 'Responder',
      usages: [usage.ocspSigning],
      ...rest,
      ...(by ? { issuer: by } : {}),
    });
    expect(judge({ signer, sent: [signer] })).toBe('unusable');
  });

  it('is one of a responder whose own certificate is signed with SHA-1', () => {
    const rsa = makeCertificate({ keys: keysFor('rsa', 'issuer'), subject: 'RSA', authority: 'any' });
    const about = makeCertificate({ keys: keysFor('ec'), subject: 'mail.example.org', issuer: rsa });
    for (const [digest, verdict] of [
      ['sha1', 'unusable'],
      ['sha256', 'good'],
    ] as const) {
      const signer = responder({ issuer: rsa, digest });
      const response = makeOcspResponse({ certificate: about, issuer: rsa, signer, sent: [signer] });
      expect(judgeStaple({ response, der: about.der, issuerDer: rsa.der, now })).toBe(verdict);
    }
  });

  it('is one with more certificates than a responder has', () => {
    const signer = responder();
    const fillers = Array(maxResponderCertificates - 1).fill(certificate);
    expect(judge({ signer, sent: [...fillers, signer] })).toBe('good');
    expect(judge({ signer, sent: [certificate, ...fillers, signer] })).toBe('unusable');
  });

  it.each(['md5', 'sha1'] as const)('is one signed with %s', (digest) => {
    const rsa = makeCertificate({ keys: keysFor('rsa', 'issuer'), subject: 'RSA', authority: 'any' });
    const about = makeCertificate({ keys: keysFor('ec'), subject: 'mail.example.org', issuer: rsa });
    const response = makeOcspResponse({ certificate: about, issuer: rsa, digest });
    expect(judgeStaple({ response, der: about.der, issuerDer: rsa.der, now })).toBe('unusable');
    expect(judge({ digest: 'sha1' })).toBe('unusable');
  });

  it('is one about another certificate, or of another issuer with the same name', () => {
    const other = makeCertificate({ keys: keysFor('ec', 'other'), subject: 'other.example.org', issuer });
    expect(judge({ certificate: other })).toBe('unusable');
    expect(judge({ issuer: stranger, signer: issuer })).toBe('unusable');
    expect(judge({ idHash: 'md5' })).toBe('unusable');
  });

  it('is an old one, one of the future, or one without an end', () => {
    expect(judge({ thisUpdate: at(-7 * dayMs), nextUpdate: at(-dayMs) })).toBe('unusable');
    expect(judge({ thisUpdate: at(-7 * dayMs), nextUpdate: at(-dayMs), status: 'revoked' })).toBe('unusable');
    expect(judge({ thisUpdate: at(dayMs), nextUpdate: at(2 * dayMs) })).toBe('unusable');
    expect(judge({ nextUpdate: 'none' })).toBe('unusable');
  });

  it.each([1, 2, 3, 5, 6, 9])('is a responder that can not answer (%i)', (responseStatus) => {
    expect(judge({ responseStatus })).toBe('unusable');
  });
});

describe('octets that are no staple', () => {
  const good = makeOcspResponse({ certificate, issuer, status: 'revoked' });

  it('are one that is cut anywhere', () => {
    expect(read(good)).toBe('revoked');
    for (let size = 0; size < good.length; size++) {
      expect(read(good.subarray(0, size)), String(size)).toBe('unusable');
    }
  });

  it('are one that is changed anywhere, but for what is not signed', () => {
    for (let index = 0; index < good.length; index++) {
      const changed = Buffer.from(good);
      changed[index] = (changed[index] ?? 0) ^ 0x04;
      // What is signed can be no other verdict; lengths outside of it may stay readable.
      expect(['revoked', 'unusable'], String(index)).toContain(read(changed));
    }
  });

  it('are more than any responder says', () => {
    const sizeOf = (padding: number) => makeOcspResponse({ certificate, issuer, padding }).length;
    const padding = 10_000 + maxStapleBytes - sizeOf(10_000);
    const edge = makeOcspResponse({ certificate, issuer, padding });
    // An ECDSA signature has a length of its own each time.
    expect(Math.abs(edge.length - maxStapleBytes)).toBeLessThan(8);
    expect(judge({ padding: padding - 16 })).toBe('good');
    expect(judge({ padding: padding + 16 })).toBe('unusable');
  });

  it('are values nested without an end', () => {
    let nested: Buffer = Buffer.alloc(0);
    while (nested.length < maxStapleBytes - 8) nested = der(0x30, nested);
    expect(read(nested)).toBe('unusable');
    expect(read(Buffer.alloc(maxStapleBytes, 0x30))).toBe('unusable');
    expect(read(Buffer.alloc(maxStapleBytes, Buffer.from([0x30, 0x80])))).toBe('unusable');
  });

  it('are any others: a value, never an exception', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat({ max: good.length }),
        fc.nat({ max: good.length }),
        (bytes, from, to) => {
          expect(read(bytes)).toBe('unusable');
          const spliced = Buffer.concat([good.subarray(0, from), bytes, good.subarray(to)]);
          expect(['revoked', 'unusable']).toContain(read(spliced));
        },
      ),
    );
  });

  it('are judged so with certificates that are none, too', () => {
    expect(judgeStaple({ response: good, der: Buffer.from('x'), issuerDer: issuer.der, now })).toBe(
      'unusable',
    );
    expect(judgeStaple({ response: good, der: certificate.der, issuerDer: Buffer.of(), now })).toBe(
      'unusable',
    );
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const odd = makeCertificate({ keys: { publicKey, privateKey }, subject: 'Issuer', issuer });
    expect(judgeStaple({ response: good, der: certificate.der, issuerDer: odd.der, now })).toBe('unusable');
  });
});
