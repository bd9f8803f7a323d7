import { describe, expect, it } from 'vitest';
import { type Detection, outcomeOf } from './verdict.ts';

const detection = (category: Detection['category']): Detection => ({
  name: 'Postern.X.Y',
  engine: 'literal',
  category,
  part: '',
  sha256: '',
});

describe('outcome', () => {
  it.each([
    ['clean', [], true],
    ['not-scanned', [], false],
    ['suspicious', ['suspicious'], true],
    ['suspicious', ['suspicious'], false],
    ['infected', ['malware'], false],
    ['infected', ['suspicious', 'test'], true],
  ] as const)('is %s for %j, complete %s', (outcome, categories, complete) => {
    expect(outcomeOf(categories.map(detection), complete)).toBe(outcome);
  });
});
