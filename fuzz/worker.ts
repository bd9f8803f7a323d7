// Fuzzes one target in a thread that can be ended: changes inputs that it has, keeps those that run something new, and says
// what did not hold. What it runs at the moment stands in shared memory, for when it never ends.
import { parentPort, workerData } from 'node:worker_threads';
import { type Coverage, startCoverage } from './coverage.ts';
import { type Dictionary, mutate, type Random, randomOf } from './mutate.ts';
import type { Target } from './targets.ts';

export interface WorkerTask {
  readonly target: string;
  readonly seed: number;
  /** Ends of a run: what comes first. */
  readonly maxRuns: number;
  readonly maxMs: number;
  /** Inputs that a worker before this one kept; absent: the seeds. */
  readonly corpus?: readonly Uint8Array[];
  /** Runs this alone. */
  readonly only?: Uint8Array;
  /** Its number of runs, and the length and the octets of the input that it runs. */
  readonly current: { readonly counts: Int32Array; readonly input: Uint8Array };
}

export type WorkerReport =
  | { readonly kind: 'kept'; readonly bytes: Uint8Array }
  | { readonly kind: 'finding'; readonly what: string; readonly message: string; readonly bytes: Uint8Array }
  | {
      readonly kind: 'progress' | 'done';
      readonly runs: number;
      readonly covered: number;
      readonly corpus: number;
    };

/** Octets that the process may grow by for one input; the garbage of many small ones is collected in between. */
const maxGrowthBytes = 300 * 1024 * 1024;

/** Runs for making one new input smaller. */
const maxTrims = 40;

/** How often a block ran, in steps: a loop that runs twice is news, and once more of a hundred is none. */
const stepOf = Uint8Array.from({ length: 256 }, (_, count) =>
  Math.min(count, 4 + Math.floor(Math.log2(Math.max(1, count)))),
);

interface Input {
  readonly bytes: Buffer;
  /** Steps of blocks that it is the smallest input for. */
  steps: number;
}

class Fuzzing {
  readonly #target: Target;
  readonly #task: WorkerTask;
  readonly #coverage: Coverage;
  readonly #random: Random;
  readonly #corpus: Input[] = [];
  readonly #owners = new Map<number, Input>();
  readonly #known = new Set<string>();
  #dictionary: Dictionary = { texts: [], numbers: [] };
  #runs = 0;

  constructor(target: Target, task: WorkerTask, coverage: Coverage) {
    this.#target = target;
    this.#task = task;
    this.#coverage = coverage;
    this.#random = randomOf(task.seed);
  }

  fuzz(seeds: readonly Buffer[]): void {
    const { maxRuns, maxMs } = this.#task;
    const startedAt = performance.now();
    for (const seed of [Buffer.from('x'), ...seeds]) this.#try(seed);
    this.#dictionary = this.#ownDictionary();
    const largest = Math.max(...this.#corpus.map(({ bytes }) => bytes.length));
    const maxBytes = Math.min(this.#task.current.input.length, 4 * largest + 4_096);
    let saidAt = startedAt;
    while (this.#runs < maxRuns && performance.now() - startedAt < maxMs) {
      const [bytes, other] = [this.#pick(), this.#pick()];
      this.#try(mutate(bytes, other, this.#random, this.#dictionary, maxBytes));
      if (performance.now() - saidAt < 1_000) continue;
      saidAt = performance.now();
      this.#say('progress');
    }
    this.#say('done');
  }

  /** Runs it, keeps it when it is of use. */
  #try(bytes: Buffer): void {
    if (!this.run(bytes)) return;
    const fresh = this.#fresh(bytes.length);
    if (fresh.length === 0) return;
    const input: Input = { bytes: this.#trimmed(bytes, fresh), steps: fresh.length };
    for (const step of fresh) {
      const owner = this.#owners.get(step);
      if (owner && --owner.steps === 0) this.#corpus.splice(this.#corpus.indexOf(owner), 1);
      this.#owners.set(step, input);
    }
    this.#corpus.push(input);
    parentPort?.postMessage({ kind: 'kept', bytes: input.bytes } satisfies WorkerReport);
  }

  /** Steps of blocks that the last run made, and no input of this size before. */
  #fresh(sizeBytes: number): number[] {
    const { counts, blocks } = this.#coverage;
    const fresh: number[] = [];
    for (let block = 0, end = blocks(); block < end; block++) {
      const count = counts[block] ?? 0;
      if (count === 0) continue;
      const step = block * 16 + (stepOf[count] ?? 0);
      const owner = this.#owners.get(step);
      if (!owner || owner.bytes.length > 2 * sizeBytes) fresh.push(step);
    }
    return fresh;
  }

  /** What is left of it when pieces are taken out as long as it still makes all of these steps. */
  #trimmed(bytes: Buffer, steps: readonly number[]): Buffer {
    let kept = bytes;
    let tries = 0;
    for (let piece = bytes.length >>> 1; piece >= 4 && tries < maxTrims; piece >>>= 1)
      for (let at = 0; at < kept.length && tries < maxTrims; ) {
        const less = Buffer.concat([kept.subarray(0, at), kept.subarray(at + piece)]);
        tries++;
        if (this.run(less) && this.#makes(steps)) kept = less;
        else at += piece;
      }
    return kept;
  }

  #makes(steps: readonly number[]): boolean {
    const { counts } = this.#coverage;
    return steps.every((step) => stepOf[counts[step >>> 4] ?? 0] === (step & 15) && counts[step >>> 4] !== 0);
  }

  /** Half of the time one of the latest. */
  #pick(): Buffer {
    const { length } = this.#corpus;
    const from = this.#random(2) === 0 ? Math.max(0, length - 16) : 0;
    return this.#corpus[from + this.#random(Math.max(1, length - from))]?.bytes ?? Buffer.alloc(1);
  }

