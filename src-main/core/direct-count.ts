// How many mail connections go past us, since they were open before the interception began: counted when it begins, and now
// and then until there are none.
import type { Clock } from './ports.ts';

export interface DirectCountOptions {
  readonly count: () => Promise<number>;
  readonly after: Clock['after'];
  /** Called when the number differs from the one before; the first one is 0. */
  readonly onCount: (connections: number) => void;
}

export interface DirectCount {
  /** Counts soon: a connection that was just redirected is known a moment later. */
  look(): void;
  /** May be called twice. */
  stop(): void;
}

const soonMs = 1_000;
/** They end by themselves, or never: IMAP connections stay for hours. */
const againMs = 30_000;

export function createDirectCount({ count, after, onCount }: DirectCountOptions): DirectCount {
  let cancel: (() => void) | undefined;
  let last = 0;
  let stopped = false;

  function wait(delayMs: number): void {
    cancel?.();
    if (stopped) return;
    cancel = after(delayMs, () => void look());
  }

  async function look(): Promise<void> {
    const connections = await count().catch(() => 0);
    if (stopped) return;
    if (connections !== last) onCount(connections);
    last = connections;
    if (connections > 0) wait(againMs);
  }

  return {
    look: () => wait(soonMs),
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
