import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { probe } from './probe.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-probe-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

test('names the version of the program that is there', async () => {
  const nftPath = program('nft', '#!/bin/sh\necho "nftables v1.0.6 (Lester Gooch #5)"\n');
  expect(await probe({ uid: 0, nftPath })).toEqual({
    privileged: true,
    nft: { path: nftPath, version: '1.0.6' },
  });
});

test('a program that can not run has no version', async () => {
  const nftPath = program('nft', '#!/bin/sh\nexit 1\n');
  expect(await probe({ uid: 1000, nftPath })).toEqual({
    privileged: false,
    nft: { path: nftPath, version: undefined },
  });
});

test('what is missing, or can not be run, is none', async () => {
  expect((await probe({ uid: 0, nftPath: join(folder, 'none') })).nft).toBeUndefined();
  expect((await probe({ uid: 0, nftPath: program('plain', 'text', 0o644) })).nft).toBeUndefined();
});

test('a relative folder of the search path is not looked into', async () => {
  mkdirSync(join(folder, 'bin'));
  const { nft } = await probe({ uid: 0, searchPath: `bin::.:${join(folder, 'bin')}` });
  expect(nft === undefined || nft.path.startsWith('/usr/sbin/') || nft.path.startsWith('/sbin/')).toBe(true);
});
