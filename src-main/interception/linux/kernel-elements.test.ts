// From plans to the elements of sets: what a kernel that obeys every request would hold is what the plan asks for.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeAddressRanges, parseAddressEntry } from '../../contract/address-list.ts';
import type { PortRange } from '../../contract/port-list.ts';
import type { FoundEndpoint, InterceptionPlan } from '../backend.ts';
import type { AddressElement, Elements, EndpointElement, PortElement } from './helper-messages.ts';
import {
  deniedOf,
  foundChanges,
  type Holdings,
  hexAddress,
  holdingsOf,
  nothingHeld,
  rangesChange,
} from './kernel-elements.ts';

const dayMs = 24 * 60 * 60 * 1_000;
const nowMs = Date.parse('2026-01-01T12:00:00Z');

function planOf(changes: Partial<InterceptionPlan>): InterceptionPlan {
  return {
    enabled: true,
    ports: [],
    localPorts: [],
    excluded: [],
    detect: [],
    found: [],
    blockWhenStopped: false,
    blockChosen: false,
    ...changes,
  };
}

const endpoint = (address: string, port: number, inDays = 7): FoundEndpoint => ({
  address,
  port,
  until: new Date(nowMs + inDays * dayMs),
});

describe('an address in the form of the helper', () => {
  test.each([
    ['203.0.113.10', 4, 'cb00710a'],
    ['0.0.0.1', 4, '00000001'],
    ['::1', 6, '00000000000000000000000000000001'],
    ['2001:DB8::10', 6, '20010db8000000000000000000000010'],
    ['fe80::1%eth0', 6, 'fe800000000000000000000000000001'],
  ])('%s', (address, family, hex) => {
    expect(hexAddress(address)).toEqual({ family, hex });
  });

  test.each(['', 'mail.example.org', '10.0.0.0/8', '10.0.0.1-10.0.0.2', '%eth0', '1.2.3'])(
    'is none of "%s"',
    (text) => {
      expect(hexAddress(text)).toBeUndefined();
    },
  );
});

describe('ports that are never redirected', () => {
  const denied: PortElement[] = [
    [22, 22],
    [80, 80],
    [443, 445],
  ];
  const ranges = (...texts: [number, number][]): PortRange[] => texts.map(([from, to]) => ({ from, to }));

  test('are left out of all that is asked, and the rest stays', () => {
    const { ranges: held, found } = holdingsOf(
      planOf({
        ports: ranges([22, 22], [79, 81], [400, 444], [993, 993]),
        localPorts: ranges([440, 450]),
        found: [endpoint('192.0.2.1', 444), endpoint('192.0.2.1', 446)],
      }),
      denied,
    );
    expect(held.ports.map(({ from, to }) => [Number(from), Number(to)])).toEqual([
      [79, 79],
      [81, 81],
      [400, 442],
      [993, 993],
    ]);
    expect(held.bridges.map(({ from, to }) => [Number(from), Number(to)])).toEqual([
      [440, 442],
      [446, 450],
    ]);
    expect([...found.keys()]).toEqual(['found4 c0000201 446']);
  });

  test('are named as far as they were asked for', () => {
    expect(deniedOf(planOf({ ports: ranges([79, 81]), localPorts: ranges([444, 450]) }), denied)).toBe(
      '80, 443-445',
    );
    expect(deniedOf(planOf({ ports: ranges([110, 143]) }), denied)).toBe('');
    expect(deniedOf(planOf({ ports: ranges([1, 65_535]) }), [])).toBe('');
  });

  test('are exactly those that are missing', () => {
    const some = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(9)), { maxLength: 6 })
      .map((pairs) => pairs.map(([from, size]): PortElement => [from, from + size]));
    const holds = (held: Holdings, port: number) =>
      held.ranges.ports.some(({ from, to }) => from <= port && port <= to);
    fc.assert(
      fc.property(some, some, (asked, never) => {
        const ports = asked.map(([from, to]) => ({ from, to }));
        const held = holdingsOf(planOf({ ports }), never);
        for (let port = 1; port <= 70; port++) {
          const isIn = (list: readonly PortElement[]) =>
            list.some(([from, to]) => from <= port && port <= to);
          expect(holds(held, port)).toBe(isIn(asked) && !isIn(never));
        }
      }),
    );
  });
});

/** The sets of a kernel that does what it is told; an interval set takes no element that overlaps another. */
class Kernel {
  readonly #ranges = new Map<string, (readonly [bigint, bigint])[]>();
  readonly found = new Map<string, number>();
  requests = 0;

