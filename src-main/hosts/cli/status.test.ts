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
