// What the backend makes of a redirect that does not stand its test, of mail that is refused, and of networks that change.
import type { NetworkInterfaceInfo } from 'node:os';
import { beforeEach, describe, expect, test } from 'vitest';
import type { HelperRoute } from './helper-link.ts';
import {
  active,
  blocking,
  minuteMs,
  plan,
  port,
  setStage,
  switchedOff,
  unavailable,
} from './netfilter.fixture.ts';

const stage = setStage();

const failedTest = (detail: string) => ({
  availability: unavailable('self-test-failed', detail),
  remarks: [],
});
const failing = { kind: 'failed', detail: 'nothing came' } as const;
const whats = () => stage.asked().map(({ do: what }) => what);

describe('a redirect that does not stand its test', () => {
  test.each([
    [plan, false],
    [blocking, true],
  ])('twice is taken away, and mail refused only where that is planned', async (own, block) => {
    stage.results.push(failing, failing, { kind: 'no-route' });
    expect(await stage.backend.start(own)).toEqual(failedTest('IPv4: nothing came'));
    expect(stage.asked()).toMatchObject([{ do: 'open' }, { do: 'close', block }]);
    expect(stage.logged).toContainEqual(['self-test', { family: 4, ...failing }]);
    expect(stage.helper.hungUp).toBe(0);
  });

  test('once may have had a bad moment', async () => {
    stage.results.push(failing);
    expect(await stage.backend.start(plan)).toEqual(active);
    expect(whats()).toEqual(['open']);
  });

  test('since it is refused is at once a firewall', async () => {
    stage.results.push({ kind: 'refused' });
    expect(await stage.backend.start(plan)).toEqual(failedTest('IPv4: it was refused: a firewall'));
    expect(stage.tests).toHaveLength(1);
  });

  test.each(['no-route', 'not-testable'] as const)('for it leads nowhere (%s) stays', async (kind) => {
    stage.results.push({ kind });
    expect(await stage.backend.start(plan)).toEqual(active);
    expect(whats()).toEqual(['open']);
  });

  test('is tried again, less and less often, and told when it stands', async () => {
    stage.results.push(failing, failing);
    await stage.backend.start(plan);
    for (const waitMs of [10_000, 30_000, 60_000]) {
      stage.asked();
      stage.results.push(failing, failing);
      stage.advance(waitMs - 1);
      await stage.idle();
      expect(whats()).toEqual([]);
      stage.advance(1);
      await stage.idle();
      expect(whats()).toEqual(['open', 'close']);
    }
    expect(stage.told).toEqual([]);
    stage.advance(5 * minuteMs);
    await stage.toldOf(1);
    expect([stage.told, whats(), stage.helper.links]).toEqual([[active], ['open'], 1]);
  });

  test('is tried again from the first wait on, once it stood', async () => {
    stage.results.push(failing, failing);
    await stage.backend.start(plan);
    stage.advance(10_000);
    await stage.toldOf(1);
    stage.results.push(failing, failing);
    await stage.backend.retry();
    stage.asked();
    stage.advance(10_000);
    await stage.toldOf(2);
    expect(stage.told).toEqual([active, active]);
  });

  test('is not there for a change of the plan, which comes with the next try', async () => {
    stage.results.push(failing, failing);
    const state = await stage.backend.start(plan);
    stage.asked();
    expect(await stage.backend.apply({ ...plan, ports: [port(110)] })).toEqual(state);
    expect(stage.asked()).toEqual([]);
    stage.advance(10_000);
    await stage.toldOf(1);
    expect(stage.asked()).toMatchObject([{ do: 'open', add: { ports: [[110, 110]] } }]);
  });

  test('lets mail pass again at once where it is to be refused no more, and the other way round', async () => {
    stage.results.push(failing, failing, { kind: 'refused' });
    expect((await stage.backend.start(blocking)).remarks).toEqual([{ code: 'mail-blocked' }]);
    stage.asked();
    stage.results.push(failing, failing);
    expect(await stage.backend.apply(plan)).toEqual(failedTest('IPv4: nothing came'));
    expect(stage.asked()).toMatchObject([
      { do: 'open', block: false },
      { do: 'close', block: false },
    ]);
    stage.results.push(failing, failing, { kind: 'refused' });
    expect((await stage.backend.apply(blocking)).remarks).toEqual([{ code: 'mail-blocked' }]);
    expect(stage.asked()).toMatchObject([
      { do: 'open', block: true },
      { do: 'close', block: true },
    ]);
  });

  test('is forgotten when all is switched off, and so is the block that it left', async () => {
    stage.results.push(failing, failing, { kind: 'refused' });
    await stage.backend.start(blocking);
    stage.asked();
    const off = { availability: { state: 'off', reason: 'protection-off' }, remarks: [] };
    expect(await stage.backend.apply(switchedOff)).toEqual(off);
    expect(stage.asked()).toMatchObject([{ do: 'close', block: false }]);
    expect(await stage.backend.apply(switchedOff)).toEqual(off);
    stage.advance(10 * minuteMs);
    await stage.idle();
    expect([whats(), stage.told]).toEqual([[], []]);
    expect(await stage.backend.apply(plan)).toEqual(active);
  });

  test('is tested again when somebody wants it', async () => {
    await stage.backend.start(plan);
    stage.asked();
    stage.results.push(failing, failing);
    expect(await stage.backend.retry()).toEqual(failedTest('IPv4: nothing came'));
    expect(await stage.backend.retry()).toEqual(active);
    expect(whats()).toEqual(['close', 'open']);
  });

  test('is tried again at its time though the helper was lost meanwhile', async () => {
    stage.results.push(failing, failing);
    await stage.backend.start(plan);
    stage.helper.hangUp();
    await stage.toldOf(1);
    expect(stage.told[0]?.availability.reason).toBe('helper-failed');
    stage.advance(9_999);
    await stage.idle();
    expect(stage.helper.links).toBe(1);
    stage.advance(1);
    await stage.toldOf(2);
    expect([stage.told[1], stage.helper.links]).toEqual([active, 2]);
  });

  test('is not tried again after the end', async () => {
    stage.results.push(failing, failing);
    await stage.backend.start(plan);
    await stage.backend.stop();
    stage.asked();
    stage.advance(60 * minuteMs);
    await stage.idle();
    expect(whats()).toEqual([]);
  });
});

