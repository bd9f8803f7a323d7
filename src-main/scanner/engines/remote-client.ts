// A remote engine over any protocol: which scan goes out on which connection, what becomes of those that are lost, and
// whether the server is there at all. No scan waits for a server that is known to be away.
import { BackOff } from './back-off.ts';
import type { RemoteAnswer, RemoteEngine, RemoteSource } from './remote-engine.ts';
import type { Probe, RemoteServer, Reply, Session } from './remote-server.ts';
import { sizeOf } from './remote-source.ts';

export interface RemoteClientOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** For one scan with its wait; default 30 s. */
  readonly timeoutMs?: number;
  /** Octets of the largest item that is sent; default: what the server takes, which is learned from its refusals. */
  readonly maxBytes?: number;
}

/** A large message at the slowest speed that was seen (7 MB/s) takes half of it. */
const defaultTimeoutMs = 30_000;

/** A server that is there answers this within milliseconds, also when all its threads are busy. */
const probeMs = 5_000;

/** Between two looks at a server that is there: a new database is known no later. */
const checkMs = 60_000;

/** No answer for so long, with some due: perhaps the server hangs. */
const stallMs = 5_000;

/** A connection without work is closed: clamd itself closes it after IdleTimeout, 30 s. */
const idleMs = 10_000;

/** Connections of large items and of second tries, beside the shared ones. */
const ownConnections = 2;

/** Scans that may wait; the pool has as many. */
const maxWaiting = 4_096;

/** Octets that may wait: more of them would not have their turn within the time of a scan. */
const maxWaitingBytes = 256 * 1024 * 1024;

/** Tries of one scan: what took a connection down once may be the item itself. */
const maxTries = 2;

/** A session, and the scans that it has. */
interface Link {
  readonly session: Session;
  count: number;
}

interface Job {
  readonly source: RemoteSource;
  readonly sizeBytes: number;
  /** Aborts when nobody waits any more. */
  readonly over: AbortController;
  readonly settle: (answer: RemoteAnswer) => void;
  readonly cancelTimer: () => void;
  tries: number;
  /** Where it was sent. */
  link: Link | undefined;
}

class RemoteClient implements RemoteEngine {
  readonly #server: RemoteServer;
  readonly #options: RemoteClientOptions;
  readonly #backOff: BackOff;
  /** `checking`: something went wrong, and nothing new goes out until a probe is answered. */
  #state: 'checking' | 'up' | 'down' | 'stopped' = 'checking';
  /** The answer to every scan while it is not up. */
  #whenDown: RemoteAnswer = { kind: 'down' };
  #version = '';
  #isUp = false;
  #connections = 1;
  /** Octets from which on the server refuses, as far as it is known. */
  #tooLargeBytes: number;
  readonly #waiting: { readonly shared: Job[]; readonly own: Job[] } = { shared: [], own: [] };
  #waitingBytes = 0;
  readonly #shared = new Set<Link>();
  readonly #own = new Set<Link>();
  #lastReplyAt = 0;
  #probing: AbortController | undefined;
  #cancelCheck: () => void = () => undefined;
  #cancelStall: (() => void) | undefined;
  #cancelIdle: () => void = () => undefined;

  constructor(server: RemoteServer, options: RemoteClientOptions) {
    this.#server = server;
    this.#options = options;
    this.#backOff = new BackOff(options.random);
    this.#tooLargeBytes = this.#mostBytes;
    this.#probe();
  }

  get id(): RemoteEngine['id'] {
    return this.#server.id;
  }

