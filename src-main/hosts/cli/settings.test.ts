import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../contract/settings.ts';
import { CommandFailure } from '../failure.ts';
import { failureLine } from '../failure-line.ts';
import { patchOf, settingsOf } from './settings.ts';

function lineOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return failureLine(error);
  }
  return undefined;
}

describe('one setting from a command line', () => {
  test.each([
    ['mailTransport.scanImap', 'false', { mailTransport: { scanImap: false } }],
    ['mailTransport.imapsPorts', '993', { mailTransport: { imapsPorts: '993' } }],
    ['mailTransport.imapsPorts', ' 993,585 ', { mailTransport: { imapsPorts: '585, 993' } }],
    ['appearance.theme', 'dark', { appearance: { theme: 'dark' } }],
    ['response.delivery', 'unchanged', { response: { delivery: 'unchanged' } }],
    ['response.updateSubject', 'false', { response: { updateSubject: false } }],
    ['response.subjectText', ' [virus] ', { response: { subjectText: '[virus]' } }],
    [
      'mailTransport.excludedAddresses',
      '[{"address":"192.0.2.1"}]',
      { mailTransport: { excludedAddresses: [{ address: '192.0.2.1' }] } },
    ],
  ])('%s = %s', (key, words, patch) => {
    expect(patchOf(key, words)).toEqual(patch);
  });

  test.each([
    ['mailTransport.nothing', 'x'],
    ['mailTransport', '{}'],
    ['version', '2'],
    ['version.x', '2'],
    ['__proto__.polluted', '1'],
    ['mailTransport.constructor', '1'],
    ['mailTransport.scanImap.x', 'true'],
    ['', ''],
  ])('%j is no setting', (key, words) => {
    expect(lineOf(() => patchOf(key, words))).toContain('no such setting');
  });

  test.each([
    ['mailTransport.scanImap', 'yes'],
    ['mailTransport.scanImap', '1'],
    ['mailTransport.imapsPorts', '0'],
    ['appearance.theme', 'pink'],
    ['response.delivery', 'later'],
    ['response.subjectText', ''],
    ['response.subjectText', 'a\nb'],
    ['mailTransport.excludedAddresses', '[{"address":"nowhere"}]'],
    ['mailTransport.excludedAddresses', '[{'],
  ])('%s does not take %s', (key, words) => {
    expect(lineOf(() => patchOf(key, words))).toMatch(/^a value is not valid: /);
  });
});

describe('a settings file', () => {
  test('is taken whole', () => {
    expect(settingsOf(JSON.stringify({ version: 1, appearance: { theme: 'dark' } }))).toEqual({
      ...defaultSettings,
      appearance: { ...defaultSettings.appearance, theme: 'dark' },
    });
  });

  test.each(['', '{', '[]', '{}', '{"version":2}', '{"version":1,"mailTransport":{"enabled":"yes"}}'])(
    'of %j is refused',
    (text) => {
      expect(() => settingsOf(text)).toThrow(CommandFailure);
    },
  );
});
