import { describe, expect, test } from 'vitest';
import type { UpstreamJudgement } from '../certificates/upstream-policy.ts';
import type { RelayReason } from '../contract/connection.ts';
import { type CertificateRule, defaultSettings, type TlsSettings } from '../contract/settings.ts';
import type { CertificateFacts } from '../contract/trust.ts';
import type { ClientHello } from '../protocols/client-hello.ts';
import { decideByCertificate, decideTls, isAllowedByRule, type Opening } from './tls-decision.ts';
import { createTlsRelays } from './tls-relays.ts';
import { tlsRulesFrom } from './tls-rules.ts';

const now = new Date('2026-01-24T12:00:00Z');
const past = '2026-01-24T11:59:59Z';
const future = '2026-01-24T12:00:01Z';
const mutt = '/usr/bin/mutt';
const destination = { address: '203.0.113.10', port: 993 };
const serverName = 'mail.example.org';

const rulesOf = (changes: Partial<TlsSettings>) => tlsRulesFrom({ ...defaultSettings.tls, ...changes });
const rule = (changes: Partial<CertificateRule>): CertificateRule => ({
  name: 'a rule',
  access: 'auto',
  scan: 'auto',
  ...changes,
});

const modern: ClientHello = {
  kind: 'client-hello',
  serverName,
  alpn: [],
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0x1302, 0xc02f, 0xc02b],
  signatureAlgorithms: [0x0403, 0x0804, 0x0401],
  groups: [],
};
const ancient: ClientHello = {
  ...modern,
  versions: [0x0301],
  cipherSuites: [0x0005],
  signatureAlgorithms: [],
};

interface Known {
  readonly program?: string;
  readonly reason: RelayReason;
}

function decide(changes: Partial<TlsSettings> = {}, known: readonly Known[] = [], hello = modern) {
  const relays = createTlsRelays({ now: () => now });
  for (const { program, reason } of known)
    relays.add({ program, uid: program === undefined ? undefined : 1000, destination, serverName, reason });
  const decision = decideTls({
    rules: rulesOf(changes),
    owner: { uid: 1000, path: mutt },
    program: mutt,
    destination,
    hello,
    relays,
    now,
  });
  if (decision.kind !== 'open') return decision;
  const { terms: _, keyKind: __, ...opening } = decision;
  return opening;
}

const open = { kind: 'open', mayRelay: true, known: undefined };
const forced = { kind: 'open', mayRelay: false, known: undefined };
const byRule = { kind: 'relay', reason: 'tls-rule' };
const blocked = { kind: 'block', reason: 'upstream-certificate-blocked' };
const sha256 = 'a'.repeat(64);

