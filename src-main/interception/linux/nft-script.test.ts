import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Elements } from './helper-messages.ts';
import { readRequest } from './helper-request.ts';
import {
  blockCreation,
  blockSets,
  blockTable,
  changeSets,
  creation,
  greetingRules,
  onTable,
  ownerTable,
  redirectSets,
  type Scope,
} from './nft-script.ts';

const denied = [22, 443];
const user: Scope = { user: 1001, coreUid: 1001, denied };
const all: Scope = { user: 'all', coreUid: 998, denied };
const shape = { listen: 3143, ipv6: true, form: 'ih' } as const;

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
/** As nft gets it. */
const redirect = (scope: Scope, how = {}) =>
  linesOf(onTable(ownerTable(scope.user), creation(scope, { ...shape, ...how })));
const greetings = (form: 'ih' | 'th' | 'none', detect: readonly ('imap' | 'pop3')[], scope = user) =>
  linesOf(onTable(ownerTable(1001), greetingRules(scope, form, detect)));

/** Without the words that all commands begin with. */
const bare = (commands: readonly string[], table: string) =>
  commands
    .map((command) => command.replace(/^add (rule|chain|set) /, '$1 ').replace(`${table} `, ''))
    .join('\n');

describe('the table that redirects', () => {
  test("is made as a whole, owned, with its chains in the right places, about one user's connections", () => {
    expect(
      bare([...redirect(user), ...greetings('ih', ['imap', 'pop3'])], ownerTable(1001)),
    ).toMatchInlineSnapshot(`
      "add table { flags owner; }
      set rev { type mark; }
      set ports { type inet_service; flags interval; size 8192; }
      set skip4 { type ipv4_addr; flags interval; size 8192; }
      set skip6 { type ipv6_addr; flags interval; size 8192; }
      set found4 { type ipv4_addr . inet_service; flags dynamic, timeout; timeout 1h; size 4096; }
      set found6 { type ipv6_addr . inet_service; flags dynamic, timeout; timeout 1h; size 4096; }
      set bridges { type inet_service; flags interval; size 8192; }
      set down4 { type ipv4_addr . inet_service; flags dynamic, timeout; timeout 1h; size 4096; }
      set down6 { type ipv6_addr . inet_service; flags dynamic, timeout; timeout 1h; size 4096; }
      chain refuse { type filter hook output priority -110; }
      rule refuse meta skuid 1001 tcp sport 61000-65535 return
      rule refuse meta skuid 1001 ct state new ip daddr . tcp dport @down4 reject with tcp reset
      rule refuse meta skuid 1001 ct state new ip6 daddr . tcp dport @down6 reject with tcp reset
      chain out { type nat hook output priority -105; }
      rule out meta skuid 1001 tcp sport 61000-65535 return
      rule out ip daddr @skip4 return
      rule out ip6 daddr @skip6 return
      rule out meta skuid 1001 fib daddr type local tcp dport @bridges redirect to :3143
      rule out fib daddr type local return
      rule out meta skuid 1001 tcp dport @ports redirect to :3143
      rule out meta skuid 1001 ip daddr . tcp dport @found4 redirect to :3143
      rule out meta skuid 1001 ip6 daddr . tcp dport @found6 redirect to :3143
      chain lo1 { type filter hook prerouting priority -310; }
      rule lo1 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip saddr set 127.0.0.1
      rule lo1 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip6 saddr set ::1
      chain lo2 { type filter hook prerouting priority -290; }
      rule lo2 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip saddr set ct original ip daddr
      rule lo2 iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src 3143 ip6 saddr set ct original ip6 daddr
      chain far { type filter hook output priority -99; }
      rule far meta nfproto ipv6 meta l4proto tcp ct direction original ct status dnat ct reply proto-src 3143 ip6 daddr set ct original ip6 daddr
      chain near { type filter hook output priority 2000; }
      rule near meta nfproto ipv6 meta l4proto tcp ct direction original ct status dnat ct reply proto-src 3143 ip6 daddr set ::1
      chain guard { type filter hook output priority 0; }
      rule guard oif "lo" tcp sport 3143 ct direction reply ct status dnat meta skuid != 1001 drop
      chain hit
      rule hit meta skuid 1001 add @found4 { ip saddr . tcp sport } tcp flags set rst
      rule hit meta skuid 1001 add @found6 { ip6 saddr . tcp sport } tcp flags set rst
      chain greet
      chain in { type filter hook input priority -10; }
      rule in meta l4proto tcp iifname != "lo" ct direction reply ct state established ct status ! dnat ct original packets <= 2 ct reply packets <= 3 jump greet
      flush chain greet
      rule greet meta skuid 1001 tcp dport 61000-65535 return
      rule greet tcp sport { 22, 443 } return
      rule greet ip saddr @skip4 return
      rule greet ip6 saddr @skip6 return
      rule greet @ih,0,40 0x2a204f4b20 goto hit
      rule greet @ih,0,72 0x2a2050524541555448 goto hit
      rule greet @ih,0,24 0x2b4f4b goto hit"
    `);
  });

  test('for all users leaves the upstream connections of the core alone, and of nobody else', () => {
    const text = [...redirect(all), ...greetings('ih', [], all)].join('\n');
    expect(text.match(/meta skuid \S+( \S+)?/g)).toMatchInlineSnapshot(`
      [
        "meta skuid 998 tcp",
        "meta skuid 998 tcp",
        "meta skuid != 998",
        "meta skuid != 4294967295",
        "meta skuid != 4294967295",
        "meta skuid 998 tcp",
      ]
    `);
  });

  test('leaves IPv6 alone where nobody listens on ::1: no redirect, and no greeting is turned into a reset', () => {
    const commands = redirect(user, { ipv6: false });
    const first = (chain: string) =>
      commands.find((command) => command.includes(`rule inet postern_1001 ${chain}`));
    const returns = commands.filter((command) => command.endsWith('meta nfproto ipv6 return'));
    expect(returns).toEqual([
      'add rule inet postern_1001 out meta nfproto ipv6 return',
      'add rule inet postern_1001 hit meta nfproto ipv6 return',
    ]);
    expect(first('hit')).toBe(returns[1]);
    const at = commands.indexOf(returns[0] ?? '');
    expect(commands.findIndex((command) => command.includes('redirect'))).toBeGreaterThan(at);
  });

  test('finds greetings by the offsets of the usual headers', () => {
    expect(greetings('th', ['pop3']).filter((command) => command.includes('hit'))).toEqual([
      'add rule inet postern_1001 greet tcp doff 8 @th,256,24 0x2b4f4b goto hit',
      'add rule inet postern_1001 greet tcp doff 5 @th,160,24 0x2b4f4b goto hit',
    ]);
  });

  test('finds only the greetings that are asked for, and none where no form can be used', () => {
    const hits = (commands: readonly string[]) => commands.filter((command) => command.includes('goto hit'));
    expect(hits(greetings('ih', ['imap']))).toHaveLength(2);
    expect(hits(greetings('ih', []))).toEqual([]);
    expect(hits(greetings('none', ['imap', 'pop3']))).toEqual([]);
    expect(redirect(user, { form: 'none' }).join('\n')).not.toMatch(/jump greet|ct original packets/);
    expect(redirect(user).at(-1)).toMatch(/jump greet$/);
  });

  test('looks for greetings on denied ports of no server, and can do without any', () => {
    expect(greetings('ih', ['imap']).join('\n')).toContain('tcp sport { 22, 443 } return');
    expect(greetings('ih', ['imap'], { ...user, denied: [] }).join('\n')).not.toContain('tcp sport');
  });
});

