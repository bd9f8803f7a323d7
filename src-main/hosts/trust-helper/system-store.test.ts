import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ownAuthority } from './authority.fixture.ts';
import type { AuthorityCertificate } from './certificate.ts';
import type { Machine } from './files.ts';
import { changeSystemStore, type Run } from './system-store.ts';

let machine: Machine;
const installInSystem = (machine: Machine, authority: AuthorityCertificate, run: Run) =>
  changeSystemStore(machine, { action: 'install', authority }, run);
const removeFromSystem = (machine: Machine, authority: AuthorityCertificate, run: Run) =>
  changeSystemStore(machine, { action: 'remove', authority }, run);
let calls: (readonly string[])[];
let lists: string[];
const at = (path: string) => join(machine.root, path);
const authority = ownAuthority();
const directory = '/usr/local/share/ca-certificates';
const file = `${directory}/postern-${authority.id}.crt`;
const bundle = '/etc/ssl/certs/ca-certificates.crt';
const tool = '/usr/sbin/update-ca-certificates';

function put(path: string, text = ''): void {
  mkdirSync(dirname(at(path)), { recursive: true, mode: 0o755 });
  writeFileSync(at(path), text, { mode: 0o644 });
}

/** Makes the bundle of what lies in the directory. */
const update: Run = (program, args) => {
  calls.push([program, ...args]);
  if (args[1] !== undefined) lists.push(readFileSync(at(args[1]), 'utf8'));
  const files = readdirSync(at(directory)).filter((name) => name.endsWith('.crt'));
  writeFileSync(at(bundle), files.map((name) => readFileSync(at(join(directory, name)), 'utf8')).join(''));
  return undefined;
};
const failing: Run = (program, args) => {
  calls.push([program, ...args]);
  return 'no space left';
};

beforeEach(() => {
  machine = { root: mkdtempSync(join(tmpdir(), 'postern-system-')), uid: process.geteuid?.() ?? 0 };
  [calls, lists] = [[], []];
  put('/etc/debian_version', '13');
  put('/etc/ca-certificates.conf', 'mozilla/One.crt\n');
  put(tool);
  put(bundle);
  put(`${directory}/other.crt`, 'other\n');
});

afterEach(() => rmSync(machine.root, { recursive: true }));

const names = () => readdirSync(at(directory)).toSorted();

