import { describe, expect, it } from 'vitest';
import {
  applyPatch,
  defaultSettings,
  excludedAddressSchema,
  excludedApplicationSchema,
  maxListEntries,
  maxNoteLength,
  portListSchema,
  settingsPatchSchema,
  settingsSchema,
} from './settings.ts';

describe('settings', () => {
  it('has defaults that are valid and already tidy', () => {
    expect(settingsSchema.parse(defaultSettings)).toEqual(defaultSettings);
  });

  it('protects by default, on the ports of the registry', () => {
    const {
      excludedAddresses,
      excludedApplications,
      imapsPorts,
      pop3sPorts,
      localPorts,
      whenStopped,
      ...toggles
    } = defaultSettings.mailTransport;
    expect(Object.values(toggles)).toEqual([true, true, true, true, true]);
    expect([imapsPorts, pop3sPorts, localPorts]).toEqual(['585, 993', '995', '1110, 1143']);
    expect(whenStopped).toBe('pass');
    expect([excludedAddresses, excludedApplications]).toEqual([[], []]);
  });

  it('keeps a port text in its tidy form', () => {
    expect(portListSchema.parse(' 993,585, 993')).toBe('585, 993');
  });

  it('says which piece of a port text is wrong', () => {
    const parsed = portListSchema.safeParse('993, abc');
    expect(parsed.error?.issues[0]).toMatchObject({
      message: 'not-a-port',
      params: { problem: { kind: 'not-a-port', piece: 'abc' } },
    });
  });

  it('holds, tags and marks by default', () => {
    expect(defaultSettings.response).toEqual({
      delivery: 'keep-alive',
      tagMessages: 'on-detection',
      updateSubject: true,
      subjectText: '[detection %DETECTIONNAME%]',
    });
  });

  it.each([
    [{ delivery: 'drop' }],
    [{ tagMessages: 'all' }],
    [{ updateSubject: 'yes' }],
    [{ subjectText: '' }],
    [{ subjectText: 'a\r\nb' }],
    [{ subjectText: 'x'.repeat(101) }],
  ])('refuses the response %j', (response) => {
    expect(settingsPatchSchema.safeParse({ response }).success).toBe(false);
  });

  it('keeps the text before a subject without spaces around it', () => {
    const patch = settingsPatchSchema.parse({ response: { subjectText: ' [virus] ' } });
    expect(applyPatch(defaultSettings, patch).response).toEqual({
      ...defaultSettings.response,
      subjectText: '[virus]',
    });
  });

  it('keeps an excluded address as typed', () => {
    expect(excludedAddressSchema.parse({ address: ' 192.168.1.77/24 ' })).toEqual({
      address: '192.168.1.77/24',
    });
  });

  it.each([
    [{ address: 'example.org' }],
    [{ address: '192.168.0.1', until: 'tomorrow' }],
    [{ address: '192.168.0.1', note: 'x'.repeat(maxNoteLength + 1) }],
    [{ address: `1${' '.repeat(100_000)}2` }],
    [{ address: 7 }],
    [{}],
  ])('refuses the excluded address %j', (entry) => {
    expect(excludedAddressSchema.safeParse(entry).success).toBe(false);
  });

  it.each([[{ application: 'mutt' }], [{ application: '' }], [{ application: `/${'a'.repeat(5_000)}` }]])(
    'refuses the excluded application %j',
    (entry) => {
      expect(excludedApplicationSchema.safeParse(entry).success).toBe(false);
    },
  );

  it('takes a list as long as the limit and not one entry more', () => {
    const patch = (count: number) => ({
      mailTransport: { excludedAddresses: Array.from({ length: count }, () => ({ address: '192.0.2.1' })) },
    });
    expect(settingsPatchSchema.safeParse(patch(maxListEntries)).success).toBe(true);
    expect(settingsPatchSchema.safeParse(patch(maxListEntries + 1)).success).toBe(false);
  });

  it('applies the given keys alone', () => {
    const patch = settingsPatchSchema.parse({ mailTransport: { scanPop3: false, imapsPorts: '993' } });
    expect(applyPatch(defaultSettings, patch)).toEqual({
      ...defaultSettings,
      mailTransport: { ...defaultSettings.mailTransport, scanPop3: false, imapsPorts: '993' },
    });
  });

  it('leaves everything as it is for a patch that says nothing', () => {
    const patch = settingsPatchSchema.parse({ mailTransport: { enabled: undefined }, appearance: {} });
    expect(applyPatch(defaultSettings, patch)).toEqual(defaultSettings);
  });

  it('never lets a patch change the version', () => {
    expect(settingsPatchSchema.parse({ version: 9 })).toEqual({});
  });
});
