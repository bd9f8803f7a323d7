import { describe, expect, test } from 'vitest';
import { parseAddressEntry } from '../contract/address-list.ts';
import { defaultSettings, type MailTransportSettings } from '../contract/settings.ts';
import { isUnlisted, nextChangeAt, planFrom } from './plan.ts';

const now = new Date('2026-01-01T12:00:00Z');

function settings(changes: Partial<MailTransportSettings>): MailTransportSettings {
  return { ...defaultSettings.mailTransport, ...changes };
}

function ports(changes: Partial<MailTransportSettings>): string {
  return planFrom(settings(changes), [], now)
    .ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
    .join(' ');
}

function range(text: string) {
  const parsed = parseAddressEntry(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.range;
}

describe('ports', () => {
  test('the defaults redirect both plain ports and the listed TLS ports', () => {
    expect(ports({})).toBe('110 143 585 993 995');
    expect(planFrom(settings({}), [], now).enabled).toBe(true);
  });

  test('one plain protocol keeps both plain ports, since what is said decides', () => {
    expect(ports({ scanImap: false })).toBe('110 143 585 993 995');
    expect(ports({ scanPop3: false })).toBe('110 143 585 993 995');
    expect(ports({ scanImap: false, scanPop3: false })).toBe('585 993 995');
  });

  test('each TLS list follows its own switch', () => {
    expect(ports({ scanImaps: false })).toBe('110 143 995');
    expect(ports({ scanPop3s: false })).toBe('110 143 585 993');
  });

  test('lists that overlap or touch are merged', () => {
    expect(ports({ imapsPorts: '993, 1000-1010', pop3sPorts: '994, 1005-1020, 143' })).toBe(
      '110 143 993-994 1000-1020',
    );
  });

  test('switched off, nothing is redirected', () => {
    expect(planFrom(settings({ enabled: false }), [], now)).toMatchObject({ enabled: false, ports: [] });
  });
});

describe('ports of bridges on this machine', () => {
  const localPorts = (changes: Partial<MailTransportSettings>) =>
    planFrom(settings({ localPorts: '1143, 1110, 1025-1030, 1031', ...changes }), [], now).localPorts;

  test('are redirected on this machine, sorted and merged', () => {
    expect(localPorts({})).toEqual([
      { from: 1_025, to: 1_031 },
      { from: 1_110, to: 1_110 },
      { from: 1_143, to: 1_143 },
    ]);
    expect(localPorts({ localPorts: '' })).toEqual([]);
  });

  test('are, while any protocol is scanned', () => {
    const none = { scanImap: false, scanImaps: false, scanPop3: false, scanPop3s: false };
    expect(localPorts(none)).toEqual([]);
    expect(localPorts({ enabled: false })).toEqual([]);
    for (const scan of ['scanImap', 'scanImaps', 'scanPop3', 'scanPop3s'] as const)
      expect(localPorts({ ...none, [scan]: true })).toHaveLength(3);
  });
});

describe('plain mail on any port', () => {
  const later = new Date(now.getTime() + 1);
  const found = [
    { address: '192.0.2.1', port: 10_143, until: later },
    { address: '192.0.2.2', port: 10_110, until: now },
  ];

  test.each([
    [{}, ['imap', 'pop3']],
    [{ scanPop3: false }, ['imap']],
    [{ scanImap: false }, ['pop3']],
    [{ scanImap: false, scanPop3: false }, []],
    [{ enabled: false }, []],
  ])('is detected for what is scanned: %o', (changes, detect) => {
    expect(planFrom(settings(changes), found, now).detect).toEqual(detect);
  });

  test('is redirected where it was found, until that very millisecond', () => {
    expect(planFrom(settings({}), found, now).found).toEqual(found.slice(0, 1));
    expect(planFrom(settings({}), found, later).found).toEqual([]);
  });

  test('is not where neither plain protocol is scanned', () => {
    expect(planFrom(settings({ scanImap: false, scanPop3: false }), found, now).found).toEqual([]);
    expect(planFrom(settings({ enabled: false }), found, now).found).toEqual([]);
    expect(planFrom(settings({ scanImap: false }), found, now).found).toHaveLength(1);
  });
});

test.each([
  [{}, false, false],
  [{ whenStopped: 'block' }, true, true],
  // What an earlier core left may stand, and is to be lifted.
  [{ whenStopped: 'block', enabled: false }, false, true],
  [{ enabled: false }, false, false],
] as const)(
  'mail is refused without us where that is chosen and scanning is on: %o',
  (changes, block, chosen) => {
    expect(planFrom(settings(changes), [], now)).toMatchObject({
      blockWhenStopped: block,
      blockChosen: chosen,
    });
  },
);

describe('a server', () => {
  test.each([
    ['on no listed port', '192.0.2.1', 10_143, {}, true],
    ['on no listed port, by IPv6', '2001:db8::1', 10_143, {}, true],
    ['on a listed port', '192.0.2.1', 993, {}, false],
    ['on a plain port', '192.0.2.1', 143, {}, false],
    ['on a port of a protocol that is not scanned', '192.0.2.1', 993, { scanImaps: false }, true],
    ['within a listed range', '192.0.2.1', 10_143, { imapsPorts: '10000-11000' }, false],
    ['of this machine', '127.0.0.1', 10_143, {}, false],
    ['of this machine, by another of its addresses', '127.1.2.3', 10_143, {}, false],
    ['of this machine, by IPv6', '::1', 10_143, {}, false],
    ['known by its name alone', 'mail.example.org', 10_143, {}, false],
    ['on a port that is redirected on this machine alone', '192.0.2.1', 1_143, { localPorts: '1143' }, true],
  ])('%s is redirected only once mail was found there: %s %i', (_, address, port, changes, expected) => {
    expect(isUnlisted({ address, port }, settings(changes))).toBe(expected);
  });
});

describe('excluded addresses', () => {
  test('are merged per family', () => {
    const excludedAddresses = ['10.0.0.4-10.0.0.9', '10.0.0.0/29', 'fd00::/64', '192.0.2.1'].map(
      (address) => ({
        address,
      }),
    );
    expect(planFrom(settings({ excludedAddresses }), [], now).excluded).toEqual([
      range('10.0.0.0-10.0.0.9'),
      range('192.0.2.1'),
      range('fd00::/64'),
    ]);
  });

  test('count until the very millisecond at which they end', () => {
    const until = '2026-01-01T13:00:00.000Z';
    const plan = (at: Date) =>
      planFrom(settings({ excludedAddresses: [{ address: '192.0.2.1', until }] }), [], at);
    expect(plan(new Date(Date.parse(until) - 1)).excluded).toHaveLength(1);
    expect(plan(new Date(until)).excluded).toEqual([]);
  });
});

describe('the next change', () => {
  test('is the earliest end that is still to come', () => {
    const ends = [
      '2026-01-01T11:00:00Z',
      '2026-01-01T15:00:00Z',
      '2026-01-01T13:00:00Z',
      '2026-01-01T12:00:00Z',
    ];
    const excludedAddresses = [
      { address: '192.0.2.9' },
      ...ends.map((until, i) => ({ address: `192.0.2.${i}`, until })),
    ];
    expect(nextChangeAt(settings({ excludedAddresses }), now)).toEqual(new Date('2026-01-01T13:00:00Z'));
  });

  test('is none when no exclusion ends', () => {
    expect(nextChangeAt(settings({ excludedAddresses: [{ address: '192.0.2.9' }] }), now)).toBeUndefined();
  });
});
