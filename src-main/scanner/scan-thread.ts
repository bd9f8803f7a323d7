// One worker thread as the pool has it: the messages that are with it, in order, the time that it has for them, and the
// rules that it works with.
import { Worker } from 'node:worker_threads';
import type { LimitCode } from '../contract/verdict.ts';
import type { FollowedMessage, Follower } from './following.ts';
import { bytesPerWorker, jobsPerWorker } from './limits.ts';
import type { Job } from './scan-job.ts';
import type { LoadedRules, WorkerAnswer, WorkerOrder, WorkerSetup } from './worker-messages.ts';

/** Milliseconds for reading the rules; tens of thousands of them take some seconds. */
const loadMs = 60_000;

/** Memory for JavaScript's own objects, in MiB; the octets of messages are not among them. A message takes some tens at
 *  most, lists of hashes as much: more is a fault, which then ends one worker and not the process. */
const heapMiB = 512;

/** Of that, for objects that are young, in MiB. What V8 would take is twice as much, for no gain in time: with hundreds of
 *  thousands of small messages, 170 MB more in two workers. */
const youngHeapMiB = 24;

export interface ThreadEvents {
  readonly onAnswer: (thread: ScanThread, answer: WorkerAnswer) => void;
  /** It has ended by itself. */
  readonly onEnd: (thread: ScanThread, error: unknown) => void;
  /** It takes too long. */
  readonly onLate: (thread: ScanThread, code: LimitCode) => void;
}

export class ScanThread implements Follower {
  readonly followed: Set<FollowedMessage> = new Set();
  /** In order; the first is being scanned. */
  readonly jobs: Job[] = [];
  /** Starts in a row that failed before this one. */
  readonly failedStarts: number;
  /** undefined: it has not begun yet. */
  rules: LoadedRules | undefined;
  /** How often the rules had been changed when it read its own; -1: never. */
  generation = -1;
  /** The same for those that it reads just now. */
  loading: number | undefined;
  #bytes = 0;
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  #scanTimer: NodeJS.Timeout | undefined;
  #loadTimer: NodeJS.Timeout | undefined;

  constructor(workerUrl: URL, setup: WorkerSetup, failedStarts: number, events: ThreadEvents) {
    this.failedStarts = failedStarts;
    this.#events = events;
    this.#worker = new Worker(workerUrl, {
      name: 'postern-scanner',
      workerData: setup,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: youngHeapMiB },
    });
    let lastError: unknown;
    this.#worker.on('message', (answer: WorkerAnswer) => events.onAnswer(this, answer));
    // `exit` follows, and comes after all answers that the worker still gave; `error` does not wait for them.
    this.#worker.on('error', (error) => {
      lastError = error;
    });
    this.#worker.on('exit', () => events.onEnd(this, lastError));
  }

  isIdle(): boolean {
    return this.jobs.length === 0;
  }

  post(order: WorkerOrder): void {
    this.#worker.postMessage(order);
  }

  /** Whether it may take one more message, so that it never waits for the next small one. */
  hasRoom(sizeBytes: number): boolean {
    if (this.jobs.length === 0) return true;
    return this.jobs.length < jobsPerWorker && this.#bytes + sizeBytes <= bytesPerWorker;
  }

  /** Shared octets go as they are, others as a copy that is handed over (a view would take all of its buffer along). */
  give(job: Job, hardMs: number): void {
    const { source } = job.order;
    this.jobs.push(job);
    this.#bytes += job.sizeBytes;
    if (this.jobs.length === 1) this.#armScan(hardMs);
    const order = { ...job.order, followed: job.followed?.handOver(source, this) };
    if (source.kind === 'file' || source.bytes.buffer instanceof SharedArrayBuffer) {
      this.#worker.postMessage(order);
      return;
    }
    const bytes = new Uint8Array(source.bytes);
    this.#worker.postMessage({ ...order, source: { kind: 'bytes', bytes } }, [bytes.buffer]);
  }

  /** Takes the job that it has answered, always its first. */
  finish(id: number, hardMs: number): Job {
    const job = this.jobs.shift();
    if (job?.order.id !== id) throw new Error(`a scan worker answered ${id} for ${job?.order.id}`);
    this.#bytes -= job.sizeBytes;
    this.#armScan(hardMs);
    return job;
  }

  /** Has it read the rules, behind what it was given before. */
  load(generation: number, order: WorkerOrder): void {
    this.loading = generation;
    this.#loadTimer = setTimeout(() => this.#events.onLate(this, 'engine-failed'), loadMs);
    this.#loadTimer.unref();
    this.post(order);
  }

  /** It has read them. `rules`: what it works with now, unless it goes on with what it had. */
  finishLoad(rules?: LoadedRules): void {
    clearTimeout(this.#loadTimer);
    this.generation = this.loading ?? this.generation;
    this.loading = undefined;
    this.rules = rules ?? this.rules;
  }

  /** Resolves when it has ended: native code is waited for, which may be long. */
  async end(): Promise<void> {
    clearTimeout(this.#scanTimer);
    clearTimeout(this.#loadTimer);
    await this.#worker.terminate();
  }

  /** Its first message has all of the time; the ones behind it get theirs when they are first. */
  #armScan(hardMs: number): void {
    clearTimeout(this.#scanTimer);
    this.#scanTimer = undefined;
    if (this.jobs.length === 0) return;
    this.#scanTimer = setTimeout(() => this.#events.onLate(this, 'scan-time'), hardMs);
    this.#scanTimer.unref();
  }
}
