import { describe, expect, it } from 'vitest';
import type { CertificateRule } from '../../src-main/contract/settings.ts';
import { readRules, readTypedRule, ruleKey, type TypedRule, writeRules } from './certificate-rule-form.ts';

const sha256 = 'ab'.repeat(32);
const typed = (given: Partial<TypedRule> = {}): TypedRule => ({
  name: 'Mail',
  host: '',
  sha256: '',
  subject: '',
  issuer: '',
  access: 'auto',
  scan: 'auto',
  ...given,
});
const problems = (given: Partial<TypedRule>) => {
  const read = readTypedRule(typed(given));
  return read.ok
    ? {}
    : Object.fromEntries([...read.problems].map(([field, problem]) => [field, problem.kind]));
};

describe('a certificate rule as it is typed', () => {
  it('leaves out what is empty, and tidies a fingerprint', () => {
    const fingerprint = sha256.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
    expect(readTypedRule(typed({ sha256: fingerprint, issuer: ' ' }))).toEqual({
      ok: true,
      rule: { name: 'Mail', sha256, access: 'auto', scan: 'auto' },
    });
  });

  it.each([
    [{ name: ' ', host: 'mail.example.org' }, { name: 'no-name' }],
    [{ name: 'x'.repeat(201), host: 'mail.example.org' }, { name: 'too-long' }],
    [{ host: '192.0.2.1' }, { host: 'not-a-host' }],
    [{ host: 'mail.*.org' }, { host: 'not-a-host' }],
    [{ sha256: 'abc' }, { sha256: 'not-a-fingerprint' }],
    [{ sha256: 'a'.repeat(201) }, { sha256: 'not-a-fingerprint' }],
    [{ subject: 'x'.repeat(1_001) }, { subject: 'too-long' }],
    [{}, { rule: 'no-condition' }],
    [{ host: '*.example.org', access: 'allow' }, { sha256: 'allow-needs-fingerprint' }],
  ] as const)('says what is wrong with %j', (given, expected) => {
    expect(problems(given)).toEqual(expected);
  });
});

describe('certificate rules in a file', () => {
  const rules: CertificateRule[] = [
    { name: 'One', host: '*.example.org', access: 'auto', scan: 'ignore' },
    { name: 'Two', sha256, access: 'allow', scan: 'auto', until: '2099-01-01T12:00:00.000Z' },
  ];

  it('come back as they were', () => {
    expect(readRules(writeRules(rules))).toEqual({ ok: true, rules });
  });

  it.each([['{'], ['{}'], ['"x"'], ['']])('are no list in %j', (text) => {
    expect(readRules(text)).toEqual({ ok: false, kind: 'no-list' });
  });

  it('are refused whole where one is wrong', () => {
    expect(readRules(JSON.stringify([...rules, { name: 'Three', access: 'auto', scan: 'auto' }]))).toEqual({
      ok: false,
      kind: 'rule',
      number: 3,
      problem: { kind: 'no-condition' },
    });
    expect(readRules('[null]')).toEqual({ ok: false, kind: 'rule', number: 1, problem: { kind: 'invalid' } });
  });

  it('are at most as many as a list holds', () => {
    const [one] = rules;
    expect(readRules(JSON.stringify(Array(1_000).fill(one))).ok).toBe(true);
    expect(readRules(JSON.stringify(Array(1_001).fill(one)))).toEqual({ ok: false, kind: 'too-many' });
  });

  it('are the same where they say the same', () => {
    expect(new Set([...rules, ...rules].map(ruleKey)).size).toBe(2);
  });
});
