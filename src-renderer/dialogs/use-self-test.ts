// Runs the self-test of the core while its dialog is open, a step at a time. Leaving the dialog ends it.
import { useCallback, useEffect, useState } from 'react';
import type { SelfTestStep } from '../../src-main/contract/state.ts';
import { useApp } from '../app-context.ts';

export interface SelfTest {
  readonly steps: readonly SelfTestStep[];
  /** `broken`: the core was lost, or could not go on. */
  readonly progress: 'running' | 'done' | 'broken';
}

const beginning: SelfTest = { steps: [], progress: 'running' };

export function useSelfTest(): SelfTest & { readonly runAgain: () => void } {
  const { core } = useApp();
  // A new object begins a new walk.
  const [walk, setWalk] = useState({});
  const [seen, setSeen] = useState({ walk, test: beginning });
  useEffect(() => {
    const stopping = new AbortController();
    const { signal } = stopping;
    const show = (next: (before: SelfTest) => SelfTest) => {
      if (signal.aborted) return;
      setSeen((before) => ({ walk, test: next(before.walk === walk ? before.test : beginning) }));
    };
    const run = async () => {
      const { client } = core.getState();
      if (client === undefined) throw new Error('no core');
      for await (const step of await client.protection.selfTest(undefined, { signal }))
        show(({ steps }) => ({ steps: [...steps, step], progress: 'running' }));
    };
    run().then(
      () => show(({ steps }) => ({ steps, progress: 'done' })),
      () => show(({ steps }) => ({ steps, progress: 'broken' })),
    );
    return () => stopping.abort();
  }, [core, walk]);
  return {
    ...(seen.walk === walk ? seen.test : beginning),
    runAgain: useCallback(() => setWalk({}), []),
  };
}
