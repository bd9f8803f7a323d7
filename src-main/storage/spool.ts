// Where the octets of a message stay from their arrival until they have left: small ones in memory that the scanner's
// workers share, large ones in a file. A full disk is an answer of `finish`, never an exception.
import { chmod, type FileHandle, mkdir, mkdtemp, open as openFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type OpenFile, type WritableFile, writeAll } from './durable-file.ts';

type SpoolSource =
  /** Exactly the octets, over a SharedArrayBuffer. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number };

export interface Spool {
  /** Copies the octets. What comes after a failed write is counted but not kept. */
  append(bytes: Uint8Array): void;
  readonly sizeBytes: number;
  /** Octets that wait for the disk; whoever appends waits for `drained` when it grows. */
  readonly backlogBytes: number;
  /** Resolves when nothing waits for the disk any more, also because it failed or the spool was dropped. */
  drained(): Promise<void>;
  /** Ends the appending. `ok: false`: the disk did not take all octets. */
  finish(): Promise<{ readonly ok: boolean }>;
  /** After `finish`: where the octets are. */
  source(): SpoolSource;
  /** After `finish`: octets `from` (inclusive) to `to` (exclusive), fewer where the spool ends. Rejects when the disk
   *  fails or the spool was dropped. A view, not to be written to; after `drop` its octets may be another message's. */
  read(from: number, to: number): Promise<Uint8Array>;
  /** All octets so far, when they are in memory; no copy. The next `append` may move them to another memory, and leave
   *  the one before to another spool. */
  bytes(): Uint8Array | undefined;
  /** Forgets the octets, at any time. Never rejects, and may be called twice. */
  drop(): Promise<void>;
}

export interface SpoolStore {
  create(): Spool;
  /** Drops all spools. May be called twice. */
  stop(): Promise<void>;
}

/** What is used of an open spool file. */
export type SpoolFile = WritableFile & Pick<FileHandle, 'read'>;

export interface SpoolStoreOptions {
  /** Made when it is missing. What an earlier run left in it is removed. */
  readonly directory: string;
  /** Every spool may hold this much in memory. */
  readonly memoryBytes?: number;
  /** What larger ones may hold in memory together; those that get none of it move to a file. */
  readonly sharedMemoryBytes?: number;
  /** A write or a removal failed: the technical words, for the log. */
  readonly onFailure: (error: unknown) => void;
  readonly open?: OpenFile<SpoolFile>;
}

/** Most messages are smaller than a mebibyte; DESIGN gives a spool this much memory. */
const defaultMemoryBytes = 1024 * 1024;

/** A few large messages at a time are spared the way through a file, which costs more than their scan. */
const defaultSharedMemoryBytes = 64 * 1024 * 1024;

/** Sizes of memory that a large spool asks for; it is backed by pages only as far as it is filled. */
const largeBytes = [4 * 1024 * 1024, 32 * 1024 * 1024];

/** First memory of a spool: most messages fit, and an allocation of this size takes a few microseconds. */
const firstBytes = 16 * 1024;

/** Octets of one write: large enough that the calls cost nothing, small enough that the disk is at work early. */
const blockBytes = 256 * 1024;

/** A server that sends without end must not fill the disk. No mail server takes messages of this size. */
const maxFileBytes = 1024 * 1024 * 1024;

const runPrefix = 'run-';

interface Block {
  readonly bytes: Uint8Array;
  used: number;
}

interface FileSpoolOptions {
  readonly path: string;
  readonly open: OpenFile<SpoolFile>;
  readonly onFailure: (error: unknown) => void;
}

/** The part of a spool that is in a file: a queue of full blocks that one loop writes in order. */
class FileSpool {
  readonly path: string;
  readonly #options: FileSpoolOptions;
  readonly #file: Promise<SpoolFile | undefined>;
  readonly #full: Block[] = [];
  #filling: Block | undefined;
  #writing: Promise<void> | undefined;
  #writingBytes = 0;
  #sizeBytes: number;
  #failed = false;
  #dropped: Promise<void> | undefined;