describe("Debian's store", () => {
  test('gets a file that all may read, whatever the umask, and its tool runs', () => {
    const before = process.umask(0o077);
    try {
      expect(installInSystem(machine, authority, update)).toBe(true);
    } finally {
      process.umask(before);
    }
    expect(readFileSync(at(file), 'utf8')).toBe(authority.pem);
    expect(statSync(at(file)).mode & 0o7777).toBe(0o644);
    expect(calls).toEqual([[tool]]);
    expect(names()).toEqual(['other.crt', `postern-${authority.id}.crt`]);
  });

  test('is left alone when it is there already', () => {
    installInSystem(machine, authority, update);
    calls = [];
    expect(installInSystem(machine, authority, update)).toBe(false);
    expect(calls).toEqual([]);
  });

  test('is updated when the file is there and the bundle lacks it', () => {
    installInSystem(machine, authority, update);
    writeFileSync(at(bundle), '');
    expect(installInSystem(machine, authority, update)).toBe(true);
    expect(readFileSync(at(bundle), 'utf8')).toContain(authority.pem);
  });

  test('loses it again, and its hooks are told', () => {
    const second = ownAuthority();
    installInSystem(machine, authority, update);
    installInSystem(machine, second, update);
    calls = [];
    expect(removeFromSystem(machine, authority, update)).toBe(true);
    expect(calls).toEqual([[tool, '--certsconf', '/etc/.postern-ca-certificates.conf']]);
    expect(lists).toEqual([`mozilla/One.crt\n\n!postern-${authority.id}.crt\n`]);
    expect(names()).toEqual(['other.crt', `postern-${second.id}.crt`]);
    expect(readdirSync(at('/etc')).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(removeFromSystem(machine, authority, update)).toBe(false);
  });

  test('is as it was when the tool fails', () => {
    expect(() => installInSystem(machine, authority, failing)).toThrow('no space left');
    expect(names()).toEqual(['other.crt']);
    installInSystem(machine, authority, update);
    expect(() => removeFromSystem(machine, authority, failing)).toThrow('no space left');
    expect(readFileSync(at(file), 'utf8')).toBe(authority.pem);
  });

  test('is as it was when the tool says that all is well and it is not', () => {
    expect(() => installInSystem(machine, authority, () => undefined)).toThrow('lacks it');
    expect(names()).toEqual(['other.crt']);
  });

  test('keeps a file of ours that somebody has changed', () => {
    put(file, `${authority.pem}more\n`);
    expect(() => removeFromSystem(machine, authority, update)).toThrow('not as it was written');
    expect(readFileSync(at(file), 'utf8')).toContain('more');
    expect(calls).toEqual([]);
  });
});

describe('never', () => {
  const victim = () => readFileSync(at('/etc/shadow'), 'utf8');

  beforeEach(() => put('/etc/shadow', 'root:*\n'));

  test('writes through a link in place of the file', () => {
    symlinkSync(at('/etc/shadow'), at(file));
    expect(() => installInSystem(machine, authority, update)).toThrow();
    expect(() => removeFromSystem(machine, authority, update)).toThrow();
    expect(victim()).toBe('root:*\n');
  });

  test.each([
    [
      'a link in place of the directory',
      () => {
        rmSync(at(directory), { recursive: true });
        symlinkSync(at('/etc'), at(directory));
      },
    ],
    ['a directory that others may write to', () => chmodSync(at(directory), 0o777)],
    ['one above it that others may write to', () => chmodSync(at('/usr/local'), 0o757)],
  ])('writes below %s', (_name, arrange) => {
    arrange();
    expect(() => installInSystem(machine, authority, update)).toThrow('no directory of root');
    expect(calls).toEqual([]);
    expect(readdirSync(at('/etc'))).not.toContain(`postern-${authority.id}.crt`);
  });

  test("writes below somebody else's directory", () => {
    const other = { ...machine, uid: machine.uid + 1 };
    expect(() => installInSystem(other, authority, update)).toThrow('no directory of root');
    expect(names()).toEqual(['other.crt']);
  });
});

test.each([
  ['openSUSE', '/etc/pki/trust/anchors', tool, '/var/lib/ca-certificates/ca-bundle.pem'],
  [
    'Fedora',
    '/etc/pki/ca-trust/source/anchors',
    '/usr/bin/update-ca-trust',
    '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  ],
  [
    'Arch',
    '/etc/ca-certificates/trust-source/anchors',
    '/usr/bin/update-ca-trust',
    '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  ],
])('%s', (_name, anchors, program, itsBundle) => {
  rmSync(at('/etc'), { recursive: true });
  mkdirSync(at(anchors), { recursive: true });
  put(program);
  put(itsBundle);
  const run: Run = (path, args) => {
    calls.push([path, ...args]);
    const all = readdirSync(at(anchors)).map((name) => readFileSync(at(join(anchors, name)), 'utf8'));
    writeFileSync(at(itsBundle), all.join('# next\n'));
    return undefined;
  };
  expect(installInSystem(machine, authority, run)).toBe(true);
  expect(existsSync(at(`${anchors}/postern-${authority.id}.crt`))).toBe(true);
  expect(removeFromSystem(machine, authority, run)).toBe(true);
  expect(readdirSync(at(anchors))).toEqual([]);
  expect(calls).toEqual([[program], [program]]);
});

test('a machine with no store that is known', () => {
  rmSync(at(tool));
  expect(() => installInSystem(machine, authority, update)).toThrow('no store');
});
