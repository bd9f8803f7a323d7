// What a host says about itself while it runs: one JSON line an event, to its standard error (the journal, under systemd).

import type { Log } from '../core/ports.ts';

export interface LogPorts {
  readonly write: (line: string) => void;
  readonly now: () => Date;
}

/** An error's stack and code; its other properties may hold what was being sent. */
function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { error: value.stack ?? value.message, ...('code' in value ? { code: String(value.code) } : {}) };
}

export function createLog({ write, now }: LogPorts): Log {
  return (event, fields) => {
    const shown = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plain(value)]));
    write(`${JSON.stringify({ at: now().toISOString(), event, ...shown })}\n`);
  };
}
