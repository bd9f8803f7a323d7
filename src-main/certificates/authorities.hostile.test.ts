// What may happen to the files: damage, a directory that can't be written, another process.
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestKeys, makeTestCertificate } from './authority.fixture.ts';
import type { CertificateProblem } from './authority.ts';
import {
  createTestCertificates,
  dayMs,
  issuerOf,
  pemsOf,
  presentOf,
  type TestCertificates,
} from './certificates.fixture.ts';

const keysFor = createTestKeys();
const { certPem, keyPem, der } = makeTestCertificate({
  keys: keysFor('ec'),
  subject: 'mail.example.org',
  notBefore: new Date('2025-01-01T00:00:00Z'),
  notAfter: new Date('2045-01-01T00:00:00Z'),
});
const good = { der, trusted: true, keyKind: 'ec' } as const;

let room: ReturnType<typeof createTestCertificates>;
beforeEach(() => {
  room = createTestCertificates();
});
afterEach(() => room.remove());

const rootEnd = new Date('2040-03-01T12:00:00Z');
const setDaysLeft = (days: number) => room.setNow(new Date(rootEnd.getTime() - days * dayMs));

async function openWithSuccessor(): Promise<TestCertificates> {
  const opened = await room.open();
  setDaysLeft(60);
  await opened.certificates.maintain();
  expect(opened.certificates.roots()).toHaveLength(2);
  return opened;
}

describe('an authority that is damaged', () => {
  const keyAt = (text: string) => text.indexOf('-----BEGIN PRIVATE');
  const damage: readonly (readonly [string, (text: string, other: string) => string])[] = [
    ['is empty', () => ''],
    ['ends early', (text) => text.slice(0, -40)],
    ['is half written', (text) => text.slice(0, text.length / 2)],
    ['has no key', (text) => text.slice(0, keyAt(text))],
    ['has no certificate', (text) => text.slice(keyAt(text))],
    ['has a broken certificate', (text) => text.replace(/MII/, 'AAA')],
    ['holds zeros, as after a loss of power', (text) => '\0'.repeat(text.length)],
    ['has the key of another one', (text, other) => text.slice(0, keyAt(text)) + other.slice(keyAt(other))],
    ['is no authority', () => certPem + keyPem],
    ['is four megabytes of something', () => '-----BEGIN CERTIFICATE-----\n'.repeat(150_000)],
  ];

  async function spoil(directory: string, name: string, change: (text: string, other: string) => string) {
    const path = join(directory, name);
    const other = await readFile(join(directory, 'untrusted-authority.pem'), 'utf8');
    const damaged = change(await readFile(path, 'utf8'), other);
    await writeFile(path, damaged);
    return { path, damaged };
  }

  async function expectAside([problem, ...more]: CertificateProblem[], path: string, damaged: string) {
    expect(problem).toEqual({
      kind: 'authority-replaced',
      path,
      movedTo: expect.stringMatching(/\.replaced-/),
    });
    expect(more).toEqual([]);
    if (problem?.kind !== 'authority-replaced') throw new Error('no problem');
    expect(await readFile(problem.movedTo, 'utf8')).toBe(damaged);
    expect((await stat(problem.movedTo)).mode & 0o777).toBe(0o600);
  }

  it.each(damage)('because it %s is kept aside, replaced and told of', async (_, change) => {
    const { directory, certificates } = await room.open();
    const { path, damaged } = await spoil(directory, 'authority.pem', change);
    const again = await room.open(directory);
    expect(pemsOf(again.certificates)).not.toEqual(pemsOf(certificates));
    await expectAside(again.problems, path, damaged);
    expect(pemsOf((await room.open(directory)).certificates)).toEqual(pemsOf(again.certificates));
  });

  it.each(damage)('because it %s is followed by its successor', async (_, change) => {
    const { directory, certificates } = await openWithSuccessor();
    const { path, damaged } = await spoil(directory, 'authority.pem', change);
    const again = await room.open(directory);
    expect(pemsOf(again.certificates)).toEqual(pemsOf(certificates).slice(1));
    await expectAside(again.problems, path, damaged);
  });

  it.each(damage)('and is a successor that %s is made anew, and the root stays', async (_, change) => {
    const { directory, certificates } = await openWithSuccessor();
    const [root, successor] = pemsOf(certificates);
    const { path, damaged } = await spoil(directory, 'successor.pem', change);
    const again = await room.open(directory);
    expect(pemsOf(again.certificates)).toEqual([root]);
    await expectAside(again.problems, path, damaged);
    await again.certificates.maintain();
    expect(pemsOf(again.certificates)).toEqual([root, expect.stringContaining('CERTIFICATE')]);
    expect(pemsOf(again.certificates)).not.toContain(successor);
    expect(await readFile(again.certificates.caPath, 'utf8')).toBe(pemsOf(again.certificates).join(''));
  });

  it('with its successor, too, is replaced', async () => {
    const { directory, certificates } = await openWithSuccessor();
    await spoil(directory, 'authority.pem', () => '');
    await spoil(directory, 'successor.pem', () => '');
    const again = await room.open(directory);
    expect(again.problems).toHaveLength(2);
    expect(again.certificates.roots()).toHaveLength(1);
    expect(pemsOf(certificates)).not.toContain(pemsOf(again.certificates)[0]);
  });

  it('is never replaced because it could not be read', async () => {
    const { directory } = await room.open();
    for (const name of ['authority.pem', 'successor.pem', 'untrusted-authority.pem']) {
      const path = join(directory, name);
      await rename(path, `${path}-away`).catch(() => writeFile(`${path}-away`, ''));
      // A symbolic link to itself: ELOOP, for root too.
      await symlink(name, path);
      await expect(room.open(directory)).rejects.toThrow('ELOOP');
      await rm(path);
      if (name !== 'successor.pem') await rename(`${path}-away`, path);
    }
    expect((await room.open(directory)).problems).toEqual([]);
  });
});

