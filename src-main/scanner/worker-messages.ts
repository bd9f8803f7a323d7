// What the pool and its workers say to each other.
import type { Tagging } from './header-tag.ts';
import type { ScanLimits } from './limits.ts';
import type { Overwrite } from './neutralise.ts';
import type { Report } from './pipeline.ts';

export type ScanSource =
  /** Over a SharedArrayBuffer the octets are not copied; they must not change until the scan ends. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number };

export interface EngineInfo {
  readonly id: string;
  readonly version: string;
  readonly rules: number;
  /** Hex SHA-256 over everything that decides a verdict: what was clean under another one may not be so any more. */
  readonly revision: string;
}

/** Given to a worker when it starts. */
export interface WorkerSetup {
  readonly rulesDirectory: string;
  readonly limits: ScanLimits;
}

export interface ScanOrder {
  readonly kind: 'scan';
  readonly id: number;
  readonly source: ScanSource;
  readonly neutralise: boolean;
  readonly tag: Tagging | undefined;
  /** Of the source's octets, where whoever collected them knows it. */
  readonly sha256: string | undefined;
  /** The followed message that this is, when it was with the same worker. */
  readonly followed: number | undefined;
}

export type WorkerOrder =
  | ScanOrder
  /** All octets so far of a message that still arrives, over a SharedArrayBuffer. */
  | { readonly kind: 'prepare'; readonly followed: number; readonly bytes: Uint8Array }
  /** What was prepared of it is of no use any more. */
  | { readonly kind: 'forget'; readonly followed: number };

export type WorkerAnswer =
  | { readonly kind: 'ready'; readonly engines: readonly EngineInfo[] }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly report: Report;
      readonly overwrites: readonly Overwrite[];
      readonly tags: readonly Overwrite[];
    }
  /** A file that grew beyond the message limit. */
  | { readonly kind: 'too-large'; readonly id: number }
  /** The source could not be read; `code` is the system's. */
  | { readonly kind: 'unreadable'; readonly id: number; readonly code: string };
