import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashEngine } from './hash-lists.ts';
import type { RuleFile } from './rule-files.ts';

const listOf = (lines: readonly string[]): RuleFile => {
  return { name: 'a.hdb', kind: 'hashes', isOurs: false, source: lines.join('\n') };
};
const list = (...lines: readonly string[]) => listOf(lines);
const known = Buffer.from('a file that is known');
const size = known.length;
const digest = (algorithm: 'md5' | 'sha1' | 'sha256') => hash(algorithm, known);

describe('lists of hashes', () => {
  it.each(['md5', 'sha1', 'sha256'] as const)('know a whole file by its %s and its size', (algorithm) => {
    const { engine, problems } = hashEngine([list(`${digest(algorithm)}:${size}:Some.Name`)]);
    expect(problems).toEqual([]);
    expect(engine).toMatchObject({ id: 'hashes', rules: 1 });
    const matches = [{ offset: 0, length: size }];
    expect(engine.scan(known)).toEqual([{ name: 'Some.Name', category: 'malware', matches }]);
    expect(engine.scan(Buffer.concat([known, known]))).toEqual([]);
    expect(engine.scan(Buffer.alloc(size))).toEqual([]);
    expect(engine.scan(Buffer.alloc(0))).toEqual([]);
  });

  it('know a file of any size', () => {
    const { engine } = hashEngine([list(`${digest('sha256').toUpperCase()}:*:Any.Size:73`)]);
    expect(engine.scan(known)).toMatchObject([{ name: 'Any.Size' }]);
    expect(engine.scan(Buffer.from('another'))).toEqual([]);
  });

  it('know it by each algorithm, and by the first of two names', () => {
    const { engine } = hashEngine([
      list(
        `${digest('md5')}:${size}:By.Md5`,
        `${digest('md5')}:${size}:Again`,
        `${digest('sha1')}:${size}:By.Sha1`,
      ),
    ]);
    expect(engine.rules).toBe(2);
    expect(engine.scan(known)).toMatchObject([{ name: 'By.Md5' }, { name: 'By.Sha1' }]);
  });

  it('have comments, empty lines, and any line ends', () => {
    const { engine, problems } = hashEngine([list('# a comment\r', '', `  ${digest('md5')}:${size}:Name\r`)]);
    expect([engine.rules, problems]).toEqual([1, []]);
  });

  it('are used without their bad lines, which are named', () => {
    const bad = [
      'nonsense',
      `${'a'.repeat(31)}:1:Name`,
      `${'g'.repeat(32)}:1:Name`,
      `${'a'.repeat(32)}:x:Name`,
    ];
    const more = [
      `${'a'.repeat(32)}:1:`,
      `${'a'.repeat(32)}:9999999999999999:Name`,
      `${'a'.repeat(32)}:1:\x01`,
    ];
    const good = `${digest('md5')}:${size}:Name`;
    const { engine, problems } = hashEngine([list(good, ...bad, ...more)]);
    // The last one has a name, once its control characters are gone.
    expect(engine.rules).toBe(2);
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(problems[0]).toEqual({ file: 'a.hdb', line: 2, message: 'not HASH:SIZE:NAME' });
  });

  it('name only some of very many bad lines', () => {
    const { problems } = hashEngine([list(...Array.from({ length: 1_000 }, () => 'nonsense'))]);
    expect(problems).toHaveLength(11);
    expect(problems.at(-1)).toEqual({ file: 'a.hdb', message: '990 more lines are left out' });
  });

  it('have as many hashes as there may be, and no more', () => {
    const lines = Array.from({ length: 200_002 }, (_, each) => `${each.toString(16).padStart(32, '0')}:1:N`);
    const { engine, problems } = hashEngine([listOf(lines)]);
    expect(engine.rules).toBe(200_000);
    expect(problems).toMatchObject([
      { line: 200_001, message: 'more than 200000 hashes in all' },
      { line: 200_002 },
    ]);
  });
});