  obey({ remove, add }: { readonly remove: Elements; readonly add: Elements }): void {
    this.requests++;
    for (const [set, from, to] of this.#listed(remove)) {
      const elements = this.#ranges.get(set) ?? [];
      const left = elements.filter((each) => each[0] !== from || each[1] !== to);
      expect(left).toHaveLength(elements.length - 1);
      this.#ranges.set(set, left);
    }
    for (const [set, from, to] of this.#listed(add)) {
      const elements = this.#ranges.get(set) ?? [];
      expect(from <= to && elements.every((each) => to < each[0] || each[1] < from)).toBe(true);
      this.#ranges.set(set, [...elements, [from, to]]);
    }
    for (const [key] of this.#endpoints(remove)) expect(this.found.delete(key)).toBe(true);
    for (const [key, ttl] of this.#endpoints(add)) this.found.set(key, ttl);
  }

  #listed({ ports = [], bridges = [], skip4 = [], skip6 = [] }: Elements): [string, bigint, bigint][] {
    const numbers = (set: string, elements: readonly PortElement[]) =>
      elements.map(([from, to]): [string, bigint, bigint] => [set, BigInt(from), BigInt(to)]);
    const addresses = (set: string, elements: readonly AddressElement[], digits: number) =>
      elements.map(([from, to]): [string, bigint, bigint] => {
        for (const each of [from, to]) expect(each).toMatch(new RegExp(`^[0-9a-f]{${digits}}$`));
        return [set, BigInt(`0x${from}`), BigInt(`0x${to}`)];
      });
    return [
      ...numbers('ports', ports),
      ...numbers('bridges', bridges),
      ...addresses('skip4', skip4, 8),
      ...addresses('skip6', skip6, 32),
    ];
  }

  #endpoints({ found4 = [], found6 = [] }: Elements): [string, number][] {
    const of = (set: string, elements: readonly EndpointElement[]) =>
      elements.map(([hex, port, ttl]): [string, number] => [`${set} ${hex} ${port}`, ttl]);
    return [...of('found4', found4), ...of('found6', found6)];
  }

  /** Each set as merged ranges. */
  covered(set: string): string[] {
    const merged: [bigint, bigint][] = [];
    for (const [from, to] of (this.#ranges.get(set) ?? []).toSorted((a, b) => (a[0] < b[0] ? -1 : 1))) {
      const last = merged.at(-1);
      if (last && last[1] + 1n === from) last[1] = to;
      else merged.push([from, to]);
    }
    return merged.map(([from, to]) => `${from}-${to}`);
  }
}

const asText = (ranges: readonly { readonly from: bigint | number; readonly to: bigint | number }[]) =>
  ranges.map(({ from, to }) => `${from}-${to}`);

describe('the changes from plan to plan', () => {
  const ports = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 80 }), fc.nat(12)), { maxLength: 8 })
    .map((pairs) =>
      mergeAddressRanges(
        pairs.map(([from, size]) => ({ family: 4, from: BigInt(from), to: BigInt(from + size) })),
      ).map(({ from, to }) => ({ from: Number(from), to: Number(to) })),
    );
  const addresses = fc
    .array(
      fc.tuple(
        fc.constantFrom(4 as const, 6 as const),
        fc.constantFrom(0n, 0xc0_00_02_00n, 0xff_ff_ff_e0n),
        fc.nat(16),
        fc.nat(15),
      ),
      { maxLength: 8 },
    )
    .map((all) =>
      mergeAddressRanges(
        all.map(([family, base, from, size]) => {
          const shift = family === 6 && base > 0xff_00_00_00n ? 96n : 0n;
          const start = (base << shift) + BigInt(from);
          return { family, from: start, to: start + BigInt(size) };
        }),
      ),
    );

  test('leave exactly what the last plan wants, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ports, ports, addresses), { minLength: 1, maxLength: 6 }), (plans) => {
        const kernel = new Kernel();
        let have = nothingHeld;
        for (const [own, local, excluded] of plans) {
          const plan = planOf({ ports: own, localPorts: local, excluded });
          const change = rangesChange(have, holdingsOf(plan, []));
          expect(change.isEmpty).toBe(
            Object.values({ ...change.remove, ...change.add }).every((all) => all.length === 0),
          );
          kernel.obey(change);
          have = change.holdings;
          expect(kernel.covered('ports')).toEqual(asText(own));
          expect(kernel.covered('bridges')).toEqual(asText(local));
          for (const family of [4, 6] as const)
            expect(kernel.covered(`skip${family}`)).toEqual(
              asText(excluded.filter((each) => each.family === family)),
            );
          expect(rangesChange(have, holdingsOf(plan, [])).isEmpty).toBe(true);
        }
      }),
    );
  });

  test('to nothing are none from nothing', () => {
    expect(rangesChange(nothingHeld, holdingsOf(planOf({}), []))).toMatchObject({
      remove: {},
      add: {},
      isEmpty: true,
    });
  });

  test('carry what is detected and blocked, and leave endpoints for later', () => {
    const plan = planOf({ detect: ['imap'], blockWhenStopped: true, found: [endpoint('192.0.2.1', 10_143)] });
    const { holdings, isEmpty } = rangesChange(nothingHeld, holdingsOf(plan, []));
    expect(holdings).toMatchObject({ detect: ['imap'], block: true, found: new Map() });
    expect(isEmpty).toBe(true);
  });
});

