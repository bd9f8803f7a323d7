// With a stand-in for nft: what is made of its answers and of its end. The kernel itself is met in e2e/intercept.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isWhole, type NftSession, openNftSession, tablesIn } from './nft-session.ts';

let folder: string;
let session: NftSession | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-nft-'));
});
afterEach(async () => {
  session?.kill();
  await session?.lost;
  rmSync(folder, { recursive: true });
});

/** A program that reads as nft does, writes its tables as the file `tables` has them, and keeps its environment in `env`. */
function open(onTransaction = ':'): NftSession {
  writeFileSync(join(folder, 'tables'), 'table inet postern_1001\ntable ip nat\n');
  const text = `#!/bin/sh
env > '${folder}/env'
while read -r line; do
  case "$line" in
    "list set"*) echo "elements = { $token }";;
    "list tables") cat '${folder}/tables';;
    describe*) echo 'payload expression, datatype inet_service (x)';;
    '') ;;
    *) ${onTransaction}; token=\${line##*\\{ }; token=\${token%% *};;
  esac
done
`;
  writeFileSync(join(folder, 'nft'), text, { mode: 0o755 });
  session = openNftSession({
    nftPath: 'nft',
    searchPath: `${folder}:/usr/bin:/bin`,
    user: 1001,
  });
  return session;
}

test('a transaction that took effect is told, and the next one can be made', async () => {
  const nft = open();
  expect(await nft.run('add one\nadd two')).toEqual({ ok: true });
  expect(await nft.run('')).toEqual({ ok: true });
});

test('one that failed is told by the first line of what nft says', async () => {
  const nft = open('case "$line" in bad*) echo \'Error: refused\' >&2; echo more >&2; continue;; esac');
  expect(await nft.run('bad')).toEqual({ ok: false, reason: 'nft-failed', detail: 'Error: refused' });
  expect(await nft.run('good')).toEqual({ ok: true });
});

test('one that failed without a word has failed', async () => {
  expect(await open('continue').run('bad')).toEqual({
    ok: false,
    reason: 'nft-failed',
    detail: 'nft gave no reason',
  });
});

test('what was removed is gone when it is no longer listed', async () => {
  const nft = open();
  expect(await nft.remove('delete', ['inet postern_block_1001'])).toEqual({ ok: true });
  expect(await nft.remove('delete', ['inet postern_1001'])).toMatchObject({ ok: false });
  expect(await nft.remove('', [])).toEqual({ ok: true });
});

test('tables of the family inet are listed', async () => {
  expect(await open().tables()).toEqual(['inet postern_1001']);
});

test("nothing of this process's environment reaches nft, and no history is kept", async () => {
  const nft = open();
  await nft.tables();
  const env = readFileSync(join(folder, 'env'), 'utf8').split('\n').filter(Boolean);
  const names = env
    .map((line) => line.split('=')[0])
    .filter((name) => !['PWD', 'OLDPWD', '_', 'SHLVL'].includes(name ?? ''));
  expect(names.toSorted()).toEqual(['HOME', 'LC_ALL', 'PATH']);
  expect(env).toContain('HOME=/dev/null');
});

describe('an nft that is lost', () => {
  test('during a transaction fails it, says why, and fails all that follow', async () => {
    const nft = open("echo 'Error: told to end' >&2; exit 3");
    expect(await nft.run('add')).toEqual({ ok: false, reason: 'nft-failed', detail: 'Error: told to end' });
    expect(await nft.lost).toBe('Error: told to end');
    expect(await nft.run('add')).toEqual({ ok: false, reason: 'nft-failed', detail: 'Error: told to end' });
    expect(await nft.remove('', [])).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'Error: told to end',
    });
    expect(await nft.tables()).toEqual([]);
  });

  test('without a word is told by how it ended', async () => {
    const nft = open('kill -9 $$');
    expect(await nft.run('add')).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'nft ended with SIGKILL',
    });
  });

  test('never having begun is told too', async () => {
    session = openNftSession({
      nftPath: 'nft',
      searchPath: folder,
      user: 'all',
    });
    expect(await session.run('add')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('ENOENT'),
    });
    expect(await session.lost).toContain('ENOENT');
  });

  test('that never stops talking is ended', async () => {
    const nft = open('exec yes');
    expect(await nft.run('add')).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'nft ended with SIGKILL',
    });
  });
});

test('it can be ended, also twice', async () => {
  const nft = open();
  await nft.run('');
  nft.kill();
  nft.kill();
  expect(await nft.lost).toBe('nft ended with SIGKILL');
  expect(await nft.run('')).toMatchObject({ ok: false });
});

test('one transaction waits for another, and each is a line with its sign', async () => {
  const nft = open(`echo "$line" >> '${folder}/told'`);
  const first = nft.run('  first one\n\n    first two\n');
  expect(await nft.run('second')).toEqual({ ok: true });
  expect(await first).toEqual({ ok: true });
  const told = readFileSync(join(folder, 'told'), 'utf8').replace(/0x[0-9a-f]{8}/g, '0x');
  const sign = 'flush set inet postern_1001 rev; add element inet postern_1001 rev { 0x }';
  expect(told).toBe(`first one; first two; ${sign}\nsecond; ${sign}\n`);
});

test('another sign than its own acknowledges nothing', async () => {
  const nft = open('line="{ 0x00000001 }"');
  expect(await nft.run('add')).toMatchObject({ ok: false });
});

describe('answers', () => {
  const end =
    'payload expression, datatype inet_service (internet network service) (basetype integer), 16 bits\n';

  test('are not whole before their end, wherever they are cut', () => {
    const output = `table inet postern_1001 {\n\tset rev {\n\t\ttype mark\n\t}\n}\n${end}`;
    expect(isWhole(output)).toBe(true);
    for (let at = 0; at < output.length; at++) expect(isWhole(output.slice(0, at))).toBe(false);
  });

  test('name tables, also behind a prompt and beside what was typed', () => {
    const output =
      'nft> table inet postern_all\ntable inet other\ntable ip nat\nnft> delete table inet postern_7\n';
    expect(tablesIn(output)).toEqual(['inet postern_all', 'inet other']);
  });
});
