// What this process itself knows of the core's state, for the tray: subscribe first, then a snapshot, then updates by
// revision; a connection that ends is made anew.
import type { Snapshot, State, StateUpdate } from '../../contract/state.ts';
import { applyUpdate } from '../../contract/state-update.ts';

/** `undefined`: the core can't be reached now. */
export type SeenState = State | undefined;

export interface StateSource {
  readonly state: {
    watch(input: undefined, options: { readonly signal: AbortSignal }): Promise<AsyncIterable<StateUpdate>>;
    get(): Promise<Snapshot>;
  };
}

export interface FollowOptions {
  readonly dial: (signal: AbortSignal) => Promise<StateSource | undefined>;
  readonly onState: (seen: SeenState) => void;
  readonly wait: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A core that was started anew is seen within this time. */
export const dialAgainMs = 1_000;

/** Calls `onState` with each change until `signal` aborts. */
export async function followState({ dial, onState, wait, signal }: FollowOptions): Promise<void> {
  while (!signal.aborted) {
    const source = await dial(signal);
    if (source !== undefined) {
      try {
        await followOnce(source, onState, signal);
      } catch {
        // However a connection ends, the answer is the same: it is made anew.
      }
    }
    if (signal.aborted) return;
    onState(undefined);
    await wait(dialAgainMs);
  }
}

async function followOnce(
  { state: calls }: StateSource,
  onState: FollowOptions['onState'],
  signal: AbortSignal,
): Promise<void> {
  const updates = await calls.watch(undefined, { signal });
  let snapshot = await calls.get();
  onState(snapshot.state);
  for await (const update of updates) {
    const next = applyUpdate(snapshot, update);
    if (next === snapshot) continue;
    snapshot = next === 'gap' ? await calls.get() : next;
    onState(snapshot.state);
  }
}
