// With a stand-in for nft: which transactions are made, and when. The kernel itself is met in e2e/intercept.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Elements } from './helper-messages.ts';
import type { NftSession } from './nft-session.ts';
import { createTables, type Tables } from './nft-tables.ts';

let folder: string;
let reservedPortsPath: string;
/** Transactions that took effect. */
let done: string[][];
/** Tables that stand. */
let standing: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-tables-'));
  reservedPortsPath = join(folder, 'reserved');
  writeFileSync(reservedPortsPath, '8080\n');
  done = [];
  standing = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Nft {
  /** Transactions that contain this fail. */
  refuse: string | undefined;
}

function create(nft: Nft = { refuse: undefined }): Tables {
  const run = async (commands: string) => {
    const { refuse } = nft;
    if (refuse !== undefined && commands.includes(refuse))
      return { ok: false, reason: 'nft-failed', detail: `Error: ${refuse}` } as const;
    const lines = commands.split('\n').map((line) => line.trim());
    done.push(lines.filter(Boolean));
    return { ok: true } as const;
  };
  const lost = Promise.withResolvers<string>();
  const session: NftSession = {
    lost: lost.promise,
    run,
    remove: run,
    tables: async () => standing,
    kill: () => lost.resolve('killed'),
  };
  return createTables({ scope: { user: 1001, coreUid: 1001, denied: [22] }, session, reservedPortsPath });
}

const wanted = {
  listen: 3143,
  ipv6: true,
  detect: ['imap'] as const,
  block: false,
  add: { ports: [[143, 143]] } satisfies Elements,
};
/** A change that changes nothing. */
const nothing = { detect: ['imap'] as const, block: false, remove: {}, add: {} };
const last = () => done.at(-1) ?? [];
const elements = (commands: readonly string[]) => commands.filter((command) => command.includes(' element '));

describe('opening', () => {
  test('fills the table that it makes, in one transaction', async () => {
    expect(await create().open(wanted)).toEqual({ ok: true, answer: { greetings: 'ih' } });
    expect(done).toHaveLength(1);
    expect(elements(last())).toEqual(['add element inet postern_1001 ports { 143 }']);
    expect(last().indexOf('add table inet postern_1001 { flags owner; }')).toBe(0);
  });

  test.each([
    ['@ih', 'th'],
    ['goto hit', 'none'],
  ])('finds greetings by the next form when %s can not be used', async (refuse, greetings) => {
    expect(await create({ refuse }).open(wanted)).toEqual({ ok: true, answer: { greetings } });
    expect(done).toHaveLength(1);
  });

  test('tries the form of greetings that are only wanted later', async () => {
    const tables = create({ refuse: '@ih' });
    expect(await tables.open({ ...wanted, detect: [] })).toEqual({ ok: true, answer: { greetings: 'th' } });
    expect(last().findLast((command) => command.includes('goto hit'))).toContain('@th');
    await tables.change({ ...nothing, detect: ['pop3'] });
    expect(last()).toContain('add rule inet postern_1001 greet tcp doff 5 @th,160,24 0x2b4f4b goto hit');
  });

  test('that nft refuses is told with its words, and may be tried again', async () => {
    const nft: Nft = { refuse: 'add table' };
    const tables = create(nft);
    expect(await tables.open(wanted)).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'Error: add table',
    });
    expect(readFileSync(reservedPortsPath, 'utf8')).toBe('8080\n');
    nft.refuse = undefined;
    expect(await tables.open(wanted)).toMatchObject({ ok: true });
  });

  test.each([
    ['inet postern_1001', 'table-taken'],
    ['inet postern_all', 'system-core-running'],
  ])('is not done while %s stands', async (table, reason) => {
    standing = [table];
    const tables = create();
    expect(await tables.open(wanted)).toEqual({ ok: false, reason });
    expect(done).toEqual([]);
    standing = [];
    expect(await tables.open(wanted)).toMatchObject({ ok: true });
  });

  test('is not done twice', async () => {
    const tables = create();
    await tables.open(wanted);
    expect(await tables.open(wanted)).toMatchObject({ ok: false, reason: 'not-allowed' });
    expect(await tables.close({ block: false })).toEqual({ ok: true });
    expect(await tables.open(wanted)).toMatchObject({ ok: true });
  });
});

const none = ['add table inet postern_block_1001', 'delete table inet postern_block_1001'];

