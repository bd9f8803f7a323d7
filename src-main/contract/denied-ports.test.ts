import { expect, test } from 'vitest';
import { deniedPorts } from './denied-ports.ts';

test('each port is named once, in order', () => {
  expect([...new Set(deniedPorts)].toSorted((a, b) => a - b)).toEqual(deniedPorts);
});

test.each([22, 25, 53, 80, 443, 587, 853, 3389, 5432, 8443])('%i is denied', (port) => {
  expect(deniedPorts).toContain(port);
});

test.each([109, 110, 143, 220, 585, 993, 995, 1110, 1143, 10_143])('mail comes in by %i', (port) => {
  expect(deniedPorts).not.toContain(port);
});
