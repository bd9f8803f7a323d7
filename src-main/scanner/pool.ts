// The scanner as the rest of the product knows it: messages go to worker threads, and a verdict comes back, whatever
// happens to the worker. What no thread survives, the process does not: a fault of native code.
import { fileURLToPath } from 'node:url';
import { assertNever } from '../contract/assert-never.ts';
import type { LimitCode } from '../contract/verdict.ts';
import type { RuleProblem } from './engines/rule-files.ts';
import { FollowedMessage, type Following, mayFollow } from './following.ts';
import { defaultLimits, inFlightBytes, waitingBytes, waitingMessages } from './limits.ts';
import { defaultOptions } from './options.ts';
import { revisionOf } from './revision.ts';
import { RuleLoading } from './rule-loading.ts';
import {
  isLongCopy,
  type Job,
  orderOf,
  resultOf,
  type ScanOptions,
  type ScanResult,
  sharedCopy,
  sizeOf,
  unscanned,
} from './scan-job.ts';
import { ScanThread } from './scan-thread.ts';
import type { ScanConfiguration, Scanner, ScannerOptions } from './scanner.ts';
import type { EngineInfo, ScanSource, WorkerAnswer, WorkerSetup } from './worker-messages.ts';

export type { RuleProblem } from './engines/rule-files.ts';
export type { Following } from './following.ts';
export type { KnownFinding } from './known-findings.ts';
export type { Overwrite } from './neutralise.ts';
export type { ScanOptions, ScanResult } from './scan-job.ts';
export type { ScanConfiguration, Scanner, ScannerOptions } from './scanner.ts';

/** Starts of one worker in a row that may fail before it is given up. */
const startAttempts = 3;

/** Given up threads that still run: native code can't be ended. Each may take a processor; with so many of them a worker
 *  that is given up has no successor until one of them has ended. */
const abandonedThreads = 4;

class Pool implements Scanner {
  readonly #options: ScannerOptions;
  #setup: WorkerSetup;
  #threads: ScanThread[] = [];
  readonly #waiting: Job[] = [];
  #waitingBytes = 0;
  #inFlight = 0;
  /** The end of the copies that are being made. */
  #copying = Promise.resolve();
  #nextId = 0;
  #isStopped = false;
  #lastError: unknown;
  #crashes = 0;
  /** Given up, and not ended yet. */
  #abandoned = 0;
  /** Failed starts before each of the successors that wait for one of those to end. */
  readonly #missing: number[] = [];
  readonly #rules: RuleLoading;
  #revision = '';
  #announced = '';
  /** Workers that start for the first time. */
  readonly #started = Promise.withResolvers<void>();

