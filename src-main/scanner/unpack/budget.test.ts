import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../limits.ts';
import { UnpackBudget } from './budget.ts';

describe('the budget of a message', () => {
  it('has words for later archives, but not for each of many', () => {
    const budget = new UnpackBudget(defaultLimits);
    const given = Array.from({ length: 20 }, () => budget.takeWords(200));
    expect(given.slice(0, 3)).toEqual([120, 40, 14]);
    expect(given.at(-1)).toBe(0);
    expect(given.reduce((sum, words) => sum + words, 0)).toBe(180);
  });

  it('has a number of requests', () => {
    const budget = new UnpackBudget(defaultLimits);
    expect(Array.from({ length: 301 }, () => budget.takeRequest()).lastIndexOf(true)).toBe(299);
  });
});
