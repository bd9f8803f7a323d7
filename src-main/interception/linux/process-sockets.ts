// Finds the process that holds a socket, by its inode, in /proc. A walk over all descriptors of a desktop takes some 50 to
// 100 ms, so one walk serves all that ask meanwhile, it yields between slices, and programs that had mail sockets come first.
import { type Dir, opendirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Longest stretch without a turn of the event loop; reading one descriptor takes about 8 µs. */
const sliceMs = 4;

/** A client waits for its greeting this much longer at most; after that its owner counts as unknown. */
export const ownerDeadlineMs = 100;

/** Programs that fetch mail on one machine are few; each costs a look at its descriptors before a walk. */
const maxRecent = 8;

/** Descriptors of one process that are looked at: half the deadline, so that one process with more can't hide all others. */
const maxDescriptors = 10_000;

/** Descriptors between two looks at the clock; they take half a millisecond. */
const descriptorsPerCheck = 100;

/** A program opens its next connection at the number of the one that it closed, or at the next ones. */
const likelyDescriptors = 3;

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

function openFolder(path: string): Dir | undefined {
  try {
    return opendirSync(path, { bufferSize: descriptorsPerCheck });
  } catch {
    return undefined;
  }
}

/** The next name in a folder, or undefined at its end and when its process ends meanwhile. */
function nextName(folder: Dir): string | undefined {
  try {
    return folder.readSync()?.name;
  } catch {
    return undefined;
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
  /** Pids that had mail sockets with the descriptor of the last one; the last one used comes last. */
  readonly #recent = new Map<number, number>();
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
    this.#lookAtRecent(waiter);
    if (this.#waiters.length > 0 && !this.#walking) void this.#walk();
    return promise;
  }

  /** At the likely descriptors of all, then at all descriptors, for a slice's time. */
  #lookAtRecent(waiter: Waiter): void {
    const pids = this.#recentPids();
    for (const pid of pids) this.#lookAtLikely(pid);
    if (!this.#waiters.includes(waiter)) return;
    for (const pid of pids) {
      for (const _ of this.#look(pid)) {
        if (!this.#waiters.includes(waiter)) return;
        if (this.#options.now() - waiter.askedAtMs > sliceMs) return;
      }
    }
  }

  /** The last one used first. */
  #recentPids(): number[] {
    return [...this.#recent.keys()].reverse();
  }

  /** Walks until nobody waits. One walk has seen every process that was there when a waiter asked before it began. */
  async #walk(): Promise<void> {
    this.#walking = true;
    while (this.#waiters.length > 0) {
      const asked = [...this.#waiters];
      await this.#walkOnce();
      this.#giveUp((waiter) => asked.includes(waiter));
    }
    this.#walking = false;
  }

  async #walkOnce(): Promise<void> {
    let sliceEndsAtMs = this.#options.now() + sliceMs;
    for (const pid of this.#order()) {
      for (const _ of this.#look(pid)) {
        if (this.#waiters.length === 0) return;
        if (this.#options.now() < sliceEndsAtMs) continue;
        await setImmediate();
        this.#giveUp((waiter) => this.#options.now() - waiter.askedAtMs >= ownerDeadlineMs);
        sliceEndsAtMs = this.#options.now() + sliceMs;
      }
    }
  }

  /** All pids: known ones, then those of the users who ask, the youngest first, then the rest. */
  #order(): number[] {
    const uids = new Set(this.#waiters.map((waiter) => waiter.uid));
    const own: number[] = [];
    const others: number[] = [];
    for (const name of entriesOf(this.#options.procRoot)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || this.#recent.has(pid)) continue;
      const uid = userOf(`${this.#options.procRoot}/${name}`);
      (uid !== undefined && uids.has(uid) ? own : others).push(pid);
    }
    const youngestFirst = (a: number, b: number) => b - a;
    return [...this.#recentPids(), ...own.sort(youngestFirst), ...others.sort(youngestFirst)];
  }

  #lookAtLikely(pid: number): void {
    const last = this.#recent.get(pid);
    for (let i = 0; last !== undefined && i < likelyDescriptors && this.#waiters.length > 0; i++) {
      this.#answer(pid, String(last + i));
    }
  }

  /** Looks at all descriptors of a process; yields when it is time to look at the clock, and at the end. */
  *#look(pid: number): Generator<void> {
    const folder = openFolder(`${this.#options.procRoot}/${pid}/fd`);
    if (!folder) return yield;
    try {
      for (let i = 1; i <= maxDescriptors && this.#waiters.length > 0; i++) {
        const name = nextName(folder);
        if (name === undefined) break;
        this.#answer(pid, name);
        if (i % descriptorsPerCheck === 0) yield;
      }
      yield;
    } finally {
      folder.closeSync();
    }
  }

  /** Answers all who ask for the socket that is open at a descriptor. */
  #answer(pid: number, descriptor: string): void {
    const link = linkOf(`${this.#options.procRoot}/${pid}/fd/${descriptor}`);
    const found = link?.startsWith('socket:') ? this.#waiters.filter((waiter) => waiter.inode === link) : [];
    if (found.length === 0) return;
    this.#recent.delete(pid);
    this.#recent.set(pid, Number(descriptor));
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= maxRecent) break;
      this.#recent.delete(oldest);
    }
    this.#waiters = this.#waiters.filter((waiter) => waiter.inode !== link);
    for (const waiter of found) waiter.resolve(pid);
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
