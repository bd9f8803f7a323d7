import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Scanner, ScanResult } from '../scanner/pool.ts';
import { holdScans } from './held-scanner.ts';
import { fakeClock } from './testing.fixture.ts';

const clean: ScanResult = {
  verdict: {
    outcome: 'clean',
    complete: true,
    detections: [],
    notes: [],
    engines: [],
    limits: [],
    sha256: '0'.repeat(64),
    bytes: 1,
    parts: 1,
    ms: 1,
  },
  overwrites: [],
  tags: [],
  leaves: [],
};
const source = { kind: 'bytes', bytes: new Uint8Array(1) } as const;

function setUp(first?: number, scan: Scanner['scan'] = async () => clean) {
  const clock = fakeClock();
  let asked = 0;
  let stops = 0;
  const inner: Scanner = {
    engines: [],
    revision: '',
    problems: [],
    crashes: 0,
    configure: () => undefined,
    reload: async () => undefined,
    follow: () => ({ arrived: () => undefined, drop: () => undefined }),
    scan: (...given) => {
      asked++;
      return scan(...given);
    },
    stop: async () => {
      stops++;
    },
  };
  const held = holdScans(inner, { delayMs: 30_000, first }, clock.after);
  const outcomes: string[] = [];
  const ask = (signal?: AbortSignal) => {
    held.scan(source, signal ? { signal } : {}).then(
      ({ verdict }) => outcomes.push(verdict.outcome),
      (error: unknown) => outcomes.push(String(error)),
    );
  };
  /** What has come out once everything that can run has. */
  const out = async () => {
    await setImmediate();
    return outcomes;
  };
  return { clock, held, ask, out, asked: () => asked, stops: () => stops };
}

describe('a scanner that is held back', () => {
  test('scans at once and hands the verdict out after the delay', async () => {
    const { clock, ask, out, asked } = setUp();
    ask();
    expect(asked()).toBe(1);
    clock.advance(29_999);
    expect(await out()).toEqual([]);
    clock.advance(1);
    expect(await out()).toEqual(['clean']);
    expect(clock.waiting).toBe(0);
  });

  test('counts the delay from when each was asked for', async () => {
    const { clock, ask, out } = setUp();
    ask();
    clock.advance(10_000);
    ask();
    clock.advance(20_000);
    expect(await out()).toEqual(['clean']);
    clock.advance(10_000);
    expect(await out()).toEqual(['clean', 'clean']);
  });

  test('adds nothing to a scan that takes longer', async () => {
    const { promise, resolve } = Promise.withResolvers<ScanResult>();
    const { clock, ask, out } = setUp(undefined, () => promise);
    ask();
    clock.advance(60_000);
    expect(await out()).toEqual([]);
    resolve(clean);
    expect(await out()).toEqual(['clean']);
  });

  test('holds the first so many alone', async () => {
    const { clock, ask, out } = setUp(2);
    for (const _ of [1, 2, 3]) ask();
    expect(await out()).toEqual(['clean']);
    clock.advance(30_000);
    expect(await out()).toEqual(['clean', 'clean', 'clean']);
  });

  test('lets a failure out at once', async () => {
    const { ask, out } = setUp(undefined, async () => {
      throw new Error('unreadable');
    });
    ask();
    expect(await out()).toEqual(['Error: unreadable']);
  });

  test('lets go of a scan that is given up', async () => {
    const { clock, ask, out } = setUp();
    const abort = new AbortController();
    ask(abort.signal);
    abort.abort(new Error('gone'));
    expect(await out()).toEqual(['Error: gone']);
    expect(clock.waiting).toBe(0);
    ask(abort.signal);
    expect(await out()).toEqual(['Error: gone', 'Error: gone']);
  });

  test('lets go of all when it is stopped, and may be stopped twice', async () => {
    const { clock, held, ask, out, stops } = setUp();
    ask();
    await held.stop();
    await held.stop();
    expect(await out()).toEqual(['Error: the scanner was stopped']);
    expect(clock.waiting).toBe(0);
    expect(stops()).toBe(2);
  });
});
