// Who of the workers reads the rules when: at the start one for all the others, and later on one after the other, so
// that messages are scanned meanwhile.
import type { RuleProblem } from './engines/rule-files.ts';
import type { ScanThread } from './scan-thread.ts';
import type { LoadedRules, WorkerSetup } from './worker-messages.ts';

interface Reload {
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class RuleLoading {
  readonly #setup: Pick<WorkerSetup, 'rulesDirectory' | 'userRulesDirectory'>;
  /** How often the rules were to be read. */
  #generation = 0;
  #reloads: Reload[] = [];
  #latest: LoadedRules = { engines: [], problems: [], revision: '' };
  /** Why not all rules are as they should be, beside what is wrong with single files. */
  #fault: RuleProblem | undefined;
  #withUserRules = true;

  constructor(setup: Pick<WorkerSetup, 'rulesDirectory' | 'userRulesDirectory'>) {
    this.#setup = setup;
  }

  get latest(): LoadedRules {
    return this.#latest;
  }

  get problems(): readonly RuleProblem[] {
    const { problems } = this.#latest;
    return this.#fault ? [this.#fault, ...problems] : problems;
  }

  /** Resolves when all workers have read the rules again; loadNext() begins it. */
  reload(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#withUserRules = true;
    this.#fault = undefined;
    this.#reloads.push({ generation: ++this.#generation, resolve, reject });
    return promise;
  }

  /**
   * Has the next workers read the rules. One at a time: the first compiles them for all, and the others go on scanning
   * meanwhile; but workers that can't scan yet need not wait for each other.
   */
  loadNext(threads: readonly ScanThread[]): void {
    const isFirst = !threads.some(({ generation }) => generation === this.#generation);
    let isLoading = threads.some(({ loading }) => loading !== undefined);
    for (const thread of threads) {
      if (thread.generation === this.#generation || thread.loading !== undefined) continue;
      const mayJoin = !isFirst && thread.rules === undefined;
      if (isLoading && !mayJoin) continue;
      isLoading = true;
      thread.load(this.#generation, { kind: 'load', isFirst, withUserRules: this.#withUserRules });
    }
  }

  loaded(thread: ScanThread, threads: readonly ScanThread[], rules: LoadedRules): void {
    const isNew = thread.rules === undefined;
    thread.finishLoad(rules);
    if (thread.generation !== this.#generation) return;
    this.#latest = rules;
    // The files have changed since the others read them, and nobody has said so. Once for each new worker, for they may
    // change all the time.
    const isOther = (other: ScanThread) =>
      other.generation === this.#generation && other.rules?.revision !== rules.revision;
    if (isNew && threads.some(isOther)) this.#generation++;
  }

  /** The old rules stay: with this worker, and with those that have not read the new ones either. */
  failed(thread: ScanThread, threads: readonly ScanThread[], message: string): void {
    const { loading } = thread;
    const isRead = threads.some((other) => other.generation === loading);
    thread.finishLoad();
    if (loading === this.#generation && !isRead) {
      for (const other of threads) if (other.rules) other.generation = loading;
    }
    this.#fault = { file: this.#setup.rulesDirectory, message };
    const reason = new Error(message);
    for (const { reject } of this.#take(({ generation }) => generation <= (loading ?? 0))) reject(reason);
  }

  /** A worker did not survive reading the rules. Ours are known to be harmless: from now on all do without the others. */
  blameUserRules(): void {
    const { userRulesDirectory } = this.#setup;
    if (userRulesDirectory === undefined || !this.#withUserRules) return;
    this.#withUserRules = false;
    this.#generation++;
    const message = 'all of these rules are left out: a worker ended or took too long while it read them';
    this.#fault = { file: userRulesDirectory, message };
  }

  /** Tells those who wait for what is done now. */
  settle(threads: readonly ScanThread[]): void {
    const isDone = ({ generation }: Reload) => threads.every((thread) => thread.generation >= generation);
    for (const { resolve } of this.#take(isDone)) resolve();
  }

  stop(reason: Error): void {
    for (const { reject } of this.#take(() => true)) reject(reason);
  }

  #take(isMeant: (reload: Reload) => boolean): Reload[] {
    const taken = this.#reloads.filter(isMeant);
    this.#reloads = this.#reloads.filter((reload) => !taken.includes(reload));
    return taken;
  }
}