describe('endpoints that were found', () => {
  const wantedOf = (...found: FoundEndpoint[]) => holdingsOf(planOf({ found }), []);
  const only = (have: Holdings, wanted: Holdings, atMs = nowMs) => {
    const changes = foundChanges(have, wanted, atMs);
    expect(changes).toHaveLength(1);
    return changes[0] ?? rangesChange(have, have);
  };

  test('are told with what is left of their time, in whole seconds, by family', () => {
    const wanted = wantedOf(endpoint('192.0.2.1', 10_143), endpoint('2001:db8::1', 10_110, 1));
    expect(only(nothingHeld, wanted, nowMs + 1)).toMatchObject({
      remove: {},
      add: {
        found4: [['c0000201', 10_143, 7 * 86_400]],
        found6: [['20010db8000000000000000000000001', 10_110, 86_400]],
      },
    });
  });

  test('are told for thirty days at most', () => {
    const { add } = only(nothingHeld, wantedOf(endpoint('192.0.2.1', 10_143, 100)));
    expect(add).toEqual({ found4: [['c0000201', 10_143, 30 * 86_400]] });
  });

  test('are not told when their time is over, nor when they are names', () => {
    const wanted = wantedOf(endpoint('192.0.2.1', 10_143, 0), endpoint('mail.example.org', 10_143));
    expect(foundChanges(nothingHeld, wanted, nowMs)).toEqual([]);
  });

  test('are prolonged once they are to stay a day longer', () => {
    const { holdings } = only(nothingHeld, wantedOf(endpoint('192.0.2.1', 10_143)));
    expect(foundChanges(holdings, wantedOf(endpoint('192.0.2.1', 10_143, 8)), nowMs)).toEqual([]);
    const longer = wantedOf(endpoint('192.0.2.1', 10_143, 8.5));
    const { add, remove, holdings: after } = only(holdings, longer, nowMs + dayMs);
    expect([add, remove]).toEqual([{ found4: [['c0000201', 10_143, 7.5 * 86_400]] }, {}]);
    expect(foundChanges(after, longer, nowMs + dayMs)).toEqual([]);
  });

  test('are removed when they are wanted no more', () => {
    const [one, two] = [endpoint('192.0.2.1', 10_143), endpoint('2001:db8::1', 10_143)];
    const { holdings } = only(nothingHeld, wantedOf(one, two));
    const { remove, add, holdings: after } = only(holdings, wantedOf(one));
    expect(remove).toMatchObject({
      found6: [['20010db8000000000000000000000001', 10_143, expect.any(Number)]],
    });
    expect(add).toEqual({});
    expect(foundChanges(after, wantedOf(one), nowMs)).toEqual([]);
  });

  test('go in slices of a thousand, and each slice says what is held after it', () => {
    const many = Array.from({ length: 4_096 }, (_, i) => endpoint(`10.0.${i >> 8}.${i & 255}`, 10_143));
    const kernel = new Kernel();
    const come = foundChanges(nothingHeld, wantedOf(...many), nowMs);
    expect(come.map(({ add }) => add.found4?.length)).toEqual([1_000, 1_000, 1_000, 1_000, 96]);
    expect(come.map(({ holdings }) => holdings.found.size)).toEqual([1_000, 2_000, 3_000, 4_000, 4_096]);
    for (const change of come) kernel.obey(change);
    expect(kernel.found.size).toBe(4_096);
    const gone = foundChanges(come.at(-1)?.holdings ?? nothingHeld, wantedOf(...many.slice(0, 3)), nowMs);
    expect(gone.map(({ remove }) => remove.found4?.length)).toEqual([1_000, 1_000, 1_000, 1_000, 93]);
    for (const change of gone) kernel.obey(change);
    expect([...kernel.found.keys()]).toEqual([
      'found4 0a000000 10143',
      'found4 0a000001 10143',
      'found4 0a000002 10143',
    ]);
  });

  test('are exactly those of the last plan that have time left, after any row of plans and one change at a time', () => {
    const some = fc.uniqueArray(fc.tuple(fc.nat(5), fc.nat(1), fc.integer({ min: -1, max: 40 })), {
      maxLength: 8,
      selector: ([host, v6]) => `${host} ${v6}`,
    });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 5 }), (plans) => {
        const kernel = new Kernel();
        let have = nothingHeld;
        for (const plan of plans) {
          const wanted = wantedOf(
            ...plan
              .filter(([, , days]) => days > 0)
              .map(([host, v6, days]) =>
                endpoint(v6 ? `2001:db8::${host}` : `192.0.2.${host}`, 10_143, days),
              ),
          );
          // As the tables do: the first change, and then what is left.
          for (
            let [change] = foundChanges(have, wanted, nowMs);
            change;
            [change] = foundChanges(have, wanted, nowMs)
          ) {
            kernel.obey(change);
            have = change.holdings;
          }
          expect([...kernel.found.keys()].toSorted()).toEqual([...wanted.found.keys()].toSorted());
        }
      }),
    );
  });
});

test('an excluded range is told as it is parsed', () => {
  const parsed = parseAddressEntry('10.0.0.0/8');
  const excluded = parsed.ok ? [parsed.range] : [];
  expect(rangesChange(nothingHeld, holdingsOf(planOf({ excluded }), [])).add).toEqual({
    skip4: [['0a000000', '0affffff']],
  });
});
