import { X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthorityFiles } from './authorities.ts';
import { createTestKeys, dnsName, makeTestCertificate } from './authority.fixture.ts';
import {
  createTestCertificates,
  dayMs,
  issuerOf,
  leafOf,
  pemsOf,
  presentOf,
  readAll,
} from './certificates.fixture.ts';

const keysFor = createTestKeys();

let room: ReturnType<typeof createTestCertificates>;
beforeEach(() => {
  room = createTestCertificates();
});
afterEach(() => room.remove());

const rootEnd = new Date('2040-03-01T12:00:00Z');
const beforeEnd = (days: number, ms = 0) => new Date(rootEnd.getTime() - days * dayMs - ms);

/** Of a server whose certificate is good at any time. */
const server = makeTestCertificate({
  keys: keysFor('ec'),
  names: [dnsName('mail.example.org')],
  notBefore: new Date('2025-01-01T00:00:00Z'),
  notAfter: new Date('2045-01-01T00:00:00Z'),
});
const good = { der: server.der, trusted: true, keyKind: 'ec' } as const;
const bad = { der: server.der, trusted: false, keyKind: 'ec' } as const;

async function expectRoots(
  { directory, certificates }: { directory: string; certificates: Parameters<typeof pemsOf>[0] },
  ...pems: readonly (string | undefined)[]
): Promise<void> {
  expect(pemsOf(certificates)).toEqual(pems);
  expect(await readFile(certificates.caPath, 'utf8')).toBe(pems.join(''));
  expect(pemsOf((await room.open(directory)).certificates)).toEqual(pems);
}

describe('the authorities', () => {
  it('sign server certificates alone, and have no authority below them', async () => {
    const { certificates } = await room.open();
    for (const authority of [
      presentOf(certificates),
      issuerOf(await certificates.leafFor(good)),
      issuerOf(await certificates.leafFor(bad)),
    ]) {
      expect(authority.ca).toBe(true);
      expect(authority.verify(authority.publicKey)).toBe(true);
      expect(authority.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
      // basicConstraints { CA, path length 0 }, keyUsage { keyCertSign }, both critical.
      expect(authority.raw.includes(Buffer.from('551d130101ff040830060101ff020100', 'hex'))).toBe(true);
      expect(authority.raw.includes(Buffer.from('551d0f0101ff040403020204', 'hex'))).toBe(true);
      // The own key's identifier, as subject's and as authority's.
      const [, subjectKey] = /551d0e04160414([0-9a-f]{40})/.exec(authority.raw.toString('hex')) ?? [];
      const [, authorityKey] = /551d23041830168014([0-9a-f]{40})/.exec(authority.raw.toString('hex')) ?? [];
      expect(subjectKey).toBeDefined();
      expect(authorityKey).toBe(subjectKey);
    }
  });

  it('are named for the product and the machine, and no two roots alike', async () => {
    const { certificates } = await room.open();
    const name = /^O=Postern\nCN=Postern desk [0-9a-f]{8}$/;
    const first = presentOf(certificates).subject;
    expect(first).toMatch(name);
    await certificates.replace();
    expect(presentOf(certificates).subject).toMatch(name);
    expect(presentOf(certificates).subject).not.toBe(first);
  });

  it('cut a long host name instead of making a name that verifiers refuse', async () => {
    const { certificates } = await room.open(undefined, 'x'.repeat(200));
    expect(presentOf(certificates).subject).toMatch(/\nCN=Postern x{47} [0-9a-f]{8}$/);
  });

  it('live for ten years and are valid at once', async () => {
    const root = presentOf((await room.open()).certificates);
    expect([root.validFromDate, root.validToDate]).toEqual([new Date('2030-02-28T12:00:00Z'), rootEnd]);
  });

  it('can end after 2049, where the notation of time changes', async () => {
    room.setNow(new Date('2044-06-01T00:00:00Z'));
    const root = presentOf((await room.open()).certificates);
    expect(root.validToDate).toEqual(new Date('2054-06-01T00:00:00Z'));
  });

  it('are the same after a restart', async () => {
    const first = await room.open();
    await expectRoots(first, ...pemsOf(first.certificates));
    expect(first.changes).toEqual([]);
  });

  it('lie in files for their owner alone; the one for trust stores holds no key', async () => {
    const { directory, certificates } = await room.open();
    room.setNow(beforeEnd(90));
    await certificates.maintain();
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const names = ['authority.pem', 'ca.pem', 'successor.pem', 'untrusted-authority.pem'];
    for (const name of names) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).sort()).toEqual([...names, 'untrusted'].sort());
    expect(certificates.caPath).toBe(join(directory, 'ca.pem'));
    expect(await readFile(certificates.caPath, 'utf8')).not.toContain('PRIVATE KEY');
    expect(pemsOf(certificates).join('')).not.toContain('PRIVATE KEY');
  });

  it('are copied for trust stores again when that copy is gone or is another one', async () => {
    const { directory, certificates } = await room.open();
    await writeFile(certificates.caPath, 'something else');
    await room.open(directory);
    expect(await readFile(certificates.caPath, 'utf8')).toBe(pemsOf(certificates).join(''));
    await rm(certificates.caPath);
    await certificates.maintain();
    expect(await readFile(certificates.caPath, 'utf8')).toBe(pemsOf(certificates).join(''));
  });
});

