// How whoever follows the state keeps it: by revision. Pure.
import type { Snapshot, StateUpdate } from './state.ts';

/** The snapshot after an update; `gap` when one between them is missing. An update from before the snapshot is ignored. */
export function applyUpdate(snapshot: Snapshot, update: StateUpdate): Snapshot | 'gap' {
  if (update.revision <= snapshot.revision) return snapshot;
  if (update.revision > snapshot.revision + 1) return 'gap';
  const given = Object.fromEntries(Object.entries(update.patch).filter(([, value]) => value !== undefined));
  return { revision: update.revision, state: { ...snapshot.state, ...given } };
}