  get version(): string {
    return this.#version;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get #mostBytes(): number {
    return (this.#options.maxBytes ?? Number.POSITIVE_INFINITY) + 1;
  }

  async scan(source: RemoteSource, signal: AbortSignal): Promise<RemoteAnswer> {
    signal.throwIfAborted();
    if (this.#state === 'down' || this.#state === 'stopped') return this.#whenDown;
    const sizeBytes = sizeOf(source);
    if (sizeBytes === 0) return { kind: 'clean' };
    if (sizeBytes >= this.#tooLargeBytes) return { kind: 'skipped', detail: 'size' };
    const { shared, own } = this.#waiting;
    const isFull = shared.length + own.length >= maxWaiting;
    if (isFull || (this.#waitingBytes > 0 && this.#waitingBytes + sizeBytes > maxWaitingBytes))
      return { kind: 'timeout', detail: 'queue' };
    return await this.#ask(source, sizeBytes, signal);
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#leave('stopped', { kind: 'down', detail: 'stopped' });
    this.#probing?.abort();
    this.#cancelCheck();
    this.#cancelStall?.();
    this.#cancelIdle();
  }

  #ask(source: RemoteSource, sizeBytes: number, signal: AbortSignal): Promise<RemoteAnswer> {
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const end = () => {
        signal.removeEventListener('abort', onAbort);
        this.#forget(job);
        over.abort();
      };
      const onAbort = () => {
        end();
        // What was sent is still to be answered, and in time.
        if (!job.link) job.cancelTimer();
        reject(signal.reason);
      };
      const job: Job = {
        source,
        sizeBytes,
        over,
        tries: 0,
        link: undefined,
        cancelTimer: this.#options.after(this.#options.timeoutMs ?? defaultTimeoutMs, () =>
          this.#expire(job),
        ),
        settle: (answer) => {
          job.cancelTimer();
          if (over.signal.aborted) return;
          end();
          resolve(answer);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue(job, sizeBytes > this.#server.sharedBytes ? 'own' : 'shared');
      this.#dispatch();
    });
  }

  #queue(job: Job, kind: 'shared' | 'own'): void {
    if (job.tries === 0) this.#waiting[kind].push(job);
    else this.#waiting[kind].unshift(job);
    this.#waitingBytes += job.sizeBytes;
  }

  /** Out of the queues, where it is in one. */
  #forget(job: Job): void {
    for (const queue of [this.#waiting.shared, this.#waiting.own]) {
      const at = queue[0] === job ? 0 : queue.indexOf(job);
      if (at === -1) continue;
      queue.splice(at, 1);
      this.#waitingBytes -= job.sizeBytes;
    }
  }

  /** Its time is over. What it was sent to may hang: others are not left there. */
  #expire(job: Job): void {
    const { link } = job;
    job.settle(link ? { kind: 'timeout' } : { kind: 'timeout', detail: 'queue' });
    if (!link) return;
    this.#suspect();
    link.session.close();
  }

  #dispatch(): void {
    if (this.#state !== 'up') return;
    const { shared, own } = this.#waiting;
    for (let job = shared[0]; job; job = shared[0]) {
      const link = this.#sharedLink();
      if (!link) break;
      this.#give(job, link);
    }
    for (let job = own[0]; job && this.#own.size < ownConnections; job = own[0])
      this.#give(job, this.#open(this.#own));
  }

  /** The least busy one with room; a new one rather than a busy one, while it may have one more. */
  #sharedLink(): Link | undefined {
    let best: Link | undefined;
    for (const link of this.#shared) if (link.count < (best?.count ?? this.#server.window)) best = link;
    if (best?.count === 0 || this.#shared.size >= this.#connections) return best;
    return this.#open(this.#shared);
  }

  #open(links: Set<Link>): Link {
    const session = this.#server.open({
      onVersion: (version) => {
        this.#version = version;
      },
      onEnd: () => {
        links.delete(link);
        this.#dispatch();
      },
    });
    const link: Link = { session, count: 0 };
    links.add(link);
    return link;
  }

  #give(job: Job, link: Link): void {
    const isRetry = job.tries > 0;
    this.#forget(job);
    job.tries++;
    job.link = link;
    link.count++;
    this.#cancelIdle();
    if (this.#cancelStall === undefined) {
      this.#lastReplyAt = this.#options.now();
      this.#watchForStall(stallMs);
    }
    void link.session.ask(job.source, job.over.signal, isRetry).then((reply) => this.#hear(job, link, reply));
  }

  #hear(job: Job, link: Link, reply: Reply): void {
    link.count--;
    this.#lastReplyAt = this.#options.now();
    if (job.over.signal.aborted) job.cancelTimer();
    else this.#answer(job, reply);
    if (this.#own.has(link)) link.session.close();
    this.#dispatch();
    if (!this.#isBusy) this.#rest();
  }

  #answer(job: Job, reply: Reply): void {
    if (reply.kind === 'too-large') {
      this.#tooLargeBytes = Math.min(this.#tooLargeBytes, job.sizeBytes);
      job.settle({ kind: 'skipped', detail: 'size' });
    } else if (reply.kind !== 'lost') job.settle(reply);
    else if (this.#state === 'down' || this.#state === 'stopped') job.settle(this.#whenDown);
    else if (job.tries >= maxTries) {
      job.settle({ kind: 'failed', detail: 'closed' });
      this.#suspect();
    } else {
      job.link = undefined;
      this.#queue(job, 'own');
      this.#suspect();
    }
  }

  get #isBusy(): boolean {
    return [...this.#shared, ...this.#own].some(({ count }) => count > 0);
  }

  /** Nothing is under way: the connections are kept for a while. */
  #rest(): void {
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    this.#cancelIdle();
    if (this.#state === 'stopped') return;
    this.#cancelIdle = this.#options.after(idleMs, () => this.#closeAll());
  }

  #watchForStall(delayMs: number): void {
    this.#cancelStall = this.#options.after(delayMs, () => {
      const silentMs = this.#options.now() - this.#lastReplyAt;
      // Whoever scans something large for long still answers a probe.
      if (silentMs >= stallMs && !this.#probing) this.#probe();
      this.#watchForStall(silentMs >= stallMs ? stallMs : stallMs - silentMs);
    });
  }