describe('a change', () => {
  test('goes to the redirect alone, and says all else anew', async () => {
    const tables = create();
    await tables.open(wanted);
    await tables.change({ ...nothing, remove: { ports: [[143, 143]] }, add: { bridges: [[1143, 1143]] } });
    expect(elements(last())).toEqual([
      'delete element inet postern_1001 ports { 143 }',
      'add element inet postern_1001 bridges { 1143 }',
    ]);
    expect(last()).toContain('flush chain inet postern_1001 greet');
    expect(last().slice(-2)).toEqual(none);
  });

  test('that fails is told with the words of nft', async () => {
    const nft: Nft = { refuse: undefined };
    const tables = create(nft);
    await tables.open(wanted);
    nft.refuse = '993';
    expect(await tables.change({ ...nothing, add: { ports: [[993, 993]] } })).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'Error: 993',
    });
  });

  test('is not made before it is open', async () => {
    expect(await create().change(nothing)).toEqual({ ok: false, reason: 'not-open' });
    expect(done).toEqual([]);
  });
});

describe('a block', () => {
  const remove: Elements = { ports: [[110, 110]], skip6: [['0'.repeat(32), '0'.repeat(32)]] };
  const add: Elements = { ports: [[143, 143]], bridges: [[1143, 1143]], down4: [['cb00710a', 995, 5]] };

  test('holds from the beginning what the redirect holds', async () => {
    await create().open({ ...wanted, block: true, add });
    expect(elements(last()).filter((command) => command.includes('block'))).toEqual([
      'add element inet postern_block_1001 ports { 143 }',
    ]);
  });

  test('that is put up later holds what is said, in place of one from before', async () => {
    const tables = create();
    await tables.open(wanted);
    await tables.change({ ...nothing, block: { ...add, found4: [['cb00710a', 10_143, 60]] } });
    expect(last().filter((command) => command.endsWith('table inet postern_block_1001'))).toEqual([
      ...none,
      'add table inet postern_block_1001',
    ]);
    expect(elements(last())).toEqual([
      'add element inet postern_block_1001 ports { 143 }',
      'add element inet postern_block_1001 found4 { 203.0.113.10 . 10143 }',
      'delete element inet postern_block_1001 found4 { 203.0.113.10 . 10143 }',
      'add element inet postern_block_1001 found4 { 203.0.113.10 . 10143 timeout 60s }',
    ]);
  });

  test('that stands is changed likewise', async () => {
    const tables = create();
    await tables.open({ ...wanted, block: true });
    await tables.change({ ...nothing, block: true, remove, add });
    const texts = elements(last()).filter((command) => command.includes('block'));
    expect(texts).toEqual([
      'delete element inet postern_block_1001 ports { 110 }',
      'add element inet postern_block_1001 ports { 143 }',
      'delete element inet postern_block_1001 skip6 { 0000:0000:0000:0000:0000:0000:0000:0000 }',
    ]);
    expect(last().join()).not.toContain('table inet postern_block_1001');
  });

  test('is removed by a change, an opening or a closing that does without', async () => {
    const tables = create();
    await tables.open({ ...wanted, block: true });
    await tables.change(nothing);
    expect(last().slice(-2)).toEqual(none);
    await tables.close({ block: true });
    expect(last()).toEqual(['delete table inet postern_1001']);
    await tables.close({ block: false });
    expect(last()).toEqual(none);
    await tables.open(wanted);
    expect(last().slice(-2)).toEqual(none);
    await tables.close({ block: false });
    expect(last()).toEqual(['delete table inet postern_1001', ...none]);
  });
});

describe('the source ports', () => {
  const reserved = () => readFileSync(reservedPortsPath, 'utf8').trim();

  test('are reserved while a table stands, and given back at the end', async () => {
    const tables = create();
    await tables.open(wanted);
    expect(reserved()).toBe('8080,61000-65535');
    await tables.end();
    expect(reserved()).toBe('8080');
  });

  test.each(['inet postern_7', 'inet postern_all'])('stay while %s needs them', async (table) => {
    const tables = create();
    await tables.open(wanted);
    standing = ['inet postern_1001', table];
    await tables.end();
    expect(reserved()).toBe('8080,61000-65535');
  });

  test('are given back by the last, also when another one reserved them', async () => {
    writeFileSync(reservedPortsPath, '8080,61000-65535\n');
    standing = ['inet postern_7'];
    const tables = create();
    await tables.open(wanted);
    standing = ['inet postern_1001', 'inet postern_block_7', 'inet other'];
    await tables.end();
    expect(reserved()).toBe('8080');
  });
});
