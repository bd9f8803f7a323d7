import { describe, expect, it } from 'vitest';
import { createLeafCache, maxCachedLeaves } from './leaf-cache.ts';

function setUp() {
  let nowMs = 1_000;
  let minted = 0;
  const cache = createLeafCache({ now: () => new Date(nowMs) });
  const mint = async () => ({
    leaf: { certPem: `leaf ${++minted}`, keyPem: 'key' },
    usable: { from: new Date(nowMs - 10), until: new Date(nowMs + 100) },
  });
  return {
    get: (key: string) => cache.get(key, mint),
    cache,
    count: () => minted,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('createLeafCache', () => {
  it('mints once for all who ask at the same time', async () => {
    const { get, count } = setUp();
    const leaves = await Promise.all([get('a'), get('a'), get('a')]);
    expect(new Set(leaves).size).toBe(1);
    expect(count()).toBe(1);
  });

  it('keeps one leaf for each key', async () => {
    const { get } = setUp();
    expect(await get('a')).not.toBe(await get('b'));
    expect(await get('a')).toBe(await get('a'));
  });

  it('mints anew when a leaf is old, and not before', async () => {
    const { get, pass } = setUp();
    const first = await get('a');
    pass(99);
    expect(await get('a')).toBe(first);
    pass(1);
    expect(await get('a')).not.toBe(first);
  });

  it('mints anew when the clock was set back before a leaf begins', async () => {
    const { get, pass } = setUp();
    const first = await get('a');
    pass(-10);
    expect(await get('a')).toBe(first);
    pass(-1);
    expect(await get('a')).not.toBe(first);
  });

  it('gives a leaf that is never usable to those who wait, and to nobody after them', async () => {
    const { cache, count } = setUp();
    let minted = 0;
    const over = { from: new Date(0), until: new Date(0) };
    const mint = async () => ({ leaf: { certPem: `over ${++minted}`, keyPem: 'key' }, usable: over });
    const leaves = await Promise.all([cache.get('a', mint), cache.get('a', mint)]);
    expect(leaves.map(({ certPem }) => certPem)).toEqual(['over 1', 'over 1']);
    expect((await cache.get('a', mint)).certPem).toBe('over 2');
    expect(count()).toBe(0);
  });

  it('keeps a leaf without an end for ever', async () => {
    const { cache, pass } = setUp();
    const leaf = { certPem: 'leaf', keyPem: 'key' };
    expect(await cache.get('a', async () => ({ leaf }))).toBe(leaf);
    pass(1e12);
    expect(await cache.get('a', () => Promise.reject(new Error('asked again')))).toBe(leaf);
  });

  it('forgets all, and what was being minted then is not kept', async () => {
    const { cache, get } = setUp();
    const first = await get('a');
    const waiting = get('b');
    cache.clear();
    expect((await waiting).certPem).toBe('leaf 2');
    expect((await get('a')).certPem).not.toBe(first.certPem);
    expect((await get('b')).certPem).toBe('leaf 4');
  });

  it('tells a failure to all who wait and tries again for the next', async () => {
    const { cache, get } = setUp();
    const failing = async () => {
      throw new Error('no leaf');
    };
    const results = await Promise.allSettled([cache.get('a', failing), cache.get('a', failing)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await get('a')).certPem).toBe('leaf 1');
  });

  it('lets a failure of before it was cleared take nothing that came after', async () => {
    const { cache, get } = setUp();
    const failure = Promise.withResolvers<never>();
    const failing = cache.get('a', () => failure.promise);
    cache.clear();
    const leaf = await get('a');
    failure.reject(new Error('no leaf'));
    await expect(failing).rejects.toThrow('no leaf');
    expect(await get('a')).toBe(leaf);
  });

  it('holds as many as its limit and forgets the one used longest ago', async () => {
    const { get, count } = setUp();
    for (let index = 0; index < maxCachedLeaves; index++) await get(`${index}`);
    await get('0');
    expect(count()).toBe(maxCachedLeaves);
    await get('one more');
    await get('0');
    expect(count()).toBe(maxCachedLeaves + 1);
    await get('1');
    expect(count()).toBe(maxCachedLeaves + 2);
  });
});
