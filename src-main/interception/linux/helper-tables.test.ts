// The tables by their public methods, against a helper that does what it is told: after any row of plans its redirect and its
// block hold what the last plan asks for. The words of each request are in netfilter.test.ts.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { InterceptionPlan } from '../backend.ts';
import { type FakeHelper, helloLine, type Numbered, openFakeHelper } from './fake-helper.fixture.ts';
import type { HelperRoute, LinkFailure } from './helper-link.ts';
import type { Elements, HelperOutcome } from './helper-messages.ts';
import { HelperTables } from './helper-tables.ts';
import { blocking, plan, port, startMs, switchedOff } from './netfilter.fixture.ts';

const target = { port: 3_000, ipv6: true };
const dayMs = 24 * 60 * 60 * 1_000;

let helper: FakeHelper;
let tables: HelperTables;
let lost: LinkFailure[];
let route: HelperRoute | undefined;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  helper = await openFakeHelper();
  route = helper.route;
  lost = [];
  tables = new HelperTables({
    route: () => route,
    onLost: (problem) => {
      lost.push(problem);
      helper.changed();
    },
    now: () => new Date(startMs),
  });
});
afterEach(async () => {
  await tables.stop();
  await helper.stop();
  vi.useRealTimers();
});

type Sets = Map<string, Set<string>>;

/** What a helper holds: the sets of the redirect and of the block, while they stand. */
class Holder {
  redirect: Sets | undefined;
  block: Sets | undefined;

  readonly take = (request: Numbered): HelperOutcome => {
    switch (request.do) {
      case 'open':
        if (this.redirect) return { ok: false, reason: 'not-allowed' };
        this.redirect = changed(new Map(), {}, request.add);
        this.block = request.block ? changed(new Map(), {}, request.add) : undefined;
        return { ok: true, answer: { greetings: 'ih' } };
      case 'change': {
        const { block, remove, add } = request;
        if (!this.redirect || (block === true && !this.block)) return { ok: false, reason: 'not-open' };
        this.redirect = changed(this.redirect, remove, add);
        if (typeof block === 'object') this.block = changed(new Map(), {}, block);
        else if (block === true) this.block = changed(this.block ?? new Map(), remove, add);
        else if (block === false) this.block = undefined;
        return { ok: true };
      }
      case 'close':
        this.redirect = undefined;
        if (!request.block) this.block = undefined;
        return { ok: true };
      default:
        return { ok: true };
    }
  };
}

const blockSets = ['ports', 'skip4', 'skip6', 'found4', 'found6'] as const;
const setNames = [...blockSets, 'bridges', 'down4', 'down6'] as const;

function changed(sets: Sets, remove: Elements, add: Elements): Sets {
  return new Map(
    setNames.map((name) => {
      const texts = (elements: Elements) =>
        (elements[name] ?? []).map(([first, second]) => `${first} ${second}`);
      const removed = new Set(texts(remove));
      return [name, new Set([...(sets.get(name) ?? []), ...texts(add)].filter((each) => !removed.has(each)))];
    }),
  );
}

const listed = (sets: Sets | undefined, names: readonly string[]) =>
  sets && names.map((name) => [...(sets.get(name) ?? [])].toSorted());

