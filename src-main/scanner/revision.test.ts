import { describe, expect, it } from 'vitest';
import { defaultLimits } from './limits.ts';
import { revisionOf } from './revision.ts';

const engine = { id: 'yara-x', version: '1' };
const files = [
  { name: 'a.yar', source: 'rule A' },
  { name: 'b.yar', source: 'rule B' },
];
const revision = revisionOf([engine], files, defaultLimits);

describe('the revision of a scanner', () => {
  it('is the same for the same scanner, in whatever order its limits were named', () => {
    const limits = { ...defaultLimits, mimeDepth: 1 };
    const { mimeDepth, ...others } = limits;
    expect(revision).toMatch(/^[0-9a-f]{64}$/);
    expect(revisionOf([{ ...engine }], [...files], { ...defaultLimits })).toBe(revision);
    expect(revisionOf([engine], files, { ...others, mimeDepth })).toBe(revisionOf([engine], files, limits));
  });

  it.each([
    ['the engine', revisionOf([{ id: 'literal', version: '1' }], files, defaultLimits)],
    ['its version', revisionOf([{ id: 'yara-x', version: '2' }], files, defaultLimits)],
    ['a rule', revisionOf([engine], [{ name: 'a.yar', source: 'rule a' }, ...files.slice(1)], defaultLimits)],
    [
      'the name of a file',
      revisionOf([engine], [{ name: 'c', source: 'rule A' }, ...files.slice(1)], defaultLimits),
    ],
    ['a file less', revisionOf([engine], files.slice(1), defaultLimits)],
    ['a limit', revisionOf([engine], files, { ...defaultLimits, mimeDepth: 1 })],
  ])('changes with %s', (_, other) => {
    expect(other).not.toBe(revision);
  });
});
