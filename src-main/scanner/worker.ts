// A scanning thread: compiles the rules once, then scans one message after the other, synchronously. The entry point
// of the pool's workers; it ends by the pool alone.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { assertNever } from '../contract/assert-never.ts';
import { literalEngine } from './engines/literal.ts';
import { readRules, sourceOf, yaraEngine } from './engines/yara-x.ts';
import { tagHeader } from './header-tag.ts';
import { Ahead } from './mime/ahead.ts';
import { neutralise } from './neutralise.ts';
import { type Inspector, inspect, isInfected, reportOf } from './pipeline.ts';
import { revisionOf } from './revision.ts';
import type { ScanOrder, ScanSource, WorkerAnswer, WorkerOrder, WorkerSetup } from './worker-messages.ts';

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The octets of a source, or the system's code for why they can't be read. */
function read(source: ScanSource, maxBytes: number): Buffer | 'too-large' | { readonly code: string } {
  if (source.kind === 'bytes') return view(source.bytes);
  try {
    // A FIFO in the place of a file would hold this thread for good.
    const fd = openSync(source.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return { code: 'EINVAL' };
      return stats.size > maxBytes ? 'too-large' : readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? String(error.code) : 'EIO' };
  }
}

function scan(order: ScanOrder, bytes: Buffer, inspector: Inspector, ahead: Ahead | undefined): WorkerAnswer {
  const { id, sha256 } = order;
  const { limits, now } = inspector;
  const startedAt = now();
  const found = inspect(bytes, inspector, startedAt + limits.softMs, sha256, ahead);
  // Proving the neutralised form may take half of what is left until the pool gives this thread up.
  const proofDeadline = startedAt + (limits.softMs + limits.hardMs) / 2;
  const overwrites =
    order.neutralise && isInfected(found.detections)
      ? neutralise(bytes, found, inspector, proofDeadline)
      : [];
  const tags =
    order.tag && isInfected(found.detections)
      ? tagHeader(bytes, { found, overwrites }, order.tag, inspector, proofDeadline)
      : [];
  return { kind: 'done', id, report: reportOf(found, bytes.length, now() - startedAt), overwrites, tags };
}

function answer(order: ScanOrder, inspector: Inspector, ahead: Ahead | undefined): WorkerAnswer {
  const { id, source } = order;
  const bytes = read(source, inspector.limits.messageBytes);
  if (bytes === 'too-large') return { kind: 'too-large', id };
  if (!Buffer.isBuffer(bytes)) return { kind: 'unreadable', id, code: bytes.code };
  return scan(order, bytes, inspector, ahead);
}

function start(setup: WorkerSetup): void {
  const fallback = literalEngine();
  const files = readRules(setup.rulesDirectory);
  const engine = yaraEngine(sourceOf(files)) ?? fallback;
  const inspector: Inspector = { engine, fallback, limits: setup.limits, now: () => performance.now() };
  const say = (message: WorkerAnswer) => parentPort?.postMessage(message);
  /** What is worked out of messages that still arrive; the pool bounds how many. */
  const followed = new Map<number, Ahead>();
  parentPort?.on('message', (order: WorkerOrder) => {
    switch (order.kind) {
      case 'prepare': {
        const ahead = followed.get(order.followed) ?? new Ahead(setup.limits.partBytes);
        followed.set(order.followed, ahead);
        ahead.arrived(view(order.bytes));
        return;
      }
      case 'forget':
        followed.delete(order.followed);
        return;
      case 'scan': {
        const ahead = order.followed === undefined ? undefined : followed.get(order.followed);
        if (order.followed !== undefined) followed.delete(order.followed);
        say(answer(order, inspector, ahead));
        return;
      }
      default:
        assertNever(order);
    }
  });
  const { id, version, rules } = engine;
  const revision = revisionOf([engine, fallback], files, setup.limits);
  say({ kind: 'ready', engines: [{ id, version, rules, revision }] });
}

start(workerData);
