import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTestKeys,
  distinguishedName,
  dnsName,
  ipName,
  makeTestCertificate,
  type TestCertificate,
} from './authority.fixture.ts';
import {
  createTestCertificates,
  dayMs,
  issuerOf,
  leafOf,
  pemsOf,
  presentOf,
} from './certificates.fixture.ts';

const keysFor = createTestKeys();
const trusted = (server: TestCertificate, keyKind: 'ec' | 'rsa' = 'ec') => ({
  der: server.der,
  trusted: true,
  keyKind,
});
const untrusted = (server: TestCertificate, keyKind: 'ec' | 'rsa' = 'ec') => ({
  der: server.der,
  trusted: false,
  keyKind,
});

let room: ReturnType<typeof createTestCertificates>;
beforeEach(() => {
  room = createTestCertificates();
});
afterEach(() => room.remove());

/** Valid from a month ago to a year from now, unless told otherwise. */
function makeServer(options: Partial<Parameters<typeof makeTestCertificate>[0]> = {}): TestCertificate {
  return makeTestCertificate({
    keys: keysFor('ec'),
    subject: 'mail.example.org',
    names: [dnsName('mail.example.org')],
    notBefore: new Date(room.now().getTime() - 30 * dayMs),
    notAfter: new Date(room.now().getTime() + 365 * dayMs),
    ...options,
  });
}

