import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownRoot } from '../trust-helper/authority.fixture.ts';
import { caLines, exportCa, findRoots } from './ca.ts';

let directory: string;
const [first, second] = [ownRoot(10, 'Postern one'), ownRoot(10, 'Postern two')];
const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
const systems = () => join(directory, 'systems.pem');

function keep(text: string): void {
  mkdirSync(join(directory, 'certificates'));
  writeFileSync(join(directory, 'certificates', 'ca.pem'), text);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-ca-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

test('the roots are those of the data directory, else those of the system\u2019s core', () => {
  expect(findRoots(directory, systems())).toBeUndefined();
  writeFileSync(systems(), second);
  expect(findRoots(directory, systems())?.roots.map(({ pem }) => pem)).toEqual([second]);
  keep(first + second);
  expect(findRoots(directory, systems())?.roots.map(({ pem }) => pem)).toEqual([first, second]);
});

test('a file without a certificate is told, and not passed over', () => {
  keep('hello');
  writeFileSync(systems(), second);
  expect(() => findRoots(directory, systems())).toThrow('no certificate');
});

test('the export is the certificates, and never a key', () => {
  keep(first + key + second);
  const out = join(directory, 'out.pem');
  writeFileSync(out, 'older');
  expect(exportCa(directory, out)).toBe(0);
  expect(readFileSync(out, 'utf8')).toBe(first + second);
  expect(statSync(out).mode & 0o600).toBe(0o600);
});

test('people see the name, the fingerprint and the dates', () => {
  keep(first + second);
  const found = findRoots(directory, undefined);
  const lines = found === undefined ? [] : caLines(found);
  const sha256 = new X509Certificate(first).fingerprint256.replaceAll(':', '').toLowerCase();
  expect(lines[0]).toBe('root: CN=Postern one, O=Postern');
  expect(lines[1]).toContain(sha256);
  expect(lines[3]).toBe('to follow: CN=Postern two, O=Postern');
});
