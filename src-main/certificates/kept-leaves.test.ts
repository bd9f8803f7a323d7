import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestKeys, makeTestCertificate } from './authority.fixture.ts';
import { maxKeptLeaves, openKeptLeaves } from './kept-leaves.ts';
import type { Leaf } from './leaf.ts';

const keysFor = createTestKeys();
const newLeaf = (subject: string): Leaf => makeTestCertificate({ keys: keysFor('ec'), subject });
const contentOf = ({ certPem, keyPem }: Leaf) => ({ certPem, keyPem });

describe('openKeptLeaves', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'postern-kept-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function setUp(now: () => Date = () => new Date()) {
    const failures: unknown[] = [];
    const leaves = await openKeptLeaves({ directory, now, onFailure: (_, error) => failures.push(error) });
    return { leaves, failures };
  }

  it('keeps what was minted once', async () => {
    const { leaves } = await setUp();
    const first = await leaves.get('a', 'ec', () => newLeaf('first'));
    const second = await leaves.get('a', 'ec', () => newLeaf('second'));
    expect(second).toEqual(contentOf(first));
  });

  it.each(['', 'rubbish', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'mints anew in place of the damaged file %j',
    async (text) => {
      await writeFile(join(directory, 'a-ec.pem'), text);
      const { leaves, failures } = await setUp();
      const leaf = await leaves.get('a', 'ec', () => newLeaf('new'));
      expect(await readFile(join(directory, 'a-ec.pem'), 'utf8')).toBe(leaf.certPem + leaf.keyPem);
      expect(failures).toEqual([]);
    },
  );

  it('gives a leaf all the same when the disk fails, and says so', async () => {
    const { leaves, failures } = await setUp();
    await rm(directory, { recursive: true });
    const leaf = newLeaf('not kept');
    expect(await leaves.get('a', 'ec', () => leaf)).toBe(leaf);
    expect(failures).toHaveLength(1);
  });

  it('removes the one that was used longest ago when there are more than its limit', async () => {
    const { certPem, keyPem } = newLeaf('old');
    const start = new Date('2030-01-01T00:00:00Z');
    const at = (index: number) => new Date(start.getTime() + index * 1_000);
    for (let index = 0; index < maxKeptLeaves; index++) {
      const path = join(directory, `${index}-ec.pem`);
      await writeFile(path, certPem + keyPem);
      await utimes(path, at(index), at(index));
    }
    const { leaves } = await setUp(() => at(maxKeptLeaves));
    // Used just now, so that the next oldest goes.
    await leaves.get('0', 'ec', () => newLeaf('unused'));
    expect((await stat(join(directory, '0-ec.pem'))).mtime).toEqual(at(maxKeptLeaves));
    expect(await readdir(directory)).toHaveLength(maxKeptLeaves);
    await leaves.get('one-more', 'ec', () => newLeaf('new'));
    const names = await readdir(directory);
    expect(names).toHaveLength(maxKeptLeaves);
    expect(names).toContain('0-ec.pem');
    expect(names).toContain('one-more-ec.pem');
    expect(names).not.toContain('1-ec.pem');
  });
});