describe('the table that refuses', () => {
  test('takes the place of one from before, and lets the core and what is redirected pass', () => {
    expect(
      bare(linesOf(blockCreation(user, { ports: [[143, 143]] })), blockTable(1001)),
    ).toMatchInlineSnapshot(`
      "add table inet postern_block_1001
      delete table inet postern_block_1001
      add table inet postern_block_1001
      set ports { type inet_service; flags interval; size 8192; }
      set skip4 { type ipv4_addr; flags interval; size 8192; }
      set skip6 { type ipv6_addr; flags interval; size 8192; }
      set found4 { type ipv4_addr . inet_service; flags dynamic, timeout; timeout 1h; size 4096; }
      set found6 { type ipv6_addr . inet_service; flags dynamic, timeout; timeout 1h; size 4096; }
      chain out { type filter hook output priority 0; }
      rule out ct status dnat return
      rule out meta skuid 1001 tcp sport 61000-65535 return
      rule out ip daddr @skip4 return
      rule out ip6 daddr @skip6 return
      rule out fib daddr type local return
      rule out meta skuid 1001 tcp dport @ports reject with tcp reset
      rule out meta skuid 1001 ip daddr . tcp dport @found4 reject with tcp reset
      rule out meta skuid 1001 ip6 daddr . tcp dport @found6 reject with tcp reset
      add element ports { 143 }"
    `);
  });

  test('is removed whether it stands or not', () => {
    expect(linesOf(blockCreation(all, false))).toEqual([
      'add table inet postern_block_all',
      'delete table inet postern_block_all',
    ]);
  });
});

