import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateFactsSchema } from '../contract/trust.ts';
import {
  createTestKeys,
  der,
  distinguishedName,
  dnsName,
  ipName,
  makeTestCertificate,
} from './authority.fixture.ts';
import { certificateFacts, maxNameLength, maxNames, parseCertificate } from './certificate-facts.ts';

const keys = createTestKeys()('ec');
const country = ['2.5.4.6', 'NO'] as const;
const organization = ['2.5.4.10', 'Example'] as const;
const commonName = ['2.5.4.3', 'mail.example.org'] as const;

const made = makeTestCertificate({
  keys,
  subject: distinguishedName(country, organization, commonName),
  names: [
    dnsName('mail.example.org'),
    dnsName('*.example.org'),
    ipName(192, 0, 2, 1),
    der(0x81, 'a@example.org'),
  ],
  notBefore: new Date('2026-01-02T03:04:05Z'),
  notAfter: new Date('2027-01-02T03:04:05Z'),
});

describe('certificateFacts', () => {
  it('shows what people compare', () => {
    const facts = certificateFacts(made.der);
    expect(facts).toEqual({
      subject: 'CN=mail.example.org, O=Example, C=NO',
      issuer: 'CN=mail.example.org, O=Example, C=NO',
      sha256: createHash('sha256').update(made.der).digest('hex'),
      names: ['mail.example.org', '*.example.org', '192.0.2.1'],
      notBefore: '2026-01-02T03:04:05.000Z',
      notAfter: '2027-01-02T03:04:05.000Z',
    });
    expect(certificateFactsSchema.parse(facts)).toEqual(facts);
  });

  it('shows none where there are none', () => {
    const bare = makeTestCertificate({ keys, subject: distinguishedName(), version1: true });
    expect(certificateFacts(bare.der)).toMatchObject({ subject: '', issuer: '', names: [] });
  });

  it('shows no name as two, and nothing as a name that is none', () => {
    const subject = distinguishedName(['2.5.4.10', 'A, CN=bank.example\nCN=bank.example'], commonName);
    const directory = der(0xa4, distinguishedName(['2.5.4.3', 'x, DNS:bank.example']));
    const names = [dnsName('a.example, DNS:bank.example'), directory, dnsName('q"\\')];
    const facts = certificateFacts(makeTestCertificate({ keys, subject, names }).der);
    expect(facts.names).toEqual(['a.example, DNS:bank.example', 'q"\\']);
    expect(facts.subject).toBe('CN=mail.example.org, O=A\\, CN=bank.example\\0ACN=bank.example');
  });

  it('shows no more than a screen has use for', () => {
    const names = Array.from({ length: maxNames + 1 }, (_, index) => dnsName(`host${index}.example.org`));
    const subject = distinguishedName(['2.5.4.10', 'x'.repeat(maxNameLength)]);
    const facts = certificateFacts(makeTestCertificate({ keys, subject, names }).der);
    expect(facts.names).toHaveLength(maxNames);
    expect(facts.subject).toHaveLength(maxNameLength);
    expect(certificateFacts(makeTestCertificate({ keys, names: names.slice(1) }).der).names).toHaveLength(
      maxNames,
    );
  });

  it('throws on what is no certificate', () => {
    expect(() => certificateFacts(Buffer.from('none'))).toThrow();
    expect(() => certificateFacts(made.der.subarray(0, -1))).toThrow();
  });
});

describe('parseCertificate', () => {
  const base64 = made.der.toString('base64');
  const other = makeTestCertificate({ keys, subject: 'other' });

  it.each([
    ['PEM', made.certPem],
    ['PEM among other words', `subject=x\r\n${made.certPem.replaceAll('\n', '\r\n')}\r\nissuer=y`],
    ['PEM of several', made.certPem + other.certPem],
    ['PEM behind a key', made.keyPem + made.certPem],
    ['base64', base64],
    ['base64 in lines', base64.replaceAll(/.{64}/g, '$&\n')],
  ])('reads the first one of %s', (_, text) => {
    expect(parseCertificate(text)?.equals(made.der)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['words', 'no certificate'],
    ['a key', made.keyPem],
    ['half of one', base64.slice(0, 200)],
    ['a frame around nothing', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
  ])('finds none in %s', (_, text) => {
    expect(parseCertificate(text)).toBeUndefined();
  });
});
