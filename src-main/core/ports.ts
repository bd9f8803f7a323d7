// What a host supplies to the core: places, time, and what its command line or its window says. The core itself reads no
// argv, no environment and no clock.
import type { AskAdministrator } from '../certificates/trust-stores/store.ts';
import type { Endpoint } from '../contract/connection.ts';
import type { HelperRoute } from '../interception/linux/helper-link.ts';
import type { FixedListener } from '../interception/listeners.ts';

export type { HelperRoute } from '../interception/linux/helper-link.ts';
export { parseFixedListener } from '../interception/listeners.ts';

export interface Clock {
  now(): Date;
  /** Calls back once after the delay; gives a function that takes it back. Keeps no process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

/** One event of the log with what is known of it; never a credential or a part of a message. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void;

/** Verdicts come no sooner than this after they were asked for; only the `first` so many of them, where that is given. */
export interface HoldScans {
  readonly delayMs: number;
  readonly first: number | undefined;
}

export interface Ports {
  /** Everything that is kept lies below it. It exists and is closed to others. */
  readonly dataDir: string;
  /** The scanner's worker, as a module to be run. */
  readonly workerUrl: URL;
  /** The worker that makes summaries of messages, likewise. */
  readonly summaryWorkerUrl: URL;
  readonly rulesDirectory: string;
  readonly clock: Clock;
  readonly random: (sizeBytes: number) => Uint8Array;
  readonly log: Log;
  /** `off`: the machine's connections are left alone; only fixed listeners bring any. */
  readonly intercept: 'auto' | 'off';
  /** How the netfilter helper is reached, looked up each time; undefined: there is none, and nothing is intercepted. */
  readonly netfilterHelper: () => HelperRoute | undefined;
  readonly listeners: readonly FixedListener[];
  /** PEM of one more authority that mail servers may be signed by. */
  readonly upstreamCa: string | undefined;
  /** A settings document of the command line: any keys of any section, merged over the stored settings and stored. */
  readonly settings: unknown;
  /** For tests of what waits for a scan; undefined: each verdict comes as soon as it is there. */
  readonly holdScans: HoldScans | undefined;
  /** A fresh one-time URL of the console, when there is one. Asked at each call, for the console starts after the core. */
  readonly consoleUrl: () => string | undefined;
  /** What the host itself listens on; the proxy never dials it. */
  readonly hostEndpoints: () => readonly Endpoint[];
  /** How the machine's own stores are changed, by the leave of an administrator; undefined: there is no way. */
  readonly administrator: () => AskAdministrator | undefined;
  /** Where this user's programs keep what they trust. */
  readonly homeDir: string;
  readonly hostname: string;
  /** Effective user id of the process. */
  readonly uid: number;
}
