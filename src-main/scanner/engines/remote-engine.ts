// What an engine outside of this process is to the scanner: a whole message or a part goes there, an answer comes back.
import type { LimitCode } from '../../contract/verdict.ts';

export type RemoteAnswer =
  | { readonly kind: 'clean' }
  /** `name` as the engine says it. */
  | { readonly kind: 'found'; readonly name: string; readonly category: 'malware' | 'suspicious' | 'test' }
  /** It looked, and says itself that it did not see everything. */
  | { readonly kind: 'incomplete'; readonly limits: readonly LimitCode[] }
  /** `skipped`: more than it takes, it was not asked. */
  | { readonly kind: 'down' | 'timeout' | 'failed' | 'skipped'; readonly detail?: string };

/** Octets, or an absolute path of a file with them; they do not change meanwhile. */
export type RemoteSource =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number };

export interface RemoteEngine {
  readonly id: 'clamd' | 'icap';
  /** Of the engine and its database, as it says it; empty until it is known. It changes when the database does. */
  readonly version: string;
  /** Whether it answered when it was last asked. */
  readonly isUp: boolean;
  /** Never rejects but for the signal. */
  scan(source: RemoteSource, signal: AbortSignal): Promise<RemoteAnswer>;
  /** Ends what is under way as `down`. May be called twice. */
  stop(): Promise<void>;
}