  constructor(first: Uint8Array, options: FileSpoolOptions) {
    this.path = options.path;
    this.#sizeBytes = first.length;
    this.#options = options;
    this.#file = options.open(options.path, 'wx+', 0o600).catch((error: unknown) => {
      this.#fail(error);
      return undefined;
    });
    this.#enqueue({ bytes: first, used: first.length });
  }

  get #over(): boolean {
    return this.#failed || this.#dropped !== undefined;
  }

  get backlogBytes(): number {
    return this.#full.reduce((sum, block) => sum + block.used, this.#writingBytes);
  }

  append(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > maxFileBytes) {
      this.#fail(new Error('the message is larger than a spool may be'));
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      this.#filling ??= { bytes: Buffer.allocUnsafeSlow(blockBytes), used: 0 };
      const piece = bytes.subarray(at, at + blockBytes - this.#filling.used);
      this.#filling.bytes.set(piece, this.#filling.used);
      this.#filling.used += piece.length;
      at += piece.length;
      if (this.#filling.used === blockBytes) this.#flush();
    }
  }

  async drained(): Promise<void> {
    await this.#writing;
  }

  async finish(): Promise<boolean> {
    this.#flush();
    await this.#writing;
    return !this.#over;
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const file = await this.#file;
    if (!file || this.#over) throw new Error('the spool is gone');
    const bytes = new Uint8Array(to - from);
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, from + at);
      if (bytesRead === 0) return bytes.subarray(0, at);
      at += bytesRead;
    }
    return bytes;
  }

  drop(): Promise<void> {
    this.#dropped ??= this.#remove();
    return this.#dropped;
  }

  async #remove(): Promise<void> {
    this.#full.length = 0;
    this.#filling = undefined;
    const file = await this.#file;
    const closed = async () => {
      await this.#writing;
      await file?.close();
    };
    for (const result of await Promise.allSettled([rm(this.path, { force: true }), closed()])) {
      if (result.status === 'rejected') this.#options.onFailure(result.reason);
    }
  }

  #flush(): void {
    if (this.#filling) this.#enqueue(this.#filling);
    this.#filling = undefined;
  }

  #enqueue(block: Block): void {
    if (this.#over) return;
    this.#full.push(block);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    const file = await this.#file;
    for (let block = this.#full.shift(); file && block; block = this.#full.shift()) {
      this.#writingBytes = block.used;
      try {
        await writeAll(file, block.bytes.subarray(0, block.used));
      } catch (error) {
        this.#fail(error);
      }
      this.#writingBytes = 0;
    }
    this.#writing = undefined;
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#full.length = 0;
    this.#filling = undefined;
    this.#options.onFailure(error);
  }
}

/**
 * Memory that large spools share; each gives back what it took. One piece of each size is kept for the next: the first
 * touch of fresh pages costs as much as half a scan.
 */
class SharedMemory {
  #leftBytes: number;
  readonly #kept = new Map<number, Uint8Array>();

  constructor(sizeBytes: number) {
    this.#leftBytes = sizeBytes;
  }

  /** `returning`: what will be given back for it. */
  take(sizeBytes: number, returning: Uint8Array | undefined): Uint8Array | undefined {
    if (sizeBytes > this.#leftBytes + (returning?.length ?? 0)) return undefined;
    this.#leftBytes -= sizeBytes;
    const kept = this.#kept.get(sizeBytes);
    this.#kept.delete(sizeBytes);
    return kept ?? new Uint8Array(new SharedArrayBuffer(sizeBytes));
  }

  giveBack(memory: Uint8Array): void {
    this.#leftBytes += memory.length;
    this.#kept.set(memory.length, memory);
  }
}

interface OneSpoolOptions {
  readonly memoryBytes: number;
  readonly shared: SharedMemory;
  readonly openFile: (first: Uint8Array) => FileSpool;
  readonly onDrop: () => void;
}

class OneSpool implements Spool {
  readonly #options: OneSpoolOptions;
  #memory: Uint8Array | undefined;
  #isShared = false;
  #file: FileSpool | undefined;
  #dropped = false;
  sizeBytes = 0;

  constructor(options: OneSpoolOptions) {
    this.#options = options;
  }

  get backlogBytes(): number {
    return this.#file?.backlogBytes ?? 0;
  }

