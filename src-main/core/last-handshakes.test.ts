import { expect, test } from 'vitest';
import { createLastHandshakes } from './last-handshakes.ts';

const at = new Date('2025-11-24T12:00:00Z');
const stores = {
  system: { kind: 'system', programs: ['curl', 'mbsync'] },
  thunderbird: { kind: 'thunderbird', programs: ['Thunderbird'] },
  mutt: { kind: 'ca-file', programs: ['mutt'] },
} as const;
const all = Object.values(stores);
const handshake = (program: string | undefined, changes = {}) => ({
  owner: undefined,
  program,
  server: 'mail.example.org',
  port: 993,
  accepted: true,
  trusted: true,
  ...changes,
});

test.each([
  ['/usr/lib/thunderbird/thunderbird', 'thunderbird'],
  ['flatpak:org.mozilla.Thunderbird', 'thunderbird'],
  ['snap:thunderbird', 'thunderbird'],
  ['/usr/bin/mbsync', 'system'],
  ['/opt/own/reader', 'system'],
  [undefined, 'system'],
] as const)('%s asks the store of %s', (program, name) => {
  const last = createLastHandshakes();
  last.add(handshake(program), at);
  for (const [each, store] of Object.entries(stores)) {
    expect(last.of(store, all) !== undefined, each).toBe(each === name);
  }
});

test('a program with a file of its own asks the system, too', () => {
  const last = createLastHandshakes();
  last.add(handshake('/usr/bin/mutt', { accepted: false }), at);
  expect(last.of(stores.mutt, all)).toEqual({
    at: at.toISOString(),
    accepted: false,
    server: 'mail.example.org',
  });
  expect(last.of(stores.system, all)).toBeDefined();
});

test('the latest counts, and certificates of the untrusted authority do not', () => {
  const last = createLastHandshakes();
  last.add(handshake('/usr/bin/curl', { accepted: false }), at);
  last.add(handshake('/usr/bin/mbsync'), at);
  last.add(handshake('/usr/bin/curl', { accepted: false, trusted: false }), at);
  expect(last.of(stores.system, all)?.accepted).toBe(true);
});

test('remembers a hundred programs', () => {
  const last = createLastHandshakes();
  last.add(handshake('/usr/bin/thunderbird'), at);
  for (let i = 0; i < 100; i++) last.add(handshake(`/usr/bin/reader${i}`), at);
  expect(last.of(stores.thunderbird, all)).toBeUndefined();
});
