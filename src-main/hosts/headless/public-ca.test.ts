import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownRoot } from '../trust-helper/authority.fixture.ts';
import { keepPublicCopy } from './public-ca.ts';

let directory: string;
let copy: { stop(): void } | undefined;
const logged: unknown[] = [];
const own = () => join(directory, 'certificates', 'ca.pem');
const shown = () => join(directory, 'public', 'ca.pem');

function replace(text: string): void {
  writeFileSync(`${own()}.tmp`, text, { mode: 0o600 });
  renameSync(`${own()}.tmp`, own());
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-public-'));
  mkdirSync(join(directory, 'certificates'));
  mkdirSync(join(directory, 'public'));
  logged.length = 0;
});

afterEach(() => {
  copy?.stop();
  rmSync(directory, { recursive: true });
});

const keep = (to = shown()) => {
  copy = keepPublicCopy({ from: own(), to, log: (event) => logged.push(event) });
};

test('the copy is for all to read, whatever the umask, and follows the file', async () => {
  const [first, second] = [ownRoot(), ownRoot()];
  replace(first);
  const before = process.umask(0o077);
  try {
    keep();
  } finally {
    process.umask(before);
  }
  expect(readFileSync(shown(), 'utf8')).toBe(first);
  expect(statSync(shown()).mode & 0o777).toBe(0o644);
  replace(first + second);
  await expect.poll(() => readFileSync(shown(), 'utf8'), { interval: 5 }).toBe(first + second);
  expect(readdirSync(join(directory, 'public'))).toEqual(['ca.pem']);
  expect(logged).toEqual([]);
});

test('a key never gets there', () => {
  const certificate = ownRoot();
  replace(`${certificate}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`);
  keep();
  expect(readFileSync(shown(), 'utf8')).toBe(certificate);
});

test('a place that is missing is told, and no more', () => {
  replace(ownRoot());
  keep(join(directory, 'none', 'ca.pem'));
  expect(logged).toEqual(['public-ca-failed']);
});
