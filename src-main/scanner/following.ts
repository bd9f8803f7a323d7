// A message that still arrives, as the pool follows it: one worker is told of its octets and works ahead. No more than
// a hint: the scan at the end knows by itself all that it needs.
import { followedPerWorker } from './limits.ts';
import type { ScanSource, WorkerOrder } from './worker-messages.ts';

/** To be told what has arrived of one message that will be scanned when it is whole. */
export interface Following {
  /**
   * All octets so far, over a SharedArrayBuffer. They must stay as they are for as long as the message is followed;
   * later on they may be in another one, and the first may then be used for something else.
   */
  arrived(bytes: Uint8Array): void;
  /** The message is not to be followed any longer. May be called at any time, also when its scan has ended. */
  drop(): void;
}

/** What a followed message needs of its worker; one that is gone hears nothing. */
export interface Follower {
  readonly followed: Set<FollowedMessage>;
  /** Nothing is being scanned there, or waits for it. */
  isIdle(): boolean;
  post(order: WorkerOrder): void;
}

/** Whether a worker may follow one more message. */
export function mayFollow({ followed }: Follower): boolean {
  return followed.size < followedPerWorker;
}

export class FollowedMessage implements Following {
  readonly #id: number;
  /** A worker that may take one more; undefined: none. */
  readonly #find: () => Follower | undefined;
  #follower: Follower | undefined;
  /** What the worker was last told of. */
  #latest: Uint8Array | undefined;
  #isOver = false;

  constructor(id: number, find: () => Follower | undefined) {
    this.#id = id;
    this.#find = find;
  }

  arrived(bytes: Uint8Array): void {
    if (this.#isOver || !(bytes.buffer instanceof SharedArrayBuffer)) return;
    if (!this.#follower) {
      this.#follower = this.#find();
      this.#follower?.followed.add(this);
    }
    // What it misses while it scans is in the view that it gets next.
    if (!this.#follower?.isIdle()) return;
    // An order that is on its way may have met the octets of another message in the first memory.
    if (!this.#isWithLatest(bytes)) this.#forget();
    this.#latest = bytes;
    this.#follower.post({ kind: 'prepare', followed: this.#id, bytes });
  }

  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    this.#follower?.followed.delete(this);
  }

  /** The worker that knows most of these octets. */
  followerOf(source: ScanSource): Follower | undefined {
    const isKnown = source.kind === 'bytes' && this.#isWithLatest(source.bytes);
    return isKnown && !this.#isOver ? this.#follower : undefined;
  }

  /** Ends the following with the scan by `follower`; answers with what it knows the message by, if it does. */
  handOver(source: ScanSource, follower: Follower): number | undefined {
    if (this.followerOf(source) !== follower) {
      this.drop();
      return undefined;
    }
    this.#isOver = true;
    follower.followed.delete(this);
    return this.#id;
  }

  /** Whether octets begin at the same place of the same memory as those that the worker was told of. */
  #isWithLatest({ buffer, byteOffset, length }: Uint8Array): boolean {
    const latest = this.#latest;
    return latest?.buffer === buffer && latest.byteOffset === byteOffset && latest.length <= length;
  }

  #forget(): void {
    if (this.#latest) this.#follower?.post({ kind: 'forget', followed: this.#id });
    this.#latest = undefined;
  }
}
