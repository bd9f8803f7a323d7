import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { matchesPerPattern } from '../limits.ts';
import { eicar, gtube, suspiciousMarker } from '../test-messages.ts';
import type { Engine } from './engine.ts';
import { literalEngine } from './literal.ts';
import { type RuleFile, readOurRules } from './rule-files.ts';
import { loadYara } from './yara-x.ts';

const ours = readOurRules(fileURLToPath(new URL('../rules/', import.meta.url)));
const yara = loadYara();
const yaraOf = (files: readonly RuleFile[]) => yara?.engine(yara.compile(files), files);
const engines = { 'yara-x': yaraOf(ours), literal: literalEngine() };

const marker = (name: string) => Buffer.from(`POSTERN-SIMULATION-${name}`);
const samples: Readonly<Record<string, readonly [Buffer, string]>> = {
  'Postern.Test.Eicar': [eicar, 'test'],
  'Postern.Test.Gtube': [gtube, 'spam-test'],
  'Postern.Simulation.Macro': [marker('MACRO-5b0e7c1d94a8'), 'simulation'],
  'Postern.Simulation.Dropper': [marker('DROPPER-c27f40d6e913'), 'simulation'],
  'Postern.Simulation.Suspicious': [suspiciousMarker, 'suspicious'],
};

describe.each(Object.entries(engines))('the engine %s', (id, engine: Engine | undefined) => {
  it('is there, and says what it is', () => {
    expect(engine?.id).toBe(id);
    expect(engine?.rules).toBeGreaterThanOrEqual(6);
    expect(engine?.version).toMatch(/^\d/);
  });

  it.each(Object.entries(samples))('finds %s anywhere, and where', (name, [bytes, category]) => {
    const around = Buffer.concat([Buffer.alloc(100, 1), bytes, Buffer.alloc(100, 2)]);
    const matches = [{ offset: 100, length: bytes.length }];
    expect(engine?.scan(around)).toEqual([{ name, category, matches }]);
  });

  it('knows a file by its hash alone', () => {
    const known = Buffer.from('POSTERN SIMULATION: known by its hash alone\n');
    expect(engine?.scan(known)).toMatchObject([{ name: 'Postern.Simulation.KnownFile' }]);
    expect(engine?.scan(Buffer.concat([known, known]))).toEqual([]);
  });

  it('finds nothing in nothing', () => {
    expect(engine?.scan(Buffer.alloc(0))).toEqual([]);
    expect(engine?.scan(Buffer.alloc(1_000, 'text'))).toEqual([]);
  });

  it('names some of very many matches', () => {
    const [finding] = engine?.scan(Buffer.alloc(eicar.length * 1_000, eicar)) ?? [];
    expect(finding).toMatchObject({ matches: { length: matchesPerPattern } });
  });

  it('scans shared memory', () => {
    const shared = Buffer.from(new SharedArrayBuffer(eicar.length));
    eicar.copy(shared);
    expect(engine?.scan(shared)).toHaveLength(1);
  });
});

const file = (source: string, name = 'a.yar'): RuleFile => ({ name, kind: 'rules', isOurs: false, source });

describe('rules', () => {
  const needle = (meta: string) => `rule Found { ${meta} strings: $a = "needle" condition: $a }`;

  it.each([
    ['', { name: 'Found', category: 'malware' }],
    ['meta: category = "nonsense" group = "nonsense"', { name: 'Found', category: 'malware' }],
    ['meta: category = "note" name = "Some.Name"', { name: 'Some.Name', category: 'note' }],
    ['meta: category = "suspicious" group = "phishing"', { category: 'suspicious', group: 'phishing' }],
    ['meta: name = 5 category = true', { name: 'Found', category: 'malware' }],
  ])('say what they find: %s', (meta, finding) => {
    const matches = [{ offset: 2, length: 6 }];
    const found = yaraOf([file(needle(meta))])?.scan(Buffer.from('a needle'));
    expect(found).toMatchObject([{ ...finding, matches }]);
    if (Array.isArray(found)) expect('group' in found[0]).toBe('group' in finding);
  });

  it('of several files may have the same names, and are global for their own file', () => {
    const engine = yaraOf([
      file(`global rule Never { condition: false }\n${needle('')}`, 'a.yar'),
      file(needle('meta: name = "Second"'), 'b.yar'),
    ]);
    expect(engine?.rules).toBe(3);
    expect(engine?.scan(Buffer.from('a needle'))).toMatchObject([{ name: 'Second' }]);
  });

  it('are a bug where they do not compile', () => {
    expect(() => yaraOf([file('rule {')])).toThrow();
  });
});

describe('a rule file by itself', () => {
  const deep = (text: string, end = '') =>
    `rule A {\n condition:\n ${text.repeat(1_001)} true ${end.repeat(1_001)} }`;

  it.each([
    ['a syntax error', 'rule A {\n condition }', 2, /^syntax error: /],
    ['a name that is not known', '\n\nrule A { condition: nothing }', 3, /^unknown identifier `nothing`/],
    ['a module that is not known', 'import "nothing"', 1, /^unknown module `nothing`/],
    ['an include', 'include "/etc/hostname"', 1, /^include statements not allowed/],
    ['two rules of one name', 'rule A {condition:true}\nrule A {condition:true}', 2, /^duplicate rule `A`/],
    [
      'a bad expression',
      'rule A {\n strings:\n $a = /(/\n condition: $a }',
      3,
      /^invalid regular expression/,
    ],
    ['other octets', '\0\u{feff}', 1, /^syntax error/],
    ['brackets in brackets', deep('(', ')'), 3, /^nested too deeply$/],
    ['words before words', deep('not '), 3, /^nested too deeply$/],
    ['signs before signs', deep('- ', ''), 3, /^nested too deeply$/],
    ['hexadecimal brackets', `rule A {\n strings: $a = { ${'('.repeat(1_001)}`, 2, /^nested too deeply$/],
  ])('has %s: its line is named, and what is wrong there', (_, source, line, message) => {
    expect(yara?.check(file(source))).toEqual({
      file: 'a.yar',
      line,
      message: expect.stringMatching(message),
    });
  });

  it('is good as people write it', () => {
    const rule = 'rule A_# { strings: $a = /\\(\\(\\(x/ condition: $a and not (not (defined filesize)) }\n';
    const rules = Array.from({ length: 1_000 }, (__, each) => rule.replace('#', String(each)));
    expect(yara?.check(file(`// ${'-'.repeat(500)}\n${rules.join('')}`))).toBeUndefined();
    for (const { name, source } of ours) expect(yara?.check(file(source, name))).toBeUndefined();
  });
});

describe('the files of this room', () => {
  it('hold no test string as it is', () => {
    const text = ours.map(({ source }) => source).join();
    expect(text).not.toContain(eicar.toString('latin1'));
    expect(text).not.toContain(gtube.toString('latin1'));
  });
});
