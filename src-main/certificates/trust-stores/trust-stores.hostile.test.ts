import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseProfilesIni } from './profiles-ini.ts';
import type { RunResult } from './run-program.ts';
import {
  createRoots,
  hasTool,
  makeDatabase,
  makePlace,
  makeProfiles,
  openAll,
  type Place,
  recordRuns,
  uid,
} from './trust-stores.fixture.ts';

const root = createRoots()('present');

const thunderbirds = async (place: Place) =>
  (await openAll(place).stores.status([root])).filter(({ kind }) => kind === 'thunderbird');

describe('a hostile profiles.ini', () => {
  const paths = (text: string) => parseProfilesIni(text, '/home/a/.thunderbird').map(({ path }) => path);

  it.each([
    ['IsRelative=1\nPath=../../etc'],
    ['IsRelative=1\nPath=a/../../b'],
    ['IsRelative=1\nPath=/etc'],
    ['IsRelative=1\nPath=.'],
    ['IsRelative=1\nPath=..'],
    ['IsRelative=0\nPath=relative'],
    ['Path='],
    ['IsRelative=1'],
    ['Path=a\0b'],
    [`Path=${'a'.repeat(5_000)}`],
  ])('leads nowhere: %j', (section) => {
    expect(paths(`[Profile0]\n${section}\n`)).toEqual([]);
  });

  it('is read with any line ends, blanks, letters and other sections', () => {
    const text =
      '\ufeff; comment\r\nPath=lost\r\n[Install4F96]\r\nDefault=x\r\n[PROFILE0]\r\n name = A=b \r\nPATH=Profiles/a\r[Profile1]\nIsRelative=0\nPath=/data/b/\n[Profile2]\nPath=..hidden\n[Profile3]\nPath=Profiles/a';
    expect(parseProfilesIni(text, '/t')).toEqual([
      { name: 'A=b', path: '/t/Profiles/a' },
      { name: undefined, path: '/data/b' },
      { name: undefined, path: '/t/..hidden' },
    ]);
  });

  it('lists a hundred profiles at most', () => {
    const text = Array.from({ length: 101 }, (_, at) => `[Profile${at}]\nPath=p${at}\n`).join('');
    expect(paths(text)).toHaveLength(100);
    expect(paths(text).at(-1)).toBe('/home/a/.thunderbird/p99');
  });

  it('of 10 MB is left out, and logged', async () => {
    const place = makePlace();
    place.home('.thunderbird/profiles.ini', Buffer.alloc(10_000_000, '[Profile0]\nPath=a\n'));
    mkdirSync(join(place.homeDir, '.thunderbird/a'));
    const { stores, logged } = openAll(place);
    expect((await stores.status([root])).map(({ kind }) => kind)).toEqual(['system']);
    expect(logged).toContainEqual(expect.objectContaining({ event: 'trust-store-skipped' }));
  });

  it('that is a directory, a pipe or a circle of links is left out', async () => {
    const place = makePlace();
    mkdirSync(join(place.homeDir, '.thunderbird/profiles.ini'), { recursive: true });
    const pipe = join(place.homeDir, 'snap/thunderbird/common/.thunderbird');
    mkdirSync(pipe, { recursive: true });
    execFileSync('mkfifo', [join(pipe, 'profiles.ini')]);
    const circle = join(place.homeDir, '.var/app/org.mozilla.Thunderbird/.thunderbird');
    mkdirSync(circle, { recursive: true });
    symlinkSync('profiles.ini', join(circle, 'profiles.ini'));
    expect(await thunderbirds(place)).toEqual([]);
  });
});