describe('a directory that can not be written', () => {
  type Way = readonly [string, (directory: string) => Promise<() => Promise<void>>];
  const ways: readonly Way[] = [
    [
      'because it is none any more',
      async (directory) => {
        await rename(directory, `${directory}-away`);
        await writeFile(directory, '');
        return async () => {
          await rm(directory);
          await rename(`${directory}-away`, directory);
        };
      },
    ],
    [
      'where the root lies',
      async (directory) => {
        const path = join(directory, 'authority.pem');
        await rename(path, `${path}-away`);
        // Not even the superuser puts a file in the place of a directory.
        await mkdir(path);
        return async () => {
          await rm(path, { recursive: true });
          await rename(`${path}-away`, path);
        };
      },
    ],
  ];

  // What lies there is read, but the superuser writes all the same.
  it.runIf(process.getuid?.() !== 0)('because its owner may only read it: the root goes on', async () => {
    const { directory, certificates } = await room.open();
    await chmod(directory, 0o500);
    setDaysLeft(60);
    await expect(certificates.maintain()).rejects.toThrow('EACCES');
    await expect(certificates.replace()).rejects.toThrow('EACCES');
    expect(pemsOf((await room.open(directory)).certificates)).toEqual(pemsOf(certificates));
    await chmod(directory, 0o700);
    await certificates.maintain();
    expect(certificates.roots()).toHaveLength(2);
  });

  it.each(ways)(
    '%s rejects what would change it; the roots and their leaves go on, and it works later',
    async (_, lock) => {
      const { directory, certificates, changes } = await openWithSuccessor();
      const pems = pemsOf(certificates);
      setDaysLeft(14);
      const leaf = await certificates.leafFor(good);
      const unlock = await lock(directory);
      await expect(certificates.maintain()).rejects.toThrow();
      await expect(certificates.promote()).rejects.toThrow();
      await expect(certificates.replace()).rejects.toThrow();
      expect(pemsOf(certificates)).toEqual(pems);
      expect(await certificates.leafFor(good)).toBe(leaf);
      await expect(room.open(directory)).rejects.toThrow();
      await unlock();
      await certificates.replace();
      expect(pems).not.toContain(presentOf(certificates).toString());
      expect(changes.slice(1)).toEqual([1]);
    },
  );

  it('for the copy for trust stores alone still tells of the new root, and writes the copy later', async () => {
    const { certificates, changes } = await room.open();
    await rm(certificates.caPath);
    await mkdir(certificates.caPath);
    await expect(certificates.replace()).rejects.toThrow();
    expect(changes).toEqual([1]);
    await rm(certificates.caPath, { recursive: true });
    await certificates.maintain();
    expect(await readFile(certificates.caPath, 'utf8')).toBe(pemsOf(certificates).join(''));
  });
});

