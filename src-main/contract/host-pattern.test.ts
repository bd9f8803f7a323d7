import { describe, expect, test } from 'vitest';
import { hostMatches, isHostPattern } from './host-pattern.ts';

describe('isHostPattern', () => {
  test.each([
    'mail.example.org',
    'MAIL.example.org.',
    '*.example.org',
    'localhost',
    'xn--bcher-kva.example',
    '_sip.a',
  ])('takes %j', (text) => expect(isHostPattern(text)).toBe(true));
  test.each([
    '',
    '*',
    '*.',
    'a..b',
    '*.*.org',
    'mail.*.org',
    '192.0.2.1',
    '-a.org',
    'a b',
    'bücher.example',
    'x'.repeat(64),
  ])('refuses %j', (text) => expect(isHostPattern(text)).toBe(false));
});

describe('hostMatches', () => {
  test('knows no case and no final dot', () => {
    expect(hostMatches('Mail.Example.org', 'mail.example.ORG.')).toBe(true);
    expect(hostMatches('mail.example.org', 'imap.example.org')).toBe(false);
  });
  test('a star stands for one label or more', () => {
    expect(hostMatches('*.example.org', 'mail.example.org')).toBe(true);
    expect(hostMatches('*.example.org', 'a.b.example.org')).toBe(true);
    expect(hostMatches('*.example.org', 'example.org')).toBe(false);
    expect(hostMatches('*.example.org', 'badexample.org')).toBe(false);
    expect(hostMatches('*.example.org', '.example.org')).toBe(false);
  });
});
