import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  makeAr,
  makeArchive,
  makeCab,
  makeCpio,
  makeDisk,
  makeLzma,
  makeRar4,
  makeRar5,
  makeVhd,
} from '../../sandbox/archives.fixture.ts';
import { testSandbox } from '../../sandbox/sandbox.fixture.ts';
import { type Circumstances, contextOf, shown } from '../contents.fixture.ts';
import { isSevenZip, unpackSevenZip } from './seven-zip.ts';
import { sevenZipFormatsOf } from './seven-zip-formats.ts';

const sandbox = testSandbox();
afterAll(() => sandbox.stop());

const text = 'MZ this is no program';
const files = { 'evil.exe': text };

/** Members as `name=text`, limits by their codes, traits in brackets. */
function contents(bytes: Buffer, circumstances: Circumstances = {}): string[] {
  return shown(unpackSevenZip(bytes, contextOf({ sandbox, ...circumstances })));
}

const formats = (bytes: Buffer) => sevenZipFormatsOf(bytes).map(({ extension }) => extension);

describe('archives', () => {
  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['7z', () => makeArchive('7z', files)],
    ['rar', () => makeRar4(files)],
    ['rar5', () => makeRar5(files)],
    ['wim', () => makeArchive('wim', files)],
    ['ar', () => makeAr(files)],
    ['cpio', () => makeCpio(files)],
    ['cab', () => makeCab('evil.exe', text)],
    ['fat', () => makeDisk(text)],
    ['mbr', () => makeDisk(text, true)],
    ['vhd', () => makeVhd(makeDisk(text, true))],
  ])('of the kind %s are known and unpacked', async (extension, make) => {
    const bytes = await make();
    expect(formats(bytes)).toContain(extension);
    expect(contents(bytes).map((each) => each.replace('EVIL.EXE', 'evil.exe'))).toContain(`evil.exe=${text}`);
    expect(contents(bytes).filter((each) => !each.includes('='))).toEqual([]);
  });

  it.each<[string, () => Promise<Buffer>]>([
    ['xz', () => makeArchive('xz', files)],
    ['bz2', () => makeArchive('bzip2', files)],
    ['lzma', () => makeLzma(Buffer.from(text))],
  ])('of one stream are called after their own name: %s', async (extension, make) => {
    const bytes = await make();
    expect(formats(bytes)).toEqual([extension]);
    expect(contents(bytes, { name: `evil.exe.${extension}` })).toEqual([`evil.exe=${text}`]);
    expect(contents(bytes, { name: 'a.tbz' })).toEqual([`a.tar=${text}`]);
    expect(contents(bytes)).toEqual([`data=${text}`]);
  });

  it('give all members of one name', async () => {
    const bytes = makeCpio({ 'a/evil.exe': 'one', 'b/evil.exe': 'two', '../evil.exe': 'three', '*': 'four' });
    expect(contents(bytes)).toEqual(['evil.exe=one', 'evil.exe=two', 'evil.exe=three', '*=four']);
  });

  it('give what links to one file hold', () => {
    // In a cpio archive all members of one inode are one file, and the last of them has its octets.
    expect(contents(makeCpio({ 'a.txt': '', 'evil.exe': text }))).toEqual([
      `a.txt=${text}`,
      `evil.exe=${text}`,
    ]);
  });

  it('need a sandbox', async () => {
    expect([...unpackSevenZip(makeRar5(files), contextOf())]).toEqual([
      { kind: 'limit', code: 'unsupported-archive' },
    ]);
  });

  const clam = '/usr/share/clamav-testfiles';
  it
    .skipIf(!existsSync(clam))
    .each(['7z', 'arj', 'bin-be.cpio', 'bin-le.cpio', 'cab', 'chm', 'exe.bz2', 'newc.cpio', 'odc.cpio'])(
    'of others are unpacked: clam.%s',
    (ending) => {
      const bytes = readFileSync(join(clam, `clam.${ending}`));
      const members = [...unpackSevenZip(bytes, contextOf({ sandbox }))];
      expect(members.some((each) => each.kind === 'member' && each.bytes.length === 544)).toBe(true);
    },
  );

  it.skipIf(!existsSync('/usr/bin/genisoimage'))('on CD images are unpacked by both standards', () => {
    const directory = mkdtempSync(join(tmpdir(), 'postern-iso-'));
    try {
      writeFileSync(join(directory, 'evil.exe'), text);
      const iso = execFileSync('genisoimage', ['-quiet', '-udf', '-J', '-r', directory]);
      expect(formats(iso)).toEqual(['iso', 'udf']);
      expect(contents(iso)).toEqual([`evil.exe=${text}`, `evil.exe=${text}`]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('encryption', () => {
  it('is told, with programs among the names', async () => {
    const bytes = await makeArchive('7z', files, ['-psecret']);
    expect(contents(bytes)).toEqual(['encrypted', '[encrypted-archive]', '[encrypted-program-name]']);
    const harmless = await makeArchive('7z', { 'a.txt': text }, ['-psecret']);
    expect(contents(harmless, { passwords: ['wrong'] })).toEqual(['encrypted', '[encrypted-archive]']);
  });

  it('is opened by a word of the message', async () => {
    const bytes = await makeArchive('7z', files, ['-psecret']);
    expect(contents(bytes, { passwords: ['wrong', 'secret', 'other'] })).toEqual([
      '[opened-by-password]',
      `evil.exe=${text}`,
    ]);
  });

  it('of the names too is told, and opened', async () => {
    const bytes = await makeArchive('7z', files, ['-psecret', '-mhe=on']);
    expect(contents(bytes)).toEqual(['encrypted', '[encrypted-archive]']);
    expect(contents(bytes, { passwords: ['wrong', 'secret'] })).toEqual([
      '[opened-by-password]',
      `evil.exe=${text}`,
    ]);
  });

  it('needs no word where there is none', () => {
    const circumstances = contextOf({ sandbox });
    const passwords = () => expect.unreachable('words are found out only when they are needed');
    const given = [...unpackSevenZip(makeRar5(files), { ...circumstances, passwords })];
    expect(given).toHaveLength(1);
  });
});

describe('pieces of archives', () => {
  it('are told by what they say', () => {
    const bytes = makeRar4(files, { archiveFlags: 1, fileFlags: 2 });
    expect(contents(bytes)).toEqual(expect.arrayContaining(['split-archive', '[split-archive]']));
  });

  it('are told by their names', async () => {
    const bytes = (await makeArchive('7z', { a: Buffer.alloc(5_000, 'abc') }, ['-mx=0'])).subarray(0, 3_000);
    expect(contents(bytes, { name: 'a.7z.001' })).toContain('split-archive');
    expect(contents(bytes, { name: 'a.7z' })).toEqual(['unsupported-archive']);
  });
});

describe('other files', () => {
  it('are not taken for archives', () => {
    const starts = [
      '\x60\xea',
      '\xc7\x71',
      '\x71\xc7',
      '\x5d\0\0',
      '\x1f\x9d',
      'BZh9',
      '070701',
      'Rar!',
      'MZ',
      'x',
    ];
    for (const start of starts) {
      const body = `${start}This is a text of some length, in which nothing is hidden at all. `.repeat(40);
      expect([start, isSevenZip(Buffer.from(body, 'latin1'))]).toEqual([start, false]);
    }
    expect(isSevenZip(Buffer.alloc(100_000))).toBe(false);
    expect(isSevenZip(Buffer.alloc(100_000, 0xff))).toBe(false);
  });

  it('may be anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_200 }), (octets) => void isSevenZip(Buffer.from(octets))),
    );
  });
});
