// `postern scan`: looks at files without a running core, and says what is in them by lines and by the exit code.
import type { WriteStream } from 'node:tty';
import type { ScanningSettings } from '../../contract/settings.ts';
import { type FileScanner, startFileScanner } from '../../core/file-scanner.ts';
import { rulesDirectory, workerUrl } from '../scanner-files.ts';
import { systemClock } from '../system-clock.ts';
import { printable, printLine } from './output.ts';
import {
  countLine,
  emptyTally,
  exitCodeOf,
  humanLine,
  lineOfFailure,
  lineOfVerdict,
  progressLine,
  type ScanLine,
  summaryLine,
  type Tally,
} from './scan-report.ts';
import { type Found, walk } from './walk.ts';

export interface ScanOptions {
  readonly paths: readonly string[];
  readonly json: boolean;
  readonly scanner: Pick<FileScanner, 'parallel' | 'scanFile' | 'scanStream'>;
  readonly input: AsyncIterable<Buffer>;
  /** Takes the lines for standard output. */
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Shows how far it is; absent where nobody looks. */
  readonly progress?: ((tally: Tally) => void) | undefined;
  /** Whoever read the lines has left: what was not begun is not scanned. */
  readonly readerLeft: () => boolean;
}

type Finished = { readonly line: ScanLine; readonly problem?: string } | { readonly missing: string };

/** Scans everything, prints in the order of the walk, and answers with the exit code. */
export async function scanFiles(options: ScanOptions): Promise<number> {
  const { paths, json, scanner, input, print, printError, progress, readerLeft } = options;
  let tally = emptyTally;

  async function finish(found: Found): Promise<Finished> {
    switch (found.kind) {
      case 'missing':
        return { missing: found.path };
      case 'unreadable':
        return { line: lineOfFailure(found.path), problem: found.problem };
      case 'file':
      case 'stream':
        try {
          const scanning =
            found.kind === 'file' ? scanner.scanFile(found.location, found.path) : scanner.scanStream(input);
          return { line: lineOfVerdict(found.path, await scanning) };
        } catch (error) {
          const problem = error instanceof Error && 'code' in error ? String(error.code) : String(error);
          return { line: lineOfFailure(found.path), problem };
        }
    }
  }

  function report(finished: Finished): void {
    if ('missing' in finished) {
      tally = { ...tally, missing: tally.missing + 1 };
      printError(printable(`postern: no such file or directory: ${finished.missing}`));
      return;
    }
    const { line, problem } = finished;
    tally = countLine(tally, line);
    if (problem !== undefined) printError(printable(`postern: can't be read: ${line.path}: ${problem}`));
    print(json ? JSON.stringify(line) : humanLine(line));
    progress?.(tally);
  }

  const underWay: Promise<Finished>[] = [];
  for await (const found of walk(paths)) {
    if (readerLeft()) {
      tally = countLine(tally, lineOfFailure(''));
      break;
    }
    underWay.push(finish(found));
    const [oldest] = underWay;
    if (underWay.length < scanner.parallel || oldest === undefined) continue;
    report(await oldest);
    underWay.shift();
  }
  for (const each of underWay) report(await each);
  if (!json) print(summaryLine(tally));
  return exitCodeOf(tally);
}

/** Rewrites one line of the terminal. */
const eraseLine = '\r\u001b[K';
/** Often enough to see that it moves. */
const progressIntervalMs = 100;

/** Shows how far it is, at most every so often, and takes it away again; counts meanwhile how much there is. */
function terminalProgress(paths: readonly string[], terminal: WriteStream, now: () => number) {
  const write = (text: string) => terminal.write(text);
  let shownAt = Number.NEGATIVE_INFINITY;
  let total: number | undefined;
  let isOver = false;
  async function count(): Promise<void> {
    let found = 0;
    for await (const { kind } of walk(paths)) {
      if (kind !== 'missing') found++;
      if (isOver) return;
    }
    total = found;
  }
  // Without the total there is no bar; whatever fails there fails in the scan, too, and is told there.
  count().catch(() => {
    total = undefined;
  });
  return {
    show(tally: Tally): void {
      if (now() - shownAt < progressIntervalMs) return;
      shownAt = now();
      write(`${eraseLine}${progressLine(tally, total, terminal.columns)}`);
    },
    clear: () => write(eraseLine),
    end: () => {
      isOver = true;
      write(eraseLine);
    },
  };
}

export async function scanCommand({
  paths,
  json,
  dataDir,
  scanning,
}: {
  readonly paths: readonly string[];
  readonly json: boolean;
  readonly dataDir: string;
  readonly scanning: ScanningSettings;
}): Promise<number> {
  const { stdin, stdout, stderr } = process;
  let left = false;
  stdout.once('error', () => {
    left = true;
  });
  const scanner = await startFileScanner({
    workerUrl,
    rulesDirectory,
    dataDir,
    clock: systemClock,
    scanning,
  });
  for (const { file, line, message } of scanner.problems)
    stderr.write(
      `${printable(`postern: rules: ${file}${line === undefined ? '' : `:${line}`}: ${message}`)}\n`,
    );
  const progress = stderr.isTTY
    ? terminalProgress(paths, stderr, performance.now.bind(performance))
    : undefined;
  const interrupt = () => {
    progress?.end();
    process.kill(process.pid, 'SIGINT');
  };
  // The second one ends the process as if nobody had listened.
  if (progress) process.once('SIGINT', interrupt);
  try {
    return await scanFiles({
      paths,
      json,
      scanner,
      input: stdin,
      print(line) {
        if (stdout.isTTY) progress?.clear();
        printLine(line);
      },
      printError(line) {
        progress?.clear();
        stderr.write(`${line}\n`);
      },
      progress: progress?.show,
      readerLeft: () => left,
    });
  } finally {
    process.off('SIGINT', interrupt);
    progress?.end();
    await scanner.stop();
  }
}