describe('elements', () => {
  const elements: Elements = {
    ports: [
      [110, 110],
      [990, 999],
    ],
    skip4: [['0a000000', '0a0000ff']],
    skip6: [['fd000000000000000000000000000001', 'fd000000000000000000000000000001']],
    found4: [['cb00710a', 10_143, 3600]],
    down6: [['fd990000000000000000000000000010', 993, 5]],
  };

  test('are ranges and single ones, of both families', () => {
    const ranges = { ports: elements.ports ?? [], skip4: elements.skip4 ?? [], skip6: elements.skip6 ?? [] };
    expect(linesOf(changeSets(redirectSets, {}, ranges))).toEqual([
      'add element ports { 110, 990-999 }',
      'add element skip4 { 10.0.0.0-10.0.0.255 }',
      'add element skip6 { fd00:0000:0000:0000:0000:0000:0000:0001 }',
    ]);
  });

  test('that are endpoints are put in as if they had been in, and taken out as if they had run out', () => {
    const found4 = elements.found4 ?? [];
    const down6 = elements.down6 ?? [];
    expect(linesOf(changeSets(redirectSets, { found4 }, { down6 }))).toEqual([
      'add element found4 { 203.0.113.10 . 10143 }',
      'delete element found4 { 203.0.113.10 . 10143 }',
      'add element down6 { fd99:0000:0000:0000:0000:0000:0000:0010 . 993 }',
      'delete element down6 { fd99:0000:0000:0000:0000:0000:0000:0010 . 993 }',
      'add element down6 { fd99:0000:0000:0000:0000:0000:0000:0010 . 993 timeout 5s }',
    ]);
  });

  test('are taken out before others are put in, and go to the sets that are named alone', () => {
    const change = changeSets(blockSets, { ports: [[1, 2]] }, { ports: [[2, 3]], bridges: [[5, 5]] });
    expect(linesOf(change)).toEqual(['delete element ports { 1-2 }', 'add element ports { 2-3 }']);
    expect(linesOf(changeSets(redirectSets, {}, {}))).toEqual([]);
  });

  test('that are named twice are one', () => {
    const found4 = [['01020304', 5, 6] as const, ['01020304', 5, 7] as const];
    expect(linesOf(changeSets(redirectSets, {}, { found4 })).at(-1)).toBe(
      'add element found4 { 1.2.3.4 . 5 timeout 7s }',
    );
    expect(linesOf(changeSets(redirectSets, { found4 }, {})).at(-1)).toBe(
      'delete element found4 { 1.2.3.4 . 5 }',
    );
  });

  test('whatever is read as a request becomes text of numbers, separators and our own words alone', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '0a000001; flush ruleset',
        '1.2.3.4',
        '00000000\n',
        '$(id)',
        '0A000001',
        '}',
        -1,
        1.5,
        1e9,
      ),
    );
    const rarely = <Value>(usual: fc.Arbitrary<Value>) =>
      fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: hostile });
    const ordered = <Value>(end: fc.Arbitrary<Value>) =>
      fc.array(
        fc.tuple(end, end).map(([a, b]) => (a <= b ? [a, b] : [b, a])),
        { maxLength: 2 },
      );
    const port = rarely(fc.integer({ min: 1, max: 65_535 }));
    const ports = ordered(port);
    const address = (digits: number) => rarely(fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)));
    const addresses = (digits: number) => ordered(address(digits));
    const endpoints = (digits: number) => fc.array(fc.tuple(address(digits), port, port), { maxLength: 2 });
    const sets = fc.record(
      {
        ports,
        bridges: ports,
        skip4: addresses(8),
        skip6: addresses(32),
        found4: endpoints(8),
        found6: endpoints(32),
        down4: endpoints(8),
        down6: endpoints(32),
      },
      { requiredKeys: [] },
    );
    let read = 0;
    fc.assert(
      fc.property(sets, sets, (remove, add) => {
        const result = readRequest(
          JSON.stringify({ id: 1, do: 'change', detect: [], block: true, remove, add }),
        );
        if (!result.ok || result.request.do !== 'change') return;
        read++;
        const { remove: out, add: put } = result.request;
        for (const command of linesOf(changeSets(redirectSets, out, put))) {
          expect(command).toMatch(
            /^(add|delete) element [a-z46]+ \{ [0-9a-f.:, -]+( timeout [0-9]+s[0-9a-f.:, timeous-]*)? \}$/,
          );
        }
      }),
      { numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(100);
  });
});

test('a line for both families is two, and the table stands in every command on a part of it', () => {
  const commands =
    '  add rule out ip* daddr @skip* return\n  add set s { type ipv*_addr; }\n  delete table inet t';
  expect(linesOf(onTable('inet t', commands))).toEqual([
    'add rule inet t out ip daddr @skip4 return',
    'add rule inet t out ip6 daddr @skip6 return',
    'add set inet t s { type ipv4_addr; }',
    'add set inet t s { type ipv6_addr; }',
    'delete table inet t',
  ]);
});
