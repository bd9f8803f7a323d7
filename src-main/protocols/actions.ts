// What an engine answers one event with: its actions in order, with adjoining octets as one send, and the closing of
// the connection with its last line to the client.
import type { ErrorCode } from '../contract/error-codes.ts';
import { adjoined, octets } from './bytes.ts';
import type { EngineAction } from './engine.ts';

export class ActionList {
  #actions: EngineAction[] = [];
  #closed = false;

  readonly emit = (action: EngineAction): void => {
    const last = this.#actions.at(-1);
    // What passes as it came is one stretch of the chunk again, not a write for each line.
    if (action.kind === 'send' && last?.kind === 'send' && last.to === action.to) {
      const bytes = adjoined(last.bytes, action.bytes);
      if (bytes) {
        this.#actions[this.#actions.length - 1] = { ...last, bytes };
        return;
      }
    }
    this.#actions.push(action);
  };

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Ends the connection once; `status` begins the line that tells the client why. Without one it is told nothing: it is
   * in the middle of a message, and would take the line for a part of it.
   */
  close(reason: ErrorCode, status: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    if (status !== undefined) {
      const bytes = octets(`${status} Closed by the mail scanner: ${reason}\r\n`);
      this.emit({ kind: 'send', to: 'client', bytes });
    }
    this.emit({ kind: 'close', reason });
  }

  /** Those since the last call. */
  take(): readonly EngineAction[] {
    const taken = this.#actions;
    this.#actions = [];
    return taken;
  }
}
