// What `postern scan` says of each file and of all of them, and the exit code that they add up to. Pure.
import type { NotScannedReason } from '../../contract/state.ts';
import type { Detection, EngineReport, Note, Outcome, Verdict } from '../../contract/verdict.ts';
import { failureExitCode } from '../failure.ts';
import { limitWords } from '../words.ts';
import { printable } from './output.ts';

/** One line of `--json`. */
export interface ScanLine {
  readonly path: string;
  readonly outcome: Outcome;
  readonly complete: boolean;
  readonly detections: readonly Detection[];
  readonly limits: readonly NotScannedReason[];
  readonly notes: readonly Note[];
  /** Of engines beyond the built-in ones. */
  readonly engines: readonly EngineReport[];
  readonly ms: number;
}

const rounded = (ms: number) => Math.round(ms * 100) / 100;

export function lineOfVerdict(path: string, verdict: Verdict): ScanLine {
  const { outcome, complete, limits, notes, engines, ms } = verdict;
  const detections = verdict.detections.map(({ name, engine, category, part, sha256 }) => ({
    name,
    engine,
    category,
    part,
    sha256,
  }));
  const reports = engines.map((engine) => ({ ...engine, ms: rounded(engine.ms) }));
  return { path, outcome, complete, detections, limits, notes, engines: reports, ms: rounded(ms) };
}

/** A file that could not be looked at. */
export function lineOfFailure(path: string): ScanLine {
  return {
    path,
    outcome: 'not-scanned',
    complete: false,
    detections: [],
    limits: ['scan-failed'],
    notes: [],
    engines: [],
    ms: 0,
  };
}

export function humanLine({ path, outcome, complete, detections, limits, notes }: ScanLine): string {
  const found = detections.map(({ name, part }) => (part === '' ? name : `${name} (${part})`));
  const why = complete ? [] : [`not looked into: ${limits.map(limitWords).join(', ')}`];
  const aside = notes.length === 0 ? [] : [`notes: ${notes.map(({ name }) => name).join(', ')}`];
  const details = [...found, ...why, ...aside].join('; ');
  return printable(
    `${path}: ${outcome === 'not-scanned' ? 'not scanned' : outcome}${details === '' ? '' : `: ${details}`}`,
  );
}

export interface Tally {
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Files of which something was not looked into, whatever was found in the rest. */
  readonly incomplete: number;
  /** Paths that were given and don't exist. */
  readonly missing: number;
}

export const emptyTally: Tally = {
  outcomes: { clean: 0, suspicious: 0, infected: 0, 'not-scanned': 0 },
  incomplete: 0,
  missing: 0,
};

export function countLine(tally: Tally, { outcome, complete }: ScanLine): Tally {
  return {
    ...tally,
    outcomes: { ...tally.outcomes, [outcome]: tally.outcomes[outcome] + 1 },
    incomplete: tally.incomplete + (complete ? 0 : 1),
  };
}

export function summaryLine({ outcomes }: Tally): string {
  const files = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return `${files} ${files === 1 ? 'file' : 'files'}: ${outcomes.clean} clean, ${outcomes.infected} infected, ${outcomes.suspicious} suspicious, ${outcomes['not-scanned']} not scanned`;
}

/** 1 a detection, else 3 a path that does not exist, else 2 something not scanned, else 0. */
export function exitCodeOf({ outcomes, incomplete, missing }: Tally): number {
  if (outcomes.infected + outcomes.suspicious > 0) return 1;
  if (missing > 0) return failureExitCode;
  return incomplete > 0 ? 2 : 0;
}

/** Characters of a bar. */
const barWidth = 24;

/** `[######------] 50 %  12 of 24 files: 11 clean, …`; the total may not be known yet. Shorter than a line of the
 *  terminal: a longer one could not be erased. */
export function progressLine(tally: Tally, total: number | undefined, columns: number): string {
  return wholeLine(tally, total).slice(0, Math.max(0, columns - 1));
}

function wholeLine(tally: Tally, total: number | undefined): string {
  const done = Object.values(tally.outcomes).reduce((sum, count) => sum + count, 0);
  if (total === undefined || total === 0) return `${summaryLine(tally)} …`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  const bar = '#'.repeat(filled) + '-'.repeat(barWidth - filled);
  return `[${bar}] ${Math.floor(share * 100)} %  of ${total}: ${summaryLine(tally)}`;
}
