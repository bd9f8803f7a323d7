// What the backend makes of a helper that is not there, says no, or is lost.

import { describe, expect, test } from 'vitest';
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

describe('without a helper', () => {
  test('none that can be reached is missing, and is looked for again at each change and each look', async () => {
    let route: HelperRoute | undefined;
    stage.create({ route: () => route });
    const missing = { availability: unavailable('helper-missing'), remarks: [] };
    expect(await stage.backend.start(plan)).toEqual(missing);
    expect(await stage.backend.apply({ ...plan, ports: [port(110)] })).toEqual(missing);
    stage.advance(5 * minuteMs);
    await stage.idle();
    expect(stage.told).toEqual([]);
    route = stage.helper.route;
    stage.advance(5 * minuteMs);
    await stage.toldOf(1);
    expect(stage.told).toEqual([active]);
    expect(stage.asked()).toMatchObject([{ do: 'open', add: { ports: [[110, 110]] } }]);
  });

  test('a block that can not be lifted is told', async () => {
    stage.create({ route: () => undefined });
    const state = await stage.backend.start({ ...switchedOff, blockChosen: true });
    expect(state.availability).toEqual(unavailable('helper-missing'));
  });

  test.each([
    ['{"hello":7}', unavailable('helper-outdated', 'protocol 7')],
    ['{"end":"no-nft"}', unavailable('no-nft')],
    ['{"end":"no-privilege"}', unavailable('no-privilege')],
    ['{"end":"system-core-running"}', unavailable('system-core-running')],
    ['{"end":"nft-failed","detail":"Error: x"}', unavailable('nft-failed', 'Error: x')],
    ['{"end":"closed"}', unavailable('helper-failed')],
    ['nonsense', unavailable('helper-failed', 'it said something else')],
  ])('one that says %s is told by its reason', async (line, availability) => {
    stage.helper.greeting = `${line}\n`;
    const started = stage.backend.start(plan);
    await stage.helper.until(() => stage.helper.links === 1);
    stage.helper.hangUp();
    expect((await started).availability).toEqual(availability);
    expect(stage.told).toEqual([]);
  });

  test('one that says nothing is given up in time', async () => {
    stage.helper.greeting = '';
    const started = stage.backend.start(plan);
    await stage.helper.until(() => stage.helper.links === 1);
    stage.advance(5_000);
    expect((await started).availability).toEqual(unavailable('helper-failed', 'it did not answer'));
  });

  test.each([
    ['table-taken', undefined, 'table-taken'],
    ['port-denied', '25', 'port-denied'],
    ['nft-failed', 'Error: no', 'nft-failed'],
    ['not-allowed', 'elements', 'helper-failed'],
  ] as const)('one that refuses to begin by %s ends, and is reached anew', async (reason, detail, told) => {
    const refusal = { ok: false, reason, ...(detail === undefined ? {} : { detail }) } as const;
    stage.helper.outcome = () => refusal;
    expect((await stage.backend.start(plan)).availability).toEqual(unavailable(told, detail));
    await stage.helper.until(() => stage.helper.hungUp === 1);
    stage.helper.outcome = () => ({ ok: true });
    expect(await stage.backend.apply(plan)).toEqual(active);
    expect([stage.helper.links, stage.told]).toEqual([2, []]);
  });

  test('whoever said no is asked again only when somebody wants it', async () => {
    const refusal = ['/bin/sh', '-c', 'echo "Request dismissed" >&2; exit 126'] as const;
    const routes: HelperRoute[] = [{ kind: 'start', argv: refusal, asks: true }];
    let asked = 0;
    stage.create({
      route: () => {
        asked++;
        return routes.shift() ?? stage.helper.route;
      },
    });
    const denied = { availability: unavailable('helper-denied', 'Request dismissed'), remarks: [] };
    expect(await stage.backend.start(plan)).toEqual(denied);
    expect(await stage.backend.apply({ ...plan, ports: [port(110)] })).toEqual(denied);
    stage.advance(60 * minuteMs);
    await stage.idle();
    expect([asked, stage.told]).toEqual([1, []]);
    expect(await stage.backend.retry()).toEqual(active);
    expect(asked).toBe(2);
  });
});

describe('a change that is refused', () => {
  test('takes the redirect away, and sets it up anew on the same helper', async () => {
    await stage.backend.start(blocking);
    stage.asked();
    stage.helper.outcome = ({ do: what }) =>
      what === 'change' ? { ok: false, reason: 'nft-failed', detail: 'Error: no' } : { ok: true };
    expect(await stage.backend.apply({ ...blocking, ports: [port(110)] })).toEqual(active);
    expect(stage.asked()).toMatchObject([
      { do: 'change' },
      { do: 'close', block: true },
      { do: 'open', add: { ports: [[110, 110]] } },
    ]);
    expect([stage.helper.links, stage.told]).toEqual([1, []]);
    expect(stage.logged).toContainEqual(['helper-refused', { reason: 'nft-failed', detail: 'Error: no' }]);
  });

  test('by a helper that then refuses all is told, and nothing passes for a redirect', async () => {
    await stage.backend.start(plan);
    stage.helper.outcome = ({ do: what }) =>
      what === 'open' ? { ok: false, reason: 'table-taken' } : { ok: false, reason: 'nft-failed' };
    const state = await stage.backend.apply({ ...plan, ports: [port(110)] });
    expect(state.availability).toEqual(unavailable('table-taken'));
    expect(await stage.backend.directConnections(() => false)).toEqual([]);
  });

  test('since the helper is lost with it starts another', async () => {
    await stage.backend.start(plan);
    stage.helper.outcome = ({ do: what }) => {
      if (what === 'change') stage.helper.hangUp('{"end":"nft-failed"}\n');
      return what === 'change' ? undefined : { ok: true };
    };
    expect(await stage.backend.apply({ ...plan, ports: [port(110)] })).toEqual(active);
    expect(stage.helper.links).toBe(2);
    expect(stage.told).toEqual([{ availability: unavailable('nft-failed'), remarks: [] }]);
    stage.advance(200);
    await stage.toldOf(2);
    expect([stage.told[1], stage.helper.links]).toEqual([active, 2]);
  });
});

