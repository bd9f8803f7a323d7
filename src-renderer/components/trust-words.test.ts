import { describe, expect, it } from 'vitest';
import { translate } from '../../src-main/contract/locales.ts';
import type { Say } from '../i18n.ts';
import { failureWords, fingerprintPieces, storeWords } from './trust-words.ts';

const say: Say = (key, params) => translate('en', key, params);
const store = { id: 'one', kind: 'thunderbird', name: 'default', path: '/x' } as const;

describe('a fingerprint', () => {
  it('is written as mail programs write it, in pieces', () => {
    const pieces = fingerprintPieces('0123456789abcdef'.repeat(4));
    expect(pieces.map(({ from }) => from)).toEqual([0, 16, 32, 48]);
    expect(pieces.map(({ text }) => text)).toEqual(Array(4).fill('01:23:45:67:89:AB:CD:EF'));
  });
});

describe('a store', () => {
  it('is called by its kind, and by its name if it has one', () => {
    expect(storeWords(say, store)).toBe('Thunderbird profile · default');
    expect(storeWords(say, { kind: 'system' })).toBe('Certificates of the system');
  });

  it('that could not be changed says why', () => {
    expect(failureWords(say, { store, action: 'removed' })).toBeUndefined();
    expect(
      failureWords(say, { store, action: 'failed', reason: 'trust-store-locked', detail: 'SEC_ERROR' }),
    ).toBe('Thunderbird profile · default: the store is protected by a password. SEC_ERROR');
    expect(failureWords(say, { store, action: 'failed' })).toContain('It could not be done.');
  });
});
