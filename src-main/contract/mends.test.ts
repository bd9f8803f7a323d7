import { expect, it } from 'vitest';
import { errorCodes } from './error-codes.ts';
import { mendOf } from './mends.ts';

it('leads to a command only with words that say what to do with it', () => {
  for (const code of errorCodes) {
    const { text, command } = mendOf(code);
    if (command !== undefined) expect(text, code).toBeDefined();
  }
  expect(mendOf('helper-missing').command).toBe('sudo npx postern helper install');
});

it('offers to try again unless the core that runs can never get there', () => {
  expect(errorCodes.filter((code) => !mendOf(code).again)).toEqual([
    'intercept-off',
    'listener-busy',
    'helper-missing',
    'system-core-running',
  ]);
});

it('says for each reason of a store what can be done, but where the store itself says it', () => {
  const silent = errorCodes.filter((code) => code.startsWith('trust-') && mendOf(code).text === undefined);
  expect(silent).toEqual(['trust-store-failed']);
});
