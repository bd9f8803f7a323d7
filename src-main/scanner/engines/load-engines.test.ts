import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eicar } from '../test-messages.ts';
import { type EngineFiles, loadEngines } from './load-engines.ts';

let directory: string;
let users: string;
let cache: string;
let compiled: string;
let attempts: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'engines-'));
  users = join(directory, 'rules.d');
  cache = join(directory, 'cache');
  compiled = join(cache, 'rules.compiled');
  attempts = join(cache, 'rules.attempts');
  mkdirSync(users);
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function load(changes: Partial<EngineFiles> = {}) {
  const { engines, problems, files } = loadEngines({
    rulesDirectory: fileURLToPath(new URL('../rules/', import.meta.url)),
    userRulesDirectory: users,
    cacheDirectory: cache,
    isFirst: true,
    now: () => 0,
    ...changes,
  });
  const names = (text: string | Buffer) =>
    engines.flatMap((engine) => {
      const found = engine.scan(Buffer.from(text));
      return typeof found === 'string' ? [found] : found.map(({ name }) => name);
    });
  return { engines, problems, files, names };
}

const rule = (name: string, text: string) => `rule ${name} { strings: $a = "${text}" condition: $a }`;
const write = (name: string, source: string) => writeFileSync(join(users, name), source);
const ours = () => load({ userRulesDirectory: undefined, cacheDirectory: undefined }).engines[0]?.rules ?? 0;

describe('the engines', () => {
  it('are YARA-X with our rules, and the hash lists, where the user has none', () => {
    const { engines, problems, names } = load({ userRulesDirectory: undefined });
    expect(engines.map(({ id }) => id)).toEqual(['yara-x', 'hashes']);
    expect(problems).toEqual([]);
    expect(names(eicar)).toEqual(['Postern.Test.Eicar']);
  });

  it("look for the user's rules and hashes, too", () => {
    write('a.yar', rule('FromA', 'needle'));
    write('b.yara', rule('FromA', 'needle'));
    write('c.hdb', '11c1e19ec9b1e1a5b0e1f5e6d5d9d1cc:4:Other\n098f6bcd4621d373cade4e832627b4f6:4:Known\n');
    const { engines, problems, names, files } = load();
    expect(problems).toEqual([]);
    expect(engines.map(({ rules }) => rules)).toEqual([ours() + 2, 2]);
    expect(files.filter(({ isOurs }) => !isOurs).map(({ name }) => name)).toEqual([
      'a.yar',
      'b.yara',
      'c.hdb',
    ]);
    expect(names('a needle')).toEqual(['FromA', 'FromA']);
    expect(names('test')).toEqual(['Known']);
  });

  it.each([['cold'], ['warm']])('leave bad files out, and say which and why: %s', (state) => {
    write('bad.yar', 'rule Bad {\n condition: nothing }');
    write('good.yar', rule('Good', 'needle'));
    write('list.hdb', 'nonsense');
    if (state === 'warm') load();
    const { engines, problems, names } = load();
    expect(engines[0]?.rules).toBe(ours() + 1);
    expect(names('a needle')).toEqual(['Good']);
    expect(names(eicar)).toEqual(['Postern.Test.Eicar']);
    expect(problems).toEqual([
      { file: 'bad.yar', line: 2, message: expect.stringContaining('nothing') },
      { file: 'list.hdb', line: 1, message: 'not HASH:SIZE:NAME' },
    ]);
  });

  it('are a fault where our own rules do not compile', () => {
    write('a.yar', 'rule {');
    expect(() => load({ rulesDirectory: users, userRulesDirectory: undefined })).toThrow('syntax error');
    expect(() => load({ rulesDirectory: join(users, 'missing') })).toThrow('ENOENT');
  });

  it('leave files out that would be checked too late', () => {
    for (const name of ['a', 'b', 'c']) write(`${name}.yar`, rule(name, name));
    let time = 0;
    const { problems } = load({ now: () => (time += 9_000) });
    expect(problems).toEqual([{ file: 'c.yar', message: 'the files before it took too long' }]);
  });
});

