import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createTestKeys,
  distinguishedName,
  dnsName,
  ipName,
  makeTestCertificate,
  type TestCertificate,
} from './authority.fixture.ts';
import { type CertificateProblem, type Leaf, openCertificates } from './authority.ts';

const keysFor = createTestKeys();
const dayMs = 24 * 60 * 60 * 1000;
const directories: string[] = [];

afterEach(async () => {
  await Promise.all(directories.splice(0).map((path) => rm(path, { recursive: true })));
});

async function newDirectory(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'postern-certificates-'));
  directories.push(parent);
  return join(parent, 'certificates');
}

async function setUp(
  options: { directory?: string; now?: () => Date; onProblem?: (problem: CertificateProblem) => void } = {},
) {
  const directory = options.directory ?? (await newDirectory());
  const { now = () => new Date(), onProblem = () => undefined } = options;
  const certificates = await openCertificates({ directory, hostname: 'desk', now, onProblem });
  return { directory, certificates, root: new X509Certificate(certificates.rootPem) };
}

const leafOf = (leaf: Leaf) => new X509Certificate(leaf.certPem);
const issuerOf = (leaf: Leaf) =>
  new X509Certificate(leaf.certPem.slice(leaf.certPem.indexOf('-----END') + 26));
const trusted = (server: TestCertificate) => ({ der: server.der, trusted: true });
const untrusted = (server: TestCertificate) => ({ der: server.der, trusted: false });
const plainServer = () =>
  makeTestCertificate({
    keys: keysFor('ec'),
    subject: 'mail.example.org',
    names: [dnsName('mail.example.org')],
  });

describe('the authorities', () => {
  it('are named for what they are, and sign server certificates alone', async () => {
    const { root, certificates } = await setUp();
    const other = issuerOf(await certificates.leafFor(untrusted(plainServer())));
    expect(root.subject).toBe('O=Postern\nCN=Postern desk');
    expect(other.subject).toBe('O=Postern\nCN=Postern untrusted certificate');
    for (const authority of [root, other]) {
      expect(authority.ca).toBe(true);
      expect(authority.verify(authority.publicKey)).toBe(true);
      expect(authority.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
      // basicConstraints { CA, path length 0 }, keyUsage { keyCertSign }, both critical.
      expect(authority.raw.includes(Buffer.from('551d130101ff040830060101ff020100', 'hex'))).toBe(true);
      expect(authority.raw.includes(Buffer.from('551d0f0101ff040403020204', 'hex'))).toBe(true);
    }
    expect(other.verify(root.publicKey)).toBe(false);
  });

  it('live for ten years and are valid at once', async () => {
    const now = new Date('2030-03-01T12:00:00Z');
    const { root } = await setUp({ now: () => now });
    expect(root.validToDate.toISOString()).toBe('2040-03-01T12:00:00.000Z');
    expect(root.validFromDate.toISOString()).toBe('2030-02-28T12:00:00.000Z');
  });

  it('can end after 2049, where the notation of time changes', async () => {
    const { root } = await setUp({ now: () => new Date('2044-06-01T00:00:00Z') });
    expect(root.validToDate.toISOString()).toBe('2054-06-01T00:00:00.000Z');
  });

  it('cut a long host name instead of making a name that verifiers refuse', async () => {
    const directory = await newDirectory();
    const opened = await openCertificates({ directory, hostname: 'x'.repeat(200), now: () => new Date() });
    expect(new X509Certificate(opened.rootPem).subject).toBe(`O=Postern\nCN=Postern ${'x'.repeat(56)}`);
  });

  it('are the same after a restart', async () => {
    const first = await setUp();
    const second = await setUp({ directory: first.directory });
    expect(second.certificates.rootPem).toBe(first.certificates.rootPem);
  });

  it('lie in files for their owner alone; the one for trust stores holds no key', async () => {
    const { directory, certificates } = await setUp();
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of ['authority.pem', 'untrusted-authority.pem', 'ca.pem']) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
    expect(certificates.caPath).toBe(join(directory, 'ca.pem'));
    expect(await readFile(certificates.caPath, 'utf8')).toBe(certificates.rootPem);
    expect(certificates.rootPem).not.toContain('PRIVATE KEY');
    expect((await readdir(directory)).sort()).toEqual([
      'authority.pem',
      'ca.pem',
      'untrusted',
      'untrusted-authority.pem',
    ]);
  });

  it('are the same for processes that start at the same time', async () => {
    const directory = await newDirectory();
    const opened = await Promise.all(Array.from({ length: 8 }, () => setUp({ directory })));
    expect(new Set(opened.map(({ certificates }) => certificates.rootPem)).size).toBe(1);
    expect(await readdir(directory)).toHaveLength(4);
  });

  it('are copied for trust stores again when that copy is gone or is another one', async () => {
    const { directory, certificates } = await setUp();
    await writeFile(certificates.caPath, 'something else');
    await setUp({ directory });
    expect(await readFile(certificates.caPath, 'utf8')).toBe(certificates.rootPem);
  });
});

