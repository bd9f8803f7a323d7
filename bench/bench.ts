// What each part of the bench is given, and what it gives back.
import type { TestCertificates } from '../e2e/support/authority.ts';

/** One thing measured: seconds of each round (or milliseconds where the unit says so). */
export interface Measurement {
  readonly name: string;
  readonly unit: 's' | 'ms';
  readonly direct: number[];
  readonly through: number[];
}

export interface Bench {
  readonly directory: string;
  readonly rounds: number;
  readonly certificates: TestCertificates;
  /** Runs both in turn, the order changing from round to round, after one round that is not counted. */
  compare(name: string, direct: () => Promise<void>, through: () => Promise<void>): Promise<void>;
  add(measurement: Measurement): void;
  note(line: string): void;
}