describe.skipIf(!hasTool('/usr/bin/certutil'))('a hostile store', () => {
  it.skipIf(uid !== 0)('that another user links to, or owns, is left alone', async () => {
    const place = makePlace();
    const [linked = '', owned = '', file = ''] = makeProfiles(place, ['linked', 'owned', 'file']);
    const target = join(place.homeDir, 'target');
    mkdirSync(target);
    execFileSync('rmdir', [linked]);
    symlinkSync(target, linked);
    lchownSync(linked, 65_534, 65_534);
    chownSync(owned, 65_534, 65_534);
    makeDatabase(file);
    chownSync(join(file, 'cert9.db'), 65_534, 65_534);
    const { run, calls } = recordRuns();
    const { stores } = openAll(place, { run });
    const status = (await stores.status([root])).filter(({ kind }) => kind === 'thunderbird');
    expect(status.map(({ state }) => state)).toEqual(Array.from({ length: 3 }, () => 'unavailable'));
    const actions = await stores.install(
      [root],
      status.map(({ id }) => id),
    );
    expect(actions.map(({ action }) => action)).toEqual(Array.from({ length: 3 }, () => 'failed'));
    expect(calls).toEqual([]);
    expect([existsSync(join(target, 'cert9.db')), existsSync(join(owned, 'cert9.db'))]).toEqual([
      false,
      false,
    ]);
  });

  it('whose own user has moved it behind a link is followed', async () => {
    const place = makePlace();
    const [profile = ''] = makeProfiles(place, ['moved']);
    const target = join(place.homeDir, 'target');
    mkdirSync(target);
    makeDatabase(target);
    execFileSync('rmdir', [profile]);
    symlinkSync('../../target', profile);
    expect(await openAll(place).stores.install([root], 'own')).toMatchObject([{ action: 'installed' }]);
    expect(await thunderbirds(place)).toMatchObject([{ state: 'trusted' }]);
  });

  it.each([
    ['a directory in place of the database', (profile: string) => mkdirSync(join(profile, 'cert9.db'))],
    [
      'a text in place of the database',
      (profile: string) => writeFileSync(join(profile, 'cert9.db'), 'text'),
    ],
    ['a link to nowhere', (profile: string) => symlinkSync('/nowhere/x', join(profile, 'cert9.db'))],
    ['a pipe', (profile: string) => execFileSync('mkfifo', [join(profile, 'cert9.db')])],
  ])('with %s fails alone', async (_, spoil) => {
    const place = makePlace();
    const [good = '', bad = ''] = makeProfiles(place, ['good', 'bad']);
    makeDatabase(good);
    spoil(bad);
    const { stores } = openAll(place);
    const status = await stores.status([root]);
    expect(status.find(({ path }) => path === bad)).toMatchObject({
      state: 'unavailable',
      reason: 'trust-store-failed',
    });
    const actions = await stores.install([root], [`thunderbird:${good}`, `thunderbird:${bad}`]);
    expect(actions.map(({ action }) => action)).toEqual(['installed', 'failed']);
  });
});

describe('a hostile certutil', () => {
  const answers: [string, RunResult][] = [
    ['is missing', { kind: 'missing' }],
    ['hangs', { kind: 'failed', detail: 'killed' }],
    ['says yes to all', { kind: 'ended', exitCode: 0, stdout: '\0\u001b[2J,,,', stderr: '' }],
    ['says no to all', { kind: 'ended', exitCode: 255, stdout: '', stderr: '\u0007'.repeat(100_000) }],
  ];

  it.each(answers)('that %s never makes a store trusted', async (_, answer) => {
    const place = makePlace();
    makeProfiles(place, ['default']);
    const { stores } = openAll(place, { run: async () => answer });
    const [action] = await stores.install([root], 'own');
    expect(action?.action).toBe('failed');
    expect(action?.detail?.length ?? 0).toBeLessThan(400);
    const [status] = await stores.status([root]);
    expect(status?.state).toMatch(/^(not-trusted|unavailable)$/);
  });
});

describe('a hostile configuration', () => {
  it('of odd octets, long lines or links takes no time and names no file', async () => {
    const place = makePlace();
    place.home('.mbsyncrc', Buffer.alloc(1_000_000, 'CertificateFile '));
    place.home('.muttrc', `${'set a="'.repeat(140_000)}\n`);
    place.home('.fetchmailrc', `${`${'"\\'.repeat(2_000)}\n`.repeat(250)}`);
    place.home('.msmtprc', Buffer.alloc(2_000_000, 'tls_fingerprint 1\n'));
    place.home('.offlineimaprc', '[a]\nsslcacertfile = \0\n');
    mkdirSync(join(place.homeDir, '.getmail/getmailrc'), { recursive: true });
    const { stores } = openAll(place);
    expect((await stores.status([root])).filter(({ kind }) => kind === 'ca-file')).toEqual([]);
  });

  it('that names a device or a directory is not trusted', async () => {
    const place = makePlace();
    place.home('.offlineimaprc', '[a]\nsslcacertfile = /dev/zero\n[b]\nsslcacertfile = /\n');
    const status = await openAll(place).stores.status([root]);
    expect(status.find(({ kind }) => kind === 'ca-file')).toMatchObject({ state: 'not-trusted' });
  });
});
