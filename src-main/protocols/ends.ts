// The ends of both sides (FIN): each counts once, and the client's is passed on once. When nothing of the client waits
// before its end any more, the engine knows.
import type { EngineAction, Side } from './engine.ts';

export class Ends {
  readonly #emit: (action: EngineAction) => void;
  readonly #ended = { client: false, server: false };
  #clientPassed = false;

  constructor(emit: (action: EngineAction) => void) {
    this.#emit = emit;
  }

  has(side: Side): boolean {
    return this.#ended[side];
  }

  /** Takes a side's end; false: it had ended before. */
  take(side: Side): boolean {
    if (this.#ended[side]) return false;
    this.#ended[side] = true;
    return true;
  }

  /** Passes the client's end on to the server, if it has come. */
  passClient(): void {
    if (!this.#ended.client || this.#clientPassed) return;
    this.#clientPassed = true;
    this.#emit({ kind: 'end', to: 'server' });
  }
}
