// Connections of the self-test: told from all others by where they go and by the port that they were announced with.
// Nobody else's connection goes there, since the address leads nowhere.
import type { Endpoint } from '../contract/connection.ts';

/** Of TEST-NET-1 (RFC 5737), which no network routes: what is dialled there reaches us, or nobody. */
export const testAddress = '192.0.2.77';

/** The server that stands in for the destination of a test's connection. */
export interface TestTarget {
  /** On loopback. */
  readonly server: Endpoint;
  /** PEM of the one authority that is trusted for it. */
  readonly ca: string;
}

export interface ExpectedTest {
  /** Resolves when the connection has come; never, when it does not. */
  readonly arrived: Promise<void>;
  /** It will not come any more. */
  cancel(): void;
}

export interface ExpectedTests {
  /** Expects one connection to `testAddress` from this port of its client. Undefined: too many are expected. */
  expect(clientPort: number, target: TestTarget): ExpectedTest | undefined;
  /** The target of a connection that has come; only once. */
  take(clientPort: number | undefined): TestTarget | undefined;
}

/** A connection through this machine's own kernel comes at once or not at all. */
const expectedMs = 10_000;

/** One test runs at a time, and has one connection at a time. */
const maxExpected = 16;

export function createExpectedTests(now: () => Date): ExpectedTests {
  const expected = new Map<number, { target: TestTarget; untilMs: number; arrive: () => void }>();

  function forgetOld(): void {
    for (const [port, { untilMs }] of expected) if (untilMs <= now().getTime()) expected.delete(port);
  }

  return {
    expect(clientPort, target) {
      forgetOld();
      if (expected.size >= maxExpected && !expected.has(clientPort)) return undefined;
      const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
      const entry = { target, untilMs: now().getTime() + expectedMs, arrive };
      expected.set(clientPort, entry);
      return {
        arrived,
        cancel() {
          if (expected.get(clientPort) === entry) expected.delete(clientPort);
        },
      };
    },
    take(clientPort) {
      forgetOld();
      const entry = clientPort === undefined ? undefined : expected.get(clientPort);
      if (clientPort === undefined || entry === undefined) return undefined;
      expected.delete(clientPort);
      entry.arrive();
      return entry.target;
    },
  };
}
