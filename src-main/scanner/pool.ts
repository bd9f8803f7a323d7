// The scanner as the rest of the product knows it: messages go to worker threads, and a verdict comes back, whatever
// happens to the worker.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { assertNever } from '../contract/assert-never.ts';
import { type LimitCode, outcomeOf, type Verdict } from '../contract/verdict.ts';
import { FollowedMessage, type Follower, type Following, mayFollow } from './following.ts';
import type { Tagging } from './header-tag.ts';
import {
  bytesPerWorker,
  defaultLimits,
  inFlightBytes,
  jobsPerWorker,
  type ScanLimits,
  waitingMessages,
} from './limits.ts';
import type { Overwrite } from './neutralise.ts';
import type { Report } from './pipeline.ts';
import type {
  EngineInfo,
  ScanOrder,
  ScanSource,
  WorkerAnswer,
  WorkerOrder,
  WorkerSetup,
} from './worker-messages.ts';

export type { Following } from './following.ts';
export type { Overwrite } from './neutralise.ts';

export interface ScanResult {
  readonly verdict: Verdict;
  /** Ascending, without overlaps; empty unless infected and asked for. */
  readonly overwrites: readonly Overwrite[];
  /** More of them, in the header and apart from `overwrites`: the marks that were asked for. */
  readonly tags: readonly Overwrite[];
}

interface ScanOptions {
  readonly signal?: AbortSignal;
  /** Also work out the overwrites of an infected message. */
  readonly neutralise?: boolean;
  /** Also mark it in its header, where that has room for it. */
  readonly tag?: Tagging;
  /** Hex SHA-256 of the octets, where it was worked out while they arrived: that is time saved at the end. */
  readonly sha256?: string;
  /** The message was followed while it arrived: that ends here. */
  readonly followed?: Following | undefined;
}

export interface Scanner {
  /**
   * Scans one message (or any file). Rejects when the signal aborts, the scanner stops, or a file cannot be read
   * (with the system's `code`); everything else is a verdict.
   */
  scan(source: ScanSource, options?: ScanOptions): Promise<ScanResult>;
  /** To work ahead on a message while it arrives, where there is something to work ahead on. Changes no verdict. */
  follow(): Following;
  readonly engines: readonly EngineInfo[];
  /** Rejects what is being scanned. May be called twice. */
  stop(): Promise<void>;
}

export interface ScannerOptions {
  /** The entry point of a worker: worker.ts, or what it was bundled to. */
  readonly workerUrl: URL;
  /** Where the `.yar` files are. */
  readonly rulesDirectory: URL | string;
  readonly workers: number;
  readonly limits?: Partial<ScanLimits>;
}

/** Starts of one worker in a row that may fail before it is given up. */
const startAttempts = 3;

interface Job {
  readonly order: ScanOrder;
  readonly followed: FollowedMessage | undefined;
  readonly sizeBytes: number;
  readonly settle: (result: ScanResult) => void;
  readonly fail: (reason: unknown) => void;
}

interface Slot extends Follower {
  readonly worker: Worker;
  /** With the worker, in order; the first is being scanned. */
  readonly jobs: Job[];
  bytes: number;
  isReady: boolean;
  readonly failedStarts: number;
  deadline: NodeJS.Timeout | undefined;
}

function sizeOf(source: ScanSource): number {
  return source.kind === 'file' ? source.sizeBytes : source.bytes.length;
}

/** Shared octets go as they are, others as a copy that is handed over (a view would take all of its buffer along). */
function postScan(worker: Worker, order: ScanOrder): void {
  const { source } = order;
  if (source.kind === 'file' || source.bytes.buffer instanceof SharedArrayBuffer) {
    worker.postMessage(order);
    return;
  }
  const bytes = new Uint8Array(source.bytes);
  worker.postMessage({ ...order, source: { kind: 'bytes', bytes } }, [bytes.buffer]);
}

