import { expect, test } from 'vitest';
import { quietState } from '../../contract/state.fixture.ts';
import type { Snapshot, StateUpdate } from '../../contract/state.ts';
import { dialAgainMs, followState, type StateSource } from './follow-state.ts';

interface Connection {
  /** What `get` answers, in order; the last one again and again. */
  readonly snapshots: readonly Snapshot[];
  readonly updates: readonly StateUpdate[];
  /** How its stream ends. */
  readonly breaks?: boolean;
}

const snapshot = (revision: number, openConnections: number): Snapshot => ({
  revision,
  state: { ...quietState, openConnections },
});
const update = (revision: number, openConnections: number): StateUpdate => ({
  revision,
  patch: { openConnections },
});

/** Follows the connections one after the other (undefined: none comes about), and says what was seen. */
async function seen(connections: readonly (Connection | undefined)[]) {
  const ending = new AbortController();
  const states: (number | undefined)[] = [];
  const waits: number[] = [];
  const left = [...connections];
  await followState({
    async dial() {
      const next = left.shift();
      return next === undefined ? undefined : sourceOf(next);
    },
    onState: (state) => states.push(state?.openConnections),
    async wait(ms) {
      waits.push(ms);
      if (left.length === 0) ending.abort();
    },
    signal: ending.signal,
  });
  return { states, waits };
}

function sourceOf({ snapshots, updates, breaks = false }: Connection): StateSource {
  let asked = 0;
  return {
    state: {
      async watch() {
        return (async function* () {
          yield* updates;
          if (breaks) throw new Error('the connection broke');
        })();
      },
      async get() {
        const answer = snapshots[Math.min(asked++, snapshots.length - 1)];
        if (answer === undefined) throw new Error('no answer');
        return answer;
      },
    },
  };
}

test('the snapshot comes first, then each update that is newer', async () => {
  const { states } = await seen([
    { snapshots: [snapshot(5, 1)], updates: [update(4, 99), update(5, 98), update(6, 2), update(7, 3)] },
  ]);
  expect(states).toEqual([1, 2, 3, undefined]);
});

test('a missing update means a new snapshot', async () => {
  const { states } = await seen([
    { snapshots: [snapshot(1, 1), snapshot(4, 4)], updates: [update(3, 3), update(4, 99), update(5, 5)] },
  ]);
  expect(states).toEqual([1, 4, 5, undefined]);
});

test('a key that an update names without a value stays as it was', async () => {
  const { states } = await seen([
    {
      snapshots: [snapshot(1, 1)],
      updates: [{ revision: 2, patch: { openConnections: undefined } } as unknown as StateUpdate],
    },
  ]);
  expect(states).toEqual([1, 1, undefined]);
});

test('a core that is gone is said, and looked for until it is there again', async () => {
  const { states, waits } = await seen([
    undefined,
    { snapshots: [snapshot(9, 1)], updates: [], breaks: true },
    { snapshots: [], updates: [] },
    { snapshots: [snapshot(1, 2)], updates: [update(2, 3)] },
  ]);
  expect(states).toEqual([undefined, 1, undefined, undefined, 2, 3, undefined]);
  expect(waits).toEqual([dialAgainMs, dialAgainMs, dialAgainMs, dialAgainMs]);
});

test('nothing is said after the end', async () => {
  const ending = new AbortController();
  const states: unknown[] = [];
  await followState({
    async dial() {
      ending.abort();
      return undefined;
    },
    onState: (state) => states.push(state),
    wait: async () => undefined,
    signal: ending.signal,
  });
  expect(states).toEqual([]);
});
