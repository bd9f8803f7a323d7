// A backend over a played helper, with a played test of the kernel, a machine without networks, and clocks that stand still
// until a test moves them.
import { afterEach, beforeEach, vi } from 'vitest';
import type { InterceptionBackend, InterceptionPlan, InterceptionState } from '../backend.ts';
import { type FakeHelper, type Numbered, openFakeHelper } from './fake-helper.fixture.ts';
import type { KernelTestResult } from './kernel-test.ts';
import { createNetfilterBackend, type NetfilterOptions } from './netfilter.ts';

export const startMs = Date.parse('2026-01-01T12:00:00Z');

export const plan: InterceptionPlan = {
  enabled: true,
  ports: [{ from: 143, to: 143 }],
  localPorts: [],
  excluded: [],
  detect: [],
  found: [],
  blockWhenStopped: false,
  blockChosen: false,
};

/** Mail is refused when we are gone. */
export const blocking: InterceptionPlan = { ...plan, blockWhenStopped: true, blockChosen: true };

export const switchedOff: InterceptionPlan = { ...plan, enabled: false, ports: [] };

export const active: InterceptionState = { availability: { state: 'active' }, remarks: [] };

export const unavailable = (reason: string, detail?: string) => ({
  state: 'unavailable',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

export const minuteMs = 60_000;

export const port = (from: number, to = from) => ({ from, to });

export interface Stage {
  readonly helper: FakeHelper;
  readonly backend: InterceptionBackend;
  /** What the backend told by itself. */
  readonly told: InterceptionState[];
  readonly logged: [string, Readonly<Record<string, unknown>>][];
  /** `4:143`: the tests of the kernel that were made. */
  readonly tests: string[];
  /** What the next tests see; passed when there are no more. */
  readonly results: KernelTestResult[];
  /** Once it has been told so many states. */
  toldOf(count: number): Promise<void>;
  /** What was asked of the helper since the last time. */
  asked(): Numbered[];
  /** Time goes on, on every clock. */
  advance(ms: number): void;
  /** Once all that was begun has been done. */
  idle(): Promise<void>;
  /** Makes the backend, when another than the usual is needed. */
  create(options: Partial<NetfilterOptions>): void;
}

/** Sets the stage anew for each test of a file. */
export function setStage(): Stage {
  let helper: FakeHelper;
  let backend: InterceptionBackend | undefined;
  let nowMs = 0;
  let taken = 0;
  const [told, logged, tests, results]: [InterceptionState[], Stage['logged'], string[], KernelTestResult[]] =
    [[], [], [], []];

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
    vi.setSystemTime(startMs);
    helper = await openFakeHelper();
    for (const list of [told, logged, tests, results]) list.length = 0;
    [nowMs, taken, backend] = [0, 0, undefined];
  });
  afterEach(async () => {
    await backend?.stop();
    await helper.stop();
    vi.useRealTimers();
  });

  const stage: Stage = {
    get helper() {
      return helper;
    },
    get backend() {
      if (!backend) stage.create({});
      if (!backend) throw new Error('no backend');
      return backend;
    },
    told,
    logged,
    tests,
    results,
    toldOf: (count) => helper.until(() => told.length >= count),
    asked() {
      const since = helper.heard.slice(taken);
      taken = helper.heard.length;
      return since;
    },
    advance(ms) {
      nowMs += ms;
      vi.advanceTimersByTime(ms);
    },
    async idle() {
      await stage.backend.endDirect([]);
    },
    create(options) {
      backend = createNetfilterBackend({
        uid: 1_000,
        route: () => helper.route,
        onConnection: () => undefined,
        onStateChange(state) {
          told.push(state);
          helper.changed();
        },
        findOwner: async () => undefined,
        log: (event, fields) => logged.push([event, fields]),
        now: () => nowMs,
        kernelTest: {
          async run(family, testedPort) {
            tests.push(`${family}:${testedPort}`);
            return results.shift() ?? { kind: 'passed' };
          },
          take: () => false,
        },
        interfaces: () => ({}),
        ...options,
      });
    },
  };
  return stage;
}
