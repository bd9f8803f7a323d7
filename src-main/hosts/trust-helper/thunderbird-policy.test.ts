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
import { changeThunderbirdPolicy } from './thunderbird-policy.ts';

let machine: Machine;
const installInPolicy = (machine: Machine, authority: AuthorityCertificate) =>
  changeThunderbirdPolicy(machine, { action: 'install', authority });
const removeFromPolicy = (machine: Machine, authority: AuthorityCertificate) =>
  changeThunderbirdPolicy(machine, { action: 'remove', authority });
const at = (path: string) => join(machine.root, path);
const first = ownAuthority();
const second = ownAuthority();
const folder = '/etc/thunderbird/policies';
const policies = `${folder}/policies.json`;
const copyOf = ({ id }: { readonly id: string }) => `${folder}/postern-${id}.crt`;
const read = (path = policies) => readFileSync(at(path), 'utf8');
const installed = (): unknown => JSON.parse(read()).policies?.Certificates?.Install;

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(at(path)), { recursive: true, mode: 0o755 });
  writeFileSync(at(path), content, { mode: 0o644 });
}

beforeEach(() => {
  machine = { root: mkdtempSync(join(tmpdir(), 'postern-policy-')), uid: process.geteuid?.() ?? 0 };
});

afterEach(() => rmSync(machine.root, { recursive: true }));

describe('where there are no policies', () => {
  test('they name the certificate, whose copy all may read', () => {
    expect(installInPolicy(machine, first)).toBe(true);
    expect(JSON.parse(read())).toEqual({ policies: { Certificates: { Install: [copyOf(first)] } } });
    expect(read(copyOf(first))).toBe(first.pem);
    expect(statSync(at(copyOf(first))).mode & 0o7777).toBe(0o644);
    expect(statSync(at(policies)).mode & 0o7777).toBe(0o644);
    expect(statSync(at(folder)).mode & 0o7777).toBe(0o755);
    expect(installInPolicy(machine, first)).toBe(false);
  });

  test('nothing is left after it has gone, in whatever order two go', () => {
    mkdirSync(at('/etc'));
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      installInPolicy(machine, first);
      installInPolicy(machine, second);
      expect(installed()).toEqual([copyOf(first), copyOf(second)]);
      for (const each of order) expect(removeFromPolicy(machine, each)).toBe(true);
      expect(readdirSync(at('/etc'))).toEqual([]);
    }
    expect(removeFromPolicy(machine, first)).toBe(false);
    expect(readdirSync(at('/etc'))).toEqual([]);
  });

  test("what lies beside stays: the package's own", () => {
    put('/etc/thunderbird/pref/thunderbird.js', '');
    installInPolicy(machine, first);
    removeFromPolicy(machine, first);
    expect(readdirSync(at('/etc/thunderbird'))).toEqual(['pref']);
  });
});

const theirs = `{
\t"policies" : { "BlockAboutConfig": true,
\t\t"Certificates": { "Install": ["company.crt"], "ImportEnterpriseRoots": true } },
\t"x": 1.0 }
`;

