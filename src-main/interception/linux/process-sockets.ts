// Finds the process that holds a socket, by its inode, in /proc. A walk over all descriptors of a desktop takes some 50 to
// 100 ms, so one walk serves all that ask meanwhile, it yields between slices, and programs that had mail sockets come first.
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Longest stretch without a turn of the event loop; reading one descriptor takes about 8 µs. */
const sliceMs = 4;

/** A client waits for its greeting this much longer at most; after that its owner counts as unknown. */
const deadlineMs = 100;

/** Programs that fetch mail on one machine are few; each costs a look at its descriptors before a walk. */
const maxRecent = 8;

export interface ProcessSocketsOptions {
  readonly procRoot: string;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

export interface ProcessSockets {
  /** The pid that holds the socket, or undefined when none does, it is not ours to see, or the deadline passes. */
  find(inode: number, uid: number): Promise<number | undefined>;
}

interface Waiter {
  readonly inode: string;
  readonly uid: number;
  readonly askedAtMs: number;
  readonly resolve: (pid: number | undefined) => void;
}

/** What a directory holds, or nothing when its process has ended or is not ours to see. */
function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The user that a process runs as; root for one that must not be looked into. */
function userOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

class Walker implements ProcessSockets {
  readonly #options: ProcessSocketsOptions;
  /** Pids that had mail sockets, the last one first. */
  #recent: number[] = [];
  #waiters: Waiter[] = [];
  #walking = false;

  constructor(options: ProcessSocketsOptions) {
    this.#options = options;
  }

  find(inode: number, uid: number): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const askedAtMs = this.#options.now();
    const waiter = { inode: `socket:[${inode}]`, uid, askedAtMs, resolve };
    this.#waiters.push(waiter);
    for (const pid of [...this.#recent]) {
      this.#look(pid);
      if (!this.#waiters.includes(waiter)) return promise;
      if (this.#options.now() - askedAtMs > sliceMs) break;
    }
    if (!this.#walking) void this.#walk();
    return promise;
  }

  /** Walks until nobody waits. One walk has seen every process that was there when a waiter asked before it began. */
  async #walk(): Promise<void> {
    this.#walking = true;
    while (this.#waiters.length > 0) {
      const asked = [...this.#waiters];
      let sliceEndsAtMs = this.#options.now() + sliceMs;
      for (const pid of this.#order()) {
        this.#look(pid);
        if (this.#waiters.length === 0) break;
        if (this.#options.now() < sliceEndsAtMs) continue;
        await setImmediate();
        this.#giveUp((waiter) => this.#options.now() - waiter.askedAtMs >= deadlineMs);
        sliceEndsAtMs = this.#options.now() + sliceMs;
      }
      this.#giveUp((waiter) => asked.includes(waiter));
    }
    this.#walking = false;
  }

  /** All pids: known ones, then those of the users who ask, the youngest first, then the rest. */
  #order(): number[] {
    const uids = new Set(this.#waiters.map((waiter) => waiter.uid));
    const own: number[] = [];
    const others: number[] = [];
    for (const name of entriesOf(this.#options.procRoot)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || this.#recent.includes(pid)) continue;
      const uid = userOf(`${this.#options.procRoot}/${name}`);
      (uid !== undefined && uids.has(uid) ? own : others).push(pid);
    }
    const youngestFirst = (a: number, b: number) => b - a;
    return [...this.#recent, ...own.sort(youngestFirst), ...others.sort(youngestFirst)];
  }

  /** Answers all who ask for a socket of this process. */
  #look(pid: number): void {
    const folder = `${this.#options.procRoot}/${pid}/fd`;
    for (const name of entriesOf(folder)) {
      const link = linkOf(`${folder}/${name}`);
      if (link === undefined || !link.startsWith('socket:')) continue;
      const found = this.#waiters.filter((waiter) => waiter.inode === link);
      if (found.length === 0) continue;
      this.#recent = [pid, ...this.#recent.filter((each) => each !== pid)].slice(0, maxRecent);
      this.#waiters = this.#waiters.filter((waiter) => waiter.inode !== link);
      for (const waiter of found) waiter.resolve(pid);
      if (this.#waiters.length === 0) return;
    }
  }

  #giveUp(over: (waiter: Waiter) => boolean): void {
    const given = this.#waiters.filter(over);
    this.#waiters = this.#waiters.filter((waiter) => !given.includes(waiter));
    for (const waiter of given) waiter.resolve(undefined);
  }
}

export function createProcessSockets(options: ProcessSocketsOptions): ProcessSockets {
  return new Walker(options);
}
