import { describe, expect, test } from 'vitest';
import { parseAddressEntry } from '../contract/address-list.ts';
import { defaultSettings, type MailTransportSettings } from '../contract/settings.ts';
import { nextChangeAt, planFrom } from './plan.ts';

const now = new Date('2026-01-01T12:00:00Z');

function settings(changes: Partial<MailTransportSettings>): MailTransportSettings {
  return { ...defaultSettings.mailTransport, ...changes };
}

function ports(changes: Partial<MailTransportSettings>): string {
  return planFrom(settings(changes), now)
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
    expect(planFrom(settings({}), now).enabled).toBe(true);
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
    expect(planFrom(settings({ enabled: false }), now)).toMatchObject({ enabled: false, ports: [] });
  });
});

describe('excluded addresses', () => {
  test('are merged per family', () => {
    const excludedAddresses = ['10.0.0.4-10.0.0.9', '10.0.0.0/29', 'fd00::/64', '192.0.2.1'].map(
      (address) => ({
        address,
      }),
    );
    expect(planFrom(settings({ excludedAddresses }), now).excluded).toEqual([
      range('10.0.0.0-10.0.0.9'),
      range('192.0.2.1'),
      range('fd00::/64'),
    ]);
  });

  test('count until the very millisecond at which they end', () => {
    const until = '2026-01-01T13:00:00.000Z';
    const plan = (at: Date) =>
      planFrom(settings({ excludedAddresses: [{ address: '192.0.2.1', until }] }), at);
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
