// A scanning thread: reads the rules, then scans one message after the other, synchronously. The entry point of the
// pool's workers; it ends by the pool alone.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { assertNever } from '../contract/assert-never.ts';
import { type LoadedEngines, loadEngines } from './engines/load-engines.ts';
import { isInfected } from './findings.ts';
import { tagHeader } from './header-tag.ts';
import { neutraliseKnown, withKnown } from './known-findings.ts';
import { Ahead } from './mime/ahead.ts';
import type { Overwrite } from './neutralise.ts';
import { inFewPieces } from './overwrite-pieces.ts';
import { type Inspection, type Inspector, inspect, pipelineRevision, reportOf } from './pipeline.ts';
import { rulesRevisionOf } from './revision.ts';
import { openSandbox } from './sandbox/child-sandbox.ts';
import type {
  LeafBytes,
  ScanOrder,
  ScanSource,
  WorkerAnswer,
  WorkerConfiguration,
  WorkerOrder,
  WorkerSetup,
} from './worker-messages.ts';

/** The entry point of the unpacking process: its source, or what it was bundled to, beside this file. */
const sandboxChild = import.meta.url.endsWith('.ts')
  ? './sandbox/seven-zip-child.ts'
  : './seven-zip-child.js';

/** Octets of all leaves that are given out for one message: what messages and archives may unpack to. */
const leafBytes = 200 * 1024 * 1024;

/** Octets from which on memory is handed over: a copy would hold up the thread that gets it. */
const handOverBytes = 64 * 1024;

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

/** Copies of the leaves, as far as there may be; the message itself is not among them. */
function leavesOf(found: Inspection): { readonly leaves: readonly LeafBytes[]; readonly isCut: boolean } {
  let left = leafBytes;
  const within = found.leaves.filter(({ bytes }) => {
    if (bytes.length > left) return false;
    left -= bytes.length;
    return true;
  });
  const leaves = within.map(({ part, bytes }) => ({ part, bytes: new Uint8Array(bytes) }));
  return { leaves, isCut: leaves.length < found.leaves.length };
}

function scan(order: ScanOrder, bytes: Buffer, inspector: Inspector, ahead: Ahead | undefined): WorkerAnswer {
  const { id, sha256, name, known } = order;
  const { limits, now } = inspector;
  const startedAt = now();
  const hints = { sha256, name, ahead, leaves: order.leaves };
  const found = inspect(bytes, inspector, startedAt + limits.softMs, hints);
  // Proving the neutralised form may take half of what is left until the pool gives this thread up.
  const proofDeadline = startedAt + (limits.softMs + limits.hardMs) / 2;
  const all = withKnown(bytes, found, known);
  const isHarmful = isInfected(all.detections);
  const overwrites =
    order.neutralise && isHarmful
      ? inFewPieces(neutraliseKnown(bytes, all, known, inspector, proofDeadline), bytes)
      : [];
  const tags =
    order.tag && isHarmful
      ? tagHeader(bytes, { found: all, overwrites }, order.tag, inspector, proofDeadline)
      : [];
  const { leaves, isCut } = leavesOf(found);
  const seen = isCut ? { ...found, limits: new Set([...found.limits, 'engine-size' as const]) } : found;
  const report = reportOf(seen, bytes.length, now() - startedAt);
  return { kind: 'done', id, report, overwrites, tags, leaves };
}

function answer(order: ScanOrder, inspector: Inspector, ahead: Ahead | undefined): WorkerAnswer {
  const { id, source } = order;
  const bytes = read(source, inspector.limits.messageBytes);
  if (bytes === 'too-large') return { kind: 'too-large', id };
  if (!Buffer.isBuffer(bytes)) return { kind: 'unreadable', id, code: bytes.code };
  return scan(order, bytes, inspector, ahead);
}

/** Memory of an answer that is worth handing over. */
function memoryOf(message: WorkerAnswer): ArrayBuffer[] {
  if (message.kind !== 'done') return [];
  const pieces: readonly Pick<Overwrite, 'bytes'>[] = [...message.overwrites, ...message.leaves];
  return pieces.flatMap(({ bytes: { buffer, length } }) =>
    length >= handOverBytes && buffer instanceof ArrayBuffer && buffer.byteLength === length ? [buffer] : [],
  );
}

function start(setup: WorkerSetup): void {
  const { rulesDirectory, userRulesDirectory, cacheDirectory } = setup;
  const now = () => performance.now();
  // It starts nothing before it is needed, and what it started ends with this thread, whose pipes it reads.
  const sandbox = openSandbox({ childUrl: new URL(sandboxChild, import.meta.url) });
  let configuration: WorkerConfiguration = setup;
  let loaded: LoadedEngines | undefined;
  const say = (message: WorkerAnswer) => parentPort?.postMessage(message, memoryOf(message));
  /** What is worked out of messages that still arrive; the pool bounds how many. */
  const followed = new Map<number, Ahead>();

  function load(isFirst: boolean, withUserRules: boolean): WorkerAnswer {
    try {
      loaded = loadEngines({
        rulesDirectory,
        userRulesDirectory: withUserRules ? userRulesDirectory : undefined,
        cacheDirectory,
        isFirst,
        now,
      });
    } catch (error) {
      // At the start there is nothing to go on with.
      if (!loaded) throw error;
      return { kind: 'load-failed', message: error instanceof Error ? error.message : String(error) };
    }
    const { engines, fallback, problems, files } = loaded;
    const revision = rulesRevisionOf(pipelineRevision, [...engines, fallback], files);
    // The sources of all rules are not needed any more.
    loaded = { ...loaded, files: [] };
    const infos = engines.map(({ id, version, rules }) => ({ id, version, rules }));
    return { kind: 'loaded', engines: infos, problems, revision };
  }

  function scanFor(order: ScanOrder): WorkerAnswer {
    if (!loaded) throw new Error('a scan came before the rules');
    const { engines, fallback } = loaded;
    const { limits, options } = configuration;
    const inspector: Inspector = { engines, fallback, limits, options, sandbox, now };
    const ahead = order.followed === undefined ? undefined : followed.get(order.followed);
    if (order.followed !== undefined) followed.delete(order.followed);
    return answer(order, inspector, ahead);
  }

  parentPort?.on('message', (order: WorkerOrder) => {
    switch (order.kind) {
      case 'load':
        say(load(order.isFirst, order.withUserRules));
        return;
      case 'configure':
        configuration = { limits: order.limits, options: order.options };
        // What is worked out within other limits may be less.
        followed.clear();
        return;
      case 'prepare': {
        const ahead = followed.get(order.followed) ?? new Ahead(configuration.limits.partBytes);
        followed.set(order.followed, ahead);
        ahead.arrived(view(order.bytes));
        return;
      }
      case 'forget':
        followed.delete(order.followed);
        return;
      case 'scan':
        say(scanFor(order));
        return;
      default:
        assertNever(order);
    }
  });
}

start(workerData);