  #closeAll(): void {
    for (const { session } of [...this.#shared, ...this.#own]) session.close();
  }

  /** Something went wrong: nothing goes out until a probe that begins now is answered. */
  #suspect(): void {
    if (this.#state !== 'up') return;
    this.#state = 'checking';
    this.#probing?.abort();
    this.#probe();
  }

  #probe(): void {
    this.#cancelCheck();
    const probing = new AbortController();
    this.#probing = probing;
    const cancel = this.#options.after(probeMs, () => probing.abort());
    void this.#server.probe(probing.signal).then((probe) => {
      cancel();
      if (this.#probing !== probing || this.#state === 'stopped') return;
      this.#probing = undefined;
      this.#judge(probe);
    });
  }

  #judge(probe: Probe): void {
    let delayMs = checkMs;
    if (probe.kind === 'up') {
      this.#backOff.reset();
      // Who was away may have come back with another limit.
      if (this.#state === 'down') this.#tooLargeBytes = this.#mostBytes;
      this.#version = probe.version;
      this.#connections = probe.connections;
      this.#state = 'up';
      this.#isUp = true;
      this.#dispatch();
    } else {
      this.#leave('down', probe);
      delayMs = this.#backOff.next();
    }
    this.#cancelCheck = this.#options.after(delayMs, () => this.#probe());
  }

  /** Everything that waits or is under way has `answer`, and everything to come. */
  #leave(state: 'down' | 'stopped', answer: RemoteAnswer): void {
    this.#state = state;
    this.#isUp = false;
    this.#whenDown = answer;
    for (const job of [...this.#waiting.shared, ...this.#waiting.own]) job.settle(answer);
    this.#closeAll();
  }
}

/** A remote engine that speaks `server`'s protocol. It looks for the server from now on, until it is stopped. */
export function remoteClient(server: RemoteServer, options: RemoteClientOptions): RemoteEngine {
  return new RemoteClient(server, options);
}
