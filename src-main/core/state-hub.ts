// The one live state, and everybody who follows it: each change has a revision, and a follower that can't keep up is let
// go, so that it takes a new snapshot.
import type { Snapshot, State, StatePatch, StateUpdate } from '../contract/state.ts';
import type { Clock } from './ports.ts';

export interface StateHub {
  /** The state as of its revision. */
  snapshot(): Snapshot;
  /** Publishes a change at once. */
  set(patch: StatePatch): void;
  /** Publishes a change with others of the next moment: for numbers that change with each message. */
  setSoon(patch: StatePatch): void;
  /** Updates from the call on. It ends when its reader is too slow, at its `return`, and at `stop`. */
  watch(): AsyncIteratorObject<StateUpdate, void, void>;
  /** Ends all who watch. May be called twice. */
  stop(): void;
}

/** Counters move on the screen ten times a second at most. */
const soonMs = 100;

/** Updates that wait for one follower. The largest hold two full lists, some 10 MB; most are a few numbers. */
export const maxWaitingUpdates = 64;

class Watcher implements AsyncIteratorObject<StateUpdate, void, void> {
  readonly #waiting: StateUpdate[] = [];
  readonly #onEnd: (watcher: Watcher) => void;
  readonly #asking: ((result: IteratorResult<StateUpdate, void>) => void)[] = [];
  #ended = false;

  constructor(onEnd: (watcher: Watcher) => void) {
    this.#onEnd = onEnd;
  }

  push(update: StateUpdate): void {
    const ask = this.#asking.shift();
    if (ask) ask({ done: false, value: update });
    else if (this.#waiting.length < maxWaitingUpdates) this.#waiting.push(update);
    else this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting.length = 0;
    for (const ask of this.#asking.splice(0)) ask({ done: true, value: undefined });
    this.#onEnd(this);
  }

  async next(): Promise<IteratorResult<StateUpdate, void>> {
    const value = this.#waiting.shift();
    if (value) return { done: false, value };
    if (this.#ended) return { done: true, value: undefined };
    return await new Promise((resolve) => this.#asking.push(resolve));
  }

  async return(): Promise<IteratorResult<StateUpdate, void>> {
    this.end();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export function createStateHub(initial: State, after: Clock['after']): StateHub {
  const watchers = new Set<Watcher>();
  let state = initial;
  let revision = 0;
  let soon: StatePatch = {};
  let cancelSoon: (() => void) | undefined;

  function publish(patch: StatePatch): void {
    state = { ...state, ...patch };
    revision++;
    for (const watcher of watchers) watcher.push({ revision, patch });
  }

  function publishSoon(): void {
    if (!cancelSoon) return;
    cancelSoon();
    cancelSoon = undefined;
    const patch = soon;
    soon = {};
    publish(patch);
  }

  return {
    snapshot() {
      publishSoon();
      return { revision, state };
    },
    set(patch) {
      publishSoon();
      publish(patch);
    },
    setSoon(patch) {
      soon = { ...soon, ...patch };
      cancelSoon ??= after(soonMs, publishSoon);
    },
    watch() {
      const watcher = new Watcher((ended) => watchers.delete(ended));
      watchers.add(watcher);
      return watcher;
    },
    stop() {
      cancelSoon?.();
      cancelSoon = undefined;
      for (const watcher of watchers) watcher.end();
    },
  };
}
