import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { RelayReason } from '../contract/connection.ts';
import { createTlsRelays, leftSilently, maxRelays, type TlsRelays } from './tls-relays.ts';

const hourMs = 60 * 60 * 1_000;
const mutt = '/usr/bin/mutt';
const destination = { address: '203.0.113.10', port: 993 };
const serverName = 'mail.example.org';
let nowMs: number;
let relays: TlsRelays;
const onChange = vi.fn();

beforeEach(() => {
  nowMs = Date.parse('2026-01-24T12:00:00Z');
  onChange.mockClear();
  relays = createTlsRelays({ now: () => new Date(nowMs), onChange });
});

const learn = (reason: RelayReason, program: string | undefined = mutt) =>
  relays.add({ program, destination, serverName, reason });
const found = (program: string | undefined = mutt, name: string | undefined = serverName) =>
  relays.find({ program }, destination, name)?.reason;

describe('what was learnt', () => {
  test('counts for its program at its server', () => {
    relays.add({
      program: mutt,
      destination,
      serverName,
      reason: 'certificate-refused',
      detail: 'unknown-ca',
    });
    expect(relays.find({ program: mutt }, destination, serverName)).toMatchObject({
      program: mutt,
      server: serverName,
      port: 993,
      detail: 'unknown-ca',
      at: '2026-01-24T12:00:00.000Z',
      until: '2026-02-23T12:00:00.000Z',
    });
    expect(found('/usr/bin/curl')).toBeUndefined();
    expect(relays.find({ program: mutt }, { ...destination, port: 995 }, serverName)).toBeUndefined();
  });

  test('of one user’s program counts for no other user’s', () => {
    relays.add({ program: mutt, uid: 1000, destination, serverName, reason: 'certificate-refused' });
    const of = (uid: number | undefined) => relays.find({ program: mutt, uid }, destination, serverName);
    expect([of(1000)?.uid, of(1001), of(undefined)]).toEqual([1000, undefined, undefined]);
    // What is known of the server is so for all of them.
    relays.add({ program: undefined, destination, serverName, reason: 'client-certificate' });
    expect(of(1001)?.reason).toBe('client-certificate');
  });

  test('of a program that is not known counts for none of another user', () => {
    relays.add({ program: undefined, uid: 1000, destination, serverName, reason: 'certificate-refused' });
    const of = (uid: number) => relays.find({ program: undefined, uid }, destination, serverName);
    expect([of(1000)?.reason, of(1001)]).toEqual(['certificate-refused', undefined]);
  });

  test('under a name counts at any address, and not for its address', () => {
    learn('certificate-refused');
    expect(
      relays.find({ program: mutt }, { address: '203.0.113.11', port: 993 }, 'MAIL.example.org.'),
    ).toBeDefined();
    expect(relays.find({ program: mutt }, destination, 'other.example.org')).toBeUndefined();
    expect(relays.find({ program: mutt }, destination, undefined)).toBeUndefined();
  });

  test('without a name counts for the address, and not for the names that share it', () => {
    relays.add({ program: mutt, destination, serverName: undefined, reason: 'certificate-refused' });
    expect(relays.find({ program: mutt }, destination, undefined)).toBeDefined();
    expect(found()).toBeUndefined();
  });

  test.each(['no-sign-in', 'server-tls', 'client-certificate'] as const)(
    '%s is the server’s own, whatever the program',
    (reason) => {
      relays.add({ program: undefined, destination, serverName, reason });
      expect([found(), relays.find({ program: undefined }, destination, serverName)?.reason]).toEqual([
        reason,
        reason,
      ]);
    },
  );

  test.each(['certificate-refused', 'untrusted-certificate-refused', 'client-tls'] as const)(
    '%s of a program that is not known says nothing of one that is',
    (reason) => {
      relays.add({ program: undefined, destination, serverName, reason });
      expect(relays.find({ program: undefined }, destination, serverName)?.reason).toBe(reason);
      expect(found()).toBeUndefined();
    },
  );

  test("of a program goes before what is the server's", () => {
    relays.add({ program: undefined, destination, serverName, reason: 'server-tls' });
    learn('certificate-refused');
    expect(found()).toBe('certificate-refused');
  });
});

describe('the time that it counts', () => {
  test.each([
    ['certificate-refused', 30 * 24],
    ['untrusted-certificate-refused', 7 * 24],
    ['client-tls', 24],
  ] as const)('%s: %d hours', (reason, hours) => {
    learn(reason);
    nowMs += hours * hourMs - 1;
    expect(found()).toBe(reason);
    nowMs += 1;
    expect(found()).toBeUndefined();
    expect(relays.list()).toEqual([]);
  });

  test('a program that left without a word may have had another cause: a day', () => {
    relays.add({
      program: mutt,
      destination,
      serverName,
      reason: 'certificate-refused',
      detail: leftSilently,
    });
    nowMs += 24 * hourMs - 1;
    expect(found()).toBe('certificate-refused');
    nowMs += 1;
    expect(found()).toBeUndefined();
  });

  test('begins anew when it is learnt again', () => {
    learn('client-tls');
    nowMs += 23 * hourMs;
    learn('client-tls');
    nowMs += 23 * hourMs;
    expect(relays.list()).toHaveLength(1);
  });
});

describe('the list', () => {
  test('can be taken back by ids, or whole', () => {
    learn('certificate-refused');
    learn('client-tls', '/usr/bin/curl');
    const [first] = relays.list();
    expect(relays.forget([first?.id ?? '', 'no such'])).toBe(1);
    expect([found(), found('/usr/bin/curl')]).toEqual([undefined, 'client-tls']);
    expect(relays.forget()).toBe(1);
    expect(relays.list()).toEqual([]);
    expect(onChange).toHaveBeenCalledTimes(4);
    expect(relays.forget()).toBe(0);
    expect(onChange).toHaveBeenCalledTimes(4);
  });

  test('goes on from what was stored', () => {
    learn('certificate-refused');
    const again = createTlsRelays({ now: () => new Date(nowMs), stored: relays.list() });
    expect(again.find({ program: mutt }, destination, serverName)).toEqual(relays.list()[0]);
  });

  test('holds so many at most, and the longest known go', () => {
    const names = Array.from({ length: maxRelays + 1 }, (_, index) => `s${index}.example.org`);
    for (const name of names) {
      relays.add({ program: mutt, destination, serverName: name, reason: 'client-tls' });
    }
    expect(relays.list()).toHaveLength(maxRelays);
    expect([found(mutt, names[0]), found(mutt, names[1])]).toEqual([undefined, 'client-tls']);
  });
});
