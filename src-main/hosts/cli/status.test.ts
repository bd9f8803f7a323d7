import { expect, test } from 'vitest';
import { quietState } from '../../contract/state.fixture.ts';
import { statusLines } from './status.ts';

test('what was not scanned and what was relayed is told with its reasons', () => {
  const counters = {
    ...quietState.counters,
    scanned: 4,
    clean: 3,
    infected: 1,
    notScanned: 2,
    notScannedByReason: { encrypted: 2 },
    relayedByReason: { 'not-mail': 1, 'no-sign-in': 14 },
  };
  const lines = statusLines({ ...quietState, counters });
  expect(lines).toContain(
    'messages       4 scanned since 2025-11-24T12:00:00.000Z: 3 clean, 1 infected, 0 suspicious, 2 not scanned (2 encrypted)',
  );
  expect(lines).toContain(
    'relayed        15 connections passed unscanned since then (1 not-mail, 14 no-sign-in)',
  );
});

test('where there was nothing of it, there are no brackets', () => {
  expect(statusLines(quietState)).toContain('relayed        0 connections passed unscanned since then');
});

test('where the interception is missing, what to do follows, then what is left out', () => {
  const lines = statusLines({
    ...quietState,
    interception: { state: 'unavailable', reason: 'helper-missing' },
    remarks: [{ code: 'port-denied', detail: '443, 587' }, { code: 'mail-blocked' }],
  });
  expect(lines.slice(1, 6)).toEqual([
    'interception   unavailable: the netfilter helper, which sets up the redirect, is not installed.',
    'to do          Install Postern from its package, or run this command in its folder; then start Postern again.',
    '               sudo npx postern helper install',
    'remark         ports that belong to other services are not redirected. (443, 587)',
    'remark         mail is refused until protection works again.',
  ]);
});

test('an interception that works has nothing to do, and names connections that go past it', () => {
  const lines = statusLines({ ...quietState, directConnections: 3 });
  expect(lines.filter((line) => /^(to do|remark)/.test(line))).toEqual([]);
  expect(lines).toContain(
    'direct         3 connections were open before protection began and are not scanned',
  );
  expect(statusLines(quietState).filter((line) => line.startsWith('direct'))).toEqual([]);
});
