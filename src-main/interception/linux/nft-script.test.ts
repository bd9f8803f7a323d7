import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AddressRange, mergeAddressRanges, parseAddressEntry } from '../../contract/address-list.ts';
import {
  change,
  creation,
  deltaOf,
  type ElementRange,
  emptySets,
  outcomeOf,
  setsOf,
  transaction,
} from './nft-script.ts';

function range(text: string): AddressRange {
  const parsed = parseAddressEntry(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.range;
}

const element = (from: number, to = from): ElementRange => ({ from: BigInt(from), to: BigInt(to) });

describe('the table', () => {
  test('is made as a whole, owned, with its chains in the right places', () => {
    const text = creation({ uid: 1001, listenPort: 3143, ipv6: true }).join('\n');
    expect(text).toMatchInlineSnapshot(`
      "add table inet postern_1001 { flags owner; }
      add set inet postern_1001 rev { type mark; }
      add set inet postern_1001 ports { type inet_service; flags interval; }
      add set inet postern_1001 skip4 { type ipv4_addr; flags interval; }
      add set inet postern_1001 skip6 { type ipv6_addr; flags interval; }
      add chain inet postern_1001 out { type nat hook output priority -105; policy accept; }
      add rule inet postern_1001 out meta skuid 1001 tcp sport 61000-65535 return
      add rule inet postern_1001 out ip daddr @skip4 return
      add rule inet postern_1001 out ip6 daddr @skip6 return
      add rule inet postern_1001 out fib daddr type local return
      add rule inet postern_1001 out tcp dport @ports redirect to :3143
      add chain inet postern_1001 lo1 { type filter hook prerouting priority -310; policy accept; }
      add rule inet postern_1001 lo1 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip saddr set 127.0.0.1
      add rule inet postern_1001 lo1 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip6 saddr set ::1
      add chain inet postern_1001 lo2 { type filter hook prerouting priority -290; policy accept; }
      add rule inet postern_1001 lo2 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip saddr set ct original ip daddr
      add rule inet postern_1001 lo2 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip6 saddr set ct original ip6 daddr
      add chain inet postern_1001 guard { type filter hook output priority 0; policy accept; }
      add rule inet postern_1001 guard tcp sport 3143 ct direction reply ct status dnat meta skuid != 1001 drop"
    `);
  });

  test('leaves IPv6 alone where nobody listens on ::1', () => {
    const commands = creation({ uid: 0, listenPort: 3143, ipv6: false });
    expect(commands).toContain(
      'add rule inet postern_0 out meta nfproto ipv4 tcp dport @ports redirect to :3143',
    );
  });
});

describe('a change', () => {
  const plan = {
    enabled: true,
    ports: [
      { from: 110, to: 110 },
      { from: 990, to: 999 },
    ],
    excluded: [range('10.0.0.0/24'), range('fd00::1')],
  };

  test('fills empty sets, ranges and single elements, each family in its set', () => {
    expect(change(0, emptySets, setsOf(plan)).commands).toEqual([
      'add element inet postern_0 ports { 110, 990-999 }',
      'add element inet postern_0 skip4 { 10.0.0.0-10.0.0.255 }',
      'add element inet postern_0 skip6 { fd00:0:0:0:0:0:0:1 }',
    ]);
  });

  test('is nothing when nothing changed', () => {
    const { sets } = change(0, emptySets, setsOf(plan));
    expect(change(0, sets, setsOf(plan))).toEqual({ commands: [], sets });
  });

  test('names the difference alone', () => {
    const have = setsOf(plan);
    const wanted = { ...have, ports: [element(110), element(143)], skip6: [] };
    expect(change(0, have, wanted).commands).toEqual([
      'delete element inet postern_0 ports { 990-999 }',
      'add element inet postern_0 ports { 143 }',
      'delete element inet postern_0 skip6 { fd00:0:0:0:0:0:0:1 }',
    ]);
  });

  test('lets an element stay when a range grows around it', () => {
    expect(deltaOf([element(993)], [element(990, 995)])).toEqual({
      remove: [],
      add: [element(990, 992), element(994, 995)],
    });
  });

  test('replaces an element of which only a part is wanted', () => {
    expect(deltaOf([element(990, 995), element(1000)], [element(993, 1005)])).toEqual({
      remove: [element(990, 995)],
      add: [element(993, 999), element(1001, 1005)],
    });
  });

  test('after any row of changes the elements are disjoint and cover what is wanted', () => {
    const ranges = fc
      .array(fc.tuple(fc.nat(60), fc.nat(12)), { maxLength: 8 })
      .map((pairs) =>
        mergeAddressRanges(pairs.map(([from, size]) => ({ family: 4, ...element(from, from + size) }))),
      );
    const covered = (elements: readonly ElementRange[]) =>
      elements.flatMap(({ from, to }) =>
        Array.from({ length: Number(to - from) + 1 }, (_, i) => Number(from) + i),
      );
    fc.assert(
      fc.property(fc.array(ranges, { maxLength: 6 }), (rows) => {
        let have: readonly ElementRange[] = [];
        for (const wanted of rows) {
          const { remove, add } = deltaOf(have, wanted);
          // Two pieces that touch within one command would become one element, which could not be deleted by half later.
          expect(add.every((each, i) => i === 0 || each.from > (add[i - 1]?.to ?? 0n) + 1n)).toBe(true);
          expect(remove.every((each) => have.includes(each))).toBe(true);
          have = change(0, { ...emptySets, skip4: have }, { ...emptySets, skip4: wanted }).sets.skip4;
          expect(covered(have)).toEqual(covered(wanted));
        }
      }),
    );
  });
});

describe('a transaction', () => {
  const listed = (token: string) =>
    `table inet postern_0 {\n\tset rev {\n\t\ttype mark\n\t\telements = { ${token} }\n\t}\n}\n`;
  const end =
    'payload expression, datatype inet_service (internet network service) (basetype integer), 16 bits\n';

  test('is one line, followed by the questions that acknowledge it', () => {
    expect(transaction(0, ['first', 'second'], 0x1f).split('\n')).toEqual([
      'first; second; flush set inet postern_0 rev; add element inet postern_0 rev { 0x0000001f }',
      'list set inet postern_0 rev',
      'describe tcp dport',
      '',
    ]);
  });

  test('is done when its token is listed', () => {
    expect(outcomeOf(listed('0x0000001f') + end, 0x1f)).toBe('done');
  });

  test('has failed when another token is listed, or none', () => {
    expect(outcomeOf(listed('0x0000002f') + end, 0x1f)).toBe('failed');
    expect(outcomeOf(end, 0x1f)).toBe('failed');
  });

  test('is not decided before its end, wherever the output is cut', () => {
    const output = listed('0x0000001f') + end;
    for (let at = 0; at < output.length; at++) expect(outcomeOf(output.slice(0, at), 0x1f)).toBe('need-more');
  });
});
