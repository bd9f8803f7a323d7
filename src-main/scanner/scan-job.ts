// One message on its way through the pool: what is to be done with it, who waits for it, and what can be said of it
// without a scan.
import { type LimitCode, outcomeOf, type Verdict } from '../contract/verdict.ts';
import type { FollowedMessage, Following } from './following.ts';
import type { Tagging } from './header-tag.ts';
import type { KnownFinding } from './known-findings.ts';
import type { Overwrite } from './neutralise.ts';
import type { Report } from './pipeline.ts';
import type { LeafBytes, ScanOrder, ScanSource } from './worker-messages.ts';

export interface ScanOptions {
  readonly signal?: AbortSignal;
  /** What a file with these octets is called. */
  readonly name?: string;
  /** Also work out the overwrites of an infected message. */
  readonly neutralise?: boolean;
  /** Also mark it in its header, where that has room for it. */
  readonly tag?: Tagging;
  /** Also give out its decoded parts: `ambiguous`: where mail programs may disagree. */
  readonly leaves?: 'none' | 'ambiguous' | 'all';
  /** What other engines found in it: it is made harmless and marked as if that had been found here; the verdict does
   *  not repeat it. */
  readonly known?: readonly KnownFinding[];
  /** Hex SHA-256 of the octets, where it was worked out while they arrived: that is time saved at the end. */
  readonly sha256?: string;
  /** The message was followed while it arrived: that ends here. */
  readonly followed?: Following | undefined;
}

export interface ScanResult {
  readonly verdict: Verdict;
  /** Ascending, without overlaps; empty unless infected and asked for. */
  readonly overwrites: readonly Overwrite[];
  /** More of them, in the header and apart from `overwrites`: the marks that were asked for. */
  readonly tags: readonly Overwrite[];
  /** Empty unless asked for. */
  readonly leaves: readonly LeafBytes[];
}

export interface Job {
  readonly order: ScanOrder;
  readonly followed: FollowedMessage | undefined;
  readonly sizeBytes: number;
  /** Octets in memory that are held for it. */
  readonly heldBytes: number;
  readonly settle: (result: ScanResult) => void;
  readonly fail: (reason: unknown) => void;
}

export function sizeOf(source: ScanSource): number {
  return source.kind === 'file' ? source.sizeBytes : source.bytes.length;
}

export function orderOf(id: number, source: ScanSource, options: ScanOptions): ScanOrder {
  const { neutralise = false, leaves = 'none', known = [], tag, sha256, name } = options;
  return {
    kind: 'scan',
    id,
    source,
    neutralise,
    tag,
    sha256,
    name,
    leaves,
    known,
    followed: undefined,
  };
}

export function resultOf(
  report: Report,
  overwrites: readonly Overwrite[] = [],
  tags: readonly Overwrite[] = [],
  leaves: readonly LeafBytes[] = [],
): ScanResult {
  const outcome = outcomeOf(report.detections, report.complete);
  return { verdict: { outcome, ...report, engines: [] }, overwrites, tags, leaves };
}

/** The verdict on a message that was not looked into at all; its SHA-256 is not known. */
export function unscanned(code: LimitCode, bytes: number): ScanResult {
  return resultOf({
    complete: false,
    detections: [],
    notes: [],
    limits: [code],
    sha256: '',
    bytes,
    parts: 0,
    ms: 0,
  });
}

/** Octets that are copied at once: a millisecond, for new memory. */
const copyBytes = 1024 * 1024;

/** Whether octets would have to be copied for a worker, and that would hold up everybody else. */
export function isLongCopy(source: ScanSource): source is ScanSource & { readonly kind: 'bytes' } {
  if (source.kind === 'file' || source.bytes.buffer instanceof SharedArrayBuffer) return false;
  return source.bytes.length > copyBytes;
}

/** A shared copy, made in pieces, with everybody else's turn between them. */
export async function sharedCopy(bytes: Uint8Array): Promise<Uint8Array> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  for (let at = 0; at < bytes.length; at += copyBytes) {
    copy.set(bytes.subarray(at, at + copyBytes), at);
    await new Promise((next) => setImmediate(next));
  }
  return copy;
}
