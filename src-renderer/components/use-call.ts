// One call of the page to the core at a time: whether it is under way, and in words why it failed.
import { useState } from 'react';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { useCore } from '../app-context.ts';
import type { CoreClient } from '../client.ts';

/** The words for what a failed call threw; the contract's own errors are known by their codes. */
function callProblem(error: unknown): TextKey {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'UNREACHABLE':
      return 'error.upstream-unreachable';
    case 'NO_TLS':
      return 'error.upstream-tls-failed';
    case 'NO_CERTIFICATE':
      return 'problem.certificate-file';
    case 'BAD_REQUEST':
      return 'error.invalid-input';
    case 'NOT_SAVED':
      return 'error.settings-not-saved';
    case undefined:
      // The connection was lost.
      return 'error.not-running';
    default:
      return 'problem.call-failed';
  }
}

export interface Call {
  /** False while the core is lost. */
  readonly isReady: boolean;
  readonly isBusy: boolean;
  readonly problem: TextKey | undefined;
  /** Does nothing while another is under way: a button that may go away with what it did stays enabled meanwhile, and so
   *  keeps the focus. */
  readonly run: (work: (client: CoreClient) => Promise<void>) => void;
  readonly clear: () => void;
}

export function useCall(): Call {
  const client = useCore((core) => core.client);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<TextKey>();
  const run = async (work: (client: CoreClient) => Promise<void>) => {
    if (client === undefined || isBusy) return;
    setIsBusy(true);
    setProblem(undefined);
    try {
      await work(client);
    } catch (error) {
      setProblem(callProblem(error));
    } finally {
      setIsBusy(false);
    }
  };
  return {
    isReady: client !== undefined,
    isBusy,
    problem,
    run: (work) => void run(work),
    clear: () => setProblem(undefined),
  };
}
