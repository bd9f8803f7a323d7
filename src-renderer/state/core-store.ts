// The core's live state as the page knows it: subscribe first, then a snapshot, then updates by revision; a missing
// one means a new snapshot, a lost connection means dialling again with growing pauses.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Settings } from '../../src-main/contract/settings.ts';
import type { Snapshot, StatePatch } from '../../src-main/contract/state.ts';
import { applyUpdate } from '../../src-main/contract/state-update.ts';
import type { Trust } from '../../src-main/contract/trust.ts';
import type { CoreClient, Dial } from '../client.ts';

export interface CoreState {
  /** `lost` also while the first connection does not come about. */
  readonly link: 'connecting' | 'live' | 'lost';
  /** The last that is known, also while the connection is lost. */
  readonly snapshot: Snapshot | undefined;
  readonly client: CoreClient | undefined;
}

export type CoreStore = StoreApi<CoreState>;

export function createCoreStore(): CoreStore {
  return createStore<CoreState>(() => ({ link: 'connecting', snapshot: undefined, client: undefined }));
}

/** Shows settings that the core has just confirmed, ahead of the update that says the same. */
export function confirmSettings(store: CoreStore, settings: Settings): void {
  confirm(store, { settings });
}

/** The same for what programs trust. */
export function confirmTrust(store: CoreStore, trust: Trust): void {
  confirm(store, { trust });
}

function confirm(store: CoreStore, patch: StatePatch): void {
  const { snapshot } = store.getState();
  if (snapshot === undefined) return;
  store.setState({ snapshot: { ...snapshot, state: { ...snapshot.state, ...patch } } });
}

/** Follows one connection until its stream ends; throws when it breaks. */
async function followState(client: CoreClient, store: CoreStore, signal: AbortSignal): Promise<void> {
  const updates = await client.state.watch(undefined, { signal });
  store.setState({ link: 'live', client, snapshot: await client.state.get() });
  for await (const update of updates) {
    const { snapshot } = store.getState();
    const next = snapshot === undefined ? 'gap' : applyUpdate(snapshot, update);
    store.setState({ snapshot: next === 'gap' ? await client.state.get() : next });
  }
}

const firstPauseMs = 250;
/** A core that was restarted is found again within this time. */
const longestPauseMs = 5_000;

export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
}

export interface FollowOptions {
  readonly store: CoreStore;
  readonly dial: Dial;
  readonly wait: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Keeps the store at the core's state until `signal` aborts. */
export async function keepFollowing({ store, dial, wait, signal }: FollowOptions): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const client = await dial(signal);
    if (client !== undefined) {
      try {
        await followState(client, store, signal);
      } catch {
        // However a connection ends, the answer is the same: say so, and dial again.
      }
      if (store.getState().link === 'live') failures = 0;
    }
    store.setState({ link: 'lost', client: undefined });
    if (!signal.aborted) await wait(pauseMs(failures++));
  }
}
