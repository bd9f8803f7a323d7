// A home directory and a machine of a test's own, and roots to put into their stores. The tools are this machine's.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createTestKeys, distinguishedName, makeTestCertificate } from '../authority.fixture.ts';
import type { Machine } from './found-store.ts';
import { openJournal } from './journal.ts';
import { createRunProgram, type RunProgram } from './run-program.ts';
import type { Root } from './store.ts';
import { openTrustStores, type TrustStoresOptions } from './trust-stores.ts';

export const uid = process.getuid?.() ?? 0;

/** Whether a tool is there; tells loudly when it is not, for then its tests are skipped. */
export function hasTool(path: string): boolean {
  if (existsSync(path)) return true;
  console.warn(`SKIPPED: ${path} is not installed, and what needs it is not tested`);
  return false;
}

/** Makes different roots of one machine. */
export function createRoots() {
  const keysOf = createTestKeys();
  return (use: string, commonName = 'Postern box'): Root => {
    const subject = distinguishedName(['2.5.4.10', 'Postern'], ['2.5.4.3', commonName], ['2.5.4.5', use]);
    const { der, certPem } = makeTestCertificate({ keys: keysOf('ec', use), subject, isAuthority: true });
    const name = `CN=${commonName}`;
    return {
      pem: certPem,
      facts: {
        subject: name,
        issuer: name,
        sha256: createHash('sha256').update(der).digest('hex'),
        names: [],
        notBefore: '2026-01-01T00:00:00Z',
        notAfter: '2036-01-01T00:00:00Z',
      },
    };
  };
}

export interface Place {
  readonly homeDir: string;
  readonly root: string;
  readonly journalFile: string;
  /** Writes a file below the home directory, and gives its path. */
  readonly home: (path: string, content?: string | Uint8Array) => string;
  /** The same below the root of the machine. */
  readonly put: (path: string, content?: string | Uint8Array) => string;
}

/** Directories that go when the test ends. */
export function makePlace(): Place {
  const top = mkdtempSync(join(tmpdir(), 'trust-stores-'));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  const writer =
    (base: string) =>
    (path: string, content: string | Uint8Array = '') => {
      const place = join(base, path);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, content);
      return place;
    };
  const homeDir = join(top, 'home');
  const root = join(top, 'root');
  mkdirSync(homeDir);
  mkdirSync(root);
  return { homeDir, root, journalFile: join(top, 'journal.json'), home: writer(homeDir), put: writer(root) };
}

const now = () => new Date('2026-11-24T12:00:00Z');

export function machineOf(place: Place, changes: Partial<Machine> = {}): Machine {
  return {
    homeDir: place.homeDir,
    inRoot: (path) => join(place.root, path),
    uid,
    run: createRunProgram(),
    journal: openJournal({ file: place.journalFile, now, onDamaged: () => undefined }),
    administrator: () => undefined,
    log: () => undefined,
    ...changes,
  };
}

/** All stores, and what they log. */
export function openAll(place: Place, changes: Partial<TrustStoresOptions> = {}) {
  const logged: Record<string, unknown>[] = [];
  const { homeDir, root, journalFile } = place;
  const stores = openTrustStores({
    homeDir,
    root,
    journalFile,
    uid,
    now,
    log: (event, fields) => logged.push({ event, ...fields }),
    ...changes,
  });
  return { stores, logged };
}

/** A Thunderbird with these profiles; gives the directory of each. */
export function makeProfiles(place: Place, names: readonly string[], base = '.thunderbird'): string[] {
  const sections = names.map(
    (name, at) => `[Profile${at}]\nName=${name}\nIsRelative=1\nPath=Profiles/${name}\n`,
  );
  place.home(`${base}/profiles.ini`, `[General]\nStartWithLastProfile=1\n\n${sections.join('\n')}`);
  return names.map((name) => {
    const directory = join(place.homeDir, base, 'Profiles', name);
    mkdirSync(directory, { recursive: true });
    return directory;
  });
}

/** Runs certutil on a database, as a person would. */
export function certutil(directory: string, args: readonly string[], input = ''): string {
  return execFileSync('certutil', [...args, '-d', `sql:${directory}`], { input, encoding: 'utf8' });
}

export const makeDatabase = (directory: string) => certutil(directory, ['-N', '--empty-password']);

/** Runs real tools, and keeps what it was asked. */
export function recordRuns(run: RunProgram = createRunProgram()) {
  const calls: string[] = [];
  const recorded: RunProgram = (program, args, options) => {
    calls.push([program, ...args].join(' '));
    return run(program, args, options);
  };
  return { run: recorded, calls };
}
