import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type HelperPlaces, helperStatus, installHelper, removeHelper } from './helper-install.ts';

let directory: string;
let places: HelperPlaces;
const path = (...names: string[]) => join(directory, ...names);

/** What plays Node: says the first line of a helper that nothing was given to. */
function node(line: string): void {
  writeFileSync(path('node'), `#!/bin/sh\necho '${line}'\n`, { mode: 0o700 });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-helper-'));
  mkdirSync(path('actions'));
  node('{"end":"no-privilege"}');
  places = {
    libraryDir: path('lib', 'postern'),
    policyDir: path('actions'),
    packagedHelper: path('package', 'netfilter-helper'),
    node: path('node'),
    ownerUid: process.geteuid?.() ?? 0,
  };
});

afterEach(() => rmSync(directory, { recursive: true }));

const policyNames = ['org.postern.netfilter.local.policy', 'org.postern.trust.local.policy'];
const policies = () => policyNames.map((name) => path('actions', name));
const modeOf = (file: string) => statSync(file).mode & 0o7777;

describe('installing the helper', () => {
  test('writes all of it with the modes that it needs, whatever the umask', () => {
    const before = process.umask(0o077);
    try {
      expect(installHelper(places)).toEqual({ ok: true, libraryDir: path('lib', 'postern') });
    } finally {
      process.umask(before);
    }
    const entries = readdirSync(places.libraryDir, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const runs = entry.isDirectory() || ['node', 'netfilter-helper', 'trust-helper'].includes(entry.name);
      expect([entry.name, modeOf(join(entry.parentPath, entry.name))]).toEqual([
        entry.name,
        runs ? 0o755 : 0o644,
      ]);
    }
    expect(modeOf(places.libraryDir)).toBe(0o755);
    for (const [index, name] of ['netfilter-helper', 'trust-helper'].entries()) {
      const policy = policies()[index] ?? '';
      expect(modeOf(policy)).toBe(0o644);
      expect(readFileSync(policy, 'utf8')).toContain(`${places.libraryDir}/${name}<`);
    }
    expect(helperStatus(places)).toEqual({ kind: 'installed', libraryDir: places.libraryDir });
  });

  test('over an older one leaves nothing of that, and nothing beside it', () => {
    installHelper(places);
    writeFileSync(join(places.libraryDir, 'old'), '');
    node('{"hello":1}');
    expect(helperStatus(places)).toMatchObject({ kind: 'differs', paths: [join(places.libraryDir, 'node')] });
    expect(installHelper(places)).toMatchObject({ ok: true });
    expect(helperStatus(places)).toMatchObject({ kind: 'installed' });
    expect(existsSync(join(places.libraryDir, 'old'))).toBe(false);
    expect(readdirSync(path('lib'))).toEqual(['postern']);
    expect(readdirSync(path('actions')).toSorted()).toEqual(policyNames);
  });

  test.each([
    [
      'the package\u2019s helper is there',
      () => {
        mkdirSync(path('package'));
        writeFileSync(places.packagedHelper, '');
      },
      'package',
    ],
    ['polkit is missing', () => rmSync(path('actions'), { recursive: true }), 'polkit'],
    ['the helper does not start', () => node('Segmentation fault'), 'does not start'],
    [
      'others may write where it goes',
      () => {
        mkdirSync(path('lib'));
        chmodSync(path('lib'), 0o777);
      },
      'others than root',
    ],
  ])('changes nothing when %s', (_name, arrange, problem) => {
    arrange();
    expect(installHelper(places)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
    expect(existsSync(places.libraryDir)).toBe(false);
    for (const policy of policies()) expect(existsSync(policy)).toBe(false);
    if (existsSync(path('lib'))) expect(readdirSync(path('lib'))).toEqual([]);
  });
});

describe('the status', () => {
  test('names what was changed, what is missing, and what others may write', () => {
    expect(helperStatus(places)).toEqual({ kind: 'none' });
    installHelper(places);
    const wrapper = join(places.libraryDir, 'netfilter-helper');
    appendFileSync(wrapper, '# more\n');
    for (const policy of policies()) rmSync(policy);
    chmodSync(join(places.libraryDir, 'helper', 'package.json'), 0o666);
    expect(helperStatus(places)).toEqual({
      kind: 'differs',
      libraryDir: places.libraryDir,
      paths: [join(places.libraryDir, 'helper', 'package.json'), wrapper, ...policies()],
    });
    chmodSync(wrapper, 0o757);
    expect(helperStatus(places)).toMatchObject({ paths: expect.arrayContaining([wrapper]) });
  });

  test('tells that the package goes first', () => {
    mkdirSync(path('package'));
    writeFileSync(places.packagedHelper, '');
    expect(helperStatus(places)).toEqual({ kind: 'packaged', path: places.packagedHelper });
  });
});

test('removing takes all of it away, and may be done twice', () => {
  installHelper(places);
  expect(removeHelper(places)).toBe(true);
  expect(readdirSync(path('lib'))).toEqual([]);
  expect(readdirSync(path('actions'))).toEqual([]);
  expect(removeHelper(places)).toBe(false);
  expect(helperStatus(places)).toEqual({ kind: 'none' });
});
