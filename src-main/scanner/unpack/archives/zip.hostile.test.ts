import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../limits.ts';
import { zip } from '../../test-messages.ts';
import { contentsOf } from '../contents.fixture.ts';
import { scanned, summaryOf } from '../scanned.fixture.ts';
import { aesEntry, deflatedEntry, encryptedEntry, storedEntry, writeZip } from './zip.fixture.ts';

const megabyte = 1_000_000;
const mebibyte = 1_048_576;

/** So many local headers in a row whose data all begin behind the last one: their extra fields hold the others. */
function headersBefore(data: Buffer, count: number): Buffer {
  const empty = { name: 'a', bytes: Buffer.alloc(0), stored: true, local: { method: 8 } };
  const header = zip([empty]).subarray(0, 31);
  const headers = Array.from({ length: count }, (_, i) => {
    const each = Buffer.from(header);
    each.writeUInt16LE((count - 1 - i) * header.length, 28);
    return each;
  });
  return Buffer.concat([...headers, data]);
}

describe('bombs', () => {
  it('are stopped by what comes out, not by what they say', () => {
    const lies = { size: 10 };
    const zeros = Buffer.alloc(60 * megabyte);
    expect(summaryOf(zip([{ name: 'a', bytes: zeros, local: lies, central: lies }]))).toMatchObject({
      codes: ['unpack-ratio'],
      octets: mebibyte,
    });
  });

  it('of a gigabyte are stopped after some megabytes, with a first piece', () => {
    // Deflated zeros repeat: one stored stretch, and a thousand copies of a block that gives a mebibyte.
    const block = deflateRawSync(Buffer.alloc(mebibyte), { finishFlush: 2 });
    const data = Buffer.concat([...Array<Buffer>(1_024).fill(block), deflateRawSync(Buffer.alloc(0))]);
    const entry = { ...deflatedEntry('a', Buffer.alloc(0)), data, unpacked: 10 };
    expect(summaryOf(writeZip([entry]))).toMatchObject({ codes: ['part-size'], octets: mebibyte });
  });

  it('are stopped by their sum', () => {
    const members = Array.from({ length: 30 }, (_, i) => ({ name: `${i}`, bytes: Buffer.alloc(megabyte) }));
    const { codes, octets } = summaryOf(zip(members), { limits: { unpackedBytes: 20 * megabyte } });
    expect(codes).toEqual(['unpacked-size']);
    expect(octets).toBe(20 * megabyte);
  });

  it('are stopped when their members share one stretch of data', () => {
    const data = deflateRawSync(Buffer.alloc(9 * megabyte));
    const { octets, codes } = summaryOf(headersBefore(data, 2_000));
    expect(octets).toBeLessThanOrEqual(defaultLimits.unpackedBytes);
    expect(codes).toContain('damaged-archive');
    expect(codes).toContain('unpacked-size');
  });

  it('are stopped when each member quotes the header of the next', () => {
    // As in "A better zip bomb" (David Fifield, 2019): a stored block of the next local header, then its data.
    let data = deflateRawSync(Buffer.alloc(9 * megabyte));
    const places: number[] = [];
    for (let i = 0; i < 250; i++) {
      const name = `${i}`.padStart(3, '0');
      const next = writeZip([{ name, data: Buffer.alloc(0), packed: data.length, method: 8 }], {
        end: false,
      });
      const local = next.subarray(0, 30 + name.length);
      const quote = Buffer.alloc(5);
      quote.writeUInt16LE(local.length, 1);
      quote.writeUInt16LE(local.length ^ 0xffff, 3);
      data = Buffer.concat([quote, local, data]);
      places.unshift(quote.length);
    }
    const head = 30 + 'x'.length;
    const hidden = places.map((quoteBytes, i) => ({
      name: `${249 - i}`.padStart(3, '0'),
      method: 8,
      data: Buffer.alloc(0),
      packed: data.length - (i + 1) * (quoteBytes + 33),
      local: { signature: 'xxxx' },
      central: { offset: head + i * (quoteBytes + 33) + quoteBytes },
    }));
    const { octets, codes, members } = summaryOf(writeZip([{ name: 'x', data, method: 8 }, ...hidden]));
    expect(members).toBeGreaterThan(15);
    expect(octets).toBeLessThanOrEqual(defaultLimits.unpackedBytes);
    expect(codes).toEqual(['unpacked-size']);
  });

  it('are stopped when they hold empty blocks alone', () => {
    // Stored deflate blocks of no octets (RFC 1951 §3.2.4): input without output.
    const data = Buffer.alloc(5 * megabyte, Buffer.from('000000ffff', 'hex'));
    expect(summaryOf(headersBefore(data, 2_000)).codes).toContain('unpacked-size');
  });

  it('do not use up what the members behind them may take', () => {
    const bombs = Array.from({ length: 20 }, (_, i) => ({
      name: `${i}`,
      bytes: Buffer.alloc(11 * megabyte),
    }));
    expect(contentsOf(zip([...bombs, { name: 'z', bytes: Buffer.from('MZ') }]))).toContain('z=MZ');
  });
});