describe('at the ClientHello', () => {
  test('TLS is opened', () => expect(decide()).toEqual(open));

  test('switched off it stays unopened, whatever the rules say', () => {
    const certificateRules = [rule({ host: serverName, access: 'block' })];
    expect(decide({ enabled: false, certificateRules })).toEqual({ kind: 'relay', reason: 'tls-off' });
  });

  test.each<[string, Partial<TlsSettings>, object]>([
    ['a program that is left alone', { applicationRules: [{ application: mutt, action: 'ignore' }] }, byRule],
    ['another program', { applicationRules: [{ application: '/usr/bin/curl', action: 'ignore' }] }, open],
    [
      'a rule that has ended',
      { applicationRules: [{ application: mutt, action: 'ignore', until: past }] },
      open,
    ],
    [
      'one that has not',
      { applicationRules: [{ application: mutt, action: 'ignore', until: future }] },
      byRule,
    ],
    [
      'a program that is always scanned',
      { applicationRules: [{ application: mutt, action: 'scan' }] },
      forced,
    ],
    [
      'the first of two rules',
      {
        applicationRules: [
          { application: '/usr/bin/*', action: 'auto' },
          { application: mutt, action: 'ignore' },
        ],
      },
      open,
    ],
    [
      'a server that is left alone',
      { certificateRules: [rule({ host: '*.example.org', scan: 'ignore' })] },
      byRule,
    ],
    ['another server', { certificateRules: [rule({ host: '*.example.com', scan: 'ignore' })] }, open],
    ['a blocked server', { certificateRules: [rule({ host: serverName, access: 'block' })] }, blocked],
    [
      'a server that is always scanned',
      { certificateRules: [rule({ host: serverName, scan: 'scan' })] },
      forced,
    ],
    [
      'a server’s rule that has ended',
      { certificateRules: [rule({ host: serverName, access: 'block', until: past })] },
      open,
    ],
    [
      'a rule that asks for the certificate, before one for the name alone',
      {
        certificateRules: [rule({ sha256, access: 'allow' }), rule({ host: serverName, access: 'block' })],
      },
      open,
    ],
    [
      'two rules that say the same in either case',
      {
        certificateRules: [
          rule({ issuer: 'CN=any', scan: 'ignore' }),
          rule({ host: serverName, scan: 'ignore' }),
        ],
      },
      byRule,
    ],
    [
      'a program that is left alone, at a server that is blocked',
      {
        applicationRules: [{ application: mutt, action: 'ignore' }],
        certificateRules: [rule({ host: serverName, access: 'block' })],
      },
      byRule,
    ],
    [
      'a program that is always scanned, at a server that is left alone',
      {
        applicationRules: [{ application: mutt, action: 'scan' }],
        certificateRules: [rule({ host: serverName, scan: 'ignore' })],
      },
      byRule,
    ],
  ])('%s', (_, changes, expected) => expect(decide(changes)).toEqual(expected));

  test('rules for a name do not speak of a client that says none', () => {
    const { serverName: _, ...nameless } = modern;
    const certificateRules = [rule({ host: serverName, access: 'block' })];
    expect(decide({ certificateRules }, [], nameless)).toEqual(open);
  });
});

describe('what was learnt', () => {
  const refused = [{ program: mutt, reason: 'certificate-refused' }] as const;

  test.each<Known>([
    { program: mutt, reason: 'certificate-refused' },
    { program: mutt, reason: 'client-tls' },
    { reason: 'client-certificate' },
    { reason: 'no-sign-in' },
  ])('$reason: relayed', (known) => {
    expect(decide({}, [known])).toEqual({ kind: 'relay', reason: known.reason });
  });

  test('of a server without a TLS for this client is shown, and asked anew: anyone on the way may have said it', () => {
    expect(decide({}, [{ reason: 'server-tls' }])).toEqual(open);
  });

  test.each<[string, Partial<TlsSettings>]>([
    ['by policy', { mode: 'policy' }],
    ['for a program that is always scanned', { applicationRules: [{ application: mutt, action: 'scan' }] }],
    ['for a server that is always scanned', { certificateRules: [rule({ host: serverName, scan: 'scan' })] }],
  ])('does not count %s', (_, changes) => {
    expect(decide(changes, refused)).toEqual(forced);
    // Not a matter of TLS: nobody could sign in.
    expect(decide(changes, [{ reason: 'no-sign-in' }])).toEqual({ kind: 'relay', reason: 'no-sign-in' });
  });

  test('of a bad certificate waits for what the server shows now', () => {
    const reason = 'untrusted-certificate-refused';
    expect(decide({}, [{ program: mutt, reason }])).toEqual({ kind: 'open', mayRelay: true, known: reason });
  });

  test('waits where a rule depends on the certificate', () => {
    const certificateRules = [rule({ sha256, scan: 'scan' })];
    expect(decide({ certificateRules }, refused)).toEqual({ ...open, known: 'certificate-refused' });
  });
});

describe('a client that offers nothing that is spoken here', () => {
  test('is relayed', () => {
    expect(decide({}, [], ancient)).toEqual({ kind: 'relay', reason: 'client-tls' });
  });
  test('is ended by policy', () => {
    expect(decide({ mode: 'policy' }, [], ancient)).toEqual({ kind: 'block', reason: 'client-tls-failed' });
  });
  test('is one that offers TLS 1.2 where 1.3 is the least', () => {
    expect(decide({ minVersion: '1.3' }, [], { ...modern, versions: [0x0303] })).toMatchObject({
      kind: 'relay',
    });
  });
});

