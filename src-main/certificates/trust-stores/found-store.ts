// What each kind of store has to give: where its stores lie, what they say of a root, and how one is put in and taken out.
import type { ErrorCode } from '../../contract/error-codes.ts';
import type { TrustStore } from '../../contract/trust.ts';
import type { Journal } from './journal.ts';
import type { RunProgram } from './run-program.ts';
import type { AskAdministrator, FoundStore, Root } from './store.ts';

/** A process that runs now. */
export interface RunningProcess {
  readonly pid: number;
  readonly uid: number;
  readonly argv: readonly string[];
}

/** What the kinds reach the machine through. */
export interface Machine {
  readonly homeDir: string;
  /** A path of the machine, below the root of its file system. */
  readonly inRoot: (path: string) => string;
  readonly uid: number;
  readonly run: RunProgram;
  readonly journal: Journal;
  readonly administrator: () => AskAdministrator | undefined;
  /** Tells of what was left out: never a line of a file. */
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export type StoreState = Pick<FoundStore, 'state' | 'reason' | 'detail' | 'fix'>;

/** Why nothing can be done with a store, and who could. `detail`: technical words. */
export interface Problem {
  readonly reason: ErrorCode;
  readonly detail: string;
  readonly fix: StoreState['fix'];
}

export type Outcome =
  | { readonly action: 'installed' | 'removed' | 'unchanged' }
  | { readonly action: 'failed'; readonly reason: ErrorCode; readonly detail?: string };

/** A store that was found. Nothing of it rejects but by a fault of ours. */
export interface OpenStore
  extends Pick<TrustStore, 'id' | 'kind' | 'programs' | 'path' | 'running'>,
    Partial<Pick<TrustStore, 'name'>> {
  state(roots: readonly Root[]): Promise<StoreState>;
  install(root: Root): Promise<Outcome>;
  remove(root: Root): Promise<Outcome>;
}

/** One kind of stores. */
export interface StoreKind {
  find(looking: Looking): Promise<OpenStore[]>;
}

/** What is known when stores are looked for. */
export interface Looking {
  readonly processes: readonly RunningProcess[];
  readonly roots: readonly Root[];
}

export const unchanged: Outcome = { action: 'unchanged' };

export const failed = (reason: ErrorCode, detail?: string): Outcome => ({
  action: 'failed',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

/** The first root is the one that leaves are signed by: without it nothing works, whatever else is trusted. */
export function stateOf(trusted: readonly boolean[]): 'trusted' | 'partly' | 'not-trusted' {
  if (trusted[0] !== true) return 'not-trusted';
  return trusted.every(Boolean) ? 'trusted' : 'partly';
}