describe('an authority that is damaged', () => {
  const damage: readonly (readonly [string, (text: string, other: string) => string])[] = [
    ['is empty', () => ''],
    ['ends early', (text) => text.slice(0, -40)],
    ['has no key', (text) => text.slice(0, text.indexOf('-----BEGIN PRIVATE'))],
    ['has a broken certificate', (text) => text.replace(/MII/, 'AAA')],
    [
      'has the key of another one',
      (text, other) =>
        text.slice(0, text.indexOf('-----BEGIN PRIVATE')) + other.slice(other.indexOf('-----BEGIN PRIVATE')),
    ],
    ['is no authority', () => `${plainServer().certPem}${plainServer().keyPem}`],
  ];

  it.each(damage)('because it %s is kept aside, replaced and told of', async (_, change) => {
    const { directory, certificates } = await setUp();
    const path = join(directory, 'authority.pem');
    const damaged = change(
      await readFile(path, 'utf8'),
      await readFile(join(directory, 'untrusted-authority.pem'), 'utf8'),
    );
    await writeFile(path, damaged);
    const problems: CertificateProblem[] = [];
    const again = await setUp({ directory, onProblem: (problem) => problems.push(problem) });
    expect(again.certificates.rootPem).not.toBe(certificates.rootPem);
    expect(problems).toEqual([
      { kind: 'authority-replaced', path, movedTo: expect.stringMatching(/\.replaced-/) },
    ]);
    const [problem] = problems;
    if (problem?.kind !== 'authority-replaced') throw new Error('no problem');
    expect(await readFile(problem.movedTo, 'utf8')).toBe(damaged);
    expect((await setUp({ directory })).certificates.rootPem).toBe(again.certificates.rootPem);
  });

  it('is replaced when it has ended, and not a moment before', async () => {
    let now = new Date('2030-01-01T00:00:00Z');
    const first = await setUp({ now: () => now });
    const { directory } = first;
    now = new Date(first.root.validToDate.getTime() - 1);
    expect((await setUp({ directory, now: () => now })).certificates.rootPem).toBe(
      first.certificates.rootPem,
    );
    now = first.root.validToDate;
    expect((await setUp({ directory, now: () => now })).certificates.rootPem).not.toBe(
      first.certificates.rootPem,
    );
  });

  it('is never replaced because it could not be read', async () => {
    const { directory } = await setUp();
    const path = join(directory, 'authority.pem');
    const text = await readFile(path, 'utf8');
    await rm(path);
    // A symbolic link to itself: ELOOP, for root too.
    await symlink('authority.pem', path);
    await expect(setUp({ directory })).rejects.toThrow('ELOOP');
    await rm(path);
    await writeFile(path, text);
    expect((await setUp({ directory })).root.ca).toBe(true);
  });
});

