import { describe, expect, it } from 'vitest';
import { matchesPerPattern } from '../limits.ts';
import { eicar, gtube, suspiciousMarker } from '../test-messages.ts';
import type { Engine } from './engine.ts';
import { literalEngine } from './literal.ts';
import { readRules, sourceOf, yaraEngine } from './yara-x.ts';

const rules = sourceOf(readRules(new URL('../rules/', import.meta.url)));
const engines = { 'yara-x': yaraEngine(rules), literal: literalEngine() };

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
    expect(engine).toMatchObject({ id, rules: 6 });
    expect(engine?.version).toMatch(/^\d/);
  });

  it.each(Object.entries(samples))('finds %s anywhere, and where', (name, [bytes, category]) => {
    const around = Buffer.concat([Buffer.alloc(100, 1), bytes, Buffer.alloc(100, 2)]);
    const matches = [{ offset: 100, length: bytes.length }];
    expect(engine?.scan(around)).toEqual([{ name, category, matches }]);
  });

  it('knows a file by its hash alone', () => {
    const file = Buffer.from('POSTERN SIMULATION: known by its hash alone\n');
    expect(engine?.scan(file)).toMatchObject([{ name: 'Postern.Simulation.KnownFile' }]);
    expect(engine?.scan(Buffer.concat([file, file]))).toEqual([]);
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

describe('rules that say less', () => {
  it('find malware, under the name of the rule', () => {
    const engine = yaraEngine('rule Found { strings: $a = "needle" condition: $a }');
    expect(engine?.scan(Buffer.from('a needle'))).toMatchObject([{ name: 'Found', category: 'malware' }]);
  });

  it('are a bug where they do not compile', () => {
    expect(() => yaraEngine('rule {')).toThrow();
  });
});

describe('the files of this room', () => {
  it('hold no test string as it is', () => {
    expect(rules).not.toContain(eicar.toString('latin1'));
    expect(rules).not.toContain(gtube.toString('latin1'));
  });
});
