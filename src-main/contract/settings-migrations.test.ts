import { describe, expect, it } from 'vitest';
import { defaultSettings, settingsVersion } from './settings.ts';
import { loadSettings } from './settings-migrations.ts';

describe('stored settings', () => {
  it('come back as they were stored', () => {
    const stored = {
      ...defaultSettings,
      mailTransport: {
        ...defaultSettings.mailTransport,
        scanPop3: false,
        excludedAddresses: [{ address: '192.0.2.1', note: 'NAS', until: '2026-12-01T00:00:00.000Z' }],
      },
    };
    expect(loadSettings(JSON.parse(JSON.stringify(stored)))).toEqual({ settings: stored, problems: [] });
  });

  it('take the default of a section or key that is missing, without a complaint', () => {
    expect(loadSettings({ version: 1 })).toEqual({ settings: defaultSettings, problems: [] });
    const { settings, problems } = loadSettings({ version: 1, mailTransport: { enabled: false } });
    expect(settings.mailTransport).toEqual({ ...defaultSettings.mailTransport, enabled: false });
    expect(problems).toEqual([]);
  });

  it('of before there was a response have its defaults, and nothing is reported', () => {
    const { response, ...older } = defaultSettings;
    expect(loadSettings(JSON.parse(JSON.stringify(older)))).toEqual({
      settings: { ...defaultSettings, response },
      problems: [],
    });
  });

  it('lose a bad section alone, and say which fields were bad', () => {
    const { settings, problems } = loadSettings({
      version: 1,
      mailTransport: { ...defaultSettings.mailTransport, enabled: 'yes', imapsPorts: '99999,abc' },
      appearance: { language: 'nb', theme: 'dark' },
    });
    expect(settings.mailTransport).toEqual(defaultSettings.mailTransport);
    expect(settings.appearance).toEqual({ language: 'nb', theme: 'dark' });
    expect(problems).toEqual([
      { code: 'settings-section-invalid', section: 'mailTransport', fields: ['enabled', 'imapsPorts'] },
    ]);
  });

  it('are not used at all when a newer version wrote them', () => {
    expect(loadSettings({ ...defaultSettings, version: settingsVersion + 1 })).toEqual({
      settings: defaultSettings,
      problems: [{ code: 'settings-newer-version', found: settingsVersion + 1 }],
    });
  });

  it('drop keys that mean nothing here', () => {
    const { settings, problems } = loadSettings({
      version: 1,
      mailTransport: { enabled: false, old: 1 },
      other: {},
    });
    expect(settings.mailTransport).not.toHaveProperty('old');
    expect(settings).not.toHaveProperty('other');
    expect(problems).toEqual([]);
  });
});