  append(bytes: Uint8Array): void {
    if (this.#dropped) return;
    const before = this.sizeBytes;
    this.sizeBytes += bytes.length;
    const room = this.#file ? undefined : this.#room(before);
    if (room) room.set(bytes, before);
    else {
      this.#file ??= this.#options.openFile(this.#memory?.subarray(0, before) ?? new Uint8Array());
      this.#forget();
      this.#file.append(bytes);
    }
  }

  /**
   * Memory for `sizeBytes` octets, with the first `usedBytes` of them in it; undefined: there is none. Copying into a
   * larger one is three times as fast as a SharedArrayBuffer that grows in place.
   */
  #room(usedBytes: number): Uint8Array | undefined {
    const has = this.#memory?.length ?? 0;
    if (this.#memory && this.sizeBytes <= has) return this.#memory;
    const { memoryBytes } = this.#options;
    const isShared = this.sizeBytes > memoryBytes;
    const larger = isShared ? this.#takeShared() : this.#allocate(Math.max(firstBytes, has));
    if (!larger) return undefined;
    if (this.#memory) larger.set(this.#memory.subarray(0, usedBytes));
    this.#forget();
    this.#memory = larger;
    this.#isShared = isShared;
    return larger;
  }

  #allocate(atLeast: number): Uint8Array {
    let needed = atLeast;
    while (needed < this.sizeBytes) needed *= 2;
    return new Uint8Array(new SharedArrayBuffer(Math.min(needed, this.#options.memoryBytes)));
  }

  #takeShared(): Uint8Array | undefined {
    const large = largeBytes.find((size) => size >= this.sizeBytes);
    if (large === undefined) return undefined;
    return this.#options.shared.take(large, this.#isShared ? this.#memory : undefined);
  }

  #forget(): void {
    if (this.#memory && this.#isShared) this.#options.shared.giveBack(this.#memory);
    this.#memory = undefined;
    this.#isShared = false;
  }

  async drained(): Promise<void> {
    await this.#file?.drained();
  }

  async finish(): Promise<{ readonly ok: boolean }> {
    return { ok: this.#file ? await this.#file.finish() : true };
  }

  source(): SpoolSource {
    if (this.#file) return { kind: 'file', path: this.#file.path, sizeBytes: this.sizeBytes };
    return { kind: 'bytes', bytes: this.bytes() ?? new Uint8Array(new SharedArrayBuffer(0)) };
  }

  bytes(): Uint8Array | undefined {
    if (this.#file) return undefined;
    return this.#memory?.subarray(0, this.sizeBytes) ?? new Uint8Array(new SharedArrayBuffer(0));
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    if (this.#dropped) throw new Error('the spool is gone');
    const end = Math.min(to, this.sizeBytes);
    if (from >= end) return new Uint8Array();
    return this.#file
      ? await this.#file.read(from, end)
      : (this.bytes()?.subarray(from, end) ?? new Uint8Array());
  }

  async drop(): Promise<void> {
    if (!this.#dropped) this.#options.onDrop();
    this.#dropped = true;
    this.#forget();
    await this.#file?.drop();
  }
}

/** Opens the store in a folder of its own below `directory`, and removes those of dead processes. */
export async function openSpoolStore(options: SpoolStoreOptions): Promise<SpoolStore> {
  const { directory, onFailure, open = openFile } = options;
  const { memoryBytes = defaultMemoryBytes, sharedMemoryBytes = defaultSharedMemoryBytes } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const leftovers = (await readdir(directory)).filter((name) => name.startsWith(runPrefix));
  for (const name of leftovers) {
    await rm(join(directory, name), { recursive: true, force: true }).catch(onFailure);
  }
  const run = await mkdtemp(join(directory, runPrefix));
  const live = new Set<Spool>();
  const shared = new SharedMemory(sharedMemoryBytes);
  let created = 0;
  return {
    create() {
      const path = join(run, `${++created}.spool`);
      const spool: Spool = new OneSpool({
        memoryBytes,
        shared,
        openFile: (first) => new FileSpool(first, { path, open, onFailure }),
        onDrop: () => live.delete(spool),
      });
      live.add(spool);
      return spool;
    },
    async stop() {
      await Promise.all([...live].map((spool) => spool.drop()));
      await rm(run, { recursive: true, force: true }).catch(onFailure);
    },
  };
}