describe('with policies of others', () => {
  test('it is added to theirs, and they come back octet for octet', () => {
    put(policies, theirs);
    chmodSync(at(policies), 0o640);
    installInPolicy(machine, first);
    expect(JSON.parse(read())).toEqual({
      policies: {
        BlockAboutConfig: true,
        Certificates: { Install: ['company.crt', copyOf(first)], ImportEnterpriseRoots: true },
      },
      x: 1,
    });
    expect(read()).toMatch(/^\{\n\t"policies": \{\n\t\t"BlockAboutConfig": true,\n/);
    expect(statSync(at(policies)).mode & 0o7777).toBe(0o640);
    installInPolicy(machine, second);
    removeFromPolicy(machine, first);
    expect(installed()).toEqual(['company.crt', copyOf(second)]);
    removeFromPolicy(machine, second);
    expect(read()).toBe(theirs);
    expect(statSync(at(policies)).mode & 0o7777).toBe(0o640);
    expect(readdirSync(at(folder))).toEqual(['policies.json']);
  });

  test.each(['{"policies":{"A":{}}}', '{}', '{\r\n  "policies": {\r\n    "A": 1\r\n  }\r\n}\r\n'])(
    '%j comes back',
    (text) => {
      put(policies, text);
      installInPolicy(machine, first);
      if (text.includes('\r')) expect(read()).not.toMatch(/[^\r]\n/);
      else if (!text.includes('\n')) expect(read()).not.toContain('\n');
      removeFromPolicy(machine, first);
      expect(read()).toBe(text);
    },
  );

  test('what was changed meanwhile stays, and only our entry goes', () => {
    put(policies, theirs);
    installInPolicy(machine, first);
    writeFileSync(at(policies), read().replace('company.crt', 'new-company.crt'));
    installInPolicy(machine, second);
    removeFromPolicy(machine, second);
    expect(installed()).toEqual(['new-company.crt', copyOf(first)]);
    removeFromPolicy(machine, first);
    expect(installed()).toEqual(['new-company.crt']);
    expect(readdirSync(at(folder))).toEqual(['policies.json']);
  });

  test('objects that only our entry needed go with it', () => {
    put(policies, '{"policies":{"A":1}}');
    installInPolicy(machine, first);
    writeFileSync(at(policies), read().replace('"A":1', '"A":2'));
    removeFromPolicy(machine, first);
    expect(read()).toBe('{"policies":{"A":2}}');
  });

  test('an entry that somebody took out leaves the copy to go', () => {
    put(policies, '{"policies":{"A":1}}');
    installInPolicy(machine, first);
    writeFileSync(at(policies), '{ "policies":{"A":1}}');
    expect(removeFromPolicy(machine, first)).toBe(true);
    expect(read()).toBe('{ "policies":{"A":1}}');
    expect(readdirSync(at(folder))).toEqual(['policies.json']);
  });

  test('a record that is damaged counts as none', () => {
    put(policies, theirs);
    installInPolicy(machine, first);
    writeFileSync(at(`${policies}.postern`), '{');
    removeFromPolicy(machine, first);
    expect(installed()).toEqual(['company.crt']);
    expect(readdirSync(at(folder))).toEqual(['policies.json']);
  });
});

describe('refuses, and changes nothing', () => {
  test.each<[string, string | Buffer]>([
    ['malformed JSON', '{"policies":'],
    ['nothing', ''],
    ['a comment', '// mine\n{}'],
    ['no UTF-8', Buffer.from('{"policies":{"a":"\xff"}}', 'latin1')],
    ['a byte order mark', '\ufeff{}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['policies that are a list', '{"policies":[]}'],
    ['certificates that are a word', '{"policies":{"Certificates":"x"}}'],
    ['an Install that is a word', '{"policies":{"Certificates":{"Install":"x"}}}'],
    ['more than a megabyte', `{"x":"${'x'.repeat(1024 * 1024)}"}`],
  ])('%s', (_name, content) => {
    put(policies, content);
    for (const work of [installInPolicy, removeFromPolicy])
      expect(() => work(machine, first)).toThrow(/policies/);
    expect(readFileSync(at(policies))).toEqual(Buffer.from(content));
    expect(readdirSync(at(folder))).toEqual(['policies.json']);
  });

  test('a link', () => {
    put('/etc/shadow', '{}');
    mkdirSync(at(folder), { recursive: true });
    symlinkSync(at('/etc/shadow'), at(policies));
    expect(() => installInPolicy(machine, first)).toThrow();
    expect(read('/etc/shadow')).toBe('{}');
  });

  test.each([
    ['a file that others may write', () => chmodSync(at(policies), 0o666)],
    ['a directory that others may write', () => chmodSync(at(folder), 0o777)],
    ['one above it', () => chmodSync(at('/etc/thunderbird'), 0o777)],
  ])('%s', (_name, arrange) => {
    put(policies, theirs);
    arrange();
    expect(() => installInPolicy(machine, first)).toThrow("root's alone");
    expect(read()).toBe(theirs);
  });

  test('where Thunderbird has policies beside its program', () => {
    put('/usr/lib/thunderbird/distribution/policies.json', '{}');
    expect(() => installInPolicy(machine, first)).toThrow('/usr/lib/thunderbird/distribution/policies.json');
    expect(existsSync(at(folder))).toBe(false);
    // Those in /etc go first already.
    put(policies, '{}');
    expect(installInPolicy(machine, first)).toBe(true);
  });

  test('a copy that is not as it was written', () => {
    installInPolicy(machine, first);
    writeFileSync(at(copyOf(first)), 'other');
    expect(() => removeFromPolicy(machine, first)).toThrow('not as it was written');
    expect(installed()).toEqual([copyOf(first)]);
  });

  test('where the policies cannot be written: all is as it was', () => {
    put(policies, theirs);
    // The record's place is taken.
    mkdirSync(at(`${policies}.postern`));
    expect(() => installInPolicy(machine, first)).toThrow();
    expect(read()).toBe(theirs);
    expect(existsSync(at(copyOf(first)))).toBe(false);
  });
});
