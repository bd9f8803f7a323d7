// What TLS is not opened for, kept from one run to the next. One JSON file; losing it costs each program that refuses our
// certificate one failed connection.
import { type TlsRelay, tlsRelaySchema } from '../contract/trust.ts';
import { type ListFileProblem, lateWrites, openListFile } from './list-file.ts';

export interface RememberedRelays {
  /** What was stored and still counts, in the order in which it was learnt. */
  readonly initial: readonly TlsRelay[];
  /** Stores what `list` gives, about a second from now. */
  save(list: () => readonly TlsRelay[]): void;
  /** Writes what is not written yet. May be called twice. */
  stop(): Promise<void>;
}

export interface RememberedRelaysOptions {
  readonly file: string;
  readonly now: () => Date;
  /** Calls back once after the delay; gives a function that takes it back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly onProblem: (problem: ListFileProblem) => void;
}

/** No user has as many; those that were learnt last stay. */
export const maxStoredRelays = 1_000;

/** None counts for longer: a clock that was ahead must not keep one for years. */
const longestMs = 30 * 24 * 60 * 60 * 1_000;

function parse(value: unknown, nowMs: number): TlsRelay | undefined {
  const parsed = tlsRelaySchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { at, until } = parsed.data;
  const untilMs = Math.min(Date.parse(until), nowMs + longestMs);
  if (untilMs <= nowMs) return undefined;
  const atMs = Math.min(Date.parse(at), nowMs);
  return { ...parsed.data, at: new Date(atMs).toISOString(), until: new Date(untilMs).toISOString() };
}

export function openRememberedRelays(options: RememberedRelaysOptions): RememberedRelays {
  const { file, now, after, onProblem } = options;
  const nowMs = now().getTime();
  const stored = openListFile({
    file,
    parse: (value) => parse(value, nowMs),
    maxItems: maxStoredRelays,
    onProblem,
  });
  let latest: () => readonly TlsRelay[] = () => stored.initial;
  const writes = lateWrites(after, () => stored.write(latest().slice(-maxStoredRelays)));
  return {
    initial: stored.initial,
    save(list) {
      latest = list;
      writes.soon();
    },
    stop: writes.stop,
  };
}