describe('a leaf', () => {
  const names = [
    dnsName('mail.example.org'),
    dnsName('*.example.org'),
    dnsName('xn--bcher-kva.example'),
    ipName(192, 0, 2, 7),
    ipName(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    ...Array.from({ length: 50 }, (_, index) => dnsName(`mail${index}.example.net`)),
  ];
  const servers = ['rsa', 'ec', 'ed25519'] as const;
  const cases = servers.flatMap((server) => (['rsa', 'ec'] as const).map((kind) => [kind, server] as const));

  it.each(cases)('with an %s key says what a server with an %s key says', async (kind, serverKind) => {
    const { certificates } = await room.open();
    const root = presentOf(certificates);
    const subject = distinguishedName(['2.5.4.10', 'Bücher & Söhne'], ['2.5.4.3', 'mail.example.org']);
    const server = makeServer({ keys: keysFor(serverKind), subject, names });
    const leaf = await certificates.leafFor(trusted(server, kind));
    const certificate = leafOf(leaf);
    expect(certificate.raw.includes(subject)).toBe(true);
    // The alternative names octet for octet.
    expect(certificate.raw.includes(Buffer.concat(names))).toBe(true);
    expect(certificate.subjectAltName).toBe(new X509Certificate(server.der).subjectAltName);
    expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
    expect(certificate.checkHost('imap.example.org')).toBe('*.example.org');
    expect(certificate.checkHost('xn--bcher-kva.example')).toBe('xn--bcher-kva.example');
    expect(certificate.checkHost('mail49.example.net')).toBe('mail49.example.net');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    // keyUsage, critical: digitalSignature, and with an RSA key keyEncipherment.
    const usage = kind === 'rsa' ? '551d0f0101ff0404030205a0' : '551d0f0101ff040403020780';
    expect(certificate.raw.includes(Buffer.from(usage, 'hex'))).toBe(true);
    expect(certificate.checkIssued(root)).toBe(true);
    expect(certificate.verify(root.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(leaf.keyPem))).toBe(true);
    expect(certificate.publicKey.asymmetricKeyType).toBe(kind);
    expect(issuerOf(leaf).raw.equals(root.raw)).toBe(true);
  });

  it('has a serial number of its own, positive and 16 octets long', async () => {
    const { certificates } = await room.open();
    const server = makeServer();
    const serials = await Promise.all(
      [trusted(server), untrusted(server), trusted(server, 'rsa')].map(
        async (upstream) => leafOf(await certificates.leafFor(upstream)).serialNumber,
      ),
    );
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(new Set(serials).size).toBe(3);
  });

  it('has the names of a server without alternative names, and of an X.509 v1 certificate', async () => {
    const { certificates } = await room.open();
    for (const version1 of [false, true]) {
      const server = makeTestCertificate({ keys: keysFor('rsa'), subject: 'old.example.org', version1 });
      const leaf = leafOf(await certificates.leafFor(trusted(server)));
      expect(leaf.subject).toBe('CN=old.example.org');
      expect(leaf.subjectAltName).toBeUndefined();
    }
  });

  it('is asked for of something that is no certificate, and refused', async () => {
    const { certificates } = await room.open();
    const rubbish = { der: Buffer.from('rubbish'), keyKind: 'ec' } as const;
    await expect(certificates.leafFor({ ...rubbish, trusted: true })).rejects.toThrow();
    await expect(certificates.leafFor({ ...rubbish, trusted: false })).rejects.toThrow();
  });
});

describe('the validity of a leaf', () => {
  async function validityOf(fromMs: number, untilMs: number, { days = 0 } = {}) {
    const { certificates } = await room.open();
    room.pass(days * dayMs);
    const now = room.now().getTime();
    const server = makeServer({ notBefore: new Date(now + fromMs), notAfter: new Date(now + untilMs) });
    const leaf = leafOf(await certificates.leafFor(trusted(server)));
    return [leaf.validFromDate.getTime() - now, leaf.validToDate.getTime() - now];
  }

  it('is 45 days, one of them past', async () => {
    expect(await validityOf(-300 * dayMs, 300 * dayMs, { days: 1_000 })).toEqual([-dayMs, 44 * dayMs]);
  });

  it('lies inside the root', async () => {
    const whole = 3652 * dayMs;
    expect(await validityOf(-300 * dayMs, 300 * dayMs)).toEqual([-dayMs, 44 * dayMs]);
    // 2030-03-01 to 2040-03-01 is 3,653 days.
    expect(await validityOf(-300 * dayMs, 300 * dayMs, { days: whole / dayMs })).toEqual([-dayMs, dayMs]);
  });

  it.each([
    ['began a second ago', -1_000, 300 * dayMs, -1_000, 44 * dayMs],
    ['lives for an hour', -600_000, 3_000_000, -600_000, 3_000_000],
    ['has less than a minute left', -90 * dayMs, 42_000, -dayMs, 42_000],
    ['ends now', -90 * dayMs, 0, -dayMs, 0],
  ])('lies inside that of a server that %s', async (_, from, until, leafFrom, leafUntil) => {
    expect(await validityOf(from, until)).toEqual([leafFrom, leafUntil]);
  });
});

describe('a leaf in memory', () => {
  it('is minted once for a hundred who ask at the same time', async () => {
    const { certificates, directory } = await room.open();
    const server = makeServer();
    for (const upstream of [trusted(server), trusted(server, 'rsa'), untrusted(server)]) {
      const leaves = await Promise.all(Array.from({ length: 100 }, () => certificates.leafFor(upstream)));
      expect(new Set(leaves.map(({ certPem }) => certPem)).size).toBe(1);
      expect(new Set(leaves).size).toBe(1);
    }
    expect(await readdir(join(directory, 'untrusted'))).toHaveLength(1);
  });

  it('is one for each server certificate, verdict and kind of key', async () => {
    const { certificates } = await room.open();
    const [one, two] = [makeServer(), makeServer({ subject: 'other' })];
    const asked = [one, two].flatMap((server) =>
      (['ec', 'rsa'] as const).flatMap((kind) => [trusted(server, kind), untrusted(server, kind)]),
    );
    const leaves = await Promise.all(asked.map((upstream) => certificates.leafFor(upstream)));
    expect(new Set(leaves).size).toBe(8);
    for (const [index, upstream] of asked.entries()) {
      expect(await certificates.leafFor(upstream)).toBe(leaves[index]);
    }
  });

  it('is minted anew after 30 days', async () => {
    const { certificates } = await room.open();
    const server = makeServer();
    const first = await certificates.leafFor(trusted(server));
    room.pass(30 * dayMs - 1);
    expect(await certificates.leafFor(trusted(server))).toBe(first);
    room.pass(1);
    const second = await certificates.leafFor(trusted(server));
    expect(leafOf(second).validToDate.getTime()).toBe(room.now().getTime() + 44 * dayMs);
  });

  it('is not given out after its own end, which is the end of a server that lives for an hour', async () => {
    const { certificates } = await room.open();
    const end = room.now().getTime() + 3_600_000;
    const server = makeServer({ notAfter: new Date(end) });
    const first = await certificates.leafFor(trusted(server));
    room.setNow(new Date(end - 1));
    expect(await certificates.leafFor(trusted(server))).toBe(first);
    room.setNow(new Date(end));
    expect(await certificates.leafFor(trusted(server))).not.toBe(first);
  });

  it('is not given out before its beginning, when the clock was set back', async () => {
    const { certificates } = await room.open();
    const server = makeServer();
    room.pass(10 * dayMs);
    const first = await certificates.leafFor(trusted(server));
    room.pass(-dayMs);
    expect(await certificates.leafFor(trusted(server))).toBe(first);
    room.pass(-1_000);
    const second = leafOf(await certificates.leafFor(trusted(server)));
    expect(second.validFromDate.getTime()).toBe(room.now().getTime() - dayMs);
  });
});

describe('an untrusted leaf', () => {
  it('is signed by the authority that nobody trusts', async () => {
    const { certificates } = await room.open();
    const leaf = await certificates.leafFor(untrusted(makeServer()));
    const authority = issuerOf(leaf);
    expect(authority.subject).toBe('O=Postern\nCN=Postern untrusted certificate');
    expect(leafOf(leaf).verify(presentOf(certificates).publicKey)).toBe(false);
    expect(leafOf(leaf).verify(authority.publicKey)).toBe(true);
    expect(leafOf(leaf).checkIssued(authority)).toBe(true);
    expect(pemsOf(certificates)).not.toContain(authority.toString());
  });

  it('ends when the server ended, and goes on to be given out', async () => {
    const { certificates } = await room.open();
    const [notBefore, notAfter] = [new Date('2019-01-01T00:00:00Z'), new Date('2020-01-01T00:00:00Z')];
    const server = makeServer({ notBefore, notAfter });
    const leaf = await certificates.leafFor(untrusted(server));
    expect([leafOf(leaf).validFromDate, leafOf(leaf).validToDate]).toEqual([notBefore, notAfter]);
    expect(await certificates.leafFor(untrusted(server))).toBe(leaf);
  });

  it('is the same after a restart for each kind of key, while a trusted one is not kept', async () => {
    const first = await room.open();
    const server = makeServer();
    const asked = [untrusted(server, 'ec'), untrusted(server, 'rsa')];
    const bad = await Promise.all(asked.map((upstream) => first.certificates.leafFor(upstream)));
    const good = await first.certificates.leafFor(trusted(server));
    const second = await room.open(first.directory);
    expect(await Promise.all(asked.map((upstream) => second.certificates.leafFor(upstream)))).toEqual(bad);
    expect(await second.certificates.leafFor(trusted(server))).not.toEqual(good);
    const names = (await readdir(join(first.directory, 'untrusted'))).sort();
    expect(names).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}-ec\.pem$/),
      expect.stringMatching(/^[0-9a-f]{64}-rsa\.pem$/),
    ]);
    for (const name of names) {
      expect((await stat(join(first.directory, 'untrusted', name))).mode & 0o777).toBe(0o600);
    }
  });

  it.each([
    ['ec', 'ec', true],
    ['rsa', 'rsa', true],
    // A client that does EC does RSA, too, with a server that has nothing else.
    ['rsa', 'ec', true],
    ['ec', 'rsa', false],
  ] as const)(
    'of before there were kinds, with an %s key, asked for %s: is used %s',
    async (has, kind, isUsed) => {
      const first = await room.open();
      const server = makeServer();
      const kept = await first.certificates.leafFor(untrusted(server, has));
      const folder = join(first.directory, 'untrusted');
      const [name = ''] = await readdir(folder);
      await rename(join(folder, name), join(folder, name.replace(`-${has}`, '')));
      const second = await room.open(first.directory);
      const leaf = await second.certificates.leafFor(untrusted(server, kind));
      if (isUsed) expect(leaf).toEqual(kept);
      else expect(leafOf(leaf).publicKey.asymmetricKeyType).toBe(kind);
      // The old file stays as it was, also beside a new one.
      const third = await room.open(first.directory);
      expect(await third.certificates.leafFor(untrusted(server, kind))).toEqual(leaf);
      expect(await third.certificates.leafFor(untrusted(server, has))).toEqual(kept);
    },
  );
});
