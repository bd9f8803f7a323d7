// The originals of infected messages, kept until a person deletes them. What `put` has acknowledged survives a crash
// and a loss of power; the octets are masked, so that no program opens or flags a file by accident.
import { createHash } from 'node:crypto';
import { chmod, mkdir, open as openFile, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { QuarantineEntry } from '../contract/api.ts';
import type { Verdict } from '../contract/verdict.ts';
import {
  isTemporary,
  type OpenFile,
  placeFile,
  syncDirectory,
  type WritableFile,
  writeAll,
} from './durable-file.ts';
import { Mask, readHeader, writeHeader } from './quarantine-format.ts';

export interface QuarantineInput {
  /** Octets `from` (inclusive) to `to` (exclusive) of the original. */
  readonly read: (from: number, to: number) => Promise<Uint8Array>;
  readonly sizeBytes: number;
  readonly verdict: Verdict;
  readonly server: string;
  readonly sender?: string;
  readonly subject?: string;
}

type QuarantineResult =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly reason: 'quarantine-failed' };

export interface Quarantine {
  /** Keeps an original. Once it resolves with `ok` the file lasts; the same octets of the same server are kept once. */
  put(input: QuarantineInput): Promise<QuarantineResult>;
  /** Newest first. A file that can't be understood is left out and told to `onProblem`. */
  list(): Promise<QuarantineEntry[]>;
  show(id: string): Promise<QuarantineEntry | undefined>;
  /** The original, octet for octet. Throws when there is no such entry, and after the last octet when what was read is
   *  not what was kept. */
  read(id: string): AsyncIterable<Uint8Array>;
}

export type QuarantineProblem =
  | { readonly kind: 'put-failed'; readonly error: unknown }
  | { readonly kind: 'damaged'; readonly file: string; readonly error: unknown };

export interface QuarantineOptions {
  /** Made when it is missing. */
  readonly directory: string;
  readonly now: () => Date;
  readonly random: (sizeBytes: number) => Uint8Array;
  readonly onProblem: (problem: QuarantineProblem) => void;
  readonly open?: OpenFile<WritableFile>;
}

/** Octets read and written at once. */
const chunkBytes = 256 * 1024;

/** Files whose headers are read at once. */
const headersAtOnce = 16;

/** Characters of a sender or subject that are kept; a header line may be longer than anybody reads. */
const textCharacters = 1_000;

const suffix = '.quarantined';

/** `20251124T120301Z-9f86d081884c7d65`: sorts by time, and can name nothing outside of the directory. */
const idPattern = /^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}$/;

interface Kept {
  readonly entry: QuarantineEntry;
  readonly fileBytes: number;
  /** The octets were seen to be whole in this run: written by it, or read and compared. */
  whole: boolean;
}

/** The octets of an input in order. Throws when they are fewer than it says: a part of a message is not kept. */
async function* chunks(input: QuarantineInput): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.sizeBytes; at += chunkBytes) {
    const end = Math.min(at + chunkBytes, input.sizeBytes);
    const chunk = await input.read(at, end);
    if (chunk.length !== end - at) throw new Error('a message ended early');
    yield chunk;
  }
}

