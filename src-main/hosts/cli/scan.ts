// `postern scan`: looks at files without a running core, and says what is in them by lines and by the exit code.
import { type FileScanner, startFileScanner } from '../../core/file-scanner.ts';
import { rulesDirectory, workerUrl } from '../scanner-files.ts';
import { printable, printLine } from './output.ts';
import {
  countLine,
  emptyTally,
  exitCodeOf,
  humanLine,
  lineOfFailure,
  lineOfVerdict,
  type ScanLine,
  summaryLine,
} from './scan-report.ts';
import { type Found, walk } from './walk.ts';

export interface ScanOptions {
  readonly paths: readonly string[];
  readonly json: boolean;
  readonly scanner: Pick<FileScanner, 'parallel' | 'scanFile'>;
  /** Takes the lines for standard output. */
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Shows how far it is; absent where nobody looks. */
  readonly progress?: ((line: string) => void) | undefined;
  /** Whoever read the lines has left: what was not begun is not scanned. */
  readonly readerLeft: () => boolean;
}

type Finished = { readonly line: ScanLine; readonly problem?: string } | { readonly missing: string };

/** Scans everything, prints in the order of the walk, and answers with the exit code. */
export async function scanFiles(options: ScanOptions): Promise<number> {
  const { paths, json, scanner, print, printError, progress, readerLeft } = options;
  let tally = emptyTally;

  async function finish(found: Found): Promise<Finished> {
    switch (found.kind) {
      case 'missing':
        return { missing: found.path };
      case 'unreadable':
        return { line: lineOfFailure(found.path), problem: found.problem };
      case 'file':
        try {
          return { line: lineOfVerdict(found.path, await scanner.scanFile(found.path)) };
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
    progress?.(`${summaryLine(tally)} …`);
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

/** Shows the latest line, at most every so often, and takes it away again. */
function terminalProgress(write: (text: string) => void, now: () => number) {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(line: string): void {
      if (now() - shownAt < progressIntervalMs) return;
      shownAt = now();
      write(`${eraseLine}${line}`);
    },
    clear: () => write(eraseLine),
  };
}

export async function scanCommand({
  paths,
  json,
}: {
  readonly paths: readonly string[];
  readonly json: boolean;
}): Promise<number> {
  const { stdout, stderr } = process;
  const progress = stderr.isTTY
    ? terminalProgress((text) => stderr.write(text), performance.now.bind(performance))
    : undefined;
  let left = false;
  stdout.once('error', () => {
    left = true;
  });
  const scanner = await startFileScanner({ workerUrl, rulesDirectory });
  try {
    return await scanFiles({
      paths,
      json,
      scanner,
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
    progress?.clear();
    await scanner.stop();
  }
}
