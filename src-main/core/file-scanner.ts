// The scanner alone, for files on a disk: no running core, nothing kept but compiled rules.
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { ScanningSettings } from '../contract/settings.ts';
import type { Verdict } from '../contract/verdict.ts';
import { isMailbox, mailboxProbeBytes, messagesOf } from '../scanner/mbox.ts';
import { type RuleProblem, startScanner } from '../scanner/pool.ts';
import { createMailboxVerdict } from './mailbox-verdict.ts';
import type { Ports } from './ports.ts';
import { ruleDirectories } from './rule-directories.ts';
import { connectEngines } from './scanning.ts';

export interface FileScanner {
  /** Files at once that keep its workers busy. */
  readonly parallel: number;
  /** What is left out of the user's rules, and why. */
  readonly problems: readonly RuleProblem[];
  /**
   * A file is a message, a mailbox of many, or anything else. Rejects with the system's error (`code`) for one that
   * can't be read. `name`: what it is called, where `path` is octets.
   */
  scanFile(path: string | Buffer, name?: string): Promise<Verdict>;
  /** The same for what a pipe brings. */
  scanStream(chunks: AsyncIterable<Buffer>): Promise<Verdict>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** One file waits behind each that is being scanned, so that no worker waits for the disk. */
const filesPerWorker = 2;

const mebibyte = 1024 * 1024;

async function headOf(file: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(mailboxProbeBytes);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  return head.subarray(0, bytesRead);
}

/** The first octets of a stream, and all of it again. */
async function peek(chunks: AsyncIterable<Buffer>): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let sizeBytes = 0;
  while (sizeBytes < mailboxProbeBytes) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    first.push(value);
    sizeBytes += value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* first;
    for (;;) {
      const { value, done } = await iterator.next();
      if (done === true) return;
      yield value;
    }
  }
  return { head: Buffer.concat(first), all: all() };
}

/**
 * Starts as many workers as there are processors; rejects when none of them starts.
 * @param options `dataDir`: its rules and its cache are used, if it is there
 */
export async function startFileScanner({
  workerUrl,
  rulesDirectory,
  dataDir,
  clock,
  scanning,
}: Pick<Ports, 'workerUrl' | 'rulesDirectory' | 'dataDir' | 'clock'> & {
  readonly scanning: ScanningSettings;
}): Promise<FileScanner> {
  const workers = availableParallelism();
  const parallel = workers * filesPerWorker;
  const own = await startScanner({
    workerUrl,
    rulesDirectory,
    ...ruleDirectories(dataDir),
    workers,
  });
  const engines = connectEngines(own, scanning, clock.after);
  const { scanner } = engines;
  const maxBytes = scanning.maxMessageMiB * mebibyte;

  async function scanBytes(bytes: Buffer): Promise<Verdict> {
    return (await scanner.scan({ kind: 'bytes', bytes })).verdict;
  }

  /** The verdict on what is too large: the scanner gives it by the size alone. */
  async function refused(sizeBytes: number): Promise<Verdict> {
    return (await own.scan({ kind: 'file', path: '', sizeBytes })).verdict;
  }

  async function scanBytesOf(chunks: AsyncIterable<Buffer>): Promise<Verdict> {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of chunks) {
      sizeBytes += piece.length;
      if (sizeBytes <= maxBytes) pieces.push(piece);
    }
    return sizeBytes > maxBytes ? await refused(sizeBytes) : await scanBytes(Buffer.concat(pieces));
  }

  async function scanMailbox(chunks: AsyncIterable<Buffer>): Promise<Verdict> {
    const sum = createMailboxVerdict();
    const underWay: Promise<Verdict>[] = [];
    let messages = 0;
    const takeFirst = async () => {
      const verdict = await underWay.shift();
      if (verdict) sum.add(verdict, ++messages);
    };
    for await (const item of messagesOf(chunks, maxBytes)) {
      underWay.push(item.kind === 'message' ? scanBytes(item.bytes) : refused(item.sizeBytes));
      if (underWay.length >= parallel) await takeFirst();
    }
    while (underWay.length > 0) await takeFirst();
    return sum.verdict();
  }

  return {
    parallel,
    problems: own.problems,
    async scanFile(path, name = String(path)) {
      const file = await open(path);
      try {
        const head = await headOf(file);
        const chunks = () => file.createReadStream({ start: 0, autoClose: false });
        if (isMailbox(head)) return await scanMailbox(chunks());
        const { size: sizeBytes } = await file.stat();
        // The system does not know the sizes of all files (proc(5)), and some grow.
        if (head.length > sizeBytes) return await scanBytesOf(chunks());
        // This very file, whatever has been renamed meanwhile.
        const source = { kind: 'file', path: `/proc/self/fd/${file.fd}`, sizeBytes } as const;
        return (await scanner.scan(source, { name: basename(name) })).verdict;
      } finally {
        await file.close();
      }
    },
    async scanStream(chunks) {
      const { head, all } = await peek(chunks);
      return isMailbox(head) ? await scanMailbox(all) : await scanBytesOf(all);
    },
    async stop() {
      await Promise.all([scanner.stop(), engines.stop()]);
    },
  };
}
