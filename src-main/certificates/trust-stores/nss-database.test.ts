import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openNssDatabase } from './nss-database.ts';
import { nicknameOf } from './root-certificate.ts';
import {
  certutil,
  createRoots,
  hasTool,
  machineOf,
  makeDatabase,
  makePlace,
  recordRuns,
} from './trust-stores.fixture.ts';

const newRoot = createRoots();
const root = newRoot('present');
const successor = newRoot('successor');
const list = (directory: string) => certutil(directory, ['-L']);

function makeProfile(fresh = false) {
  const place = makePlace();
  const directory = join(place.homeDir, 'profile');
  mkdirSync(directory);
  if (!fresh) makeDatabase(directory);
  const machine = machineOf(place);
  return { place, directory, machine, database: openNssDatabase(machine, 'thunderbird:x', directory) };
}

/** As a person imports it, with a program's own name for it. */
const importByHand = (directory: string, flags: string, nickname = 'Box - Example') =>
  certutil(directory, ['-A', '-a', '-n', nickname, '-t', flags], root.pem);

describe.skipIf(!hasTool('/usr/bin/certutil'))('NSS database', () => {
  it('takes a root, says so, and is listed as before once it is out again', async () => {
    const { directory, database, place } = makeProfile();
    certutil(directory, ['-A', '-a', '-n', 'another', '-t', ',,'], newRoot('x', 'Another').pem);
    const before = list(directory);
    expect(await database.state([root])).toEqual({ state: 'not-trusted', fix: 'own' });
    expect(await database.install(root)).toEqual({ action: 'installed' });
    expect(await database.state([root])).toEqual({ state: 'trusted', fix: 'own' });
    expect(list(directory)).toMatch(new RegExp(`^Postern box ${root.facts.sha256.slice(0, 8)} +C,, +$`, 'm'));
    expect(await database.install(root)).toEqual({ action: 'unchanged' });
    expect(await database.remove(root)).toEqual({ action: 'removed' });
    expect(list(directory)).toBe(before);
    expect(JSON.parse(readFileSync(place.journalFile, 'utf8'))).toEqual({ version: 1, entries: [] });
    expect(await database.remove(root)).toEqual({ action: 'unchanged' });
  });

  it('makes a database in a fresh profile, for its owner alone', async () => {
    const { directory, database } = makeProfile(true);
    expect(await database.state([root])).toEqual({ state: 'not-trusted', fix: 'own' });
    expect(await database.install(root)).toEqual({ action: 'installed' });
    expect(statSync(join(directory, 'key4.db')).mode & 0o77).toBe(0);
    expect(await database.state([root])).toMatchObject({ state: 'trusted' });
  });

  it.each([',,', 'c,,', 'T,,', 'P,,', ',C,', 'T,C,C'])(
    'gives a root that was imported by hand with trust %s that trust back, under its own name',
    async (flags) => {
      const { directory, database } = makeProfile();
      importByHand(directory, flags);
      const before = list(directory);
      expect(await database.state([root])).toMatchObject({ state: 'not-trusted', fix: 'own' });
      expect(await database.install(root)).toEqual({ action: 'installed' });
      expect(await database.state([root])).toMatchObject({ state: 'trusted' });
      expect(list(directory)).not.toContain(nicknameOf(root));
      expect(await database.install(root)).toEqual({ action: 'unchanged' });
      expect(await database.remove(root)).toEqual({ action: 'removed' });
      expect(list(directory)).toBe(before);
    },
  );

  it('takes out what Thunderbird took from its policy, and leaves what was there under that name before us', async () => {
    const byPolicy = makeProfile();
    const before = list(byPolicy.directory);
    importByHand(byPolicy.directory, 'CT,CT,CT', 'Postern box - Postern');
    expect(await byPolicy.database.remove(root)).toEqual({ action: 'removed' });
    expect(list(byPolicy.directory)).toBe(before);

    const byHand = makeProfile();
    importByHand(byHand.directory, 'CT,CT,CT', 'Postern box - Postern');
    const own = list(byHand.directory);
    for (let round = 0; round < 2; round++)
      expect(await byHand.database.install(root)).toEqual({ action: 'unchanged' });
    expect(await byHand.database.remove(root)).toEqual({ action: 'unchanged' });
    expect(list(byHand.directory)).toBe(own);
  });

  it('leaves a root that a person has imported and trusts', async () => {
    const { directory, database } = makeProfile();
    importByHand(directory, 'CT,C,');
    const before = list(directory);
    expect(await database.install(root)).toEqual({ action: 'unchanged' });
    expect(await database.remove(root)).toEqual({ action: 'unchanged' });
    expect(list(directory)).toBe(before);
  });

  it('leaves a root that a person distrusts as it is', async () => {
    const { directory, database } = makeProfile();
    importByHand(directory, 'p,p,p');
    const before = list(directory);
    expect(await database.state([root])).toMatchObject({ state: 'not-trusted', fix: 'by-hand' });
    expect(await database.install(root)).toMatchObject({ action: 'failed', reason: 'trust-denied' });
    expect(await database.remove(root)).toEqual({ action: 'unchanged' });
    expect(list(directory)).toBe(before);
  });

  it('leaves what a person imported after ours was taken out by hand', async () => {
    const { directory, database } = makeProfile();
    await database.install(root);
    certutil(directory, ['-D', '-n', nicknameOf(root)]);
    importByHand(directory, 'C,,');
    const before = list(directory);
    expect(await database.remove(root)).toEqual({ action: 'unchanged' });
    expect(list(directory)).toBe(before);
  });

  it('leaves the trust for mail that a person has given since', async () => {
    const { directory, database } = makeProfile();
    importByHand(directory, ',,');
    await database.install(root);
    certutil(directory, ['-M', '-n', 'Box - Example', '-t', 'C,C,']);
    await database.remove(root);
    expect(list(directory)).toMatch(/^Box - Example +,C, +$/m);
  });

  it('takes out what bears our name when the journal is lost', async () => {
    const { directory, database, place } = makeProfile();
    const before = list(directory);
    await database.install(root);
    rmSync(place.journalFile);
    expect(await database.remove(root)).toEqual({ action: 'removed' });
    expect(list(directory)).toBe(before);
  });

  it('holds two roots side by side, and takes out the one that is meant', async () => {
    const { directory, database } = makeProfile();
    await database.install(root);
    expect(await database.state([root, successor])).toEqual({ state: 'partly', fix: 'own' });
    expect(await database.state([successor, root])).toEqual({ state: 'not-trusted', fix: 'own' });
    await database.install(successor);
    expect(await database.state([root, successor])).toEqual({ state: 'trusted', fix: 'own' });
    await database.remove(root);
    expect(list(directory)).not.toContain(nicknameOf(root));
    expect(await database.state([successor])).toMatchObject({ state: 'trusted' });
  });

  it('says of a primary password that only a person can, changes nothing and waits for nobody', async () => {
    const { directory, database, place } = makeProfile(true);
    const password = place.home('password', 'secret\n');
    certutil(directory, ['-N', '-f', password]);
    const before = list(directory);
    expect(await database.state([root])).toMatchObject({
      state: 'unavailable',
      reason: 'trust-store-locked',
      fix: 'by-hand',
    });
    expect(await database.install(root)).toMatchObject({ action: 'failed', reason: 'trust-store-locked' });
    expect(list(directory)).toBe(before);
    certutil(directory, ['-A', '-a', '-n', 'mine', '-t', 'C,,', '-f', password], root.pem);
    expect(await database.state([root])).toMatchObject({ state: 'trusted' });
  });

  it('takes back what certutil leaves when a password is set between its look and its change', async () => {
    const { directory, place } = makeProfile(true);
    certutil(directory, ['-N', '-f', place.home('password', 'secret\n')]);
    const before = list(directory);
    const { run, calls } = recordRuns();
    const hasty = machineOf(place, {
      run: async (program, args, options) =>
        args[0] === '-K'
          ? { kind: 'ended', exitCode: 255, stdout: 'no keys', stderr: '' }
          : await run(program, args, options),
    });
    const database = openNssDatabase(hasty, 'thunderbird:x', directory);
    expect(await database.install(root)).toMatchObject({ action: 'failed', reason: 'trust-store-locked' });
    expect(calls.some((call) => call.startsWith('certutil -A'))).toBe(true);
    expect(list(directory)).toBe(before);
  });

  it('never lets certutil ask at a terminal', async () => {
    const { directory, place } = makeProfile();
    importByHand(directory, ',,');
    const { run, calls } = recordRuns();
    const database = openNssDatabase(machineOf(place, { run }), 'thunderbird:x', directory);
    for (const each of [root, successor]) {
      await database.state([each]);
      await database.install(each);
      await database.remove(each);
    }
    expect(new Set(calls.map((call) => call.split(' ')[1]))).toEqual(new Set(['-K', '-L', '-M', '-A', '-D']));
    expect(calls.filter((call) => !call.includes('-f /dev/null'))).toEqual([]);
  });

  it('takes ours out, though a person has taken the trust from it in between', async () => {
    const { directory, database } = makeProfile();
    const before = list(directory);
    await database.install(root);
    certutil(directory, ['-M', '-n', nicknameOf(root), '-t', ',,']);
    expect(await database.install(root)).toEqual({ action: 'installed' });
    expect(await database.remove(root)).toEqual({ action: 'removed' });
    expect(list(directory)).toBe(before);
  });

  it('leaves nothing half done in a database that another program is writing to', async () => {
    const { directory, database, place } = makeProfile();
    const before = list(directory);
    const { run } = recordRuns();
    const busy = openNssDatabase(
      machineOf(place, {
        run: async (program, args, options) => {
          const other = args[0] === '-A' ? new DatabaseSync(join(directory, 'key4.db')) : undefined;
          other?.exec('BEGIN EXCLUSIVE');
          const result = await run(program, args, options);
          other?.close();
          return result;
        },
      }),
      'thunderbird:x',
      directory,
    );
    expect(await busy.install(root)).toMatchObject({ action: 'failed', reason: 'trust-store-failed' });
    expect(list(directory)).toBe(before);
    expect(await database.install(root)).toEqual({ action: 'installed' });
  });

  it('does nothing when what was before can not be written down', async () => {
    const { directory, place } = makeProfile();
    const before = list(directory);
    mkdirSync(place.journalFile);
    const database = openNssDatabase(machineOf(place), 'thunderbird:x', directory);
    await expect(database.install(root)).rejects.toThrow();
    expect(list(directory)).toBe(before);
  });

  it('tells of a database of the old kind', async () => {
    const { directory, database } = makeProfile(true);
    writeFileSync(join(directory, 'cert8.db'), 'dbm');
    expect(await database.state([root])).toMatchObject({
      state: 'unavailable',
      detail: expect.stringContaining('cert8.db'),
      fix: 'by-hand',
    });
    expect(await database.install(root)).toMatchObject({ action: 'failed' });
  });
});
