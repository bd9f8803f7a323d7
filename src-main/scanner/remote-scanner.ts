// A scanner that asks engines elsewhere, too: at the same time as the built-in ones, and about what these had doubts of.
// Whatever becomes of them, the built-in verdict stands.
import { hash } from 'node:crypto';
import { type Detection, type LimitCode, outcomeOf } from '../contract/verdict.ts';
import type { RemoteEngine } from './engines/remote-engine.ts';
import type { RuleProblem } from './engines/rule-files.ts';
import type { Following } from './following.ts';
import { maxDetections } from './limits.ts';
import { distinctParts, RemoteLook } from './remote-look.ts';
import { neutraliseFound } from './remote-neutralise.ts';
import type { ScanOptions, ScanResult } from './scan-job.ts';
import type { ScanConfiguration, Scanner } from './scanner.ts';
import type { EngineInfo, ScanSource } from './worker-messages.ts';

export interface RemoteScannerOptions {
  readonly scanner: Scanner;
  /** Those in use now; their life is not ours. */
  readonly engines: () => readonly RemoteEngine[];
  /** For all that remote engines do for one message. */
  readonly timeoutMs: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
}

class RemoteScanner implements Scanner {
  readonly #options: RemoteScannerOptions;
  readonly #scanner: Scanner;

  constructor(options: RemoteScannerOptions) {
    this.#options = options;
    this.#scanner = options.scanner;
  }

  get engines(): readonly EngineInfo[] {
    return this.#scanner.engines;
  }

  get problems(): readonly RuleProblem[] {
    return this.#scanner.problems;
  }

  get crashes(): number {
    return this.#scanner.crashes;
  }

  /** With remote engines another one: of each the database counts, and that it is not known yet. */
  get revision(): string {
    const engines = this.#options.engines();
    const { revision } = this.#scanner;
    if (engines.length === 0) return revision;
    return hash('sha256', JSON.stringify([revision, engines.map(({ id, version }) => [id, version])]));
  }

  follow(): Following {
    return this.#scanner.follow();
  }

  configure(configuration: ScanConfiguration): void {
    this.#scanner.configure(configuration);
  }

  reload(): Promise<void> {
    return this.#scanner.reload();
  }

  stop(): Promise<void> {
    return this.#scanner.stop();
  }

  async scan(source: ScanSource, options: ScanOptions = {}): Promise<ScanResult> {
    const engines = this.#options.engines();
    if (engines.length === 0) return await this.#scanner.scan(source, options);
    const { signal } = options;
    signal?.throwIfAborted();
    const over = new AbortController();
    const end = () => over.abort();
    const cancel = this.#options.after(this.#options.timeoutMs(), end);
    signal?.addEventListener('abort', end, { once: true });
    try {
      const looks = engines.map((engine) => new RemoteLook(engine, over.signal, this.#options.now));
      return await this.#scan(source, options, looks, over.signal);
    } finally {
      cancel();
      signal?.removeEventListener('abort', end);
      // What is still under way is no longer waited for.
      end();
    }
  }

  async #scan(
    source: ScanSource,
    options: ScanOptions,
    looks: readonly RemoteLook[],
    over: AbortSignal,
  ): Promise<ScanResult> {
    const { signal, leaves = 'none' } = options;
    const startedAt = this.#options.now();
    const [result] = await Promise.all([
      this.#scanner.scan(source, { ...options, leaves: leaves === 'none' ? 'ambiguous' : leaves }),
      ...looks.map((look) => look.whole(source)),
    ]);
    const { parts, isCut } = distinctParts(result.leaves);
    await Promise.all(looks.map((look) => look.parts(parts)));
    const found = looks.filter(({ isHarmful }) => isHarmful);
    const made =
      found.length > 0
        ? await neutraliseFound({ scanner: this.#scanner, source, options, result, looks: found, over })
        : result;
    signal?.throwIfAborted();
    const ms = this.#options.now() - startedAt;
    const merged = { ...result, overwrites: made.overwrites, tags: made.tags };
    return withLooks(merged, looks, isCut ? ['engine-size'] : [], ms, leaves === 'none');
  }
}

function withLooks(
  result: ScanResult,
  looks: readonly RemoteLook[],
  more: readonly LimitCode[],
  ms: number,
  dropLeaves: boolean,
): ScanResult {
  const { verdict } = result;
  const remote = looks.flatMap((look) => look.detections(verdict.sha256));
  const detections: Detection[] = [...verdict.detections, ...remote];
  const limits = [...new Set([...verdict.limits, ...looks.flatMap((look) => [...look.limits]), ...more])];
  const complete = limits.length === 0;
  return {
    ...result,
    leaves: dropLeaves ? [] : result.leaves,
    verdict: {
      ...verdict,
      outcome: outcomeOf(detections, complete),
      complete,
      // What others found is named in any case.
      detections: [...verdict.detections.slice(0, Math.max(0, maxDetections - remote.length)), ...remote],
      limits,
      engines: [...verdict.engines, ...looks.map(({ report }) => report)],
      ms,
    },
  };
}

/** `scanner` with `engines` beside its own. Stopping it stops `scanner`, and no remote engine. */
export function withRemoteEngines(options: RemoteScannerOptions): Scanner {
  return new RemoteScanner(options);
}
