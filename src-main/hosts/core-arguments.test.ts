import { describe, expect, test } from 'vitest';
import { coreOptionsOf } from './core-arguments.ts';
import { failureLine } from './failure-line.ts';

const holdScansOf = (holdScans: string) => coreOptionsOf({ holdScans }).holdScans;

describe('how long verdicts are held back', () => {
  test.each([
    ['30', { delayMs: 30_000, first: undefined }],
    ['0.25', { delayMs: 250, first: undefined }],
    ['1.5/2', { delayMs: 1_500, first: 2 }],
    ['0', { delayMs: 0, first: undefined }],
    ['3600/0', { delayMs: 3_600_000, first: 0 }],
  ])('%s', (text, expected) => {
    expect(holdScansOf(text)).toEqual(expected);
  });

  test('is not at all by default', () => {
    expect(coreOptionsOf({}).holdScans).toBeUndefined();
  });

  test.each([
    '',
    'x',
    '-1',
    '1,5',
    '1e9',
    '3601',
    '1.',
    '.5',
    '5/',
    '5/x',
    '/3',
    ' 5',
    '5\n',
    '1.2345',
    'Infinity',
  ])('%j is refused', (text) => {
    let line: string | undefined;
    try {
      holdScansOf(text);
    } catch (error) {
      line = failureLine(error);
    }
    expect(line).toContain('SECONDS/N');
  });
});

test('a socket that the command line names is the way to the helper', () => {
  expect(coreOptionsOf({ netfilterHelper: '/run/x.sock' }).netfilterHelper()).toEqual({
    kind: 'socket',
    path: '/run/x.sock',
  });
});
