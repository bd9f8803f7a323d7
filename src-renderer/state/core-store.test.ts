import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { quietState } from '../../src-main/contract/state.fixture.ts';
import type { Snapshot, StateUpdate } from '../../src-main/contract/state.ts';
import { applyUpdate } from '../../src-main/contract/state-update.ts';
import type { CoreClient, Dial } from '../client.ts';
import { confirmSettings, createCoreStore, keepFollowing, pauseMs } from './core-store.ts';

const state = quietState;

/** A connection whose calls are written down, and whose stream gives these updates and then ends or breaks. */
function connection(snapshots: readonly Snapshot[], updates: readonly (StateUpdate | Error)[]) {
  const calls: string[] = [];
  const left = [...snapshots];
  async function* stream() {
    for (const update of updates) {
      if (update instanceof Error) throw update;
      yield update;
    }
  }
  const client = {
    state: {
      watch: async () => {
        calls.push('watch');
        return stream();
      },
      get: async () => {
        calls.push('get');
        const next = left.shift();
        if (next === undefined) throw new Error('asked for more snapshots than expected');
        return next;
      },
    },
  };
  // Only the two procedures that following uses.
  return { client: client as unknown as CoreClient, calls };
}

/** Follows through these connections (undefined: the dial fails) and gives up at the end; says what was waited. */
async function follow(clients: readonly (CoreClient | undefined)[]) {
  const store = createCoreStore();
  const seen: string[] = [];
  store.subscribe(({ link, snapshot }) =>
    seen.push(`${link} ${snapshot?.revision ?? '-'} ${snapshot?.state.openConnections ?? '-'}`),
  );
  const stop = new AbortController();
  const waits: number[] = [];
  const left = [...clients];
  const dial: Dial = async () => left.shift();
  const wait = async (ms: number) => {
    waits.push(ms);
    if (left.length === 0) stop.abort();
  };
  await keepFollowing({ store, dial, wait, signal: stop.signal });
  return { store, seen, waits };
}

const at = (revision: number, openConnections: number): Snapshot => ({
  revision,
  state: { ...state, openConnections },
});
const update = (revision: number, openConnections: number): StateUpdate => ({
  revision,
  patch: { openConnections },
});

describe('an update', () => {
  it('changes the keys that it names', () => {
    expect(applyUpdate(at(1, 0), update(2, 7))).toEqual(at(2, 7));
  });

  it('from before the snapshot is ignored', () => {
    expect(applyUpdate(at(5, 1), update(5, 9))).toEqual(at(5, 1));
    expect(applyUpdate(at(5, 1), update(2, 9))).toEqual(at(5, 1));
  });

  it('after one that is missing is a gap', () => {
    expect(applyUpdate(at(5, 1), update(7, 9))).toBe('gap');
  });

  it('leaves a key alone that it names without a value', () => {
    expect(applyUpdate(at(1, 3), { revision: 2, patch: { openConnections: undefined } })).toEqual(at(2, 3));
  });
});

describe('following the core', () => {
  it('subscribes first, then takes the snapshot, then applies updates', async () => {
    const { client, calls } = connection([at(1, 0)], [update(1, 99), update(2, 1), update(3, 2)]);
    const { seen } = await follow([client]);
    expect(calls).toEqual(['watch', 'get']);
    expect(seen).toEqual(['live 1 0', 'live 1 0', 'live 2 1', 'live 3 2', 'lost 3 2']);
  });

  it('takes a new snapshot when an update is missing', async () => {
    const { client, calls } = connection([at(1, 0), at(4, 4)], [update(4, 4), update(5, 5)]);
    const { store } = await follow([client]);
    expect(calls).toEqual(['watch', 'get', 'get']);
    expect(store.getState().snapshot).toEqual(at(5, 5));
  });

  it('keeps showing the last state while the connection is lost, and starts over on the next', async () => {
    const first = connection([at(8, 8)], [new Error('broken')]);
    const second = connection([at(1, 1)], []);
    const { seen } = await follow([first.client, undefined, second.client]);
    expect(seen).toEqual(['live 8 8', 'lost 8 8', 'lost 8 8', 'live 1 1', 'lost 1 1']);
  });

  it('pauses longer with each failure and starts over after a success', async () => {
    const { client } = connection([at(1, 0)], []);
    const { waits } = await follow([undefined, undefined, undefined, client, undefined]);
    expect(waits).toEqual([250, 500, 1_000, 250, 500]);
  });

  it('never pauses longer than five seconds', () => {
    expect([4, 5, 6, 60, 5_000].map(pauseMs)).toEqual([4_000, 5_000, 5_000, 5_000, 5_000]);
  });

  it('drops the client with the connection', async () => {
    const { store } = await follow([connection([at(1, 0)], []).client]);
    expect(store.getState().client).toBeUndefined();
  });
});

describe('confirmed settings', () => {
  const settings = { ...defaultSettings, appearance: { language: 'nb', theme: 'dark' } } as const;

  it('show before the update arrives, under the same revision', () => {
    const store = createCoreStore();
    store.setState({ snapshot: at(3, 1) });
    confirmSettings(store, settings);
    expect(store.getState().snapshot).toEqual({
      revision: 3,
      state: { ...state, openConnections: 1, settings },
    });
  });

  it('wait when nothing is known yet', () => {
    const store = createCoreStore();
    confirmSettings(store, settings);
    expect(store.getState().snapshot).toBeUndefined();
  });
});
