import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defaultSettings, type MailTransportSettings } from '../contract/settings.ts';
import type { Availability } from '../contract/state.ts';
import type { InterceptionBackend, InterceptionPlan } from '../interception/backend.ts';
import { createProtection, protectionFrom } from './protection.ts';
import { fakeClock } from './testing.fixture.ts';

const on = defaultSettings.mailTransport;
const withPorts = (imapsPorts: string): MailTransportSettings => ({ ...on, imapsPorts });
const portsOf = (plan: InterceptionPlan) => plan.ports.map(({ from }) => from).filter((port) => port > 1_000);

/** A backend that writes down what is asked of it; `hold` keeps it busy. */
function setUp(answer: () => Promise<Availability> = async () => ({ state: 'active' })) {
  const clock = fakeClock();
  const asked: string[] = [];
  const plans: InterceptionPlan[] = [];
  const told: Availability[] = [];
  let changeState: (availability: Availability) => void = () => undefined;
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
    start: put('start'),
    apply: put('apply'),
    release: async () => void asked.push('release'),
    stop: async () => void asked.push('stop'),
  };
  const protection = createProtection({
    openBackend: async (onStateChange) => {
      changeState = onStateChange;
      return backend;
    },
    clock,
    onInterception: (availability) => told.push(availability),
    log: (event) => asked.push(event),
  });
  return {
    protection,
    clock,
    asked,
    plans,
    told,
    changeState: (availability: Availability) => changeState(availability),
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
    expect(told).toEqual([{ state: 'active' }, { state: 'active' }]);
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
    const { protection, told } = setUp(async () => answers.shift() ?? { state: 'off' });
    await protection.apply(on);
    await protection.apply(on);
    expect(told).toEqual([{ state: 'unavailable', reason: 'no-nft' }, { state: 'active' }]);
  });

  test('a backend that throws is told, and does not end anything', async () => {
    let broken = true;
    const { protection, told } = setUp(async () => {
      if (broken) throw new Error('a fault');
      return { state: 'active' };
    });
    await protection.apply(on);
    broken = false;
    await protection.apply(on);
    expect(told).toMatchObject([{ state: 'unavailable', detail: 'Error: a fault' }, { state: 'active' }]);
  });

  test('what the backend loses and finds by itself is told until the end', async () => {
    const { protection, told, changeState } = setUp();
    await protection.apply(on);
    changeState({ state: 'unavailable', reason: 'nft-failed' });
    await protection.stop();
    changeState({ state: 'active' });
    expect(told).toEqual([{ state: 'active' }, { state: 'unavailable', reason: 'nft-failed' }]);
  });

  test('with nothing to be intercepted it never opens a backend', async () => {
    const told: Availability[] = [];
    const protection = createProtection({
      openBackend: undefined,
      clock: fakeClock(),
      onInterception: (availability) => told.push(availability),
      log: () => undefined,
    });
    await protection.apply(on);
    await protection.release();
    await protection.stop();
    expect(told).toEqual([{ state: 'off', reason: 'intercept-off' }]);
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
