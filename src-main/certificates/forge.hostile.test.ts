import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTestKeys, der, distinguishedName, dnsName, makeTestCertificate } from './authority.fixture.ts';
import { makeAuthority, mintLeaf } from './forge.ts';

const keysFor = createTestKeys();
const authorityKeys = keysFor('ec', 'authority');
const validity = { notBefore: new Date('2030-01-01'), notAfter: new Date('2031-01-01') };
const issuer = {
  der: makeAuthority({ commonName: 'test', ...authorityKeys, validity }),
  key: authorityKeys.privateKey,
};
const mint = (server: Uint8Array) =>
  new X509Certificate(
    mintLeaf({ server, issuer, publicKey: keysFor('ec').publicKey, validity: 'as-server' }),
  );

describe('a hostile server certificate', () => {
  it('that is cut anywhere is refused', () => {
    const whole = makeTestCertificate({ keys: keysFor('ec'), names: [dnsName('a.example')] }).der;
    for (let size = 0; size < whole.length; size++) {
      expect(() => mint(whole.subarray(0, size)), `${size} octets`).toThrow();
    }
    expect(mint(whole).subjectAltName).toBe('DNS:a.example');
  });

  it.each([
    ['no DER', Buffer.from('garbage')],
    ['an empty sequence', der(0x30)],
    ['a sequence of empty sequences', der(0x30, der(0x30), der(0x30), der(0x03, Buffer.from([0])))],
    ['fields that are not constructed', der(0x30, der(0x30, der(0x04), der(0x04), der(0x04), der(0x04)))],
    ['nesting without end', Buffer.from('30803080'.repeat(50_000), 'hex')],
    ['a size beyond its end', Buffer.from('3084ffffffff', 'hex')],
  ])('that is %s is refused', (_, server) => {
    expect(() => mint(server)).toThrow();
  });

  it('can break out of no name into another', () => {
    const name = 'a.example, DNS:bank.example\u0000.evil.example';
    const leaf = mint(makeTestCertificate({ keys: keysFor('ec'), names: [dnsName(name)] }).der);
    expect(leaf.checkHost('bank.example')).toBeUndefined();
    expect(leaf.checkHost('a.example')).toBeUndefined();
  });

  it('keeps a name that is no UTF-8 octet for octet', () => {
    const type = Buffer.from('0603550403', 'hex');
    const odd = der(0x30, der(0x31, der(0x30, type, der(0x14, Buffer.from([0xff, 0xfe, 0x80])))));
    const server = makeTestCertificate({ keys: keysFor('ec'), subject: odd });
    expect(mint(server.der).raw.includes(odd)).toBe(true);
  });

  it('can have a thousand names', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => dnsName(`mail${index}.example.org`));
    const leaf = mint(makeTestCertificate({ keys: keysFor('rsa'), names }).der);
    expect(leaf.checkHost('mail999.example.org')).toBe('mail999.example.org');
  });

  it('makes no authority of its leaf', () => {
    const server = makeTestCertificate({
      keys: keysFor('ec'),
      isAuthority: true,
      names: [dnsName('ca.example')],
    });
    expect(mint(server.der).ca).toBe(false);
  });

  it('with the name of the authority gets no signature that is taken for the authority', () => {
    const subject = distinguishedName(['2.5.4.10', 'Postern'], ['2.5.4.3', 'test']);
    const leaf = mint(makeTestCertificate({ keys: keysFor('ec'), subject }).der);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(keysFor('ec').publicKey)).toBe(false);
  });
});