describe('a root that nears its end', () => {
  it('has a successor beside it 90 days before, and not a moment earlier', async () => {
    const opened = await room.open();
    const { certificates, changes } = opened;
    const [root] = pemsOf(certificates);
    room.setNow(beforeEnd(90, 1));
    await certificates.maintain();
    await expectRoots(opened, root);
    expect(changes).toEqual([]);
    room.setNow(beforeEnd(90));
    await certificates.maintain();
    const [, successor = ''] = pemsOf(certificates);
    await expectRoots(opened, root, successor);
    expect(changes).toEqual([2]);
    expect(new X509Certificate(successor).validToDate).toEqual(new Date('2049-12-02T12:00:00Z'));
    expect(certificates.roots()[1]?.facts.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(issuerOf(await certificates.leafFor(good)).toString()).toBe(root);
    await certificates.maintain();
    await expectRoots(opened, root, successor);
    expect(changes).toEqual([2]);
  });

  it('is followed 14 days before, and not a moment earlier', async () => {
    const opened = await room.open();
    const { certificates, changes } = opened;
    room.setNow(beforeEnd(90));
    await certificates.maintain();
    const [root, successor] = pemsOf(certificates);
    room.setNow(beforeEnd(14, 1));
    await certificates.maintain();
    await expectRoots(opened, root, successor);
    room.setNow(beforeEnd(14));
    await certificates.maintain();
    await expectRoots(opened, successor);
    expect(changes).toEqual([2, 1]);
    expect(issuerOf(await certificates.leafFor(good)).toString()).toBe(successor);
  });

  it('is followed when it is asked for, and only when there is a successor', async () => {
    const opened = await room.open();
    const { certificates, changes } = opened;
    expect(await certificates.promote()).toBe(false);
    room.setNow(beforeEnd(60));
    await certificates.maintain();
    const [, successor] = pemsOf(certificates);
    expect(await certificates.promote()).toBe(true);
    await expectRoots(opened, successor);
    expect(await certificates.promote()).toBe(false);
    await expectRoots(opened, successor);
    expect(changes).toEqual([2, 1]);
  });

  it('keeps the successor that another process has made just before', async () => {
    const { directory } = await room.open();
    room.setNow(beforeEnd(60));
    const onMovedAside = () => undefined;
    const files = createAuthorityFiles({ directory, hostname: 'desk', now: room.now, onMovedAside });
    await files.makeSuccessor();
    const { successor } = await files.roots();
    expect(successor).toBeDefined();
    await files.makeSuccessor();
    expect((await files.roots()).successor?.pem).toBe(successor?.pem);
  });

  it('is not followed by the call that makes the successor, which no store knows yet', async () => {
    const opened = await room.open();
    room.setNow(beforeEnd(5));
    await opened.certificates.maintain();
    const [root, successor] = pemsOf(opened.certificates);
    expect(successor).toBeDefined();
    expect(root).toBe(presentOf(opened.certificates).toString());
    await opened.certificates.maintain();
    await expectRoots(opened, successor);
  });

  it('leaves what it signed as it is: leaves of before stay whole, new ones are the successor’s', async () => {
    const { certificates } = await room.open();
    room.setNow(beforeEnd(60));
    const before = await certificates.leafFor(good);
    const copy = { ...before };
    await certificates.maintain();
    expect(await certificates.leafFor(good)).toBe(before);
    await certificates.promote();
    expect(before).toEqual(copy);
    expect(leafOf(before).verify(issuerOf(before).publicKey)).toBe(true);
    const after = await certificates.leafFor(good);
    expect(leafOf(after).verify(presentOf(certificates).publicKey)).toBe(true);
    expect(leafOf(before).verify(presentOf(certificates).publicKey)).toBe(false);
  });

  it('that ended while nothing ran is followed by its successor, not by a root that nobody knows', async () => {
    const { certificates, directory } = await room.open();
    room.setNow(beforeEnd(90));
    await certificates.maintain();
    const [, successor] = pemsOf(certificates);
    room.setNow(rootEnd);
    const again = await room.open(directory);
    await expectRoots(again, successor);
    expect(again.problems).toEqual([]);
    // Also in the process that slept meanwhile.
    await certificates.maintain();
    expect(pemsOf(certificates)).toEqual([successor]);
  });

  it('and ended without a successor is replaced and told of, and not a moment before', async () => {
    const { certificates, directory } = await room.open();
    const path = join(directory, 'authority.pem');
    room.setNow(new Date(rootEnd.getTime() - 1));
    await expectRoots(await room.open(directory), ...pemsOf(certificates));
    room.setNow(rootEnd);
    const again = await room.open(directory);
    expect(pemsOf(again.certificates)).not.toEqual(pemsOf(certificates));
    const movedTo = expect.stringMatching(/\.replaced-/);
    expect(again.problems).toEqual([{ kind: 'authority-replaced', path, movedTo }]);
  });

  it('goes on through twenty years of daily maintenance with a root in force on each day', async () => {
    const { certificates, changes, problems } = await room.open();
    const seen = new Set<string>();
    // Ten days at a time: no step of the calendar is shorter.
    for (let day = 0; day < 20 * 366; day += 10) {
      room.pass(10 * dayMs);
      await certificates.maintain();
      const root = presentOf(certificates);
      expect(root.validFromDate <= room.now() && room.now() < root.validToDate).toBe(true);
      seen.add(root.fingerprint256);
    }
    expect(seen.size).toBe(3);
    expect(changes).toEqual([2, 1, 2, 1]);
    expect(problems).toEqual([]);
  });
});

describe('the untrusted authority', () => {
  it('is made anew when it has ended, and what it signed goes on', async () => {
    const { certificates, directory } = await room.open();
    const kept = await certificates.leafFor(bad);
    room.setNow(new Date('2044-01-01T00:00:00Z'));
    const other = makeTestCertificate({ keys: keysFor('ec'), subject: 'other' });
    await certificates.maintain();
    const leaf = await certificates.leafFor({ ...bad, der: other.der });
    expect(issuerOf(leaf).validToDate).toEqual(new Date('2054-01-01T00:00:00Z'));
    expect(issuerOf(leaf).raw.equals(issuerOf(kept).raw)).toBe(false);
    expect(await certificates.leafFor(bad)).toBe(kept);
    const again = await room.open(directory);
    expect(await again.certificates.leafFor(bad)).toEqual(kept);
    expect(await again.certificates.leafFor({ ...bad, der: other.der })).toEqual(leaf);
  });
});

describe('a root that is replaced', () => {
  const keyOf = (text: string | undefined) => {
    const body = text?.split('-----BEGIN PRIVATE KEY-----\n')[1]?.slice(0, 64) ?? '';
    expect(body).toHaveLength(64);
    return body;
  };

  it('is another one at once, and so are its leaves', async () => {
    const opened = await room.open();
    const { certificates, changes } = opened;
    const [root] = pemsOf(certificates);
    const [leaf, untrusted] = [await certificates.leafFor(good), await certificates.leafFor(bad)];
    await certificates.replace();
    const [replaced] = pemsOf(certificates);
    expect(replaced).not.toBe(root);
    await expectRoots(opened, replaced);
    expect(changes).toEqual([1]);
    expect(await certificates.leafFor(good)).not.toBe(leaf);
    expect(issuerOf(await certificates.leafFor(good)).toString()).toBe(replaced);
    // An exception that a person stored has nothing to do with the root.
    expect((await certificates.leafFor(bad)).certPem).toBe(untrusted.certPem);
  });

  it('leaves no key of its own and none of its successor, nor copies of them', async () => {
    const { directory, certificates } = await room.open();
    room.setNow(beforeEnd(90));
    await certificates.maintain();
    const old = await readAll(directory);
    const keys = [keyOf(old.get('authority.pem')), keyOf(old.get('successor.pem'))];
    // As a crash leaves them, and as damaged ones are moved aside.
    await writeFile(join(directory, 'authority.pem.0011223344556677.tmp'), old.get('authority.pem') ?? '');
    await writeFile(join(directory, 'successor.pem.replaced-00112233'), old.get('successor.pem') ?? '');
    await certificates.replace();
    const files = await readAll(directory);
    for (const [name, text] of files) {
      for (const key of keys) expect(text, name).not.toContain(key);
    }
    expect([...files.keys()].sort()).toEqual(['authority.pem', 'ca.pem', 'untrusted-authority.pem']);
    expect(keyOf(files.get('untrusted-authority.pem'))).toBe(keyOf(old.get('untrusted-authority.pem')));
  });

  it('is of no leaf that is asked for from then on, though it was being minted before', async () => {
    const { certificates } = await room.open();
    // The key of a leaf is not there yet in the first moment, so that these wait for it.
    const waiting = [certificates.leafFor({ ...good, keyKind: 'rsa' }), certificates.leafFor(good)];
    await certificates.replace();
    await Promise.all(waiting);
    const present = presentOf(certificates).toString();
    expect(issuerOf(await certificates.leafFor({ ...good, keyKind: 'rsa' })).toString()).toBe(present);
    expect(issuerOf(await certificates.leafFor(good)).toString()).toBe(present);
  });
});
