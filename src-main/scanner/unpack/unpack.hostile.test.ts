import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eicar, tar, zip } from '../test-messages.ts';
import { aesEntry, encryptedEntry, writeZip } from './archives/zip.fixture.ts';
import { damagedBy, scanned, summaryOf } from './scanned.fixture.ts';
import { unpackersOf } from './unpack.ts';

const megabyte = 1_000_000;

describe('bombs', () => {
  it('are stopped in their depth', () => {
    let bytes: Buffer = eicar;
    for (let depth = 0; depth < 10; depth++) bytes = gzipSync(bytes);
    expect(scanned(bytes)).toEqual({ limits: [], names: ['Postern.Test.Eicar'] });
    expect(scanned(gzipSync(bytes))).toEqual({ limits: ['archive-depth'], names: [] });
  });

  it('are stopped in their breadth and depth together', () => {
    // As 42.zip: sixteen of each in each, and a bomb in the innermost.
    let bytes: Buffer = zip([{ name: 'bomb', bytes: Buffer.alloc(40 * megabyte) }]);
    for (let depth = 0; depth < 3; depth++)
      bytes = zip(
        Array.from({ length: 16 }, (_, i) => ({
          name: `${depth}-${i}.zip`,
          bytes: Buffer.concat([bytes, Buffer.from([i])]),
        })),
      );
    expect(scanned(bytes).limits).toEqual(['unpack-ratio']);
  });

  it('are stopped when they hold themselves', () => {
    // A tar whose only member is all of the tar, as its size field says.
    const bytes = tar('a', Buffer.alloc(2_048), 10 ** 9);
    expect(scanned(bytes).limits).toContain('damaged-archive');
  });

  it('give their beginning, in which nothing hides', () => {
    const bomb = Buffer.concat([eicar, Buffer.alloc(60 * megabyte)]);
    for (const bytes of [zip([{ name: 'a', bytes: bomb }]), gzipSync(bomb), zstdCompressSync(bomb)]) {
      const { limits, names } = scanned(bytes);
      expect(names).toContain('Postern.Test.Eicar');
      expect(limits).toContain('unpack-ratio');
    }
  });
});

describe('many members', () => {
  const members = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `${i}`, bytes: Buffer.from(`${i}`), stored: true }));

  it('count over all archives of a message', () => {
    const half = { name: 'z', bytes: zip(members(1_500)) };
    const other = { name: 'y', bytes: zip([...members(1_500), { name: 'more', bytes: eicar }]) };
    expect(scanned(zip([half, other])).limits).toEqual(['archive-members']);
  });
});

const whole: Readonly<Record<string, Buffer>> = {
  zip: zip([
    { name: 'a', bytes: eicar },
    { name: 'b', bytes: eicar, stored: true },
  ]),
  gzip: gzipSync(eicar),
  zstd: zstdCompressSync(eicar),
  tar: tar('a', eicar),
  'tar in gzip': gzipSync(tar('a', eicar)),
};

describe('damage', () => {
  it.each(Object.entries(whole))('never passes for a clean archive when it is cut: %s', (_, bytes) => {
    // Behind its last member a cut tar or gzip loses nothing.
    for (let length = 1; length < bytes.length; length++) {
      const { limits, names } = scanned(bytes.subarray(0, length));
      const isKnown = unpackersOf(bytes.subarray(0, length)).length > 0;
      if (isKnown) expect([length, limits.length + names.length]).not.toEqual([length, 0]);
    }
  });

  it.each(Object.entries(whole))('ends in findings or limits, never in an error: %s', (_, bytes) => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(), (changes, cut) => {
        scanned(damagedBy(bytes, changes, cut));
      }),
      { numRuns: 300 },
    );
  });

  it('of encrypted members is no error either', () => {
    const bytes = writeZip([encryptedEntry('a', eicar, 'pw'), aesEntry('b', eicar, 'pw', 1)]);
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(), (changes, cut) => {
        const damaged = damagedBy(bytes, changes, cut);
        expect(summaryOf(damaged, { passwords: ['x', 'pw'] }).octets).toBeLessThan(10 * bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  it('is survived by any octets behind each signature', () => {
    const signatures = fc.constantFrom(
      'PK\x03\x04',
      'PK\x05\x06',
      'PK\x01\x02',
      'PK\x06\x06',
      'PK\x06\x07',
      'PK\x07\x08PK\x03\x04',
      '\x1f\x8b\x08',
      'ustar',
      '\x28\xb5\x2f\xfd',
      '\x50\x2a\x4d\x18',
    );
    fc.assert(
      fc.property(signatures, fc.uint8Array({ maxLength: 100 }), signatures, (one, rest, two) => {
        scanned(Buffer.concat([Buffer.from(one, 'latin1'), rest, Buffer.from(two, 'latin1'), rest]));
      }),
      { numRuns: 500 },
    );
  });
});
