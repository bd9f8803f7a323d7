import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultLimits, type ScanLimits } from '../../limits.ts';
import {
  makeAr,
  makeArchive,
  makeCab,
  makeCpio,
  makeLzma,
  makeRar4,
  makeRar5,
  makeSlowRar5,
} from '../../sandbox/archives.fixture.ts';
import { testSandbox } from '../../sandbox/sandbox.fixture.ts';
import { contextOf } from '../contents.fixture.ts';
import { isSevenZip, unpackSevenZip } from './seven-zip.ts';

const sandbox = testSandbox();
afterAll(() => sandbox.stop());

const megabyte = 1_000_000;

function contents(bytes: Buffer, limits: Partial<ScanLimits> = {}, passwords: readonly string[] = []) {
  const all = [...unpackSevenZip(bytes, contextOf({ sandbox, limits, passwords }))];
  return {
    codes: [...new Set(all.flatMap((each) => (each.kind === 'limit' ? [each.code] : [])))],
    octets: all.reduce((sum, each) => sum + (each.kind === 'member' ? each.bytes.length : 0), 0),
    names: all.flatMap((each) => (each.kind === 'member' ? [each.name] : [])),
  };
}

const zeros = Buffer.alloc(20 * megabyte);

describe('bombs', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['7z', () => makeArchive('7z', { a: zeros }, ['-mx=1'])],
    ['lzma', () => makeLzma(zeros)],
    // A gigabyte: streams one after the other are one.
    [
      'xz',
      async () => Buffer.concat(Array<Buffer>(50).fill(await makeArchive('xz', { a: zeros }, ['-mx=1']))),
    ],
    [
      'bz2',
      async () => Buffer.concat(Array<Buffer>(50).fill(await makeArchive('bzip2', { a: zeros }, ['-mx=1']))),
    ],
  ])('are cut off while they are written: %s', async (_, make) => {
    const bytes = await make();
    const { unpackRatio, unpackRatioFromBytes } = defaultLimits;
    expect(contents(bytes)).toMatchObject({
      codes: ['unpack-ratio'],
      octets: Math.max(unpackRatioFromBytes, bytes.length * unpackRatio),
    });
  });

  it('are cut off by what is left for the message', async () => {
    const bytes = await makeArchive('7z', { a: zeros, b: zeros }, ['-mx=1']);
    const found = contents(bytes, { unpackedBytes: megabyte });
    expect(found).toMatchObject({ codes: ['unpacked-size'], octets: megabyte });
  });

  it('leave what is beside them, where it can be had apart', async () => {
    const bytes = await makeArchive('7z', { a: zeros, 'evil.exe': 'MZ' }, ['-mx=1', '-ms=off']);
    expect(contents(bytes, { partBytes: megabyte })).toMatchObject({
      names: ['evil.exe', 'a'],
      codes: ['part-size', 'unpack-ratio'],
    });
  });

  it('are cut off at their first octets, which are given', async () => {
    const large = Buffer.alloc(3 * megabyte, 'not the same at all ');
    const found = contents(await makeArchive('7z', { a: large }, ['-mx=0']), { partBytes: megabyte });
    expect(found).toEqual({ codes: ['part-size'], octets: megabyte, names: ['a'] });
  });

  it('of passwords that take long end as encrypted', () => {
    expect(contents(makeSlowRar5(), {}, ['one', 'two']).codes).toEqual(['encrypted']);
  });
});

describe('many members', () => {
  it('are unpacked up to the limit', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => [`${i}`, ''] as const);
    const found = contents(makeCpio(Object.fromEntries(names)));
    expect(found.codes).toEqual(['archive-members']);
    expect(found.names).toHaveLength(defaultLimits.archiveMembers);
  });

  it('are no limit when they are as many as there may be', () => {
    const names = Array.from({ length: 20 }, (_, i) => [`${i}`, 'x'] as const);
    const bytes = makeCpio(Object.fromEntries(names));
    expect(contents(bytes, { archiveMembers: 20 })).toMatchObject({ codes: [], octets: 20 });
    expect(contents(bytes, { archiveMembers: 19 })).toMatchObject({ codes: ['archive-members'], octets: 19 });
  });
});

describe('damage', () => {
  const text = 'MZ this is no program, and of some length for something to be damaged in it';
  const files = { 'evil.exe': text, other: 'other' };
  const kinds: readonly (readonly [string, () => Promise<Buffer> | Buffer])[] = [
    ['7z', () => makeArchive('7z', files)],
    ['xz', () => makeArchive('xz', { a: text })],
    ['bz2', () => makeArchive('bzip2', { a: text })],
    ['lzma', () => makeLzma(Buffer.from(text))],
    ['rar', () => makeRar4(files)],
    ['rar5', () => makeRar5(files)],
    ['wim', () => makeArchive('wim', files)],
    ['ar', () => makeAr(files)],
    ['cpio', () => makeCpio(files)],
    ['cab', () => makeCab('evil.exe', text)],
  ];

  it.each(kinds)('ends in members or limits when it is cut: %s', async (_, make) => {
    const whole = await make();
    const step = Math.max(1, Math.floor(whole.length / 25));
    for (let length = 1; length < whole.length; length += step) {
      const bytes = whole.subarray(0, length);
      if (!isSevenZip(bytes)) continue;
      const { codes, octets } = contents(bytes);
      expect([length, codes.length + octets]).not.toEqual([length, 0]);
      // What is missing of a member is told.
      if (octets < text.length) expect([length, codes]).not.toEqual([length, []]);
      expect(codes).not.toContain('unpacker-failed');
    }
  });

  it.each(kinds)('ends in members or limits when octets are flipped: %s', async (_, make) => {
    const whole = await make();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        contents(bytes, { unpackedBytes: megabyte });
        // 7-Zip itself may fail at it: that is what its own process is for, and the next archive finds another one.
        expect(contents(whole).codes).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});