  /** What the modules that the seeds ran compare their input with. */
  #ownDictionary(): Dictionary {
    const covered = [...this.#owners.keys()].map((step) => step >>> 4);
    const used = this.#coverage.modules.filter(({ firstBlock, endBlock }) =>
      covered.some((block) => block >= firstBlock && block < endBlock),
    );
    const texts = [...new Set(used.flatMap((module) => module.texts))];
    return {
      texts: texts.flatMap((text) => {
        const forms = [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le')];
        return /^(?:[0-9a-f]{2}){2,}$/.test(text) ? [...forms, Buffer.from(text, 'hex')] : forms;
      }),
      numbers: [...new Set(used.flatMap((module) => module.numbers))],
    };
  }

  /** Whether all held. */
  run(bytes: Buffer): boolean {
    const { counts, input } = this.#task.current;
    input.set(bytes);
    Atomics.store(counts, 1, bytes.length);
    Atomics.add(counts, 0, 1);
    this.#runs++;
    this.#coverage.counts.fill(0, 0, this.#coverage.blocks());
    const [before, startedAt] = [process.memoryUsage.rss(), performance.now()];
    try {
      if (this.#target.is(bytes)) this.#target.run(bytes);
    } catch (error) {
      this.#find(error instanceof Error ? error : new Error(String(error)), bytes);
      return false;
    }
    const tookMs = performance.now() - startedAt;
    const grownBytes = process.memoryUsage.rss() - before;
    if (tookMs > this.#target.boundMs) this.#find(new Error(`took ${Math.round(tookMs)} ms`), bytes, 'slow');
    if (grownBytes > maxGrowthBytes) this.#find(new Error(`took ${grownBytes >>> 20} MiB`), bytes, 'memory');
    return true;
  }

  /** Says it once for each place. */
  #find(error: Error, bytes: Buffer, what = error.name === 'Error' ? 'broken' : error.name): void {
    const place = error.stack?.split('\n').find((line) => line.includes('/scanner/')) ?? '';
    const key =
      what === 'broken' || place === '' ? `${what}${error.message.replace(/\d+/g, 'N')}` : `${what}${place}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    parentPort?.postMessage({
      kind: 'finding',
      what,
      message: error.stack ?? error.message,
      bytes: new Uint8Array(bytes),
    } satisfies WorkerReport);
  }

  #say(kind: 'progress' | 'done'): void {
    const covered = new Set([...this.#owners.keys()].map((step) => step >>> 4)).size;
    parentPort?.postMessage({
      kind,
      runs: this.#runs,
      covered,
      corpus: this.#corpus.length,
    } satisfies WorkerReport);
  }
}

async function start(task: WorkerTask): Promise<void> {
  const coverage = startCoverage(new URL('../src-main/', import.meta.url).href);
  const { selfTest, targets } = await import('./targets.ts');
  const { seedsOf } = await import('./seeds.ts');
  const target = [...targets, selfTest].find(({ name }) => name === task.target);
  if (!target) throw new Error(`no such target: ${task.target}`);
  const fuzzing = new Fuzzing(target, task, coverage);
  if (task.only) {
    fuzzing.run(Buffer.from(task.only));
    parentPort?.postMessage({ kind: 'done', runs: 1, covered: 0, corpus: 0 } satisfies WorkerReport);
  } else fuzzing.fuzz(task.corpus?.map((bytes) => Buffer.from(bytes)) ?? seedsOf(target.is));
}

await start(workerData);
