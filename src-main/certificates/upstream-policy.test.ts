import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../contract/error-codes.ts';
import { createTestKeys } from './authority.fixture.ts';
import { issuersFor, type MadeCertificate, makeCertificate } from './bad-certificates.fixture.ts';
import { judgeUpstream, type UpstreamFacts } from './upstream-policy.ts';

const serverName = 'mail.example.org';
const keysFor = createTestKeys();
const weakKeys = generateKeyPairSync('rsa', { modulusLength: 1024 });
const root = makeCertificate({
  keys: keysFor('rsa', 'root'),
  subject: 'Root',
  authority: 'any',
  digest: 'sha1',
});
const stranger = makeCertificate({ keys: keysFor('ec', 'stranger'), subject: 'Stranger', authority: 'any' });

const { leafOf, authorityOf } = issuersFor(serverName, keysFor);

function judge(chain: readonly MadeCertificate[], facts: Partial<UpstreamFacts> = {}) {
  return judgeUpstream({
    chain: () => chain.map(({ der }) => new X509Certificate(der)),
    roots: () => [new X509Certificate(root.der)],
    demandsStaple: false,
    serverName,
    nameMatches: true,
    ...facts,
  });
}

const bad = (reason: ErrorCode, kind: 'untrusted' | 'invalid' = 'invalid') => ({
  trusted: false,
  reason,
  kind,
});
const good = [leafOf(root), root];

describe('judgeUpstream', () => {
  it('trusts a good chain with the right name, and looks no further', () => {
    const roots = () => {
      throw new Error('not needed');
    };
    expect(judge(good, { roots })).toEqual({ trusted: true });
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'upstream-certificate-expired'],
    ['CERT_NOT_YET_VALID', 'upstream-certificate-not-yet-valid'],
    ['CERT_REVOKED', 'upstream-certificate-revoked'],
    ['INVALID_PURPOSE', 'upstream-certificate-invalid'],
    ['PATH_LENGTH_EXCEEDED', 'upstream-certificate-invalid'],
    ['INVALID_CA', 'upstream-certificate-invalid'],
    ['UNSPECIFIED', 'upstream-certificate-invalid'],
    ['', 'upstream-certificate-invalid'],
  ] as const)(
    'never trusts a chain with the error %j, whatever the name says',
    (authorizationError, reason) => {
      expect(judge(good, { authorizationError })).toEqual(bad(reason));
      expect(judge(good, { authorizationError, nameMatches: false })).toEqual(bad(reason));
      expect(judge(good, { authorizationError, staple: 'good' })).toEqual(bad(reason));
    },
  );

  it.each([
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_SIGNATURE_FAILURE',
  ])('says that nobody vouches for a chain with the error %s', (authorizationError) => {
    const untrusted = bad('upstream-certificate-untrusted', 'untrusted');
    expect(judge([leafOf(stranger)], { authorizationError })).toEqual(untrusted);
    expect(judge([leafOf(stranger), stranger], { authorizationError })).toEqual(untrusted);
  });

  it('tells a wrong name from a bad chain', () => {
    expect(judge(good, { nameMatches: false })).toEqual(bad('upstream-certificate-name-mismatch'));
  });

  it('leaves the names to a client that sent none', () => {
    const facts = { chain: () => [], roots: () => [], demandsStaple: false, nameMatches: false };
    expect(judgeUpstream(facts)).toEqual({ trusted: true });
  });

  it('takes an empty server name for a name that does not match', () => {
    expect(judge(good, { serverName: '', nameMatches: false }).trusted).toBe(false);
  });
});

describe('what hides behind OpenSSL’s last word', () => {
  // All of these say one thing of a chain that has more than one fault.
  it.each(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'UNSPECIFIED', 'INVALID_PURPOSE'])(
    'is found out when that is %s',
    (authorizationError) => {
      const untrusted = bad('upstream-certificate-untrusted', 'untrusted');
      const weak = bad('upstream-certificate-weak');
      const verdict = (...chain: MadeCertificate[]) => judge(chain, { authorizationError });
      expect(verdict(leafOf(stranger))).toEqual(untrusted);
      expect(verdict(leafOf(stranger), stranger)).toEqual(untrusted);
      expect(verdict(leafOf(undefined))).toEqual(bad('upstream-certificate-self-signed', 'untrusted'));
      expect(verdict()).toEqual(untrusted);
      expect(verdict(leafOf(root, { keys: weakKeys }), root)).toEqual(weak);
      expect(verdict(leafOf(root, { digest: 'sha1' }))).toEqual(weak);
      expect(verdict(leafOf(root, { digest: 'md5' }), root)).toEqual(weak);
      const between = authorityOf(root, { keys: weakKeys });
      expect(verdict(leafOf(between), between, root)).toEqual(weak);
      const curve = generateKeyPairSync('ec', { namedCurve: 'P-192' });
      const small = authorityOf(root, { keys: curve });
      expect(verdict(leafOf(small), small, root)).toEqual(weak);
    },
  );

  it('is no weakness of a root that signed itself with SHA-1, nor of P-224', () => {
    const authorizationError = 'CERT_HAS_EXPIRED';
    const expired = bad('upstream-certificate-expired');
    expect(judge(good, { authorizationError })).toEqual(expired);
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-224' });
    expect(judge([leafOf(root, { keys }), root], { authorizationError })).toEqual(expired);
  });

  it('is not a root in name alone, nor a link that nobody signed', () => {
    const authorizationError = 'CERT_HAS_EXPIRED';
    const untrusted = bad('upstream-certificate-untrusted', 'untrusted');
    const namesake = makeCertificate({ keys: keysFor('rsa', 'namesake'), subject: 'Root', authority: 'any' });
    expect(judge([leafOf(namesake), root], { authorizationError })).toEqual(untrusted);
    expect(judge([leafOf(stranger), authorityOf(root), root], { authorizationError })).toEqual(untrusted);
  });

  it('is a root that came along, or is signed by one that did not', () => {
    const authorizationError = 'CERT_HAS_EXPIRED';
    const expired = bad('upstream-certificate-expired');
    const between = authorityOf(root);
    expect(judge([leafOf(between), between], { authorizationError })).toEqual(expired);
    expect(judge([leafOf(between), between, root], { authorizationError })).toEqual(expired);
    expect(judge([root], { authorizationError })).toEqual(expired);
  });
});

describe('a staple', () => {
  it('that says revoked counts before all else', () => {
    const revoked = bad('upstream-certificate-revoked');
    expect(judge(good, { staple: 'revoked' })).toEqual(revoked);
    expect(judge(good, { staple: 'revoked', nameMatches: false })).toEqual(revoked);
    const error = { authorizationError: 'SELF_SIGNED_CERT_IN_CHAIN', staple: 'revoked' } as const;
    expect(judge([leafOf(stranger), stranger], error)).toEqual(revoked);
  });

  it('that is unusable is none', () => {
    expect(judge(good, { staple: 'unusable' })).toEqual({ trusted: true });
    expect(judge(good, { staple: 'good', nameMatches: false }).trusted).toBe(false);
  });

  it('must be good where the certificate demands one', () => {
    const invalid = bad('upstream-certificate-invalid');
    expect(judge(good, { demandsStaple: true })).toEqual(invalid);
    expect(judge(good, { demandsStaple: true, staple: 'unusable' })).toEqual(invalid);
    expect(judge(good, { demandsStaple: true, staple: 'good' })).toEqual({ trusted: true });
  });
});