describe('a leaf', () => {
  const names = [
    dnsName('mail.example.org'),
    dnsName('*.example.org'),
    dnsName('xn--bcher-kva.example'),
    ipName(192, 0, 2, 7),
    ipName(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  ];

  it.each(['rsa', 'ec', 'ed25519'] as const)('says what an %s server says', async (kind) => {
    const { certificates, root } = await setUp();
    const subject = distinguishedName(['2.5.4.10', 'Bücher & Söhne'], ['2.5.4.3', 'mail.example.org']);
    const server = makeTestCertificate({ keys: keysFor(kind), subject, names });
    const leaf = await certificates.leafFor(trusted(server));
    const certificate = leafOf(leaf);
    const original = new X509Certificate(server.der);
    expect(certificate.subject).toBe(original.subject);
    expect(certificate.raw.includes(subject)).toBe(true);
    expect(certificate.subjectAltName).toBe(original.subjectAltName);
    expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
    expect(certificate.checkHost('imap.example.org')).toBe('*.example.org');
    expect(certificate.checkHost('xn--bcher-kva.example')).toBe('xn--bcher-kva.example');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.checkIssued(root)).toBe(true);
    expect(certificate.verify(root.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(leaf.keyPem))).toBe(true);
    expect(certificate.publicKey.asymmetricKeyType).toBe(kind === 'rsa' ? 'rsa' : 'ec');
    expect(issuerOf(leaf).raw.equals(root.raw)).toBe(true);
  });

  it('has a serial number of its own, positive and 16 octets long', async () => {
    const { certificates } = await setUp();
    const serials = await Promise.all(
      [untrusted, trusted].map(
        async (how) => leafOf(await certificates.leafFor(how(plainServer()))).serialNumber,
      ),
    );
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(serials[0]).not.toBe(serials[1]);
  });

  it('is valid no longer than the server and than 45 days', async () => {
    const now = new Date('2030-06-01T00:00:00Z');
    const { certificates, root } = await setUp({ now: () => now });
    const validity = async (notBefore: Date, notAfter: Date) => {
      const server = makeTestCertificate({ keys: keysFor('ec'), notBefore, notAfter });
      const leaf = leafOf(await certificates.leafFor(trusted(server)));
      return [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
    };
    const from = now.getTime() - 1_000;
    expect(await validity(new Date(from), new Date(now.getTime() + dayMs))).toEqual([
      from,
      now.getTime() + dayMs,
    ]);
    expect(await validity(new Date('2029-01-01'), new Date('2039-01-01'))).toEqual([
      root.validFromDate.getTime(),
      now.getTime() + 45 * dayMs,
    ]);
  });

  it('is minted anew before it ends', async () => {
    let now = new Date('2030-06-01T00:00:00Z');
    const { certificates } = await setUp({ now: () => now });
    const server = makeTestCertificate({
      keys: keysFor('ec'),
      notBefore: new Date('2030-01-01'),
      notAfter: new Date('2031-01-01'),
    });
    const first = await certificates.leafFor(trusted(server));
    now = new Date(now.getTime() + 29 * dayMs);
    expect(await certificates.leafFor(trusted(server))).toBe(first);
    now = new Date(now.getTime() + dayMs);
    const second = await certificates.leafFor(trusted(server));
    expect(leafOf(second).validToDate.getTime()).toBe(now.getTime() + 45 * dayMs);
  });

  it('is one object for each server certificate and verdict', async () => {
    const { certificates } = await setUp();
    const [one, two] = [plainServer(), makeTestCertificate({ keys: keysFor('ec'), subject: 'other' })];
    const leaf = await certificates.leafFor(trusted(one));
    expect(await certificates.leafFor(trusted(one))).toBe(leaf);
    expect(await certificates.leafFor(untrusted(one))).not.toBe(leaf);
    expect(await certificates.leafFor(trusted(two))).not.toBe(leaf);
  });

  it('has the names of a server without alternative names, and of an X.509 v1 certificate', async () => {
    const { certificates } = await setUp();
    for (const version1 of [false, true]) {
      const server = makeTestCertificate({ keys: keysFor('rsa'), subject: 'old.example.org', version1 });
      const leaf = leafOf(await certificates.leafFor(trusted(server)));
      expect(leaf.subject).toBe('CN=old.example.org');
      expect(leaf.subjectAltName).toBeUndefined();
    }
  });
});

describe('an untrusted leaf', () => {
  it('is signed by the authority that nobody trusts', async () => {
    const { certificates, root } = await setUp();
    const leaf = await certificates.leafFor(untrusted(plainServer()));
    expect(leafOf(leaf).verify(root.publicKey)).toBe(false);
    expect(leafOf(leaf).verify(issuerOf(leaf).publicKey)).toBe(true);
    expect(leafOf(leaf).checkIssued(issuerOf(leaf))).toBe(true);
  });

  it('ends when the server ended', async () => {
    const { certificates } = await setUp();
    const server = makeTestCertificate({
      keys: keysFor('ec'),
      notBefore: new Date('2019-01-01T00:00:00Z'),
      notAfter: new Date('2020-01-01T00:00:00Z'),
    });
    const leaf = leafOf(await certificates.leafFor(untrusted(server)));
    expect(leaf.validFromDate.toISOString()).toBe('2019-01-01T00:00:00.000Z');
    expect(leaf.validToDate.toISOString()).toBe('2020-01-01T00:00:00.000Z');
  });

  it('is the same after a restart, while a trusted one is not kept', async () => {
    const first = await setUp();
    const server = plainServer();
    const bad = await first.certificates.leafFor(untrusted(server));
    const good = await first.certificates.leafFor(trusted(server));
    const second = await setUp({ directory: first.directory });
    expect(await second.certificates.leafFor(untrusted(server))).toEqual(bad);
    expect(await second.certificates.leafFor(trusted(server))).not.toEqual(good);
    const [file = ''] = await readdir(join(first.directory, 'untrusted'));
    expect(file).toMatch(/^[0-9a-f]{64}\.pem$/);
    expect((await stat(join(first.directory, 'untrusted', file))).mode & 0o777).toBe(0o600);
  });
});