class DirectoryQuarantine implements Quarantine {
  readonly #options: QuarantineOptions;
  /** What earlier runs have kept; read in the background, for there may be much of it. Never rejects. */
  readonly #known: Promise<void>;
  #refreshing: Promise<void> = Promise.resolve();
  readonly #kept = new Map<string, Kept>();
  readonly #damaged = new Set<string>();
  /** By octets and server: a second delivery of the same message waits for the first one's file. */
  readonly #putting = new Map<string, Promise<QuarantineResult>>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
    this.#known = this.#refresh().catch((error: unknown) => {
      options.onProblem({ kind: 'damaged', file: options.directory, error });
    });
  }

  async put(input: QuarantineInput): Promise<QuarantineResult> {
    try {
      const sha256 = await this.#hash(input);
      const key = `${sha256} ${input.server}`;
      const before = this.#putting.get(key);
      if (before) return await before;
      const putting = this.#putOnce(input, sha256);
      this.#putting.set(key, putting);
      try {
        return await putting;
      } finally {
        this.#putting.delete(key);
      }
    } catch (error) {
      this.#options.onProblem({ kind: 'put-failed', error });
      return { ok: false, reason: 'quarantine-failed' };
    }
  }

  async #hash(input: QuarantineInput): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of chunks(input)) hash.update(chunk);
    return hash.digest('hex');
  }

  async #putOnce(input: QuarantineInput, sha256: string): Promise<QuarantineResult> {
    await this.#known;
    for (const kept of this.#kept.values()) {
      const { entry } = kept;
      if (entry.sha256 !== sha256 || entry.server !== input.server) continue;
      if (await this.#isWhole(kept)) return { ok: true, id: entry.id };
    }
    const at = this.#options.now();
    const entry: QuarantineEntry = {
      id: this.#newId(at),
      at: at.toISOString(),
      sha256,
      sizeBytes: input.sizeBytes,
      verdict: input.verdict,
      server: input.server,
      ...(input.sender === undefined ? {} : { sender: input.sender.slice(0, textCharacters) }),
      ...(input.subject === undefined ? {} : { subject: input.subject.slice(0, textCharacters) }),
    };
    const { header, key } = writeHeader(entry, this.#options.random);
    await placeFile(
      this.#path(entry.id),
      async (file) => {
        await writeAll(file, header);
        const mask = new Mask(key);
        for await (const chunk of chunks(input)) await writeAll(file, mask.apply(chunk));
      },
      this.#options.open,
    );
    this.#kept.set(entry.id, { entry, fileBytes: header.length + entry.sizeBytes, whole: true });
    return { ok: true, id: entry.id };
  }

  async #isWhole(kept: Kept): Promise<boolean> {
    const file = this.#path(kept.entry.id);
    try {
      if ((await stat(file)).size !== kept.fileBytes) throw new Error('the file was cut off or grew');
      if (!kept.whole) for await (const chunk of this.read(kept.entry.id)) void chunk;
      kept.whole = true;
      return true;
    } catch (error) {
      this.#options.onProblem({ kind: 'damaged', file, error });
      return false;
    }
  }

  #newId(at: Date): string {
    const time = at.toISOString().replace(/[-:]|\.[0-9]+/g, '');
    return `${time}-${Buffer.from(this.#options.random(8)).toString('hex')}`;
  }

  #path(id: string): string {
    return join(this.#options.directory, `${id}${suffix}`);
  }

  async list(): Promise<QuarantineEntry[]> {
    await this.#refresh();
    const entries = [...this.#kept.values()].map(({ entry }) => entry);
    return entries.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  async show(id: string): Promise<QuarantineEntry | undefined> {
    await this.#refresh();
    return this.#kept.get(id)?.entry;
  }

  async *read(id: string): AsyncGenerator<Uint8Array> {
    if (!idPattern.test(id)) throw new Error('not the id of a quarantined message');
    const file = await openFile(this.#path(id), 'r');
    try {
      const { entry, key, bytesBefore } = await readHeader(file);
      const mask = new Mask(key);
      const hash = createHash('sha256');
      for (let at = 0; ; ) {
        const { buffer, bytesRead } = await file.read(
          Buffer.alloc(chunkBytes),
          0,
          chunkBytes,
          bytesBefore + at,
        );
        if (bytesRead === 0) break;
        const chunk = mask.apply(buffer.subarray(0, bytesRead));
        hash.update(chunk);
        at += bytesRead;
        yield chunk;
      }
      if (hash.digest('hex') !== entry.sha256) throw new Error('a quarantined message is damaged');
    } finally {
      await file.close();
    }
  }

  /** Learns of files that came or went since the last time, one round after the other. */
  #refresh(): Promise<void> {
    const round = () => this.#readDirectory();
    this.#refreshing = this.#refreshing.then(round, round);
    return this.#refreshing;
  }

  async #readDirectory(): Promise<void> {
    const before = [...this.#kept.keys()];
    const names = (await readdir(this.#options.directory)).filter((name) => name.endsWith(suffix));
    const ids = new Set(names.map((name) => name.slice(0, -suffix.length)));
    for (const id of before) if (!ids.has(id)) this.#kept.delete(id);
    const unknown = [...ids].filter((id) => !this.#kept.has(id) && !this.#damaged.has(id));
    const work = unknown.values();
    const worker = async () => {
      for (const id of work) await this.#learn(id);
    };
    await Promise.all(Array.from({ length: headersAtOnce }, worker));
  }

  async #learn(id: string): Promise<void> {
    const path = this.#path(id);
    try {
      if (!idPattern.test(id)) throw new Error('not a name that the quarantine gives');
      const file = await openFile(path, 'r');
      try {
        const { entry, bytesBefore } = await readHeader(file);
        const { size } = await file.stat();
        if (entry.id !== id) throw new Error('the file was renamed');
        if (size !== bytesBefore + entry.sizeBytes) throw new Error('the file was cut off or grew');
        if (!this.#kept.has(id)) this.#kept.set(id, { entry, fileBytes: size, whole: false });
      } finally {
        await file.close();
      }
    } catch (error) {
      this.#damaged.add(id);
      this.#options.onProblem({ kind: 'damaged', file: path, error });
    }
  }
}

/** Opens the quarantine. Rejects when the directory can't be made or read. */
export async function openQuarantine(options: QuarantineOptions): Promise<Quarantine> {
  const { directory } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await syncDirectory(dirname(directory));
  // Written by a core that died before it had acknowledged them: the messages are still on their servers.
  for (const name of await readdir(directory)) {
    if (isTemporary(name)) await rm(join(directory, name), { force: true });
  }
  return new DirectoryQuarantine(options);
}
