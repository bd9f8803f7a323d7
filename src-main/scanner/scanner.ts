// What a scanner is to whoever has messages scanned.
import type { RuleProblem } from './engines/rule-files.ts';
import type { Following } from './following.ts';
import type { ScanLimits } from './limits.ts';
import type { InspectOptions } from './options.ts';
import type { ScanOptions, ScanResult } from './scan-job.ts';
import type { EngineInfo, ScanSource } from './worker-messages.ts';

/** How far to look, and into what; what is left out stays as it is. */
export interface ScanConfiguration {
  readonly limits?: Partial<ScanLimits>;
  readonly options?: InspectOptions;
}

export interface Scanner {
  /**
   * Scans one message (or any file). Rejects when the signal aborts, the scanner stops, or a file cannot be read
   * (with the system's `code`); everything else is a verdict.
   */
  scan(source: ScanSource, options?: ScanOptions): Promise<ScanResult>;
  /** To work ahead on a message while it arrives, where there is something to work ahead on. Changes no verdict. */
  follow(): Following;
  readonly engines: readonly EngineInfo[];
  /** Names all that decides a verdict now. A verdict is good for it when it was the same before and after the scan. */
  readonly revision: string;
  /** What is left out of the rules, and why. */
  readonly problems: readonly RuleProblem[];
  /** Workers that ended by themselves or were given up, since the start. */
  readonly crashes: number;
  /** For all messages that are given to a worker from now on. */
  configure(configuration: ScanConfiguration): void;
  /** Reads the rules again, one worker after the other. Rejects where ours can't be read: then the old ones stay. */
  reload(): Promise<void>;
  /** Rejects what is being scanned. May be called twice. */
  stop(): Promise<void>;
}

export interface ScannerOptions extends ScanConfiguration {
  /** The entry point of a worker: worker.ts, or what it was bundled to. */
  readonly workerUrl: URL;
  /** Where our rules are. */
  readonly rulesDirectory: URL | string;
  /** Where the user's are; it may be missing. */
  readonly userRulesDirectory?: string;
  /** For what need not be worked out again at the next start; made where it is missing. */
  readonly cacheDirectory?: string;
  readonly workers: number;
  /** The engines, the problems or the revision are others than they were. */
  readonly onChange?: () => void;
}
