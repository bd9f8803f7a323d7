import { describe, expect, it } from 'vitest';
import { createTestKeys } from './authority.fixture.ts';
import { type MadeCertificate, makeCertificate, mustStaple, usage } from './bad-certificates.fixture.ts';
import { makeOcspResponse, type OcspOptions } from './ocsp.fixture.ts';
import { clockSkewMs, demandsStaple, judgeStaple } from './ocsp.ts';

const keysFor = createTestKeys();
const now = new Date();
const at = (offsetMs: number) => new Date(now.getTime() + offsetMs);

const issuer = makeCertificate({ keys: keysFor('ec', 'issuer'), subject: 'Issuer', authority: 'any' });
const rsaIssuer = makeCertificate({
  keys: keysFor('rsa', 'issuer'),
  subject: 'RSA issuer',
  authority: 'any',
});
const certificate = makeCertificate({ keys: keysFor('ec'), subject: 'mail.example.org', issuer });
const delegate = makeCertificate({
  keys: keysFor('rsa', 'delegate'),
  subject: 'Responder',
  issuer,
  usages: [usage.ocspSigning],
});

function judge(options: Partial<OcspOptions>, about: MadeCertificate = certificate) {
  const given = { certificate: about, issuer, ...options };
  const response = makeOcspResponse(given);
  return judgeStaple({ response, der: about.der, issuerDer: given.issuer.der, now });
}

describe('judgeStaple', () => {
  it.each([
    ['good', 'good'],
    ['revoked', 'revoked'],
    ['unknown', 'unusable'],
  ] as const)('takes %s from the issuer itself for %s', (status, verdict) => {
    expect(judge({ status })).toBe(verdict);
  });

  it.each(['sha256', 'sha384', 'sha512'] as const)('takes signatures with %s', (digest) => {
    expect(judge({ digest })).toBe('good');
    const about = makeCertificate({ keys: keysFor('ec'), subject: 'mail.example.org', issuer: rsaIssuer });
    expect(judge({ digest, issuer: rsaIssuer, status: 'revoked' }, about)).toBe('revoked');
  });

  it('takes the word of a responder that the issuer named', () => {
    expect(judge({ signer: delegate, sent: [delegate] })).toBe('good');
    expect(judge({ signer: delegate, sent: [certificate, delegate], status: 'revoked' })).toBe('revoked');
  });

  it('finds the certificate among others, by either hash', () => {
    const other = makeCertificate({ keys: keysFor('ec', 'other'), subject: 'other.example.org', issuer });
    expect(judge({ others: [other], status: 'revoked' })).toBe('revoked');
    expect(judge({ idHash: 'sha256' })).toBe('good');
  });

  it('bears clocks that are some minutes apart, and no more', () => {
    const seconds = 2_000;
    expect(judge({ thisUpdate: at(clockSkewMs - seconds) })).toBe('good');
    expect(judge({ thisUpdate: at(clockSkewMs + seconds) })).toBe('unusable');
    expect(judge({ nextUpdate: at(-clockSkewMs + seconds) })).toBe('good');
    expect(judge({ nextUpdate: at(-clockSkewMs - seconds) })).toBe('unusable');
  });
});

describe('demandsStaple', () => {
  it('is what the feature extension says', () => {
    const demanding = { keys: keysFor('ec'), subject: 'mail.example.org', issuer, extensions: [mustStaple] };
    expect(demandsStaple(makeCertificate(demanding).der)).toBe(true);
    expect(demandsStaple(certificate.der)).toBe(false);
    expect(demandsStaple(Buffer.from('no certificate'))).toBe(false);
  });
});