describe('when the certificate is known', () => {
  const certificate: CertificateFacts = {
    subject: 'CN=mail.example.org',
    issuer: 'CN=Corp CA, O=Corp',
    sha256,
    names: [serverName],
    notBefore: past,
    notAfter: future,
  };
  const opening: Opening = {
    kind: 'open',
    terms: { minVersion: 'TLSv1.2', ciphers: '' },
    keyKind: 'ec',
    mayRelay: true,
    known: undefined,
  };
  const bad: UpstreamJudgement = {
    trusted: false,
    kind: 'untrusted',
    reason: 'upstream-certificate-self-signed',
  };
  const invalid: UpstreamJudgement = {
    trusted: false,
    kind: 'invalid',
    reason: 'upstream-certificate-expired',
  };
  const judged = (
    changes: Partial<TlsSettings>,
    judgement: UpstreamJudgement = { trusted: true },
    known?: RelayReason,
  ) =>
    decideByCertificate({
      rules: rulesOf(changes),
      opening: { ...opening, known },
      serverName,
      certificate,
      judgement,
      now,
    });
  const opened = { kind: 'open', mayRelay: true };

  test.each<[string, Partial<CertificateRule>, object]>([
    ['its fingerprint', { sha256, access: 'block' }, blocked],
    ['its subject', { subject: 'CN=mail.example.org', scan: 'ignore' }, byRule],
    ['its issuer', { issuer: 'CN=Corp CA, O=Corp', scan: 'scan' }, { kind: 'open', mayRelay: false }],
    ['a part of its issuer', { issuer: 'CN=Corp CA', access: 'block' }, opened],
    ['all of them', { host: serverName, sha256, issuer: 'CN=Corp CA, O=Corp', access: 'block' }, blocked],
    ['all but one', { host: serverName, sha256, issuer: 'CN=other', access: 'block' }, opened],
  ])('a rule for %s', (_, changes, expected) => {
    expect(judged({ certificateRules: [rule(changes)] })).toEqual(expected);
  });

  test('the first rule that fits is the one', () => {
    const certificateRules = [
      rule({ issuer: 'CN=other', access: 'block' }),
      rule({ sha256, access: 'allow' }),
      rule({ host: serverName, access: 'block' }),
    ];
    expect(judged({ certificateRules })).toEqual(opened);
    expect(isAllowedByRule(rulesOf({ certificateRules }), serverName, certificate, now)).toBe(true);
    expect(
      isAllowedByRule(rulesOf({ certificateRules }), serverName, { ...certificate, sha256: '' }, now),
    ).toBe(false);
  });

  test.each<[UpstreamJudgement, Partial<TlsSettings>, object]>([
    [bad, {}, opened],
    [invalid, {}, opened],
    [bad, { whenUntrusted: 'block' }, { kind: 'block', reason: 'upstream-certificate-self-signed' }],
    [bad, { whenInvalid: 'block' }, opened],
    [invalid, { whenInvalid: 'block' }, { kind: 'block', reason: 'upstream-certificate-expired' }],
    [invalid, { whenUntrusted: 'block' }, opened],
  ])('a bad one: %j by %j', (judgement, changes, expected) => {
    expect(judged(changes, judgement)).toEqual(expected);
  });

  test('what was learnt of a bad one counts while it is bad', () => {
    const known = 'untrusted-certificate-refused';
    expect(judged({}, bad, known)).toEqual({ kind: 'relay', reason: known });
    expect(judged({}, { trusted: true }, known)).toEqual(opened);
    expect(judged({}, { trusted: true }, 'certificate-refused')).toMatchObject({ kind: 'relay' });
    const certificateRules = [rule({ sha256, scan: 'scan' })];
    expect(judged({ certificateRules }, bad, known)).toEqual({ kind: 'open', mayRelay: false });
  });
});
