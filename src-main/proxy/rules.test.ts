import { describe, expect, test } from 'vitest';
import { defaultSettings, type MailTransportSettings, type ResponseSettings } from '../contract/settings.ts';
import { exclusionOf, rulesFrom, rulesOfTest } from './rules.ts';

const now = new Date('2026-01-01T12:00:00Z');
const with_ = (patch: Partial<MailTransportSettings>) =>
  rulesFrom({ ...defaultSettings, mailTransport: { ...defaultSettings.mailTransport, ...patch } }, 1);
const responding = (patch: Partial<ResponseSettings>) =>
  rulesFrom({ ...defaultSettings, response: { ...defaultSettings.response, ...patch } }, 1);
const server = { address: '192.0.2.7', port: 993 };

describe('which connections are left alone', () => {
  test('none by default', () => {
    expect(exclusionOf(with_({}), server, { uid: 1, path: '/usr/bin/mutt' }, now)).toBeUndefined();
  });

  test('all when protection is off', () => {
    expect(exclusionOf(with_({ enabled: false }), server, undefined, now)).toBe('protection-off');
  });

  test.each([
    ['192.0.2.7', 'excluded-address'],
    ['192.0.2.0/24', 'excluded-address'],
    ['192.0.2.8', undefined],
  ])('an excluded address %s: %s', (address, expected) => {
    expect(exclusionOf(with_({ excludedAddresses: [{ address }] }), server, undefined, now)).toBe(expected);
  });

  test('an address that is mapped into IPv6 is the IPv4 one', () => {
    const rules = with_({ excludedAddresses: [{ address: '192.0.2.7' }] });
    expect(exclusionOf(rules, { address: '::ffff:192.0.2.7', port: 143 }, undefined, now)).toBe(
      'excluded-address',
    );
  });

  test.each([
    ['2026-01-01T12:00:01Z', 'excluded-address'],
    ['2026-01-01T12:00:00Z', undefined],
  ])('an exclusion until %s: %s', (until, expected) => {
    expect(
      exclusionOf(with_({ excludedAddresses: [{ address: '192.0.2.7', until }] }), server, undefined, now),
    ).toBe(expected);
  });

  test.each([
    ['/usr/bin/mutt', { uid: 1, path: '/usr/bin/mutt' }, 'excluded-application'],
    ['/usr/bin/mutt', { uid: 1, path: '/usr/bin/mutt2' }, undefined],
    ['/opt/mail/*', { uid: 1, path: '/opt/mail/bin/a' }, 'excluded-application'],
    ['/opt/mail/*', { uid: 1, path: '/opt/mailer' }, undefined],
    [
      'flatpak:org.example.Mail',
      { uid: 1, path: '/app/bin/mail', sandboxId: 'flatpak:org.example.Mail' },
      'excluded-application',
    ],
    ['/opt/getmail', { uid: 1, path: '/usr/bin/python3', script: '/opt/getmail' }, 'excluded-application'],
    ['/opt/getmail', { uid: 1, path: '/usr/bin/python3', script: '/opt/other' }, undefined],
    [
      '/usr/bin/python3',
      { uid: 1, path: '/usr/bin/python3', script: '/opt/getmail' },
      'excluded-application',
    ],
    ['/usr/bin/mutt', { uid: 1 }, undefined],
  ])('an excluded application %s for %o: %s', (application, owner, expected) => {
    expect(exclusionOf(with_({ excludedApplications: [{ application }] }), server, owner, now)).toBe(
      expected,
    );
  });
});

describe('what is done with an infected message', () => {
  const subject = '[detection %DETECTIONNAME%]';

  test.each<[Partial<ResponseSettings>, unknown]>([
    [{}, { neutralise: true, tag: { header: true, subject } }],
    [{ delivery: 'silent' }, { neutralise: true, tag: { header: true, subject } }],
    [{ subjectText: '[virus]' }, { neutralise: true, tag: { header: true, subject: '[virus]' } }],
    [{ updateSubject: false }, { neutralise: true, tag: { header: true } }],
    [{ tagMessages: 'never' }, { neutralise: true, tag: { header: false, subject } }],
    [
      { tagMessages: 'never', updateSubject: false },
      { neutralise: true, tag: undefined },
    ],
    [{ delivery: 'unchanged' }, { neutralise: false, tag: undefined }],
  ])('by %j: %j', (response, treatment) => {
    const { needsEngines, ...rest } = responding(response).treatment;
    expect(rest).toEqual(treatment);
    expect(needsEngines).toBe(false);
  });

  test.each([
    ['keep-alive', true],
    ['silent', false],
    ['unchanged', false],
  ] as const)('a client that waits hears something by %s: %s', (delivery, keepAlive) => {
    expect(responding({ delivery }).keepAlive).toBe(keepAlive);
  });
});

describe('a test of ours', () => {
  test('opens TLS whatever the settings say, and nothing of it is relayed', () => {
    const tls = {
      ...defaultSettings.tls,
      enabled: false,
      applicationRules: [{ application: '/usr/bin/node', action: 'ignore' as const }],
      certificateRules: [{ name: 'all', host: '*.test', access: 'block' as const, scan: 'auto' as const }],
      whenUntrusted: 'block' as const,
    };
    expect(rulesOfTest(rulesFrom({ ...defaultSettings, tls }, 1)).tls).toEqual({
      enabled: true,
      automatic: false,
      minVersion: 'TLSv1.2',
      untrusted: 'show',
      invalid: 'show',
      applications: [],
      certificates: [],
    });
  });
});
