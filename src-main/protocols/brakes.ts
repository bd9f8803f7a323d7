// Back-pressure: a side is no longer read from while too much of what it sent waits in the engine, and again once half
// of that has gone, so that it is not stopped and started for every chunk.
import type { EngineAction, Side } from './engine.ts';
import { heldMessages, heldOutputBytes, pendingClientBytes } from './limits.ts';

interface Load {
  /** Octets for the client that wait behind a held message. */
  readonly outputBytes: number;
  /** Messages that wait for their release. */
  readonly held: number;
  /** Octets of the client that wait to be read. */
  readonly pendingBytes: number;
}

export class Brakes {
  readonly #emit: (action: EngineAction) => void;
  readonly #paused = { client: false, server: false };

  constructor(emit: (action: EngineAction) => void) {
    this.#emit = emit;
  }

  /** After every event, with what waits then. */
  balance({ outputBytes, held, pendingBytes }: Load): void {
    this.#press(
      'server',
      outputBytes > heldOutputBytes || held >= heldMessages,
      outputBytes <= heldOutputBytes / 2 && held <= heldMessages / 2,
    );
    this.#press('client', pendingBytes > pendingClientBytes, pendingBytes <= pendingClientBytes / 2);
  }

  #press(side: Side, full: boolean, roomy: boolean): void {
    if (this.#paused[side] ? !roomy : !full) return;
    this.#paused[side] = !this.#paused[side];
    this.#emit({ kind: this.#paused[side] ? 'pause' : 'resume', side });
  }
}
