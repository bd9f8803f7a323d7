// For tests of what waits for a scan: a scanner whose verdicts are held back for a given time.
import type { Scanner } from '../scanner/pool.ts';
import type { Clock, HoldScans } from './ports.ts';

/** A promise that settles after the delay, at once when the signal aborts: with a rejection then. */
function pause(delayMs: number, after: Clock['after'], signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.any([...signals]);
    const cancel = after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Scans at once, but hands each verdict out no sooner than `delayMs` after it was asked for; failures are not held. */
export function holdScans(scanner: Scanner, { delayMs, first }: HoldScans, after: Clock['after']): Scanner {
  const stopped = new AbortController();
  let asked = 0;
  return {
    get engines() {
      return scanner.engines;
    },
    get revision() {
      return scanner.revision;
    },
    get problems() {
      return scanner.problems;
    },
    get crashes() {
      return scanner.crashes;
    },
    configure: (configuration) => scanner.configure(configuration),
    reload: () => scanner.reload(),
    follow: () => scanner.follow(),
    async scan(source, options = {}) {
      const scanning = scanner.scan(source, options);
      if (first !== undefined && asked >= first) return await scanning;
      asked++;
      const signals = options.signal ? [options.signal, stopped.signal] : [stopped.signal];
      const [result] = await Promise.all([scanning, pause(delayMs, after, signals)]);
      return result;
    },
    async stop() {
      stopped.abort(new Error('the scanner was stopped'));
      await scanner.stop();
    },
  };
}
