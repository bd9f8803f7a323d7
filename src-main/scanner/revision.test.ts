import { describe, expect, it } from 'vitest';
import type { RuleFile } from './engines/rule-files.ts';
import { defaultLimits } from './limits.ts';
import { defaultOptions } from './options.ts';
import { revisionOf, rulesRevisionOf } from './revision.ts';

const engine = { id: 'yara-x', version: '1' };
const file = (name: string, source: string, changes: Partial<RuleFile> = {}): RuleFile => {
  return { name, kind: 'rules', isOurs: true, source, ...changes };
};
const files = [file('a.yar', 'rule A'), file('b.yar', 'rule B')];
const rules = rulesRevisionOf(1, [engine], files);
const revision = revisionOf([rules], defaultLimits, defaultOptions);

describe('the revision of a scanner', () => {
  it('is the same for the same scanner, in whatever order its limits and options were named', () => {
    expect(rules).toMatch(/^[0-9a-f]{64}$/);
    expect(revision).toMatch(/^[0-9a-f]{64}$/);
    expect(rulesRevisionOf(1, [{ ...engine }], [...files])).toBe(rules);
    const { mimeDepth, ...limits } = defaultLimits;
    const { groups, ...options } = defaultOptions;
    const turned = { groups: [...groups].reverse(), ...options };
    expect(revisionOf([rules, rules], { ...limits, mimeDepth }, turned)).toBe(revision);
  });

  it.each([
    ['the pipeline', rulesRevisionOf(2, [engine], files)],
    ['the engine', rulesRevisionOf(1, [{ id: 'literal', version: '1' }], files)],
    ['its version', rulesRevisionOf(1, [{ id: 'yara-x', version: '2' }], files)],
    ['an engine more', rulesRevisionOf(1, [engine, engine], files)],
    ['a rule', rulesRevisionOf(1, [engine], [file('a.yar', 'rule a'), ...files.slice(1)])],
    ['the name of a file', rulesRevisionOf(1, [engine], [file('c.yar', 'rule A'), ...files.slice(1)])],
    [
      'whose file it is',
      rulesRevisionOf(1, [engine], [file('a.yar', 'rule A', { isOurs: false }), ...files.slice(1)]),
    ],
    ['a file less', rulesRevisionOf(1, [engine], files.slice(1))],
  ])('changes with %s', (_, other) => {
    expect(other).not.toBe(rules);
  });

  it.each([
    ['the rules', revisionOf(['other'], defaultLimits, defaultOptions)],
    ['workers that differ', revisionOf([rules, 'other'], defaultLimits, defaultOptions)],
    ['a limit', revisionOf([rules], { ...defaultLimits, mimeDepth: 1 }, defaultOptions)],
    ['an option', revisionOf([rules], defaultLimits, { ...defaultOptions, archives: false })],
    ['a group', revisionOf([rules], defaultLimits, { ...defaultOptions, groups: [] })],
  ])('changes with %s', (_, other) => {
    expect(other).not.toBe(revision);
  });
});
