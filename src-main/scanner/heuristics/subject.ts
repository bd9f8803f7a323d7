// What the rules look at, and what they say.
import type { FileType } from '../file-types.ts';
import type { Anomaly } from '../mime/anomalies.ts';
import type { RuleGroup } from '../options.ts';
import type { Trait } from './traits.ts';

/** One part, member or message. */
export interface Subject {
  readonly bytes: Buffer;
  readonly type: FileType;
  /** All readings of its name; the worst one counts. Empty: it has none. */
  readonly names: readonly string[];
  readonly traits: ReadonlySet<Trait>;
  /** What it came out of, innermost first, up to the message; empty: it is the whole of what is scanned. */
  readonly around: readonly FileType[];
  /** All that came out of it, and out of that. */
  readonly holds: ReadonlySet<FileType>;
  /** Of the message that it is a part of. */
  readonly anomalies: ReadonlySet<Anomaly>;
}

/** `harmful`: it is made harmless; `suspicious`: people are warned; `note`: worth knowing. */
export type Severity = 'note' | 'suspicious' | 'harmful';

export interface Judgement {
  /** `Postern.<Category>.<Name>`. */
  readonly name: string;
  readonly severity: Severity;
  readonly group: RuleGroup;
}
