import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdsRoot } from './root-certificate.ts';
import type { MachineReply, MachineRequest } from './store.ts';
import {
  certutil,
  createRoots,
  hasTool,
  makeDatabase,
  makePlace,
  makeProfiles,
  openAll,
  recordRuns,
  uid,
} from './trust-stores.fixture.ts';
import { statusTimeLimitMs } from './trust-stores.ts';

const newRoot = createRoots();
const root = newRoot('present');
const successor = newRoot('successor');
const bundle = '/etc/ssl/certs/ca-certificates.crt';

describe.skipIf(!hasTool('/usr/bin/certutil'))('stores of a user', () => {
  it('finds the profiles of each way to install Thunderbird, and those of running ones', async () => {
    const place = makePlace();
    const [first] = makeProfiles(place, ['default-release']);
    const [snap] = makeProfiles(place, ['snapped'], 'snap/thunderbird/common/.thunderbird');
    const [flatpak] = makeProfiles(place, ['packed'], '.var/app/org.mozilla.Thunderbird/.thunderbird');
    const named = join(place.homeDir, 'elsewhere');
    mkdirSync(named);
    const process = (pid: number, owner: number, ...argv: string[]) => ({ pid, uid: owner, argv });
    const { stores } = openAll(place, {
      processes: async () => [
        process(41, uid, '/usr/lib/thunderbird/thunderbird', '--profile', named),
        process(42, uid + 1, '/usr/bin/thunderbird', '-profile', join(place.homeDir, 'another-user')),
        process(43, uid, '/usr/bin/firefox', '-profile', join(place.homeDir, 'firefox')),
      ],
    });
    const found = (await stores.status([root])).filter(({ kind }) => kind === 'thunderbird');
    expect(found.map(({ path, name, running }) => [path, name, running])).toEqual([
      [first, 'default-release', false],
      [snap, 'snapped', false],
      [flatpak, 'packed', false],
      [named, 'elsewhere', true],
    ]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(4);
  });

  it('knows a running profile by its lock, and a crashed one by its process', async () => {
    const place = makePlace();
    const directories = makeProfiles(place, ['used', 'crashed', 'idle']);
    symlinkSync('127.0.1.1:+41', join(directories[0] ?? '', 'lock'));
    symlinkSync('127.0.1.1:+9', join(directories[1] ?? '', 'lock'));
    const { stores } = openAll(place, {
      processes: async () => [{ pid: 41, uid, argv: ['thunderbird'] }],
    });
    const found = (await stores.status([root])).filter(({ kind }) => kind === 'thunderbird');
    expect(found.map(({ running }) => running)).toEqual([true, false, false]);
    const [action] = await stores.install([root], [`thunderbird:${directories[0]}`]);
    expect(action).toMatchObject({ action: 'installed', store: { name: 'used' } });
  });

  it('puts the roots into all stores of the user, and takes them out everywhere', async () => {
    const place = makePlace();
    const [first = '', fresh = ''] = makeProfiles(place, ['default', 'fresh']);
    makeDatabase(first);
    const shared = join(place.homeDir, '.pki/nssdb');
    mkdirSync(shared, { recursive: true });
    makeDatabase(shared);
    const before = [first, shared].map((directory) => certutil(directory, ['-L']));
    const { stores, logged } = openAll(place);
    const installed = await stores.install([root, successor], 'own');
    expect(installed.map(({ action, store }) => [action, store.path])).toEqual([
      ['installed', first],
      ['installed', fresh],
      ['installed', shared],
    ]);
    expect(logged).toContainEqual({
      event: 'trust-store-installed',
      store: `thunderbird:${first}`,
      action: 'installed',
    });
    const status = await stores.status([root, successor]);
    expect(status.filter(({ fix }) => fix === 'own').map(({ state }) => state)).toEqual(
      Array.from({ length: 3 }, () => 'trusted'),
    );
    const removed = await stores.remove([root, successor], 'all');
    expect(removed.filter(({ action }) => action === 'removed')).toHaveLength(3);
    expect([first, shared].map((directory) => certutil(directory, ['-L']))).toEqual(before);
    expect(statSync(place.journalFile).mode & 0o777).toBe(0o600);
  });

  it('takes the root out of a profile that was only named on a command line, when that program has ended', async () => {
    const place = makePlace();
    const named = join(place.homeDir, 'elsewhere');
    mkdirSync(named);
    makeDatabase(named);
    const before = certutil(named, ['-L']);
    let argv = ['thunderbird', '--profile', named];
    const { stores } = openAll(place, { processes: async () => [{ pid: 41, uid, argv }] });
    expect(await stores.install([root], 'own')).toMatchObject([{ action: 'installed' }]);
    argv = ['another'];
    const profiles = async () => (await stores.status([root])).filter(({ kind }) => kind === 'thunderbird');
    expect(await profiles()).toMatchObject([{ path: named, state: 'trusted' }]);
    expect(await stores.remove([root], 'all')).toContainEqual(
      expect.objectContaining({ action: 'removed', store: expect.objectContaining({ path: named }) }),
    );
    expect(certutil(named, ['-L'])).toBe(before);
    expect(await profiles()).toEqual([]);
  });

  it('drops a store that has gone meanwhile', async () => {
    const place = makePlace();
    const [first = ''] = makeProfiles(place, ['default']);
    const { stores } = openAll(place);
    await stores.install([root], 'own');
    rmSync(first, { recursive: true });
    expect(await stores.remove([root], [`thunderbird:${first}`])).toEqual([]);
  });

  it('makes the shared database where a program is installed that reads it', async () => {
    const place = makePlace();
    const { stores } = openAll(place);
    expect((await stores.status([root])).filter(({ kind }) => kind === 'shared-nss')).toEqual([]);
    place.put('/usr/share/applications/chromium.desktop');
    const id = `shared-nss:${join(place.homeDir, '.pki/nssdb')}`;
    expect(await stores.remove([root], [id])).toMatchObject([{ action: 'unchanged' }]);
    expect(await stores.status([root])).toContainEqual(
      expect.objectContaining({ id, state: 'not-trusted', fix: 'own', programs: ['Chromium'] }),
    );
    expect(existsSync(join(place.homeDir, '.pki'))).toBe(false);
    expect(await stores.install([root], 'own')).toMatchObject([{ action: 'installed', store: { id } }]);
    for (const path of ['.pki', '.pki/nssdb']) {
      expect(statSync(join(place.homeDir, path)).mode & 0o777).toBe(0o700);
    }
    expect(await stores.status([root])).toContainEqual(expect.objectContaining({ id, state: 'trusted' }));
  });

  it('tells of a certutil that is not installed', async () => {
    const place = makePlace();
    makeProfiles(place, ['default']);
    const { stores } = openAll(place, { run: async () => ({ kind: 'missing' }) });
    expect(await stores.status([root])).toContainEqual(
      expect.objectContaining({ kind: 'thunderbird', state: 'unavailable', reason: 'trust-tool-missing' }),
    );
    expect(await stores.install([root], 'own')).toMatchObject([
      { action: 'failed', reason: 'trust-tool-missing' },
    ]);
  });

  it('asks certutil once for a profile that it looks at', async () => {
    const place = makePlace();
    const directories = makeProfiles(place, ['one', 'two', 'three']);
    for (const directory of directories) makeDatabase(directory);
    const { run, calls } = recordRuns();
    const { stores } = openAll(place, { run });
    await stores.install([root], 'own');
    calls.length = 0;
    await stores.status([root]);
    expect(calls).toHaveLength(3);
  });

  it('gives up a store that answers too late, and no other', async () => {
    const place = makePlace();
    makeProfiles(place, ['default']);
    place.put(bundle, root.pem);
    let runs = 0;
    const { stores } = openAll(place, {
      run: () => new Promise(() => runs++),
      after: (delayMs, callback) => {
        if (delayMs === statusTimeLimitMs) setImmediate(callback);
        return () => undefined;
      },
    });
    const status = await stores.status([root]);
    expect(status.find(({ kind }) => kind === 'thunderbird')).toMatchObject({
      state: 'unavailable',
      reason: 'trust-store-failed',
      detail: 'no answer in time',
    });
    expect(status).toHaveLength(2);
    expect(runs).toBeLessThan(2);
  });

  it('touches nothing in a home directory of another user', async () => {
    const place = makePlace();
    makeProfiles(place, ['default']);
    place.home('.mbsyncrc', 'CertificateFile /x\n');
    const { run, calls } = recordRuns();
    const { stores } = openAll(place, { run, uid: uid + 1 });
    expect(await stores.status([root])).toMatchObject([
      { kind: 'system' },
      {
        kind: 'thunderbird',
        path: join(place.homeDir, '.thunderbird'),
        state: 'unavailable',
        reason: 'trust-denied',
      },
    ]);
    expect(await stores.install([root], 'own')).toEqual([]);
    expect(calls).toEqual([]);
    expect(existsSync(place.journalFile)).toBe(false);
  });
});

describe('stores of the machine', () => {
  /** An administrator that writes into the bundle. */
  function administratorOf(path: string, reply: MachineReply = { ok: true, changed: true }) {
    const requests: MachineRequest[] = [];
    const ask = async (request: MachineRequest) => {
      requests.push(request);
      if (reply.ok) writeFileSync(path, request.action === 'install' ? request.certificate : '');
      return reply;
    };
    return { requests, administrator: () => ask };
  }

  it.each([bundle, '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/certs/ca-bundle.crt'])(
    'looks into the bundle that programs read: %s',
    async (path) => {
      const place = makePlace();
      const file = place.put(path, newRoot('x', 'Another').pem);
      const { stores } = openAll(place);
      const state = async () => (await stores.status([root, successor])).find(({ id }) => id === 'system');
      expect(await state()).toMatchObject({ state: 'not-trusted', fix: 'administrator', path: file });
      writeFileSync(file, newRoot('x', 'Another').pem + root.pem);
      expect(await state()).toMatchObject({ state: 'partly' });
      writeFileSync(file, successor.pem.replaceAll('\n', '\r\n') + root.pem);
      expect(await state()).toMatchObject({ state: 'trusted' });
    },
  );

  it('is unavailable where there is no bundle', async () => {
    const { stores } = openAll(makePlace());
    expect(await stores.status([root])).toMatchObject([{ id: 'system', state: 'unavailable' }]);
  });

  it('asks the administrator only where there is something to do', async () => {
    const place = makePlace();
    const file = place.put(bundle, '');
    const { requests, administrator } = administratorOf(file);
    const { stores } = openAll(place, { administrator });
    expect(await stores.install([root], 'own')).toEqual([]);
    expect(await stores.install([root], ['system'])).toMatchObject([{ action: 'installed' }]);
    expect(requests).toEqual([{ action: 'install', store: 'system', certificate: root.pem }]);
    expect(await stores.install([root], ['system'])).toMatchObject([{ action: 'unchanged' }]);
    expect(await stores.remove([root], 'all')).toMatchObject([{ action: 'removed' }]);
    expect(await stores.remove([root], 'all')).toMatchObject([{ action: 'unchanged' }]);
    expect(requests).toHaveLength(2);
  });

  it('says why the administrator did not, and does not ask again for the next root', async () => {
    const place = makePlace();
    const denied = { ok: false, reason: 'trust-denied', detail: 'dismissed\n' } as const;
    const { requests, administrator } = administratorOf(place.put(bundle, ''), denied);
    const { stores } = openAll(place, { administrator });
    expect(await stores.install([root, successor], ['system'])).toMatchObject([
      { action: 'failed', reason: 'trust-denied', detail: 'dismissed' },
    ]);
    expect(requests).toHaveLength(1);
    const without = openAll(place);
    expect(await without.stores.install([root], ['system'])).toMatchObject([
      { action: 'failed', reason: 'trust-helper-missing' },
    ]);
  });

  it.skipIf(uid !== 0)('shows root the policy of an installed Thunderbird', async () => {
    const place = makePlace();
    place.put('/usr/lib/thunderbird/application.ini');
    const { stores } = openAll(place);
    const policy = async (roots = [root]) =>
      (await stores.status(roots)).find(({ id }) => id === 'thunderbird-policy');
    expect(await policy()).toMatchObject({ state: 'not-trusted', fix: 'administrator' });
    place.put('/etc/thunderbird/policies/postern.crt', root.pem);
    const policies = {
      policies: { Certificates: { Install: ['/etc/thunderbird/policies/postern.crt', 7] } },
    };
    place.put('/etc/thunderbird/policies/policies.json', JSON.stringify(policies));
    expect(await policy()).toMatchObject({ state: 'trusted' });
    expect(await policy([root, successor])).toMatchObject({ state: 'partly' });
    place.put('/etc/thunderbird/policies/policies.json', '{"policies":{"Certificates":[]}}');
    expect(await policy()).toMatchObject({ state: 'not-trusted' });
  });

  it('shows others the policy only when it names a root of ours', async () => {
    const place = makePlace();
    place.put('/usr/lib/thunderbird/application.ini');
    const { stores } = openAll(place, { uid: uid + 1 });
    const shown = async () => (await stores.status([root])).some(({ kind }) => kind === 'thunderbird-policy');
    expect(await shown()).toBe(false);
    place.put('/etc/ca.crt', root.pem);
    place.put(
      '/usr/lib/thunderbird/distribution/policies.json',
      '{"policies":{"Certificates":{"Install":["/etc/ca.crt"]}}}',
    );
    expect(await shown()).toBe(true);
  });

  it('counts a Java that reads the store of the machine among its programs', async () => {
    const place = makePlace();
    place.put(bundle, '');
    mkdirSync(join(place.root, '/usr/lib/jvm/jdk/lib/security'), { recursive: true });
    symlinkSync('/etc/ssl/certs/java/cacerts', join(place.root, '/usr/lib/jvm/jdk/lib/security/cacerts'));
    const status = await openAll(place).stores.status([root]);
    expect(status).toHaveLength(1);
    expect(status[0]?.programs).toContain('Java');
  });
});

describe.skipIf(!hasTool('/usr/bin/keytool'))('a Java installation', () => {
  const keytool = '#!/bin/sh\nexec /usr/bin/keytool "$@"\n';

  it('takes a root into its own store, and gives it back without a loss of others', async () => {
    const place = makePlace();
    const other = newRoot('other', 'Another');
    const tool = place.put('/usr/lib/jvm/temurin/bin/keytool', keytool);
    chmodSync(tool, 0o755);
    const cacerts = join(place.root, '/usr/lib/jvm/temurin/lib/security/cacerts');
    mkdirSync(join(cacerts, '..'), { recursive: true });
    const add = [
      '-importcert',
      '-noprompt',
      '-alias',
      'other',
      '-keystore',
      cacerts,
      '-storepass',
      'changeit',
    ];
    execFileSync(tool, add, { input: other.pem, stdio: 'pipe' });
    const { run, calls } = recordRuns();
    const { stores } = openAll(place, { run });
    const state = async () => (await stores.status([root])).find(({ kind }) => kind === 'java');
    expect(await state()).toMatchObject({ state: 'not-trusted', fix: 'own', name: 'temurin', path: cacerts });
    await state();
    expect(calls).toHaveLength(1);
    expect(await stores.install([root], 'own')).toMatchObject([{ action: 'installed' }]);
    expect(await state()).toMatchObject({ state: 'trusted' });
    const list = () =>
      execFileSync(tool, ['-list', '-rfc', '-keystore', cacerts, '-storepass', 'changeit'], {
        stdio: 'pipe',
      });
    expect(holdsRoot(list(), other)).toBe(true);
    expect(await stores.remove([root], [`java:${cacerts}`])).toMatchObject([{ action: 'removed' }]);
    const after = list();
    expect([holdsRoot(after, root), holdsRoot(after, other)]).toEqual([false, true]);
    expect(statSync(cacerts).mode & 0o777).toBe(0o644);
  }, 60_000);

  it('says what a person runs where the store is another user’s', async () => {
    const place = makePlace();
    const cacerts = place.put(
      '/opt/jdk/lib/security/cacerts',
      Buffer.concat([Buffer.from([0xfe, 0xed, 0xfe, 0xed]), Buffer.from('no certificate')]),
    );
    const { stores } = openAll(place, { uid: uid + 1 });
    expect((await stores.status([root])).find(({ kind }) => kind === 'java')).toMatchObject({
      state: 'not-trusted',
      fix: 'by-hand',
      detail: expect.stringContaining(`-importcert -alias postern-${root.facts.sha256.slice(0, 8)}`),
    });
    const before = readFileSync(cacerts);
    expect(await stores.install([root], [`java:${cacerts}`])).toMatchObject([{ action: 'failed' }]);
    expect(readFileSync(cacerts)).toEqual(before);
  });
});