describe('many records', () => {
  const members = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `${i}`, bytes: Buffer.from(`${i}`), stored: true }));

  it('are looked into up to the limit', () => {
    expect(summaryOf(zip(members(2_000)))).toMatchObject({ codes: [], members: 2_000 });
    expect(summaryOf(zip(members(20_000)))).toMatchObject({ codes: ['archive-members'], members: 2_000 });
  });

  it('of the directory for one member are read to a limit', () => {
    const entry = deflatedEntry('a', Buffer.from('hello'));
    const others = Array.from({ length: 30_000 }, (_, i) => ({
      ...entry,
      data: Buffer.alloc(0),
      packed: i,
      method: 0,
      local: { signature: 'xxxx' },
      central: { offset: 0 },
    }));
    const { codes, members: given } = summaryOf(writeZip([entry, ...others]));
    expect(codes).toContain('archive-members');
    expect(given).toBeLessThanOrEqual(4);
  });

  it('that are signatures alone take linear time', () => {
    for (const signature of ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x07', 'PK\x06\x06', 'PK'])
      scanned(Buffer.from(`PK\x03\x04${signature.repeat(4 * mebibyte)}`.slice(0, 16 * mebibyte), 'latin1'));
  });
});

describe('many encrypted members', () => {
  const passwords = Array.from({ length: 200 }, (_, i) => `wrong${i}`);

  it('cost no more keys than one message may', () => {
    const entry = aesEntry('a.exe', Buffer.from('x'), 'right');
    const many = Array.from({ length: 1_500 }, (_, i) => ({ ...entry, name: `${i}` }));
    expect(summaryOf(writeZip(many), { passwords })).toMatchObject({ codes: ['encrypted'], members: 0 });
  });

  it('are opened quickly by the word that opened the first', () => {
    const many = Array.from({ length: 200 }, (_, i) => aesEntry(`${i}`, Buffer.from('x'), 'right', 1));
    const { codes, members } = summaryOf(writeZip(many), { passwords: [...passwords.slice(1), 'right'] });
    expect([codes, members]).toEqual([[], 200]);
  });

  it('of the old kind are tried with all words', () => {
    const entry = encryptedEntry('a', Buffer.from('hello'), 'right');
    const many = Array.from({ length: 2_000 }, (_, i) => ({ ...entry, name: `${i}` }));
    expect(summaryOf(writeZip(many), { passwords })).toMatchObject({ codes: ['encrypted'], members: 0 });
    expect(summaryOf(writeZip(many), { passwords: [...passwords.slice(1), 'right'] })).toMatchObject({
      codes: [],
      members: 2_000,
    });
  });

  it('that are large and pass the check by chance are decrypted within the budget', () => {
    const entry = { ...storedEntry('a', Buffer.alloc(4 * mebibyte, 'x')), flags: 1, crc: 0 };
    const all = Array.from({ length: 20 }, (_, i) => ({ ...entry, name: `${i}`, crc: i * 0x01000000 }));
    const { codes } = summaryOf(writeZip(all), { passwords });
    expect(codes).toContain('encrypted');
  });
});

describe('headers that lie in any way', () => {
  const value = fc.constantFrom(0, 1, 2, 30, 0x7fff, 0xffff);
  const wide = fc.constantFrom(0, 1, 2, 30, 0x7fffffff, 0xfffffffe, 0xffffffff);
  const header = fc.record({
    flags: fc.constantFrom(0, 1, 8, 9, 0x40, 0x41, 0x800, 0x2001),
    method: fc.constantFrom(0, 8, 9, 14, 99, 1_000),
    packed: wide,
    unpacked: wide,
    crc: wide,
    time: value,
    signature: fc.constantFrom('PK\x03\x04', 'PK\x01\x02', 'xxxx'),
  });

  it('end in members or limits', () => {
    const entry = deflatedEntry('a', Buffer.from('hello, hello'));
    fc.assert(
      fc.property(header, header, wide, value, (local, central, offset, disk) => {
        const bytes = writeZip([{ ...entry, local, central: { ...central, offset, disk } }, entry], { disk });
        const { octets, codes } = summaryOf(bytes, { passwords: ['a', 'b'] });
        expect(octets).toBeLessThan(10 * bytes.length);
        expect(codes.length + octets).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
