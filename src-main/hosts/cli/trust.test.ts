import { describe, expect, test } from 'vitest';
import type { TrustStore } from '../../contract/trust.ts';
import { CommandFailure } from '../failure.ts';
import { namedStores, unnamedStores } from './trust.ts';
import { type Asker, actionLine, relayLine, rootLines, storeLine } from './trust-lines.ts';

const profile: TrustStore = {
  id: 'thunderbird:/home/ada/.thunderbird/x',
  kind: 'thunderbird',
  programs: ['Thunderbird'],
  name: 'default',
  path: '/home/ada/.thunderbird/x',
  state: 'not-trusted',
  fix: 'own',
  running: false,
};
const system: TrustStore = {
  id: 'system',
  kind: 'system',
  programs: ['mutt'],
  path: '/etc/ssl/certs/ca-certificates.crt',
  state: 'not-trusted',
  fix: 'administrator',
  running: false,
};
const policy: TrustStore = {
  ...system,
  id: 'thunderbird-policy',
  kind: 'thunderbird-policy',
  path: '/etc/p',
};
const file: TrustStore = {
  ...system,
  id: 'ca-file:/home/ada/.mbsyncrc',
  kind: 'ca-file',
  path: '/home/ada/ca',
  fix: 'by-hand',
};
const all = [profile, system, policy, file];

describe('stores that are named', () => {
  test.each([
    ['by the id', ['thunderbird-policy'], ['thunderbird-policy']],
    ['by the kind', ['thunderbird', 'system'], [profile.id, 'system']],
    ['by the name', ['default'], [profile.id]],
    ['by the path', ['/etc/ssl/../ssl/certs/ca-certificates.crt'], ['system']],
    ['twice', ['system', 'system', '/etc/ssl/certs/ca-certificates.crt'], ['system']],
  ])('%s', (_name, words, ids) => {
    expect(namedStores(all, words)).toEqual(ids);
  });

  test('by a word that none has fail the command', () => {
    expect(() => namedStores(all, ['system', 'none'])).toThrow(new CommandFailure('not-found', 'none'));
  });
});

test('without a name a user means what is the user\u2019s own, and root the machine too', () => {
  expect(unnamedStores(all, { isRoot: false, system: false })).toBe('own');
  expect(unnamedStores(all, { isRoot: false, system: true })).toEqual([profile.id, 'system']);
  expect(unnamedStores(all, { isRoot: true, system: false })).toEqual([
    profile.id,
    'system',
    'thunderbird-policy',
  ]);
});

describe('a line', () => {
  const line = (changes: Partial<TrustStore>, store = profile, asker: Asker = 'user') =>
    storeLine({ ...store, ...changes }, asker);

  test.each([
    [line({ state: 'trusted' }), 'trusted      thunderbird         default  /home/ada/.thunderbird/x'],
    [
      line({}),
      'not-trusted  thunderbird         default  /home/ada/.thunderbird/x  to do: postern trust install',
    ],
    [line({ running: true }), 'to do: postern trust install, then restart the program'],
    [
      line({}, system),
      'not-trusted  system              -  /etc/ssl/certs/ca-certificates.crt  to do: postern trust install system',
    ],
    [line({}, system, 'root'), 'to do: sudo postern trust install'],
    [line({}, profile, 'root'), 'to do: sudo postern trust install'],
    [line({}, system, "user of the system's core"), 'to do: sudo postern trust install'],
    [line({}, profile, "user of the system's core"), 'x  to do: postern trust install'],
    [line({ id: "x y'z" }, system), "to do: postern trust install 'x y'\\''z'"],
    [line({ detail: 'tls_trust_file ~/ca.pem' }, file), 'to do by hand: tls_trust_file ~/ca.pem'],
    [line({ state: 'pinned' }, file), 'it compares fingerprints and asks no store'],
    [line({ state: 'unavailable', reason: 'trust-store-locked', detail: 'busy' }), 'busy'],
    [
      line({
        state: 'trusted',
        running: true,
        lastHandshake: { at: '2026-01-01T00:00:00Z', accepted: false, server: 'mail.example.org' },
      }),
      'refused at mail.example.org  to do: restart the program',
    ],
  ])('%s', (text, end) => {
    expect(text.endsWith(end)).toBe(true);
  });

  test('of a root has its name, fingerprint and dates, and the one that is to follow it', () => {
    const facts = {
      subject: 'CN=Postern vm',
      issuer: 'CN=Postern vm',
      sha256: 'ab'.repeat(32),
      names: [],
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2036-01-01T00:00:00.000Z',
    };
    const dates = '  valid      2026-01-01T00:00:00.000Z to 2036-01-01T00:00:00.000Z';
    const sha256 = `  SHA-256    ${facts.sha256}`;
    expect(rootLines([facts, { ...facts, subject: 'CN=b\nc' }])).toEqual([
      ...['root: CN=Postern vm', sha256, dates],
      ...['to follow: CN=b\ufffdc', sha256, dates],
    ]);
  });

  test('steers no terminal, whatever a profile is called', () => {
    expect(line({ name: 'a\u001b[2Jb\nc' })).toContain('a\ufffd[2Jb\ufffdc');
  });

  test('of what was done names the reason', () => {
    const store = { id: 'system', kind: 'system', path: '/b' } as const;
    expect(actionLine({ store, action: 'installed' })).toBe('installed    system              -  /b');
    expect(actionLine({ store, action: 'failed', reason: 'trust-denied', detail: 'dismissed' })).toMatch(
      /^failed .* {2}dismissed$/,
    );
  });

  test('of a relay has the id, and an address in brackets', () => {
    const relay = {
      id: '7',
      server: '2001:db8::1',
      port: 993,
      reason: 'certificate-refused',
      detail: 'unknown_ca',
      at: '2026-01-01T00:00:00Z',
      until: '2026-02-01T00:00:00Z',
    } as const;
    expect(relayLine(relay)).toBe(
      'relayed      7  -  [2001:db8::1]:993  certificate-refused (unknown_ca)  until 2026-02-01T00:00:00Z',
    );
  });
});