class Pool implements Scanner {
  readonly #options: ScannerOptions;
  readonly #limits: ScanLimits;
  readonly #setup: WorkerSetup;
  #slots: Slot[] = [];
  readonly #waiting: Job[] = [];
  #inFlight = 0;
  #nextId = 0;
  #isStopped = false;
  #lastError: unknown;
  #engines: readonly EngineInfo[] = [];
  /** Workers that start for the first time. */
  readonly #started = Promise.withResolvers<void>();

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    const { rulesDirectory } = options;
    this.#setup = {
      rulesDirectory: rulesDirectory instanceof URL ? fileURLToPath(rulesDirectory) : rulesDirectory,
      limits: this.#limits,
    };
    for (let i = 0; i < Math.max(1, options.workers); i++) this.#startWorker(0);
  }

  get engines(): readonly EngineInfo[] {
    return this.#engines;
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  scan(source: ScanSource, options: ScanOptions = {}): Promise<ScanResult> {
    const { signal, neutralise = false, tag, sha256, followed } = options;
    if (this.#isStopped) return Promise.reject(new Error('the scanner is stopped'));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const sizeBytes = sizeOf(source);
    if (sizeBytes > this.#limits.messageBytes) return Promise.resolve(unscanned('message-size', sizeBytes));
    if (this.#waiting.length >= waitingMessages) return Promise.resolve(unscanned('queue-full', sizeBytes));
    if (this.#slots.length === 0) return Promise.resolve(unscanned('engine-failed', sizeBytes));
    const { promise, resolve, reject } = Promise.withResolvers<ScanResult>();
    const id = this.#nextId++;
    const order: ScanOrder = { kind: 'scan', id, source, neutralise, tag, sha256, followed: undefined };
    const job: Job = {
      order,
      followed: followed instanceof FollowedMessage ? followed : undefined,
      sizeBytes,
      settle: resolve,
      fail: reject,
    };
    this.#waiting.push(job);
    this.#dispatch();
    if (!signal) return promise;
    const onAbort = () => this.#abort(job, signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  follow(): Following {
    return new FollowedMessage(this.#nextId++, () => this.#leastBusy(mayFollow));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const slots = this.#slots;
    this.#slots = [];
    const reason = new Error('the scanner was stopped');
    for (const job of [...this.#waiting.splice(0), ...slots.flatMap(({ jobs }) => jobs)]) job.fail(reason);
    this.#started.reject(reason);
    await Promise.all(
      slots.map((slot) => {
        clearTimeout(slot.deadline);
        return slot.worker.terminate();
      }),
    );
  }

  /** A message that waits is forgotten; one that is with a worker is finished there, for nobody. */
  #abort(job: Job, reason: unknown): void {
    const at = this.#waiting.indexOf(job);
    if (at !== -1) this.#waiting.splice(at, 1);
    job.followed?.drop();
    job.fail(reason);
  }

  #startWorker(failedStarts: number): void {
    const worker = new Worker(this.#options.workerUrl, {
      name: 'postern-scanner',
      workerData: this.#setup,
      execArgv: [],
    });
    const jobs: Job[] = [];
    const slot: Slot = {
      worker,
      jobs,
      bytes: 0,
      isReady: false,
      failedStarts,
      deadline: undefined,
      followed: new Set(),
      isIdle: () => jobs.length === 0,
      post: (order: WorkerOrder) => worker.postMessage(order),
    };
    this.#slots.push(slot);
    worker.on('message', (answer: WorkerAnswer) => this.#hear(slot, answer));
    // `exit` follows, and comes after all answers that the worker still gave; `error` does not wait for them.
    worker.on('error', (error) => {
      this.#lastError = error;
    });
    worker.on('exit', () => this.#lose(slot, 'engine-failed'));
  }

  #hear(slot: Slot, answer: WorkerAnswer): void {
    if (!this.#slots.includes(slot)) return;
    switch (answer.kind) {
      case 'ready':
        slot.isReady = true;
        this.#engines = answer.engines;
        if (this.#slots.every(({ isReady }) => isReady)) this.#started.resolve();
        break;
      case 'done':
        this.#finish(slot, answer.id)?.settle(resultOf(answer.report, answer.overwrites, answer.tags));
        break;
      case 'too-large': {
        const job = this.#finish(slot, answer.id);
        job?.settle(unscanned('message-size', job.sizeBytes));
        break;
      }
      case 'unreadable':
        this.#finish(slot, answer.id)?.fail(
          Object.assign(new Error('the file cannot be read'), { code: answer.code }),
        );
        break;
      default:
        assertNever(answer);
    }
    this.#dispatch();
  }

  /** Takes the job that the worker has answered, always its first. */
  #finish(slot: Slot, id: number): Job | undefined {
    const job = slot.jobs.shift();
    if (!job) return undefined;
    if (job.order.id !== id) throw new Error(`a scan worker answered ${id} for ${job.order.id}`);
    this.#release(slot, job);
    this.#armDeadline(slot);
    return job;
  }

  #release(slot: Slot, job: Job): void {
    slot.bytes -= job.sizeBytes;
    this.#inFlight -= job.sizeBytes;
  }

  /** The first job of a worker has all of the time; the ones behind it get theirs when they are first. */
  #armDeadline(slot: Slot): void {
    clearTimeout(slot.deadline);
    slot.deadline = undefined;
    if (slot.jobs.length === 0) return;
    slot.deadline = setTimeout(() => this.#lose(slot, 'scan-time'), this.#limits.hardMs);
    slot.deadline.unref();
  }

  /** A worker is gone, or given up: its first message is not scanned, the others go to other workers. */
  #lose(slot: Slot, code: LimitCode): void {
    const at = this.#slots.indexOf(slot);
    if (at === -1) return;
    this.#slots.splice(at, 1);
    clearTimeout(slot.deadline);
    for (const job of slot.jobs) this.#release(slot, job);
    const [first, ...others] = slot.jobs;
    first?.settle(unscanned(code, first.sizeBytes));
    this.#waiting.unshift(...others);
    // Native code is waited for, which may be long: nobody waits for the termination.
    void slot.worker.terminate();
    const failedStarts = slot.isReady ? 0 : slot.failedStarts + 1;
    if (failedStarts < startAttempts) this.#startWorker(failedStarts);
    if (this.#slots.length === 0) {
      this.#started.reject(new Error('no scan worker starts', { cause: this.#lastError }));
      for (const job of this.#waiting.splice(0)) job.settle(unscanned('engine-failed', job.sizeBytes));
    }
    this.#dispatch();
  }

  #dispatch(): void {
    for (let job = this.#waiting[0]; job; job = this.#waiting[0]) {
      const { sizeBytes, order } = job;
      if (this.#inFlight > 0 && this.#inFlight + sizeBytes > inFlightBytes) return;
      const slot = this.#slotFor(job);
      if (!slot) return;
      this.#waiting.shift();
      slot.jobs.push(job);
      slot.bytes += sizeBytes;
      this.#inFlight += sizeBytes;
      if (slot.jobs.length === 1) this.#armDeadline(slot);
      postScan(slot.worker, { ...order, followed: job.followed?.handOver(order.source, slot) });
    }
  }

  /** A worker that may take this message: the one that followed it, else the least busy one. */
  #slotFor({ order, sizeBytes, followed }: Job): Slot | undefined {
    const follower = followed?.followerOf(order.source);
    const known = this.#slots.find((slot) => slot === follower && slot.isIdle());
    const hasRoom = ({ jobs, bytes }: Slot) =>
      jobs.length < jobsPerWorker && (jobs.length === 0 || bytes + sizeBytes <= bytesPerWorker);
    return known ?? this.#leastBusy(hasRoom);
  }

  /** Of the workers that will do the one with the fewest jobs, and of those one that follows little. */
  #leastBusy(mayTake: (slot: Slot) => boolean): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.#slots) {
      if (!slot.isReady || !mayTake(slot)) continue;
      const jobs = slot.jobs.length - (best?.jobs.length ?? 0);
      if (!best || jobs < 0 || (jobs === 0 && slot.followed.size < best.followed.size)) best = slot;
    }
    return best;
  }
}

function resultOf(
  report: Report,
  overwrites: readonly Overwrite[] = [],
  tags: readonly Overwrite[] = [],
): ScanResult {
  const outcome = outcomeOf(report.detections, report.complete);
  return { verdict: { outcome, ...report }, overwrites, tags };
}

/** The verdict on a message that was not looked into at all; its SHA-256 is not known. */
function unscanned(code: LimitCode, bytes: number): ScanResult {
  return resultOf({ complete: false, detections: [], limits: [code], sha256: '', bytes, parts: 0, ms: 0 });
}

/**
 * Starts the workers and resolves when all of them are ready.
 * @throws (rejects) when none of them starts: a bug, or rules that do not compile
 */
export async function startScanner(options: ScannerOptions): Promise<Scanner> {
  const pool = new Pool(options);
  try {
    await pool.started;
  } catch (error) {
    await pool.stop();
    throw error;
  }
  return pool;
}
