import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOurRules, readUserRules } from './rule-files.ts';

let directory: string;
const at = (name: string) => join(directory, name);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rule-files-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("the user's rule files", () => {
  it('are those with the endings of rules, by name', () => {
    for (const name of ['b.yar', 'a.yara', 'c.hdb', 'd.hsb', 'README.md', '.hidden.yar', 'yar'])
      writeFileSync(at(name), name);
    const { files, problems } = readUserRules(directory);
    expect(problems).toEqual([]);
    expect(files).toEqual([
      { name: 'a.yara', kind: 'rules', isOurs: false, source: 'a.yara' },
      { name: 'b.yar', kind: 'rules', isOurs: false, source: 'b.yar' },
      { name: 'c.hdb', kind: 'hashes', isOurs: false, source: 'c.hdb' },
      { name: 'd.hsb', kind: 'hashes', isOurs: false, source: 'd.hsb' },
    ]);
  });

  it('are none where there is no directory, and a problem where it is something else', () => {
    expect(readUserRules(at('missing'))).toEqual({ files: [], problems: [] });
    writeFileSync(at('file'), '');
    expect(readUserRules(at('file'))).toEqual({
      files: [],
      problems: [{ file: at('file'), message: "can't be read: ENOTDIR" }],
    });
  });

  it('are regular files: nothing else is waited for', () => {
    execFileSync('mkfifo', [at('fifo.yar')]);
    mkdirSync(at('folder.yar'));
    symlinkSync(at('nowhere'), at('broken.yar'));
    symlinkSync(at('loop.yar'), at('loop.yar'));
    symlinkSync('/dev/zero', at('device.hdb'));
    symlinkSync(at('fifo.yar'), at('to-fifo.yar'));
    writeFileSync(at('target'), 'rule');
    symlinkSync(at('target'), at('good.yar'));
    const { files, problems } = readUserRules(directory);
    expect(files).toMatchObject([{ name: 'good.yar', source: 'rule' }]);
    expect(problems).toEqual([
      { file: 'broken.yar', message: "can't be read: ENOENT" },
      { file: 'device.hdb', message: 'not a regular file' },
      { file: 'fifo.yar', message: 'not a regular file' },
      { file: 'folder.yar', message: 'not a regular file' },
      { file: 'loop.yar', message: "can't be read: ELOOP" },
      { file: 'to-fifo.yar', message: 'not a regular file' },
    ]);
  });

  it('are UTF-8: other octets would become other rules', () => {
    writeFileSync(at('a.yar'), Buffer.from('rule \xff', 'latin1'));
    expect(readUserRules(directory)).toEqual({
      files: [],
      problems: [{ file: 'a.yar', message: 'not UTF-8' }],
    });
  });

  it('have a size, each and all together', () => {
    const mebibytes = (name: string, count: number, more = 0) => {
      writeFileSync(at(name), '');
      truncateSync(at(name), count * 1024 * 1024 + more);
    };
    mebibytes('a.yar', 4);
    mebibytes('b.yar', 4, 1);
    for (let each = 0; each < 16; each++) mebibytes(`c${each.toString(16)}.yar`, 4);
    mebibytes('d.yar', 0, 1);
    const { files, problems } = readUserRules(directory);
    expect(files).toHaveLength(16);
    expect(problems).toEqual([
      { file: 'b.yar', message: 'larger than 4 MiB' },
      { file: 'cf.yar', message: 'more than 64 MiB of rules in all' },
      { file: 'd.yar', message: 'more than 64 MiB of rules in all' },
    ]);
  });

  it('are at most a thousand', () => {
    for (let each = 0; each < 1_001; each++) writeFileSync(at(`${each}.yar`), '');
    const { files, problems } = readUserRules(directory);
    expect(files).toHaveLength(1_000);
    expect(problems).toEqual([{ file: directory, message: 'only the first 1000 files are read' }]);
  });
});

describe('our own rule files', () => {
  it('are a fault of the installation where they are not as they should be', () => {
    expect(() => readOurRules(at('missing'))).toThrow('ENOENT');
    expect(() => readOurRules(directory)).toThrow('no rules in');
    symlinkSync(at('nowhere'), at('a.yar'));
    expect(() => readOurRules(directory)).toThrow("a.yar: can't be read: ENOENT");
  });
});
