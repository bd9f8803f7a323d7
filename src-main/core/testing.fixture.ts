// A clock that goes only when a test says so.
import type { Clock } from './ports.ts';

export interface FakeClock extends Clock {
  /** Moves on, and calls back what is due, in order. */
  advance(ms: number): void;
  /** Callbacks that wait. */
  readonly waiting: number;
}

export function fakeClock(start = '2025-11-24T12:00:00Z'): FakeClock {
  let nowMs = Date.parse(start);
  let timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  return {
    now: () => new Date(nowMs),
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!next || next.atMs > endMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        timers = timers.filter((other) => other !== next);
        next.callback();
      }
      nowMs = endMs;
    },
    get waiting() {
      return timers.length;
    },
  };
}
