import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSettings, settingsSchema } from './settings.ts';
import { loadSettings } from './settings-migrations.ts';

describe('hostile settings documents', () => {
  it.each([
    [undefined],
    [null],
    [''],
    ['{"version":1}'],
    [7],
    [true],
    [[]],
    [[{ version: 1 }]],
    [{}],
    [{ version: '1' }],
    [{ version: 0 }],
    [{ version: -1 }],
    [{ version: 1.5 }],
    [{ version: Number.NaN }],
    [{ version: null }],
    [{ version: 1e300 }],
  ])('falls back whole for %j', (document) => {
    const { settings, problems } = loadSettings(document);
    expect(settings).toEqual(defaultSettings);
    expect(problems).toHaveLength(1);
  });

  it.each([[null], [[]], [['enabled']], ['text'], [0], [false]])(
    'falls back alone for a section that is %j',
    (section) => {
      const { settings, problems } = loadSettings({
        version: 1,
        mailTransport: section,
        appearance: { theme: 'dark' },
      });
      expect(settings.mailTransport).toEqual(defaultSettings.mailTransport);
      expect(settings.appearance.theme).toBe('dark');
      expect(problems).toMatchObject([{ code: 'settings-section-invalid', section: 'mailTransport' }]);
    },
  );

  it.each([
    ['{"version":1,"__proto__":{"enabled":false}}'],
    ['{"version":1,"mailTransport":{"__proto__":{"enabled":false}}}'],
    ['{"version":1,"constructor":{"prototype":{"polluted":true}}}'],
  ])('is not led astray by %s', (text) => {
    expect(loadSettings(JSON.parse(text)).settings).toEqual(defaultSettings);
    expect({}).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('enabled');
  });

  it('refuses a list of more entries than there may be', () => {
    const excludedAddresses = Array.from({ length: 100_000 }, () => ({ address: '192.0.2.1' }));
    const { settings, problems } = loadSettings({ version: 1, mailTransport: { excludedAddresses } });
    expect(settings.mailTransport.excludedAddresses).toEqual([]);
    expect(problems).toMatchObject([{ fields: ['excludedAddresses'] }]);
  });

  it('refuses texts of hostile length', () => {
    const spaces = ' '.repeat(1_000_000);
    const { settings } = loadSettings({
      version: 1,
      mailTransport: {
        imapsPorts: `9${spaces}93`,
        excludedAddresses: [{ address: `1${spaces}-${spaces}2` }],
        excludedApplications: [{ application: `/${'a/'.repeat(500_000)}` }],
      },
    });
    expect(settings).toEqual(defaultSettings);
  });

  it('always answers with settings that are valid', () => {
    const section = fc.oneof(fc.anything(), fc.record({ enabled: fc.anything(), imapsPorts: fc.anything() }));
    const document = fc.oneof(
      fc.anything(),
      fc.record({
        version: fc.oneof(fc.constant(1), fc.anything()),
        mailTransport: section,
        appearance: section,
      }),
    );
    fc.assert(
      fc.property(document, (given) => {
        const { settings, problems } = loadSettings(given);
        expect(settingsSchema.safeParse(settings).success).toBe(true);
        expect(problems.every((problem) => problem.code.startsWith('settings-'))).toBe(true);
      }),
    );
  });
});