describe('processes at the same directory', () => {
  const openEight = (directory: string) => Promise.all(Array.from({ length: 8 }, () => room.open(directory)));
  const kindsOf = (opened: readonly TestCertificates[]) =>
    new Set(opened.map(({ certificates }) => pemsOf(certificates).join()));

  it('that start at the same time have the same authorities', async () => {
    const directory = await room.newDirectory();
    const opened = await openEight(directory);
    expect(kindsOf(opened).size).toBe(1);
    expect(await readdir(directory)).toHaveLength(4);
    const leaves = await Promise.all(
      opened.map(({ certificates }) => certificates.leafFor({ ...good, trusted: false })),
    );
    expect(new Set(leaves.map((leaf) => issuerOf(leaf).fingerprint256)).size).toBe(1);
  });

  it('that make a successor and promote it at the same time agree on one', async () => {
    const { directory, certificates } = await room.open();
    const opened = await openEight(directory);
    setDaysLeft(90);
    await Promise.all(opened.map((each) => each.certificates.maintain()));
    expect(kindsOf(opened).size).toBe(1);
    const [root, successor] = pemsOf(opened[0]?.certificates ?? certificates);
    expect(root).toBe(pemsOf(certificates)[0]);
    setDaysLeft(14);
    await Promise.all(opened.map((each) => each.certificates.maintain()));
    expect([...kindsOf(opened)]).toEqual([successor]);
    expect(opened.flatMap(({ problems }) => problems)).toEqual([]);
    expect((await readdir(directory)).sort()).toEqual([
      'authority.pem',
      'ca.pem',
      'untrusted',
      'untrusted-authority.pem',
    ]);
  });

  it('that find a root at its end agree on one, with a successor and without', async () => {
    for (const days of [60, undefined]) {
      room.setNow(new Date('2030-03-01T12:00:00Z'));
      const { directory, certificates } = await room.open();
      if (days !== undefined) {
        setDaysLeft(days);
        await certificates.maintain();
      }
      room.setNow(rootEnd);
      const opened = await openEight(directory);
      expect(kindsOf(opened).size).toBe(1);
      expect(opened.flatMap(({ problems }) => problems)).toHaveLength(days === undefined ? 1 : 0);
    }
  });

  it('hear of a new root of another one at the next maintenance', async () => {
    const one = await room.open();
    const two = await room.open(one.directory);
    const leaf = await two.certificates.leafFor(good);
    await one.certificates.replace();
    await two.certificates.maintain();
    expect(pemsOf(two.certificates)).toEqual(pemsOf(one.certificates));
    expect(two.changes).toEqual([1]);
    expect(await two.certificates.leafFor(good)).not.toBe(leaf);
  });

  it('that damage a file between two looks at it lead to no endless work', async () => {
    const { directory, certificates } = await room.open();
    await writeFile(join(directory, 'authority.pem'), '');
    await certificates.maintain();
    expect(certificates.roots()).toHaveLength(1);
    await rm(dirname(directory), { recursive: true });
    await expect(certificates.maintain()).rejects.toThrow('ENOENT');
    await mkdir(dirname(directory));
  });

  it('change one after the other what one process is asked for at once', async () => {
    const { directory, certificates, changes } = await openWithSuccessor();
    const results = await Promise.all([
      certificates.promote(),
      certificates.maintain(),
      certificates.promote(),
      certificates.replace(),
      certificates.maintain(),
      certificates.replace(),
    ]);
    expect([results[0], results[2]]).toEqual([true, false]);
    expect(changes).toEqual([2, 1, 1, 1]);
    expect(pemsOf((await room.open(directory)).certificates)).toEqual(pemsOf(certificates));
  });
});
