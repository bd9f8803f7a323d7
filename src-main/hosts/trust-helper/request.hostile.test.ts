import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { foreignRoot, ownRoot } from './authority.fixture.ts';
import { requestOf } from './request.ts';

const now = new Date();
const own = ownRoot();
const line = (text: string | Uint8Array) => requestOf(Buffer.from(text), now);
const install = (certificate: unknown) =>
  line(JSON.stringify({ action: 'install', store: 'system', certificate }));
const problem = (words = '') => ({ problem: expect.stringContaining(words) });

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
const der = new X509Certificate(own).raw;

test('what these are made of is fit', () => {
  expect(install(own)).toMatchObject({ action: 'install' });
  expect(pem(der)).toBe(own);
});

test.each<[string, string | Uint8Array]>([
  ['nothing', ''],
  ['no JSON', 'install system'],
  ['null', 'null'],
  ['a list', '[]'],
  ['a word', '"install"'],
  ['NULs', `\0${JSON.stringify({ action: 'install', store: 'system', certificate: own })}`],
  ['octets that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['a byte order mark', `\ufeff${JSON.stringify({ action: 'install', store: 'system', certificate: own })}`],
  ['depth', '['.repeat(60_000)],
])('refuses %s in place of a request', (_name, text) => {
  expect(line(text)).toEqual(problem());
});

const request = { action: 'install', store: 'system', certificate: own };
test.each<[string, object]>([
  ['an unknown key', { ...request, path: '/etc/passwd' }],
  ['a key that looks like a prototype', JSON.parse(`{"__proto__":{},${JSON.stringify(request).slice(1)}`)],
  ['a key less', { action: 'install', store: 'system' }],
  ['another action', { ...request, action: 'chmod' }],
  ['an action with more behind it', { ...request, action: 'install\n' }],
  ['a store of the prototype', { ...request, store: 'constructor' }],
  ['a path for a store', { ...request, store: '/etc/ssl/certs' }],
  ['shell text for a store', { ...request, store: '$(reboot)' }],
  ['a list for a store', { ...request, store: ['system'] }],
])('refuses %s', (_name, given) => {
  expect(line(JSON.stringify(given))).toEqual(problem());
});

test.each<[string, unknown]>([
  ['shell text', '$(reboot); `reboot`'],
  ['a path', '/etc/ssl/certs/ca-certificates.crt'],
  ['a number', 7],
  ['an object', { pem: own }],
  ['two certificates', own + ownRoot()],
  ['the same twice', own + own],
  ['text before it', `# Postern\n${own}`],
  ['text behind it', `${own}!postern\n`],
  ['a NUL behind it', `${own}\0`],
  ['no end', own.slice(0, -2)],
  ['CRLF', own.replaceAll('\n', '\r\n')],
  ['a private key', own.replaceAll('CERTIFICATE', 'PRIVATE KEY')],
  ['nothing in it', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
  ['ten megabytes', own.replace('\n', `\n${'A'.repeat(10_000_000)}\n`)],
  ['octets behind the DER', pem(Buffer.concat([der, Buffer.from([0])]))],
  ['another certificate behind the DER', pem(Buffer.concat([der, der]))],
  ['a DER that is cut', pem(der.subarray(0, -1))],
  [
    'a length in a longer form',
    pem(Buffer.concat([der.subarray(0, 1), Buffer.from([0x83, 0]), der.subarray(2)])),
  ],
  ['a length without end', pem(Buffer.from([0x30, 0x80, ...der.subarray(4), 0, 0]))],
  ['zeros', pem(Buffer.alloc(600))],
])('refuses %s in place of a certificate', (_name, certificate) => {
  expect(install(certificate)).toEqual(problem());
});

test('refuses any flip of a bit', () => {
  for (let at = 0; at < der.length; at++) {
    const flipped = Buffer.from(der);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    expect({ at, ...install(pem(flipped)) }).toEqual({ at, ...problem() });
  }
});

test('refuses every public authority', () => {
  expect(rootCertificates.length).toBeGreaterThan(100);
  for (const root of rootCertificates) expect(install(`${root}\n`)).toEqual(problem());
});

const ext = {
  constraints: 'basicConstraints=critical,CA:TRUE,pathlen:0',
  usage: 'keyUsage=critical,keyCertSign',
  purpose: 'extendedKeyUsage=serverAuth',
};
const only = (...extensions: string[]) => ({ extensions });

test.each<[string, Parameters<typeof foreignRoot>[0], string]>([
  ['no limit of its path', only('basicConstraints=critical,CA:TRUE', ext.usage, ext.purpose), 'extensions'],
  [
    'a longer path',
    only('basicConstraints=critical,CA:TRUE,pathlen:1', ext.usage, ext.purpose),
    'extensions',
  ],
  [
    'constraints that may be passed over',
    only('basicConstraints=CA:TRUE,pathlen:0', ext.usage, ext.purpose),
    'extensions',
  ],
  ['a leaf', only('basicConstraints=critical,CA:FALSE', ext.usage, ext.purpose), 'extensions'],
  [
    'one for clients too',
    only(ext.constraints, ext.usage, 'extendedKeyUsage=serverAuth,clientAuth'),
    'extensions',
  ],
  ['one for code', only(ext.constraints, ext.usage, 'extendedKeyUsage=codeSigning'), 'extensions'],
  ['one for everything', only(ext.constraints, ext.usage), 'extensions'],
  [
    'one that signs more',
    only(ext.constraints, 'keyUsage=critical,keyCertSign,digitalSignature', ext.purpose),
    'extensions',
  ],
  ['one without usage', only(ext.constraints, ext.purpose), 'extensions'],
  ['an extension more', only(ext.constraints, ext.usage, ext.purpose, 'nsComment=hello'), 'extensions'],
  ['no extension', only(), 'version 3'],
  ['another organization', { subject: '/O=Posterns/CN=Postern test' }, 'subject'],
  ['no common name', { subject: '/O=Postern' }, 'subject'],
  ['a name more', { subject: '/O=Postern/CN=Postern test/OU=more' }, 'subject'],
  ['two common names', { subject: '/O=Postern/CN=Postern test/CN=bank.example' }, 'subject'],
  ['another order', { subject: '/CN=Postern test/O=Postern' }, 'subject'],
  [
    'names in one set',
    { subject: '/O=Postern/CN=Postern test+OU=more', options: ['-days', '30', '-multivalue-rdn'] },
    'subject',
  ],
  ['RSA', { key: ['rsa:2048'] }, 'ECDSA'],
  ['another curve', { key: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'] }, 'P-256'],
  ['another hash', { options: ['-days', '30', '-sha512'] }, 'ECDSA'],
  ['eleven years', { options: ['-days', '4018', '-sha256'] }, 'too long'],
])('refuses %s', (_name, options, words) => {
  expect(install(foreignRoot(options))).toEqual(problem(words));
});

test('takes ten years, and no more days than two above', () => {
  const ten = { options: ['-days', '3654', '-sha256'] };
  expect(install(foreignRoot(ten))).toMatchObject({ action: 'install' });
  expect(install(foreignRoot({ options: ['-days', '3655', '-sha256'] }))).toEqual(problem('too long'));
});

test('refuses what another authority has signed in its name', () => {
  // The content of one with the signature of another.
  const other = new X509Certificate(ownRoot()).raw;
  const content = (whole: Buffer) => whole.subarray(4, 8 + whole.readUInt16BE(6));
  const tail = other.subarray(4 + content(other).length);
  const body = Buffer.concat([content(der), tail]);
  const head = Buffer.from([0x30, 0x82, body.length >> 8, body.length & 0xff]);
  expect(install(pem(Buffer.concat([head, body])))).toEqual(problem('not signed by itself'));
});

test('OpenSSL reads the same certificate out of what goes into a store', () => {
  const parsed = install(own);
  const text = 'problem' in parsed ? '' : parsed.authority.pem;
  const output = execFileSync('openssl', ['x509', '-noout', '-fingerprint', '-sha256'], { input: text });
  expect(output.toString()).toContain(new X509Certificate(own).fingerprint256);
});
