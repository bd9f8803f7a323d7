// The scanner alone, for files on a disk: no running core, no settings, nothing kept.
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Verdict } from '../contract/verdict.ts';
import { startScanner } from '../scanner/pool.ts';
import type { Ports } from './ports.ts';

export interface FileScanner {
  /** Files at once that keep its workers busy. */
  readonly parallel: number;
  /** Rejects with the system's error (`code`) for a file that can't be read. */
  scanFile(path: string): Promise<Verdict>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** One file waits behind each that is being scanned, so that no worker waits for the disk. */
const filesPerWorker = 2;

/** Starts as many workers as there are processors; rejects when none of them starts. */
export async function startFileScanner(
  options: Pick<Ports, 'workerUrl' | 'rulesDirectory'>,
): Promise<FileScanner> {
  const workers = availableParallelism();
  const scanner = await startScanner({ ...options, workers });
  return {
    parallel: workers * filesPerWorker,
    async scanFile(path) {
      const { size } = await stat(path);
      const { verdict } = await scanner.scan({ kind: 'file', path, sizeBytes: size });
      return verdict;
    },
    stop: () => scanner.stop(),
  };
}
