import { describe, expect, it } from 'vitest';
import { createLeafCache, maxCachedLeaves } from './leaf-cache.ts';

function setUp() {
  let nowMs = 1_000;
  let minted = 0;
  const cache = createLeafCache({ now: () => new Date(nowMs), renewAfterMs: 100 });
  const mint = async () => ({ certPem: `leaf ${++minted}`, keyPem: 'key' });
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

  it('tells a failure to all who wait and tries again for the next', async () => {
    const { cache, get } = setUp();
    const failing = async () => {
      throw new Error('no leaf');
    };
    const results = await Promise.allSettled([cache.get('a', failing), cache.get('a', failing)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await get('a')).certPem).toBe('leaf 1');
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