describe('a helper that is lost', () => {
  const lost = { availability: unavailable('helper-failed', 'the helper has hung up'), remarks: [] };

  /** Loses it; `waitMs` later it is there again. */
  async function lose(waitMs: number): Promise<void> {
    const { length } = stage.told;
    stage.helper.hangUp();
    await stage.toldOf(length + 1);
    expect(stage.told.at(-1)).toEqual(lost);
    stage.advance(waitMs - 1);
    await stage.idle();
    expect(stage.told).toHaveLength(length + 1);
    stage.advance(1);
    await stage.toldOf(length + 2);
    expect(stage.told.at(-1)).toEqual(active);
  }

  async function giveUp(): Promise<void> {
    for (const waitMs of [200, 1_000, 5_000]) await lose(waitMs);
    stage.helper.hangUp();
    await stage.toldOf(7);
    await stage.idle();
  }

  test('is told, and started again with what was wanted last', async () => {
    await stage.backend.start(plan);
    await stage.backend.apply({ ...plan, ports: [port(110)] });
    stage.asked();
    await lose(200);
    expect(stage.asked()).toMatchObject([{ id: 1, do: 'open', add: { ports: [[110, 110]] } }]);
    expect(stage.logged).toContainEqual([
      'helper-lost',
      { reason: 'lost', detail: 'the helper has hung up' },
    ]);
  });

  test('says why, if it can', async () => {
    await stage.backend.start(plan);
    stage.helper.hangUp('{"end":"silence"}\n');
    await stage.toldOf(1);
    expect(stage.told).toEqual([{ availability: unavailable('helper-failed'), remarks: [] }]);
    expect(stage.logged).toContainEqual(['helper-lost', { reason: 'silence', detail: undefined }]);
  });

  test('again and again is given up, until the next look', async () => {
    await stage.backend.start(plan);
    await giveUp();
    expect(stage.told.at(-1)).toEqual(lost);
    expect(stage.logged.at(-1)).toEqual(['helper-given-up', { losses: 4 }]);
    const links = stage.helper.links;
    stage.advance(minuteMs);
    await stage.idle();
    expect(stage.helper.links).toBe(links);
    stage.advance(4 * minuteMs);
    await stage.toldOf(8);
    expect(stage.told.at(-1)).toEqual(active);
  });

  test('is given up no sooner when it took ten minutes', async () => {
    await stage.backend.start(plan);
    await lose(200);
    await lose(1_000);
    stage.advance(10 * minuteMs);
    await stage.idle();
    await lose(200);
  });

  test('given up is started by a change of the plan at once, and counted anew when somebody wants it', async () => {
    await stage.backend.start(plan);
    await giveUp();
    expect(await stage.backend.apply(plan)).toEqual(active);
    expect(await stage.backend.retry()).toEqual(active);
    await lose(200);
  });

  test('given up where mail is refused without us says that it is', async () => {
    await stage.backend.start(blocking);
    for (const waitMs of [200, 1_000, 5_000]) await lose(waitMs);
    stage.results.push({ kind: 'refused' });
    stage.helper.hangUp();
    await stage.toldOf(8);
    expect(stage.told.at(-1)).toEqual({ ...lost, remarks: [{ code: 'mail-blocked' }] });
  });

  test('that does not come up again is as good as lost again', async () => {
    await stage.backend.start(plan);
    stage.helper.greeting = 'nonsense\n';
    stage.helper.hangUp();
    await stage.toldOf(1);
    stage.advance(200);
    await stage.toldOf(2);
    expect(stage.told.at(-1)?.availability).toEqual(unavailable('helper-failed', 'it said something else'));
    stage.helper.greeting = '{"hello":1,"user":"all","nft":"1","denied":[]}\n';
    stage.advance(1_000);
    await stage.toldOf(3);
    expect(stage.told.at(-1)).toEqual(active);
  });

  test('is not started again after the end', async () => {
    await stage.backend.start(plan);
    stage.helper.hangUp();
    await stage.toldOf(1);
    await stage.backend.stop();
    stage.advance(60 * minuteMs);
    await stage.idle();
    expect([stage.helper.links, stage.told.length]).toEqual([1, 1]);
  });

  test('while its redirect is tested leaves no redirect that is called active', async () => {
    stage.create({
      kernelTest: {
        async run() {
          stage.helper.hangUp();
          await stage.toldOf(1);
          return { kind: 'passed' };
        },
        take: () => false,
      },
    });
    expect(await stage.backend.start(plan)).toEqual(lost);
    expect(stage.told).toEqual([lost]);
  });
});
