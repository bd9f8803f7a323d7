// Servers where plain mail was found on a port of its own: remembered for 30 days, so that their connections are redirected
// from the first one on. One JSON file; losing it costs each of them one reset connection.
import { isIP } from 'node:net';
import type { Endpoint } from '../contract/connection.ts';
import { type ListFileProblem, lateWrites, openListFile } from './list-file.ts';

interface RememberedEndpoint extends Endpoint {
  readonly until: Date;
}

export interface RememberedEndpoints {
  list(): RememberedEndpoint[];
  /** Remembers it from now on; whether it is new, or stays a day longer than before. */
  add(endpoint: Endpoint): boolean;
  /** Writes what is not written yet. May be called twice. */
  stop(): Promise<void>;
}

export interface RememberedEndpointsOptions {
  readonly file: string;
  readonly now: () => Date;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly onProblem: (problem: ListFileProblem) => void;
}

const rememberedMs = 30 * 24 * 60 * 60 * 1_000;
const dayMs = 24 * 60 * 60 * 1_000;

/** As many as the kernel's set holds; those that end first go. */
export const maxEndpoints = 4_096;

interface Stored {
  readonly address: string;
  readonly port: number;
  readonly until: string;
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const { address, port, until } = value as Partial<Record<keyof Stored, unknown>>;
  return (
    typeof address === 'string' &&
    isIP(address) !== 0 &&
    typeof port === 'number' &&
    Number.isInteger(port) &&
    port >= 1 &&
    port <= 65_535 &&
    typeof until === 'string' &&
    !Number.isNaN(Date.parse(until))
  );
}

const keyOf = ({ address, port }: Endpoint) => `${address} ${port}`;

function parse(value: unknown, nowMs: number): RememberedEndpoint | undefined {
  if (!isStored(value)) return undefined;
  const { address, port } = value;
  // A clock that was ahead must not keep one for years.
  return { address, port, until: new Date(Math.min(Date.parse(value.until), nowMs + rememberedMs)) };
}

export function openRememberedEndpoints(options: RememberedEndpointsOptions): RememberedEndpoints {
  const { file, now, after, onProblem } = options;
  const openedMs = now().getTime();
  const stored = openListFile({
    file,
    parse: (value) => parse(value, openedMs),
    maxItems: maxEndpoints,
    onProblem,
  });
  const endpoints = new Map(stored.initial.map((endpoint) => [keyOf(endpoint), endpoint]));
  const writes = lateWrites(after, async () => {
    forget();
    await stored.write([...endpoints.values()]);
  });

  function forget(): void {
    const nowMs = now().getTime();
    for (const [key, { until }] of endpoints) if (until.getTime() <= nowMs) endpoints.delete(key);
    // In the order in which they were last found.
    for (const key of endpoints.keys()) {
      if (endpoints.size <= maxEndpoints) break;
      endpoints.delete(key);
    }
  }

  return {
    list() {
      forget();
      return [...endpoints.values()];
    },
    add({ address, port }) {
      const key = keyOf({ address, port });
      const before = endpoints.get(key);
      const until = new Date(now().getTime() + rememberedMs);
      if (before && until.getTime() - before.until.getTime() <= dayMs) return false;
      endpoints.delete(key);
      endpoints.set(key, { address, port, until });
      forget();
      writes.soon();
      return true;
    },
    stop: writes.stop,
  };
}
