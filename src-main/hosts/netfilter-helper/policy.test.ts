import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allowedPorts } from './policy.ts';

let folder: string;
let path: string;
const ownUid = process.getuid?.() ?? 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-policy-'));
  path = join(folder, 'policy.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(text: string, mode = 0o644): void {
  writeFileSync(path, text);
  chmodSync(path, mode);
}

const allowing = '{"mailTransport":{},"netfilter":{"allowedPorts":[443,8443]}}';

test('the ports that it allows, beside whatever else it says', () => {
  write(allowing);
  expect(allowedPorts(path, ownUid)).toEqual([443, 8443]);
});

test('no file allows nothing', () => {
  expect(allowedPorts(path, ownUid)).toEqual([]);
});

test.each([0o664, 0o646, 0o666])('one that others may write (%o) allows nothing', (mode) => {
  write(allowing, mode);
  expect(allowedPorts(path, ownUid)).toEqual([]);
});

test("somebody else's allows nothing", () => {
  write(allowing);
  expect(allowedPorts(path, ownUid + 1)).toEqual([]);
});

test('a link, a folder, or one that is too long allows nothing', () => {
  write(allowing);
  const link = join(folder, 'link');
  symlinkSync(path, link);
  expect(allowedPorts(link, ownUid)).toEqual([]);
  const inner = join(folder, 'inner');
  mkdirSync(inner, { mode: 0o755 });
  expect(allowedPorts(inner, ownUid)).toEqual([]);
  write(allowing + ' '.repeat(64 * 1024));
  expect(allowedPorts(path, ownUid)).toEqual([]);
});

test.each([
  '',
  '{',
  'null',
  '[]',
  '{"netfilter":null}',
  '{"netfilter":{}}',
  '{"netfilter":{"allowedPorts":443}}',
])('%j allows nothing', (text) => {
  write(text);
  expect(allowedPorts(path, ownUid)).toEqual([]);
});

test('what is no number in the list allows nothing', () => {
  write('{"netfilter":{"allowedPorts":["443",null,443.5,{}]}}');
  expect(allowedPorts(path, ownUid)).toEqual([]);
});
