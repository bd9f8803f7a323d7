// What the pool and its workers say to each other.
import type { RuleProblem } from './engines/rule-files.ts';
import type { Tagging } from './header-tag.ts';
import type { KnownFinding } from './known-findings.ts';
import type { ScanLimits } from './limits.ts';
import type { Overwrite } from './neutralise.ts';
import type { InspectOptions } from './options.ts';
import type { Report } from './pipeline.ts';

export type ScanSource =
  /** Over a SharedArrayBuffer the octets are not copied; they must not change until the scan ends. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number };

export interface EngineInfo {
  readonly id: string;
  readonly version: string;
  readonly rules: number;
}

/** One decoded part of a message. */
export interface LeafBytes {
  /** As in a detection. */
  readonly part: string;
  readonly bytes: Uint8Array;
}

/** How far workers look, and into what. */
export interface WorkerConfiguration {
  readonly limits: ScanLimits;
  readonly options: InspectOptions;
}

/** Given to a worker when it starts. */
export interface WorkerSetup extends WorkerConfiguration {
  readonly rulesDirectory: string;
  readonly userRulesDirectory: string | undefined;
  readonly cacheDirectory: string | undefined;
}

export interface ScanOrder {
  readonly kind: 'scan';
  readonly id: number;
  readonly source: ScanSource;
  readonly neutralise: boolean;
  readonly tag: Tagging | undefined;
  /** Of the source's octets, where whoever collected them knows it. */
  readonly sha256: string | undefined;
  readonly name: string | undefined;
  readonly leaves: 'none' | 'ambiguous' | 'all';
  readonly known: readonly KnownFinding[];
  /** The followed message that this is, when it was with the same worker. */
  readonly followed: number | undefined;
}

export type WorkerOrder =
  | ScanOrder
  /** Reads the rules, before the first scan and whenever they may have changed. `isFirst`: no other worker has read them
   *  since. */
  | { readonly kind: 'load'; readonly isFirst: boolean; readonly withUserRules: boolean }
  | ({ readonly kind: 'configure' } & WorkerConfiguration)
  /** All octets so far of a message that still arrives, over a SharedArrayBuffer. */
  | { readonly kind: 'prepare'; readonly followed: number; readonly bytes: Uint8Array }
  /** What was prepared of it is of no use any more. */
  | { readonly kind: 'forget'; readonly followed: number };

/** What a worker works with from now on. */
export interface LoadedRules {
  readonly engines: readonly EngineInfo[];
  readonly problems: readonly RuleProblem[];
  /** By rulesRevisionOf(). */
  readonly revision: string;
}

export type WorkerAnswer =
  | ({ readonly kind: 'loaded' } & LoadedRules)
  /** It works on with the rules that it had. */
  | { readonly kind: 'load-failed'; readonly message: string }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly report: Report;
      readonly overwrites: readonly Overwrite[];
      readonly tags: readonly Overwrite[];
      readonly leaves: readonly LeafBytes[];
    }
  /** A file that grew beyond the message limit. */
  | { readonly kind: 'too-large'; readonly id: number }
  /** The source could not be read; `code` is the system's. */
  | { readonly kind: 'unreadable'; readonly id: number; readonly code: string };