describe('compiled rules that were kept', () => {
  const isKept = () => {
    const before = readFileSync(compiled);
    load();
    return readFileSync(compiled).equals(before);
  };

  it('are used again as long as nothing has changed', () => {
    write('a.yar', rule('A', 'needle'));
    load();
    expect(statSync(compiled).mode & 0o777).toBe(0o600);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const { mtimeMs, ino } = statSync(compiled);
    expect(load().names('a needle')).toEqual(['A']);
    expect(statSync(compiled)).toMatchObject({ mtimeMs, ino });
    write('a.yar', rule('A', 'other'));
    expect(load().names('a needle, other')).toEqual(['A']);
    expect(statSync(compiled).ino).not.toBe(ino);
    expect(load().names('a needle')).toEqual([]);
  });

  it.each([
    ['is cut', () => writeFileSync(compiled, readFileSync(compiled).subarray(0, -1))],
    ['is empty', () => writeFileSync(compiled, '')],
    [
      'has other octets',
      () =>
        writeFileSync(
          compiled,
          readFileSync(compiled).map((octet, at) => (at === 900 ? ~octet : octet)),
        ),
    ],
    ['is longer', () => writeFileSync(compiled, Buffer.concat([readFileSync(compiled), Buffer.alloc(1)]))],
    ['can be written by others', () => chmodSync(compiled, 0o666)],
    [
      'is a link',
      () => {
        writeFileSync(join(directory, 'other'), readFileSync(compiled), { mode: 0o600 });
        rmSync(compiled);
        symlinkSync(join(directory, 'other'), compiled);
      },
    ],
    [
      'is of other rules',
      () => {
        const kept = readFileSync(compiled);
        write('a.yar', rule('B', 'needle'));
        load();
        write('a.yar', rule('A', 'needle'));
        const others = readFileSync(compiled);
        expect(others.equals(kept)).toBe(false);
      },
    ],
  ])('are compiled anew where the file %s', (_, damage) => {
    write('a.yar', rule('A', 'needle'));
    load();
    damage();
    const { ino } = statSync(compiled);
    expect(load().names('a needle')).toEqual(['A']);
    expect(statSync(compiled).ino).not.toBe(ino);
    expect(statSync(compiled).isFile()).toBe(true);
    expect(statSync(compiled).mode & 0o777).toBe(0o600);
    expect(isKept()).toBe(true);
  });

  it.skipIf(process.geteuid?.() !== 0)('are compiled anew where the file is of another user', () => {
    load();
    chownSync(compiled, 12_345, 12_345);
    expect(load().problems).toEqual([]);
    expect(statSync(compiled).uid).toBe(0);
  });

  it('are none where nothing can be kept', () => {
    write('a.yar', rule('A', 'needle'));
    for (const cacheDirectory of [join(directory, 'missing', 'cache'), join(users, 'a.yar'), undefined]) {
      expect(load({ cacheDirectory }).names('a needle')).toEqual(['A']);
      expect(load({ cacheDirectory }).problems).toEqual([]);
    }
    mkdirSync(compiled, { recursive: true });
    expect(load().names('a needle')).toEqual(['A']);
  });
});

describe('rules that end the process while they are compiled', () => {
  it('are left out after some tries, until they change', () => {
    write('a.yar', rule('A', 'needle'));
    load();
    expect(existsSync(attempts)).toBe(false);
    // What a process leaves behind that ends meanwhile.
    const leaveBehind = () => {
      let left = '';
      let calls = 0;
      load({
        now: () => {
          if (calls++ === 0) left = readFileSync(attempts, 'latin1');
          return 0;
        },
      });
      writeFileSync(attempts, left, { mode: 0o600 });
      rmSync(compiled);
    };
    rmSync(compiled);
    for (const count of [1, 2, 3]) {
      leaveBehind();
      expect(readFileSync(attempts, 'latin1')).toMatch(new RegExp(`^[0-9a-f]{64} ${count}$`));
    }
    const left = load();
    expect(left.problems).toMatchObject([{ file: 'a.yar', message: /^Postern ended while it compiled/ }]);
    expect(left.names('a needle')).toEqual([]);
    expect(left.names(eicar)).toEqual(['Postern.Test.Eicar']);
    expect(existsSync(compiled)).toBe(false);
    write('a.yar', rule('A', 'needle2'));
    expect(load().names('a needle2')).toEqual(['A']);
    expect(existsSync(attempts)).toBe(false);
  });

  it('are not counted where another thread has just compiled them', () => {
    write('a.yar', rule('A', 'needle'));
    load();
    const [, key] = /"key":"([0-9a-f]{64})"/.exec(readFileSync(compiled, 'latin1')) ?? [];
    rmSync(compiled);
    writeFileSync(attempts, `${key} 3`, { mode: 0o600 });
    expect(load({ isFirst: false }).names('a needle')).toEqual(['A']);
  });
});
