// What the components reach for: the stores, and what the host offers.
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { ErrorCode } from '../src-main/contract/error-codes.ts';
import type { Settings } from '../src-main/contract/settings.ts';
import type { State } from '../src-main/contract/state.ts';
import type { PosternHost } from './host.ts';
import type { CoreState, CoreStore } from './state/core-store.ts';
import type { DraftState, DraftStore } from './state/draft-store.ts';

export interface App {
  readonly core: CoreStore;
  readonly draft: DraftStore;
  /** Undefined in the console. */
  readonly host: PosternHost | undefined;
  readonly closeWindow: () => void;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('outside of AppContext');
  return app;
}

export function useCore<Part>(part: (state: CoreState) => Part): Part {
  return useStore(useApp().core, part);
}

export function useDraft<Part>(part: (state: DraftState) => Part): Part {
  return useStore(useApp().draft, part);
}

/** The core's state; only below what waits for it. */
export function useCoreState(): State {
  const state = useCore(({ snapshot }) => snapshot?.state);
  if (state === undefined) throw new Error('no state yet');
  return state;
}

export function useSettings(): Settings {
  return useCoreState().settings;
}

/** The code for what a failed call threw: the contract's own errors carry theirs, input that it refuses has one too. */
export function errorCodeOf(error: unknown): ErrorCode {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'BAD_REQUEST') return 'invalid-input';
  return code === 'NOT_SAVED' || code === 'INTERNAL_SERVER_ERROR' ? 'settings-not-saved' : 'not-running';
}
