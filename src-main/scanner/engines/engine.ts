// What a detection engine is to the pipeline: octets in, findings out, synchronously, in a worker.
import type { Detection } from '../../contract/verdict.ts';
import type { RuleGroup } from '../options.ts';

export interface Match {
  readonly offset: number;
  readonly length: number;
}

export interface Finding {
  readonly name: string;
  /** `note`: worth knowing, and no detection. */
  readonly category: Detection['category'] | 'note';
  /** Absent: it always counts. */
  readonly group?: RuleGroup;
  /** Places in the scanned octets; not necessarily all of them. */
  readonly matches: readonly Match[];
}

export interface Engine {
  readonly id: string;
  readonly version: string;
  /** Number of rules it looks for. */
  readonly rules: number;
  /** `timeout` and `failed`: these octets were not looked into. Never throws. */
  scan(bytes: Uint8Array): readonly Finding[] | 'timeout' | 'failed';
}
