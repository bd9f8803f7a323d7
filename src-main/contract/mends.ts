// What can be done about a reason for which protection, or trust in the root, does not work: words, a command to run, or to try again.
import type { ErrorCode } from './error-codes.ts';
import type { TextKey } from './locales.ts';

export interface Mend {
  readonly text?: TextKey;
  /** A line for a terminal. */
  readonly command?: string;
  /** Whether it may work when it is tried again in the core that runs. */
  readonly again: boolean;
}

const installHelper = 'sudo npx postern helper install';

const mends: Partial<Record<ErrorCode, Mend>> = {
  'no-privilege': { text: 'mend.no-privilege', again: true },
  'no-nft': { text: 'mend.no-nft', again: true },
  'nft-failed': { again: true },
  'intercept-off': { text: 'mend.intercept-off', again: false },
  'listener-busy': { text: 'mend.listener-busy', again: false },
  'helper-missing': { text: 'mend.helper-missing', command: installHelper, again: false },
  'helper-outdated': { text: 'mend.helper-outdated', command: installHelper, again: true },
  'helper-denied': { text: 'mend.helper-denied', again: true },
  'helper-failed': { again: true },
  'table-taken': { text: 'mend.table-taken', again: true },
  'system-core-running': { text: 'mend.system-core-running', again: false },
  'self-test-failed': { text: 'mend.self-test-failed', again: true },
  'trust-tool-missing': { text: 'mend.trust-tool-missing', again: true },
  'trust-store-locked': { text: 'mend.trust-store-locked', again: true },
  'trust-helper-missing': { text: 'mend.trust-helper-missing', command: installHelper, again: true },
  'trust-denied': { text: 'mend.trust-denied', again: true },
};

/** A reason that is not known here may pass. */
export function mendOf(reason: ErrorCode): Mend {
  return mends[reason] ?? { again: true };
}
