// Summaries of messages for people, from a thread of its own that has little memory and little time: what a message may
// do to the library that reads it stays there.
import { Worker } from 'node:worker_threads';
import type { MessageSummary } from './message-summary.ts';
import type { SummaryAnswer, SummaryOrder } from './summary-messages.ts';

export interface Summaries {
  /**
   * Sender, subject, date and names of attachments, as far as there are any and they can be read in time. Never
   * rejects.
   * @param message as much of it as there is; over a SharedArrayBuffer it is not copied, and must not change meanwhile
   */
  summarise(message: Uint8Array): Promise<MessageSummary>;
  /** May be called twice; what is asked for has no answer then. */
  stop(): Promise<void>;
}

export interface SummariesOptions {
  /** The entry point of the worker: summary-worker.ts, or what it was bundled to. */
  readonly workerUrl: URL;
  readonly timeoutMs?: number;
}

/** An ordinary message takes some ms, and the first one the start of the thread. */
const defaultTimeoutMs = 5_000;

/** Messages that wait: each was found to be something, and waits to be delivered. */
const maxWaiting = 64;

/** Memory for JavaScript's own objects, in MiB: the library loaded, and a skeleton of half a MiB read. */
const heapMiB = 128;

/** Octets that are looked at where they must be copied: the header, and usually all names. */
const copiedBytes = 4 * 1024 * 1024;

const nothing: MessageSummary = { attachments: [] };

interface Request {
  readonly bytes: Uint8Array;
  readonly resolve: (summary: MessageSummary) => void;
}

class SummaryThread implements Summaries {
  readonly #options: SummariesOptions;
  #worker: Worker | undefined;
  readonly #waiting: Request[] = [];
  #current: Request | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 0;
  #isStopped = false;

  constructor(options: SummariesOptions) {
    this.#options = options;
  }

  summarise(message: Uint8Array): Promise<MessageSummary> {
    if (this.#isStopped || this.#waiting.length >= maxWaiting) return Promise.resolve(nothing);
    const isShared = message.buffer instanceof SharedArrayBuffer;
    const bytes = isShared ? message : message.slice(0, copiedBytes);
    return new Promise((resolve) => {
      this.#waiting.push({ bytes, resolve });
      this.#next();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(nothing);
    await this.#giveUp();
  }

  #next(): void {
    if (this.#current) return;
    this.#current = this.#waiting.shift();
    if (!this.#current) return;
    const id = this.#nextId++;
    const worker = this.#running();
    this.#timer = setTimeout(() => void this.#giveUp(), this.#options.timeoutMs ?? defaultTimeoutMs);
    this.#timer.unref();
    worker.postMessage({ id, bytes: this.#current.bytes } satisfies SummaryOrder);
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#options.workerUrl, {
      name: 'postern-summary',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
    });
    worker.on('message', ({ id, summary }: SummaryAnswer) => {
      if (worker === this.#worker && id === this.#nextId - 1) this.#answer(summary);
    });
    // It ends, and then `exit` comes. What went wrong is the message's fault, and nobody's business.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (worker === this.#worker) void this.#giveUp();
    });
    this.#worker = worker;
    return worker;
  }

  #answer(summary: MessageSummary): void {
    clearTimeout(this.#timer);
    const current = this.#current;
    this.#current = undefined;
    current?.resolve(summary);
    this.#next();
  }

  /** The message that it is at has no summary, and the next one gets a thread of its own. */
  async #giveUp(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#answer(nothing);
    await worker?.terminate();
  }
}

/** Starts nothing: the thread starts when the first message is to be summarised. */
export function openSummaries(options: SummariesOptions): Summaries {
  return new SummaryThread(options);
}