  constructor(options: ScannerOptions) {
    this.#options = options;
    const { rulesDirectory, userRulesDirectory, cacheDirectory } = options;
    this.#setup = {
      rulesDirectory: rulesDirectory instanceof URL ? fileURLToPath(rulesDirectory) : rulesDirectory,
      userRulesDirectory,
      cacheDirectory,
      limits: { ...defaultLimits, ...options.limits },
      options: options.options ?? defaultOptions,
    };
    this.#rules = new RuleLoading(this.#setup);
    for (let i = 0; i < Math.max(1, options.workers); i++) this.#startWorker(0);
  }

  get engines(): readonly EngineInfo[] {
    return this.#rules.latest.engines;
  }

  get problems(): readonly RuleProblem[] {
    return this.#rules.problems;
  }

  get revision(): string {
    return this.#revision;
  }

  get crashes(): number {
    return this.#crashes;
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  scan(source: ScanSource, options: ScanOptions = {}): Promise<ScanResult> {
    const { signal, followed } = options;
    if (this.#isStopped) return Promise.reject(new Error('the scanner is stopped'));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const sizeBytes = sizeOf(source);
    const heldBytes = source.kind === 'file' ? 0 : sizeBytes;
    const refusal = this.#refusal(sizeBytes, heldBytes);
    if (refusal) return Promise.resolve(unscanned(refusal, sizeBytes));
    if (isLongCopy(source)) return this.#scanCopy(source.bytes, options);
    const { promise, resolve, reject } = Promise.withResolvers<ScanResult>();
    const job: Job = {
      order: orderOf(this.#nextId++, source, options),
      followed: followed instanceof FollowedMessage ? followed : undefined,
      sizeBytes,
      heldBytes,
      settle: resolve,
      fail: reject,
    };
    this.#waiting.push(job);
    this.#waitingBytes += heldBytes;
    this.#dispatch();
    if (!signal) return promise;
    const onAbort = () => this.#abort(job, signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  follow(): Following {
    return new FollowedMessage(this.#nextId++, () => this.#leastBusy(mayFollow));
  }

  configure({ limits, options }: ScanConfiguration): void {
    this.#setup = {
      ...this.#setup,
      limits: { ...this.#setup.limits, ...limits },
      options: options ?? this.#setup.options,
    };
    const configuration = { limits: this.#setup.limits, options: this.#setup.options };
    for (const thread of this.#threads) thread.post({ kind: 'configure', ...configuration });
    this.#announce();
  }

  async reload(): Promise<void> {
    if (this.#threads.length === 0) throw new Error('the scanner is stopped');
    const done = this.#rules.reload();
    this.#rules.loadNext(this.#threads);
    await done;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const threads = this.#threads;
    this.#threads = [];
    const reason = new Error('the scanner was stopped');
    for (const job of [...this.#takeWaiting(), ...threads.flatMap(({ jobs }) => jobs)]) job.fail(reason);
    this.#rules.stop(reason);
    this.#started.reject(reason);
    await Promise.all(threads.map((thread) => thread.end()));
  }

  /** Why a message is not scanned at all. */
  #refusal(sizeBytes: number, heldBytes: number): LimitCode | undefined {
    if (sizeBytes > this.#setup.limits.messageBytes) return 'message-size';
    const isFull = this.#waitingBytes > 0 && this.#waitingBytes + heldBytes > waitingBytes;
    if (isFull || this.#waiting.length >= waitingMessages) return 'queue-full';
    return this.#threads.length === 0 ? 'engine-failed' : undefined;
  }

  /** The copy is as much memory as a message that waits. */
  async #scanCopy(bytes: Uint8Array, options: ScanOptions): Promise<ScanResult> {
    this.#waitingBytes += bytes.length;
    // One after the other: several at once would hold everybody up for as much longer.
    const copying = this.#copying.then(() => sharedCopy(bytes));
    this.#copying = copying.then(
      () => undefined,
      () => undefined,
    );
    const copy = await copying.finally(() => {
      this.#waitingBytes -= bytes.length;
    });
    return await this.scan({ kind: 'bytes', bytes: copy }, options);
  }

  /** A message that waits is forgotten; one that is with a worker is finished there, for nobody. */
  #abort(job: Job, reason: unknown): void {
    const at = this.#waiting.indexOf(job);
    if (at !== -1) {
      this.#waiting.splice(at, 1);
      this.#waitingBytes -= job.heldBytes;
    }
    job.followed?.drop();
    job.fail(reason);
  }

  #takeWaiting(): Job[] {
    this.#waitingBytes = 0;
    return this.#waiting.splice(0);
  }

  #startWorker(failedStarts: number): void {
    const thread = new ScanThread(this.#options.workerUrl, this.#setup, failedStarts, {
      onAnswer: (from, answer) => this.#hear(from, answer),
      onEnd: (from, error) => {
        if (error !== undefined) this.#lastError = error;
        this.#lose(from, 'engine-failed');
      },
      onLate: (from, code) => this.#lose(from, code),
    });
    this.#threads.push(thread);
    this.#rules.loadNext(this.#threads);
  }

  #hear(thread: ScanThread, answer: WorkerAnswer): void {
    if (!this.#threads.includes(thread)) return;
    const { hardMs } = this.#setup.limits;
    switch (answer.kind) {
      case 'loaded':
        this.#rules.loaded(thread, this.#threads, answer);
        this.#rulesChanged();
        break;
      case 'load-failed':
        this.#rules.failed(thread, this.#threads, answer.message);
        this.#rulesChanged();
        break;
      case 'done': {
        const { report, overwrites, tags, leaves } = answer;
        this.#finish(thread, answer.id, hardMs).settle(resultOf(report, overwrites, tags, leaves));
        break;
      }
      case 'too-large': {
        const job = this.#finish(thread, answer.id, hardMs);
        job.settle(unscanned('message-size', job.sizeBytes));
        break;
      }
      case 'unreadable':
        this.#finish(thread, answer.id, hardMs).fail(
          Object.assign(new Error('the file cannot be read'), { code: answer.code }),
        );
        break;
      default:
        assertNever(answer);
    }
    this.#dispatch();
  }

  #finish(thread: ScanThread, id: number, hardMs: number): Job {
    const job = thread.finish(id, hardMs);
    this.#inFlight -= job.sizeBytes;
    return job;
  }

  #rulesChanged(): void {
    this.#rules.loadNext(this.#threads);
    this.#announce();
    this.#rules.settle(this.#threads);
    if (this.#threads.every(({ rules }) => rules !== undefined)) this.#started.resolve();
  }

  #announce(): void {
    const { limits, options } = this.#setup;
    const rules = this.#threads.flatMap((thread) => (thread.rules ? [thread.rules.revision] : []));
    this.#revision = revisionOf(rules, limits, options);
    const state = JSON.stringify([this.engines, this.problems, this.#revision]);
    if (state === this.#announced) return;
    this.#announced = state;
    this.#options.onChange?.();
  }

  /** A worker is gone, or given up: its first message is not scanned, the others go to other workers. */
  #lose(thread: ScanThread, code: LimitCode): void {
    const at = this.#threads.indexOf(thread);
    if (at === -1) return;
    this.#threads.splice(at, 1);
    this.#crashes++;
    for (const job of thread.jobs) this.#inFlight -= job.sizeBytes;
    const [first, ...others] = thread.jobs;
    first?.settle(unscanned(code, first.sizeBytes));
    this.#waiting.unshift(...others);
    for (const { heldBytes } of others) this.#waitingBytes += heldBytes;
    if (thread.loading !== undefined && first === undefined) this.#rules.blameUserRules();
    const failedStarts = thread.rules ? 0 : thread.failedStarts + 1;
    void this.#end(thread);
    if (failedStarts < startAttempts) {
      if (this.#abandoned <= abandonedThreads) this.#startWorker(failedStarts);
      else this.#missing.push(failedStarts);
    }
    if (this.#threads.length === 0) {
      const error = new Error('no scan worker starts', { cause: this.#lastError });
      this.#started.reject(error);
      this.#rules.stop(error);
      for (const job of this.#takeWaiting()) job.settle(unscanned('engine-failed', job.sizeBytes));
    }
    this.#rulesChanged();
    this.#dispatch();
  }

  /** Nobody waits for the end of a thread that was given up, but its successors are counted by it. */
  async #end(thread: ScanThread): Promise<void> {
    this.#abandoned++;
    await thread.end();
    this.#abandoned--;
    const failedStarts = this.#missing.shift();
    if (failedStarts !== undefined && !this.#isStopped) this.#startWorker(failedStarts);
  }

  #dispatch(): void {
    for (let job = this.#waiting[0]; job; job = this.#waiting[0]) {
      const { sizeBytes, heldBytes } = job;
      if (this.#inFlight > 0 && this.#inFlight + sizeBytes > inFlightBytes) return;
      const thread = this.#threadFor(job);
      if (!thread) return;
      this.#waiting.shift();
      this.#waitingBytes -= heldBytes;
      this.#inFlight += sizeBytes;
      thread.give(job, this.#setup.limits.hardMs);
    }
  }

  /** A worker that may take this message: the one that followed it, else the least busy one. */
  #threadFor({ order, sizeBytes, followed }: Job): ScanThread | undefined {
    const follower = followed?.followerOf(order.source);
    const known = this.#threads.find((thread) => thread === follower && thread.isIdle());
    return known ?? this.#leastBusy((thread) => thread.hasRoom(sizeBytes));
  }

  /** Of the workers that will do the one with the fewest jobs, and of those one that follows little. */
  #leastBusy(mayTake: (thread: ScanThread) => boolean): ScanThread | undefined {
    let best: ScanThread | undefined;
    for (const thread of this.#threads) {
      if (!thread.rules || !mayTake(thread)) continue;
      const jobs = thread.jobs.length - (best?.jobs.length ?? 0);
      if (!best || jobs < 0 || (jobs === 0 && thread.followed.size < best.followed.size)) best = thread;
    }
    return best;
  }
}

/**
 * Starts the workers and resolves when all of them are ready.
 * @throws (rejects) when none of them starts: a bug, or rules of ours that do not compile
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
