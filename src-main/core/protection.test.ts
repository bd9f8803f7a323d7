import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defaultSettings, type MailTransportSettings } from '../contract/settings.ts';
import type { Availability, Remark } from '../contract/state.ts';
import type {
  FoundEndpoint,
  InterceptionBackend,
  InterceptionPlan,
  InterceptionState,
} from '../interception/backend.ts';
import { createProtection, protectionFrom } from './protection.ts';
import { fakeClock } from './testing.fixture.ts';

const on = defaultSettings.mailTransport;
const withPorts = (imapsPorts: string): MailTransportSettings => ({ ...on, imapsPorts });
const portsOf = (plan: InterceptionPlan) => plan.ports.map(({ from }) => from).filter((port) => port > 1_000);

const stateOf = (availability: Availability, remarks: readonly Remark[] = []): InterceptionState => ({
  availability,
  remarks,
});

/** A backend that writes down what is asked of it; `hold` keeps it busy. */
function setUp(answer: () => Promise<InterceptionState> = async () => stateOf({ state: 'active' })) {
  const clock = fakeClock();
  const asked: string[] = [];
  const plans: InterceptionPlan[] = [];
  const told: InterceptionState[] = [];
  let found: readonly FoundEndpoint[] = [];
  let changeState: (state: InterceptionState) => void = () => undefined;
  let gate = Promise.resolve();
  let running = 0;
  const put = (name: string) => async (plan: InterceptionPlan) => {
    expect(++running).toBe(1);
    asked.push(name);
    plans.push(plan);
    await gate;
    running--;
    return await answer();
  };
  const backend: InterceptionBackend = {
    prepare: () => void asked.push('prepare'),
    start: put('start'),
    apply: put('apply'),
    retry: async () => {
      asked.push('retry');
      return await answer();
    },
    refuse: async () => undefined,
    admit: async () => undefined,
    directConnections: async () => [],
    endDirect: async () => 0,
    ownerOf: async () => undefined,
    release: async () => void asked.push('release'),
    stop: async () => void asked.push('stop'),
  };
  const protection = createProtection({
    openBackend: (onStateChange) => {
      changeState = onStateChange;
      return backend;
    },
    found: () => found,
    clock,
    onInterception: (state) => told.push(state),
    log: (event) => asked.push(event),
  });
  return {
    protection,
    clock,
    asked,
    plans,
    told,
    backend,
    changeState: (availability: Availability) => changeState(stateOf(availability)),
    find(...endpoints: FoundEndpoint[]) {
      found = endpoints;
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

async function settle() {
  for (let i = 0; i < 5; i++) await turn();
}

describe('protection', () => {
  test('starts the backend once, then changes it', async () => {
    const { protection, asked, plans, told } = setUp();
    await protection.apply(withPorts('1001'));
    await protection.apply(withPorts('1002'));
    expect(asked).toEqual(['start', 'apply']);
    expect(plans.map(portsOf)).toEqual([[1001], [1002]]);
    expect(told).toEqual([stateOf({ state: 'active' }), stateOf({ state: 'active' })]);
  });

  test('prepares the backend that it then starts, and tells nothing of it before', async () => {
    const { protection, asked, told, changeState } = setUp();
    protection.prepare();
    changeState({ state: 'unavailable', reason: 'helper-failed' });
    await protection.apply(on);
    expect(asked).toEqual(['prepare', 'start']);
    expect(told).toHaveLength(1);
  });

  test('of many changes at once the latest wins, one at a time', async () => {
    const { protection, plans, hold } = setUp();
    const release = hold();
    const all = [1001, 1002, 1003, 1004].map((port) => protection.apply(withPorts(`${port}`)));
    await settle();
    release();
    await Promise.all(all);
    expect(plans.map(portsOf)).toEqual([[1001], [1004]]);
  });

  test('a change resolves only when it, or a later one, is in force', async () => {
    const { protection, hold, plans } = setUp();
    const release = hold();
    let done = false;
    void protection.apply(withPorts('1001'));
    const second = protection.apply(withPorts('1002')).then(() => {
      done = true;
    });
    await settle();
    expect(done).toBe(false);
    release();
    await second;
    expect(plans.map(portsOf)).toEqual([[1001], [1002]]);
  });

  test('switched off it asks for nothing to be intercepted, and again when switched on', async () => {
    const { protection, plans } = setUp();
    await protection.apply({ ...on, enabled: false });
    await protection.apply(on);
    expect(plans.map(({ enabled, ports }) => [enabled, ports.length > 0])).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  test('what can not be had is told, and tried again with the next change', async () => {
    const answers: Availability[] = [{ state: 'unavailable', reason: 'no-nft' }, { state: 'active' }];
    const { protection, told } = setUp(async () => stateOf(answers.shift() ?? { state: 'off' }));
    await protection.apply(on);
    await protection.apply(on);
    expect(told).toEqual([stateOf({ state: 'unavailable', reason: 'no-nft' }), stateOf({ state: 'active' })]);
  });

  test('a backend that throws is told, and does not end anything', async () => {
    let broken = true;
    const { protection, told } = setUp(async () => {
      if (broken) throw new Error('a fault');
      return stateOf({ state: 'active' });
    });
    await protection.apply(on);
    broken = false;
    await protection.apply(on);
    expect(told).toEqual([
      stateOf({ state: 'unavailable', reason: 'helper-failed', detail: 'Error: a fault' }),
      stateOf({ state: 'active' }),
    ]);
  });

  test('what the backend loses and finds by itself is told until the end', async () => {
    const { protection, told, changeState } = setUp();
    await protection.apply(on);
    changeState({ state: 'unavailable', reason: 'nft-failed' });
    await protection.stop();
    changeState({ state: 'active' });
    expect(told).toEqual([
      stateOf({ state: 'active' }),
      stateOf({ state: 'unavailable', reason: 'nft-failed' }),
    ]);
  });

  test('with nothing to be intercepted it never opens a backend', async () => {
    const told: InterceptionState[] = [];
    const protection = createProtection({
      openBackend: undefined,
      found: () => [],
      clock: fakeClock(),
      onInterception: (state) => told.push(state),
      log: () => undefined,
    });
    await protection.apply(on);
    await protection.refresh();
    await protection.retry();
    await protection.release();
    await protection.stop();
    expect(told).toEqual(Array(2).fill(stateOf({ state: 'off', reason: 'intercept-off' })));
    expect(protection.backend).toBeUndefined();
  });

  test('what is left out by rule is told with the rest', async () => {
    const remarks: Remark[] = [{ code: 'port-denied', detail: '22' }, { code: 'greetings-unseen' }];
    const { protection, told } = setUp(async () => stateOf({ state: 'active' }, remarks));
    await protection.apply(on);
    expect(told).toEqual([stateOf({ state: 'active' }, remarks)]);
  });

  test('the backend is there for others once something was applied', async () => {
    const { protection, backend } = setUp();
    expect(protection.backend).toBeUndefined();
    await protection.apply(on);
    expect(protection.backend).toBe(backend);
  });
});

describe('a server that was found', () => {
  const endpoint = { address: '192.0.2.1', port: 10_143, until: new Date('2025-12-01T00:00:00Z') };

  test('is in force from the next refresh on, with the settings as they are', async () => {
    const { protection, plans, find, asked } = setUp();
    await protection.refresh();
    expect(asked).toEqual([]);
    await protection.apply(withPorts('1001'));
    find(endpoint);
    await protection.refresh();
    expect(plans.map(({ found }) => found)).toEqual([[], [endpoint]]);
    expect(plans.map(portsOf)).toEqual([[1001], [1001]]);
  });

  test('does not bring back settings that are being replaced', async () => {
    const { protection, plans, find, hold } = setUp();
    const release = hold();
    const first = protection.apply(withPorts('1001'));
    const second = protection.apply(withPorts('1002'));
    find(endpoint);
    const refreshed = protection.refresh();
    await settle();
    release();
    await Promise.all([first, second, refreshed]);
    expect(plans.map(portsOf)).toEqual([[1001], [1002]]);
    expect(plans.at(-1)?.found).toEqual([endpoint]);
  });

  test('while settings are put in force is told right after them', async () => {
    const { protection, plans, find, hold } = setUp();
    const release = hold();
    const first = protection.apply(withPorts('1001'));
    find(endpoint);
    const refreshed = protection.refresh();
    await settle();
    release();
    await Promise.all([first, refreshed]);
    expect(plans.map(portsOf)).toEqual([[1001], [1001]]);
    expect(plans.at(-1)?.found).toEqual([endpoint]);
  });
});

describe('a retry', () => {
  test('is told, and asks for no new plan', async () => {
    const answers: Availability[] = [{ state: 'unavailable', reason: 'helper-denied' }, { state: 'active' }];
    const { protection, told, asked } = setUp(async () => stateOf(answers.shift() ?? { state: 'off' }));
    await protection.apply(on);
    await protection.retry();
    expect(asked).toEqual(['start', 'retry']);
    expect(told.map(({ availability }) => availability.state)).toEqual(['unavailable', 'active']);
  });

  test('comes after what is being put in force', async () => {
    const { protection, asked, hold } = setUp();
    const release = hold();
    const applied = protection.apply(on);
    const retried = protection.retry();
    await settle();
    expect(asked).toEqual(['start']);
    release();
    await Promise.all([applied, retried]);
    expect(asked).toEqual(['start', 'retry']);
  });

  test('before anything was applied is nothing, and after the end is not told', async () => {
    const { protection, asked, told } = setUp();
    await protection.retry();
    expect(asked).toEqual([]);
    await protection.apply(on);
    await protection.release();
    await protection.retry();
    expect(told).toHaveLength(1);
  });

  test('that throws is told as a failure', async () => {
    let broken = false;
    const { protection, told, asked } = setUp(async () => {
      if (broken) throw new Error('a fault');
      return stateOf({ state: 'active' });
    });
    await protection.apply(on);
    broken = true;
    await protection.retry();
    expect(told.at(-1)).toEqual(
      stateOf({ state: 'unavailable', reason: 'helper-failed', detail: 'Error: a fault' }),
    );
    expect(asked).toContain('interception-failed');
  });
});

describe('an end time', () => {
  const until = (minutes: number) => ({
    address: `192.0.2.${minutes}`,
    until: new Date(Date.parse('2025-11-24T12:00:00Z') + minutes * 60_000).toISOString(),
  });
  const excluded = (plan: InterceptionPlan | undefined) => plan?.excluded.length;

  test('is put in force when it comes, each in its turn', async () => {
    const { protection, clock, plans } = setUp();
    await protection.apply({ ...on, excludedAddresses: [until(90), until(10), { address: '198.51.100.1' }] });
    for (const [minutes, left] of [
      [9, 3],
      [2, 2],
      [78, 2],
      [2, 1],
    ] as const) {
      for (let minute = 0; minute < minutes; minute++) {
        clock.advance(60_000);
        await settle();
      }
      expect(excluded(plans.at(-1))).toBe(left);
    }
    expect(clock.waiting).toBe(0);
  });

  test('is seen within a minute by a clock that jumped', async () => {
    const { protection, clock, plans } = setUp();
    await protection.apply({ ...on, excludedAddresses: [until(600)] });
    // The timer waits for a minute of its own time; meanwhile the clock has gone ten hours further.
    const { now } = clock;
    clock.now = () => new Date(now().getTime() + 10 * 3_600_000);
    clock.advance(60_000);
    await settle();
    expect(excluded(plans.at(-1))).toBe(0);
  });

  test('of settings that are no longer in force changes nothing', async () => {
    const { protection, clock, plans } = setUp();
    await protection.apply({ ...on, excludedAddresses: [until(1)] });
    await protection.apply(on);
    expect(clock.waiting).toBe(0);
    clock.advance(600_000);
    await settle();
    expect(plans).toHaveLength(2);
  });

  test('after the end wakes nobody', async () => {
    const { protection, clock, asked } = setUp();
    await protection.apply({ ...on, excludedAddresses: [until(1)] });
    await protection.release();
    await protection.stop();
    await protection.stop();
    expect(clock.waiting).toBe(0);
    await protection.apply(on);
    expect(asked).toEqual(['start', 'release', 'stop', 'stop']);
  });
});

describe('the end', () => {
  test('waits for what is being put in force, and puts nothing more', async () => {
    const { protection, asked, hold, told } = setUp();
    const release = hold();
    const first = protection.apply(withPorts('1001'));
    const second = protection.apply(withPorts('1002'));
    const end = protection.release();
    await settle();
    expect(asked).toEqual(['start']);
    release();
    await Promise.all([first, second, end]);
    expect(asked).toEqual(['start', 'release']);
    expect(told).toEqual([]);
  });

  test('is right before anything has begun', async () => {
    const { protection, asked } = setUp();
    await protection.release();
    await protection.stop();
    expect(asked).toEqual([]);
  });
});

test('the heading says off, what the interception does, or that fixed listeners are all there is to be', () => {
  const active = { state: 'active' } as const;
  const off = { state: 'off', reason: 'intercept-off' } as const;
  const unavailable = { state: 'unavailable', reason: 'no-nft' } as const;
  expect(protectionFrom({ enabled: false }, active, true)).toEqual({
    state: 'off',
    reason: 'protection-off',
  });
  expect(protectionFrom({ enabled: true }, active, false)).toEqual(active);
  expect(protectionFrom({ enabled: true }, unavailable, true)).toEqual(unavailable);
  expect(protectionFrom({ enabled: true }, off, false)).toEqual(off);
  expect(protectionFrom({ enabled: true }, off, true)).toEqual({ state: 'active', reason: 'intercept-off' });
});