test('after any row of plans the redirect holds what the last one wants, and the block the same', async () => {
  const plans = fc.array(
    fc
      .record({
        enabled: fc.boolean(),
        ports: fc.subarray([port(110), port(143), port(993, 995)]),
        localPorts: fc.subarray([port(1_110), port(1_143)]),
        detect: fc.subarray(['imap' as const, 'pop3' as const]),
        found: fc.subarray(['192.0.2.1', '192.0.2.2', '2001:db8::1']),
        blocks: fc.boolean(),
      })
      .map(({ enabled, blocks, ports, localPorts, detect, found }): InterceptionPlan => {
        const until = new Date(startMs + dayMs);
        return enabled
          ? {
              ...(blocks ? blocking : plan),
              ports,
              localPorts,
              detect,
              found: found.map((address) => ({ address, port: 10_143, until })),
            }
          : { ...switchedOff, blockChosen: blocks };
      }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(plans, async (row) => {
      const holder = new Holder();
      helper.outcome = holder.take;
      expect(await tables.open(target, plan)).toBeUndefined();
      for (const wanted of row) {
        expect(await tables.update(wanted)).toBeUndefined();
        const fresh = new Holder();
        const other = new HelperTables({
          route: () => route,
          onLost: () => undefined,
          now: () => new Date(startMs),
        });
        helper.outcome = fresh.take;
        await other.open(target, wanted);
        await other.stop();
        helper.outcome = holder.take;
        expect(listed(holder.redirect, setNames)).toEqual(listed(fresh.redirect, setNames));
        expect(listed(holder.block, blockSets)).toEqual(listed(fresh.block, blockSets));
        const { length } = helper.heard;
        await tables.update(wanted);
        expect(helper.heard).toHaveLength(length);
      }
      await tables.stop();
    }),
    { numRuns: 60 },
  );
});

describe('what is held', () => {
  test('is known while the redirect stands, and by whom while the helper is there', async () => {
    helper.greeting = helloLine({ user: 1_000 });
    expect([tables.held, tables.hello, tables.seesGreetings]).toEqual([undefined, undefined, false]);
    await tables.open(target, plan);
    expect(tables.held?.ranges.ports).toEqual([{ from: 143n, to: 143n }]);
    expect([tables.hello?.user, tables.seesGreetings]).toEqual([1_000, true]);
    await tables.close(false);
    expect([tables.held, tables.hello?.user, tables.seesGreetings]).toEqual([undefined, 1_000, false]);
    await tables.stop();
    await tables.stop();
    expect(tables.hello).toBeUndefined();
  });

  test('is nothing without a redirect: an update does nothing', async () => {
    expect(await tables.update(plan)).toBeUndefined();
    expect(helper.links).toBe(0);
  });

  test('is nothing once a change was refused, though the helper lives on', async () => {
    const holder = new Holder();
    helper.outcome = holder.take;
    await tables.open(target, blocking);
    helper.outcome = (request) =>
      request.do === 'change' ? { ok: false, reason: 'nft-failed', detail: 'no' } : holder.take(request);
    expect(await tables.update({ ...blocking, ports: [] })).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'no',
    });
    expect([tables.held, holder.redirect, helper.hungUp]).toEqual([undefined, undefined, 0]);
    expect(holder.block).toBeDefined();
    expect(lost).toEqual([]);
  });

  test('is nothing once the helper is lost, which is told once', async () => {
    await tables.open(target, plan);
    helper.hangUp('{"end":"silence"}\n');
    await helper.until(() => lost.length > 0);
    expect(lost).toEqual([{ ok: false, reason: 'silence' }]);
    expect([tables.held, tables.hello]).toEqual([undefined, undefined]);
    expect(await tables.open(target, plan)).toBeUndefined();
    expect(lost).toHaveLength(1);
  });
});

describe('a helper', () => {
  test('that could not begin is no loss, and is asked anew', async () => {
    helper.greeting = '{"end":"no-nft"}\n';
    const opened = tables.open(target, plan);
    await helper.until(() => helper.links === 1);
    helper.hangUp();
    expect(await opened).toEqual({ ok: false, reason: 'no-nft' });
    helper.greeting = helloLine();
    expect(await tables.open(target, plan)).toBeUndefined();
    expect(lost).toEqual([]);
  });

  test('that nobody allows is asked for once, until that is forgotten', async () => {
    route = { kind: 'start', argv: ['/bin/sh', '-c', 'exit 126'], asks: true };
    expect(await tables.open(target, plan)).toEqual({ ok: false, reason: 'denied' });
    route = helper.route;
    expect(await tables.open(target, plan)).toEqual({ ok: false, reason: 'denied' });
    expect(await tables.close(false)).toEqual({ ok: false, reason: 'denied' });
    tables.forgetDenial();
    expect(await tables.open(target, plan)).toBeUndefined();
  });
});

describe('servers that are down', () => {
  const server = { address: '192.0.2.1', port: 143 };

  test('are admitted when all is switched off', async () => {
    const holder = new Holder();
    helper.outcome = holder.take;
    await tables.open(target, plan);
    await tables.refuse(server, 30);
    await tables.refuse({ ...server, address: '2001:db8::1' }, 30);
    expect(listed(holder.redirect, ['down4', 'down6'])?.flat()).toHaveLength(2);
    await tables.update(switchedOff);
    expect(listed(holder.redirect, ['down4', 'down6'])?.flat()).toEqual([]);
  });

  test('are no part of the redirect that is set up anew', async () => {
    await tables.open(target, plan);
    await tables.refuse(server, 30);
    await tables.close(false);
    await tables.open(target, plan);
    const { length } = helper.heard;
    await tables.update(switchedOff);
    expect(helper.heard.slice(length)).toMatchObject([{ do: 'change', remove: { ports: [[143, 143]] } }]);
  });

  test('do not disturb a block, nor what is detected', async () => {
    const holder = new Holder();
    helper.outcome = holder.take;
    await tables.open(target, { ...blocking, detect: ['imap'] });
    const before = listed(holder.block, blockSets);
    await tables.refuse(server, 30);
    await tables.refuse(server, undefined);
    expect(listed(holder.block, blockSets)).toEqual(before);
    expect(listed(holder.redirect, ['down4'])).toEqual([[]]);
  });
});
