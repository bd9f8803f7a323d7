import { expect, test } from 'vitest';
import { stepLine } from './selftest.ts';

test('a step is one line, in columns', () => {
  expect(stepLine({ protocol: 'imap', step: 'redirect', outcome: 'passed', ms: 12 })).toBe(
    'imap           redirect       passed  12 ms',
  );
  expect(stepLine({ protocol: 'imap-starttls', step: 'clean-message', outcome: 'passed', ms: 3.6 })).toBe(
    'imap-starttls  clean-message  passed  4 ms',
  );
});

test('what was seen in place of it stands behind', () => {
  const detail = 'nothing came within 5 s';
  expect(stepLine({ protocol: 'kernel', step: 'redirect', outcome: 'failed', ms: 5_000, detail })).toBe(
    'kernel         redirect       failed  5000 ms  nothing came within 5 s',
  );
});

test('what was skipped took no time', () => {
  const detail = 'switched off by the settings';
  expect(stepLine({ protocol: 'pop3', step: 'tls', outcome: 'skipped', ms: 0, detail })).toBe(
    'pop3           tls            skipped  switched off by the settings',
  );
});

test('a detail can steer no terminal', () => {
  const step = { protocol: 'pop3', step: 'tls', outcome: 'failed', ms: 0, detail: '\u001b[2J' } as const;
  expect(stepLine(step)).not.toContain('\u001b');
});
