import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../limits.ts';
import { summaryOf } from '../scanned.fixture.ts';
import { paxEntry, tarEntry } from './tar.fixture.ts';

const megabyte = 1_000_000;
const mebibyte = 1_048_576;

/** Gzip of so many mebibytes of zeros: a block that gives one of them, over and over. */
function gzipOfZeros(mebibytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(mebibyte), { finishFlush: constants.Z_SYNC_FLUSH });
  const header = Buffer.from('1f8b0800000000000003', 'hex');
  return Buffer.concat([
    header,
    ...Array<Buffer>(mebibytes).fill(block),
    deflateRawSync(Buffer.alloc(0)),
    Buffer.alloc(8),
  ]);
}

describe('gzip', () => {
  it('of a gigabyte of zeros gives a first piece, and the limit', () => {
    expect(summaryOf(gzipOfZeros(1_024))).toEqual({ codes: ['part-size'], octets: mebibyte, members: 1 });
    expect(summaryOf(gzipSync(Buffer.alloc(60 * megabyte)))).toMatchObject({ codes: ['unpack-ratio'] });
  });

  it('of many members gives no more than one may have', () => {
    const bytes = Buffer.concat(Array<Buffer>(30).fill(gzipSync(Buffer.alloc(9 * megabyte))));
    const { codes, octets } = summaryOf(bytes);
    expect(codes).toEqual(['part-size']);
    expect(octets).toBe(defaultLimits.partBytes);
    expect(summaryOf(Buffer.concat(Array<Buffer>(5_000).fill(gzipSync('x')))).codes).toEqual([
      'archive-members',
    ]);
  });
});

describe('zstd', () => {
  it('of repeated blocks gives a first piece, and the limit', () => {
    // Four octets for 128 KiB (RFC 8878 §3.1.1.2.2).
    const block = Buffer.from([0x02, 0x00, 0x10, 0x61]);
    const frame = Buffer.concat([Buffer.from('28b52ffd0068', 'hex'), ...Array<Buffer>(20_000).fill(block)]);
    expect(summaryOf(frame)).toEqual({ codes: ['unpack-ratio'], octets: mebibyte, members: 1 });
  });

  it('of many frames gives no more than one may have', () => {
    const frame = zstdCompressSync(Buffer.alloc(9 * megabyte));
    expect(summaryOf(Buffer.concat(Array<Buffer>(300).fill(frame)))).toMatchObject({
      codes: ['unpack-ratio'],
    });
    const skippable = Buffer.from('502a4d180000000000', 'hex').subarray(0, 8);
    expect(summaryOf(Buffer.concat(Array<Buffer>(5_000).fill(skippable))).codes).toEqual(['archive-members']);
  });
});

describe('tar', () => {
  it('of blocks that are nearly headers takes linear time', () => {
    const block = tarEntry({}).subarray(0, 512);
    const near = Buffer.from(block);
    near[0] = 0x62;
    const bytes = Buffer.concat([block, ...Array<Buffer>(40_000).fill(near)]);
    expect(summaryOf(bytes)).toMatchObject({ codes: ['damaged-archive'], members: 0 });
    expect(summaryOf(Buffer.concat([block, Buffer.alloc(20 * megabyte)])).codes).toEqual([]);
  });

  it('of many members, and of members that claim all that follows, ends at a limit', () => {
    const entry = tarEntry({ content: Buffer.from('x') });
    expect(summaryOf(Buffer.concat(Array<Buffer>(3_000).fill(entry)))).toMatchObject({ members: 2_000 });
    const greedy = tarEntry({ content: Buffer.from('x'), size: 0o77777777777 });
    const { codes, octets } = summaryOf(Buffer.concat(Array<Buffer>(3_000).fill(greedy)));
    expect(codes).toContain('unpacked-size');
    expect(octets).toBeLessThanOrEqual(defaultLimits.unpackedBytes);
  });

  it('of sparse members is no way to get memory', () => {
    const sparse = [paxEntry({ 'GNU.sparse.map': '0,1,9000000,0' }), tarEntry({ content: Buffer.from('x') })];
    const { codes, octets } = summaryOf(Buffer.concat(Array<Buffer[]>(500).fill(sparse).flat()));
    expect(codes).toContain('unpacked-size');
    expect(octets).toBeLessThanOrEqual(defaultLimits.unpackedBytes);
  });

  it('with any header ends in members or limits', () => {
    const fields = fc.record({
      type: fc.constantFrom('0', '1', '2', '5', 'L', 'K', 'x', 'g', 'S', 'M', 'V', '\0', '7'),
      size: fc.constantFrom(0, 1, 511, 512, 513, 0o77777777777),
      magic: fc.constantFrom('ustar\x0000', 'ustar  \0', ''),
      content: fc.uint8Array({ maxLength: 600 }).map((octets) => Buffer.from(octets)),
      over: fc.array(
        fc.tuple(
          fc.nat(511),
          fc.uint8Array({ maxLength: 12 }).map((octets) => Buffer.from(octets)),
        ),
        {
          maxLength: 2,
        },
      ),
    });
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 4 }), (entries) => {
        const bytes = Buffer.concat([tarEntry({}), ...entries.map(tarEntry)]);
        expect(summaryOf(bytes, { limits: { unpackedBytes: 100_000 } }).octets).toBeLessThanOrEqual(100_000);
      }),
      { numRuns: 500 },
    );
  });
});
