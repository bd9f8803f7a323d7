// Ends what was begun, in reverse order: at the end, or when a start fails in the middle of it.
import type { Log } from './ports.ts';

export class Stops {
  readonly #log: Log;
  readonly #steps: (() => unknown)[] = [];
  readonly #opening: Promise<unknown>[] = [];
  #stopping: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Adds the end of something that is still being opened, for when it is; after `stop` it ends as soon as it is open. */
  async own<Part>(opening: Promise<Part>, stop: (part: Part) => unknown): Promise<Part> {
    const owned = opening.then(async (part) => {
      if (this.#stopping) await stop(part);
      else this.add(() => stop(part));
      return part;
    });
    this.#opening.push(owned);
    return await owned;
  }

  /** Waits for what is being opened, then ends everything; one step that fails does not keep the others. */
  stop(): Promise<void> {
    this.#stopping ??= this.#run();
    return this.#stopping;
  }

  async #run(): Promise<void> {
    await Promise.allSettled(this.#opening);
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        this.#log('stop-failed', { error });
      }
    }
  }
}