describe('mail that is refused', () => {
  test.each([
    ['refused', [{ code: 'mail-blocked' }]],
    ['no-route', []],
    ['passed', []],
    ['not-testable', []],
  ] as const)('is told when a connection is %s and that was chosen', async (kind, remarks) => {
    stage.create({ route: () => undefined });
    stage.results.push({ kind });
    expect((await stage.backend.start(blocking)).remarks).toEqual(remarks);
  });

  test('is not looked for where it was not chosen, or all is well', async () => {
    await stage.backend.start(blocking);
    expect(stage.tests).toHaveLength(1);
    await stage.backend.apply(switchedOff);
    expect(stage.tests).toHaveLength(1);
    stage.results.push({ kind: 'refused' }, { kind: 'refused' });
    expect((await stage.backend.apply(plan)).remarks).toEqual([]);
  });
});

describe('a network', () => {
  const address = (family: 'IPv4' | 'IPv6', text: string): NetworkInterfaceInfo => ({
    address: text,
    netmask: '',
    mac: '',
    internal: false,
    cidr: `${text}/24`,
    ...(family === 'IPv6' ? { family, scopeid: 0 } : { family }),
  });
  let networks: NodeJS.Dict<NetworkInterfaceInfo[]>;

  beforeEach(() => {
    networks = {};
    stage.create({ interfaces: () => networks });
  });

  test('of IPv6 is tested as well', async () => {
    networks = { eth0: [address('IPv4', '192.0.2.1'), address('IPv6', '2001:db8::1')] };
    expect(await stage.backend.start(plan)).toEqual(active);
    expect(stage.tests).toEqual(['4:143', '6:143']);
    stage.results.push({ kind: 'passed' }, failing, failing);
    expect(await stage.backend.retry()).toEqual(failedTest('IPv6: nothing came'));
  });

  test('that changes is tested anew, and told only when something is otherwise', async () => {
    await stage.backend.start(plan);
    networks = { wg0: [address('IPv4', '10.0.0.1')] };
    stage.advance(3_000);
    await stage.idle();
    expect([stage.tests.length, stage.told]).toEqual([2, []]);
    stage.results.push(failing, failing);
    networks = {};
    stage.advance(3_000);
    await stage.toldOf(1);
    expect(stage.told).toEqual([failedTest('IPv4: nothing came')]);
  });

  test('is nothing to a plan that is switched off', async () => {
    await stage.backend.start(switchedOff);
    networks = { wg0: [address('IPv4', '10.0.0.1')] };
    stage.advance(5 * minuteMs);
    await stage.idle();
    expect([stage.tests, stage.helper.links]).toEqual([[], 0]);
  });

  test('without change is looked at now and then, for a firewall may have come', async () => {
    await stage.backend.start(plan);
    stage.results.push({ kind: 'refused' });
    stage.advance(5 * minuteMs);
    await stage.toldOf(1);
    expect(stage.told).toEqual([failedTest('IPv4: it was refused: a firewall')]);
  });

  test('after which another reason holds is told, though it has no more words', async () => {
    let route: HelperRoute | undefined;
    stage.create({ route: () => route, interfaces: () => networks });
    await stage.backend.start(plan);
    route = stage.helper.route;
    stage.helper.outcome = () => ({ ok: false, reason: 'table-taken' });
    stage.advance(5 * minuteMs);
    await stage.toldOf(1);
    expect(stage.told).toEqual([{ availability: unavailable('table-taken'), remarks: [] }]);
  });
});
