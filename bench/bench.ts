// What each part of the bench is given, and what it gives back.
import type { TestCertificates } from '../e2e/support/authority.ts';

/** What a measurement may reach: through Postern as a multiple of direct, or what is added to direct, in its unit. */
export interface Budget {
  readonly kind: 'ratio' | 'added';
  readonly most: number;
}

/** One thing measured: seconds of each round (or what the unit says). */
export interface Measurement {
  readonly name: string;
  readonly unit: 's' | 'ms' | 'KB';
  readonly direct: number[];
  readonly through: number[];
  readonly budget: Budget;
}

/** Holds no scan, but no verdict is remembered either: every round scans every message. */
export const scanEachRound = ['--hold-scans', '0/0'];

export interface Bench {
  readonly directory: string;
  readonly rounds: number;
  readonly certificates: TestCertificates;
  /** Runs both in turn, the order changing from round to round, after one round that is not counted. */
  compare(
    name: string,
    budget: Budget,
    direct: () => Promise<void>,
    through: () => Promise<void>,
  ): Promise<void>;
  add(measurement: Measurement): void;
  note(line: string): void;
}
