import { describe, expect, test } from 'vitest';
import { quietState } from '../contract/state.fixture.ts';
import type { State, StatePatch } from '../contract/state.ts';
import { createStateHub, maxWaitingUpdates } from './state-hub.ts';
import { fakeClock } from './testing.fixture.ts';

const initial: State = { ...quietState, protection: { state: 'off' }, interception: { state: 'off' } };

function setUp() {
  const clock = fakeClock();
  return { clock, hub: createStateHub(initial, clock.after) };
}

describe('the state hub', () => {
  test('numbers each change, and its snapshot has the number of its last one', async () => {
    const { hub } = setUp();
    const updates = hub.watch();
    hub.set({ openConnections: 1 });
    hub.set({ openConnections: 2 });
    expect(await updates.next()).toEqual({
      done: false,
      value: { revision: 1, patch: { openConnections: 1 } },
    });
    expect(await updates.next()).toEqual({
      done: false,
      value: { revision: 2, patch: { openConnections: 2 } },
    });
    expect(hub.snapshot()).toEqual({ revision: 2, state: { ...initial, openConnections: 2 } });
  });

  test('has what happens between the call and the first read', async () => {
    const { hub } = setUp();
    const updates = hub.watch();
    const before = hub.snapshot().revision;
    hub.set({ openConnections: 1 });
    expect((await updates.next()).value).toMatchObject({ revision: before + 1 });
  });

  test('gives an update to a reader that waits for it, and to each reader of several', async () => {
    const { hub } = setUp();
    const [one, two] = [hub.watch(), hub.watch()];
    const reads = [one.next(), two.next(), two.next()];
    hub.set({ openConnections: 1 });
    hub.set({ openConnections: 2 });
    expect((await Promise.all(reads)).map(({ value }) => value?.revision)).toEqual([1, 1, 2]);
    expect((await one.next()).value?.revision).toBe(2);
  });

  test('joins what changes soon into ten updates a second', async () => {
    const { hub, clock } = setUp();
    const updates = hub.watch();
    for (let i = 1; i <= 1_000; i++) {
      hub.setSoon({ openConnections: i });
      if (i % 2 === 0) hub.setSoon({ staleConnections: i });
      clock.advance(1);
    }
    clock.advance(100);
    const last = hub.snapshot();
    expect(last.state).toMatchObject({ openConnections: 1_000, staleConnections: 1_000 });
    expect(last.revision).toBeLessThanOrEqual(10);
    expect((await updates.next()).value?.patch).toEqual({ openConnections: 100, staleConnections: 100 });
    expect(clock.waiting).toBe(0);
  });

  test('a change at once does not overtake an earlier one that waits', async () => {
    const { hub, clock } = setUp();
    const updates = hub.watch();
    hub.setSoon({ openConnections: 1 });
    hub.set({ openConnections: 2 });
    clock.advance(1_000);
    expect(hub.snapshot()).toMatchObject({ revision: 2, state: { openConnections: 2 } });
    expect((await updates.next()).value?.patch).toEqual({ openConnections: 1 });
  });

  test('a snapshot has what waits, and the followers get it under the same number', async () => {
    const { hub } = setUp();
    const updates = hub.watch();
    hub.setSoon({ openConnections: 5 });
    expect(hub.snapshot()).toMatchObject({ revision: 1, state: { openConnections: 5 } });
    expect((await updates.next()).value).toEqual({ revision: 1, patch: { openConnections: 5 } });
  });

  test('applying the updates to a snapshot gives the next snapshot', async () => {
    const { hub } = setUp();
    const updates = hub.watch();
    const { state } = hub.snapshot();
    const patches: StatePatch[] = [
      { openConnections: 3 },
      { protection: { state: 'active' } },
      { listeners: [] },
    ];
    for (const patch of patches) hub.set(patch);
    let followed = state;
    for (const _ of patches) followed = Object.assign({ ...followed }, (await updates.next()).value?.patch);
    expect(followed).toEqual(hub.snapshot().state);
  });
});

describe('a follower', () => {
  test('that reads nothing keeps its updates up to the limit', async () => {
    const { hub } = setUp();
    const updates = hub.watch();
    for (let i = 0; i < maxWaitingUpdates; i++) hub.set({ openConnections: i });
    for (let i = 1; i <= maxWaitingUpdates; i++) expect((await updates.next()).value?.revision).toBe(i);
  });

  test('that is one past it is let go, and the others are not', async () => {
    const { hub } = setUp();
    const [slow, quick] = [hub.watch(), hub.watch()];
    for (let i = 0; i <= maxWaitingUpdates; i++) {
      hub.set({ openConnections: i });
      await quick.next();
    }
    expect(await slow.next()).toEqual({ done: true, value: undefined });
    hub.set({ openConnections: 7 });
    expect((await quick.next()).value?.patch).toEqual({ openConnections: 7 });
  });

  test('that leaves gets nothing more, also while it waits', async () => {
    const { hub } = setUp();
    const updates = hub.watch();
    const read = updates.next();
    await updates.return?.();
    hub.set({ openConnections: 1 });
    expect(await read).toEqual({ done: true, value: undefined });
    expect(await updates.next()).toEqual({ done: true, value: undefined });
  });

  test('ends when the hub stops, and the hub may stop twice', async () => {
    const { hub, clock } = setUp();
    const updates = hub.watch();
    hub.setSoon({ openConnections: 1 });
    const read = updates.next();
    hub.stop();
    hub.stop();
    expect(await read).toEqual({ done: true, value: undefined });
    expect(clock.waiting).toBe(0);
  });
});
