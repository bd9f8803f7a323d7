import { describe, expect, it } from 'vitest';
import { debounceMs, rescanMs, watchStores } from './watch.ts';

/** A clock, a kernel and stores that the test moves. */
function setUp(refuse?: string) {
  let stores = 'a';
  const timers = new Set<{ delayMs: number; callback: () => void }>();
  const watched = new Map<string, (name: string | null) => void>();
  const exhausted: string[] = [];
  let changes = 0;
  const stop = watchStores({
    look: async () => ({ directories: ['/one', '/two'], stores }),
    onChange: () => {
      changes++;
    },
    after: (delayMs, callback) => {
      const timer = { delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    onExhausted: (code) => exhausted.push(code),
    watchDirectory: (path, onEvent) => {
      if (path === '/two' && refuse) throw Object.assign(new Error('refused'), { code: refuse });
      watched.set(path, onEvent);
      return { close: () => watched.delete(path) };
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const elapse = async (delayMs: number) => {
    for (const timer of [...timers].filter((each) => each.delayMs === delayMs)) {
      timers.delete(timer);
      timer.callback();
    }
    await settle();
  };
  return {
    stop,
    settle,
    elapse,
    timers,
    watched,
    exhausted,
    changes: () => changes,
    change: () => {
      stores += 'x';
    },
  };
}

describe('watching stores', () => {
  it('tells once of a burst of events, when stores have come or gone', async () => {
    const { settle, elapse, watched, change, changes, timers } = setUp();
    await settle();
    expect([...watched.keys()]).toEqual(['/one', '/two']);
    change();
    for (let i = 0; i < 10; i++) watched.get('/one')?.('profiles.ini');
    expect([...timers].filter(({ delayMs }) => delayMs === debounceMs)).toHaveLength(1);
    await elapse(debounceMs);
    expect(changes()).toBe(1);
    watched.get('/two')?.('cert9.db');
    await elapse(debounceMs);
    expect(changes()).toBe(1);
  });

  it('does not look for files that tell of no store', async () => {
    const { settle, watched, timers } = setUp();
    await settle();
    watched.get('/one')?.('cert9.db-journal');
    expect([...timers].map(({ delayMs }) => delayMs)).toEqual([rescanMs]);
  });

  it('looks every ten minutes for what the kernel did not tell', async () => {
    const { settle, elapse, change, changes } = setUp();
    await settle();
    for (let i = 1; i < 4; i++) {
      change();
      await elapse(rescanMs);
      expect(changes()).toBe(i);
    }
  });

  it.each(['ENOSPC', 'EMFILE'])('only looks every ten minutes where the kernel says %s', async (code) => {
    const { settle, elapse, watched, exhausted, change, changes } = setUp(code);
    await settle();
    expect(watched.size).toBe(0);
    change();
    await elapse(rescanMs);
    expect(changes()).toBe(1);
    expect([exhausted, watched.size]).toEqual([[code], 0]);
  });

  it('goes on without a directory that is not there', async () => {
    const { settle, watched, exhausted } = setUp('ENOENT');
    await settle();
    expect([[...watched.keys()], exhausted]).toEqual([['/one'], []]);
  });

  it('leaves nothing behind when it ends', async () => {
    const { stop, settle, watched, timers } = setUp();
    await settle();
    watched.get('/one')?.('profiles.ini');
    stop();
    stop();
    expect([watched.size, timers.size]).toEqual([0, 0]);
  });
});
