import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literalEngine } from '../engines/literal.ts';
import { defaultLimits, type ScanLimits } from '../limits.ts';
import { inspect } from '../pipeline.ts';
import { eicar, tar, zip } from '../test-messages.ts';
import { UnpackBudget } from './budget.ts';
import { archiveKinds, unpack } from './unpack.ts';

function contents(bytes: Buffer, limits: Partial<ScanLimits> = {}) {
  const budget = new UnpackBudget({ ...defaultLimits, ...limits });
  const all = archiveKinds(bytes).flatMap((kind) => [...unpack(bytes, kind, 'x', budget)]);
  return {
    codes: [...new Set(all.flatMap((each) => (each.kind === 'limit' ? [each.code] : [])))],
    octets: all.reduce((sum, each) => sum + (each.kind === 'member' ? each.bytes.length : 0), 0),
    members: all.filter((each) => each.kind === 'member').length,
  };
}

const engine = literalEngine();
function scanned(bytes: Buffer) {
  const { limits, detections } = inspect(
    bytes,
    { engine, fallback: engine, limits: defaultLimits, now: () => 0 },
    1,
  );
  return { limits: [...limits], names: detections.map(({ name }) => name) };
}

const megabyte = 1_000_000;

describe('bombs', () => {
  it('are stopped by what comes out, not by what they say', () => {
    const zeros = Buffer.alloc(60 * megabyte);
    const lies = { size: 10 };
    expect(contents(zip([{ name: 'a', bytes: zeros, local: lies, central: lies }]))).toMatchObject({
      codes: ['unpack-ratio'],
      octets: 0,
    });
    expect(contents(gzipSync(zeros))).toMatchObject({ codes: ['unpack-ratio'], octets: 0 });
  });

  it('are stopped by their sum', () => {
    const members = Array.from({ length: 30 }, (_, i) => ({ name: `${i}`, bytes: Buffer.alloc(megabyte) }));
    const { codes, octets } = contents(zip(members), { unpackedBytes: 20 * megabyte });
    expect(codes).toEqual(['unpacked-size']);
    expect(octets).toBe(20 * megabyte);
  });

  it('are stopped when their members share one stretch of data', () => {
    const data = deflateRawSync(Buffer.alloc(9 * megabyte));
    const header = zip([{ name: 'a', bytes: Buffer.alloc(0), stored: true, local: { method: 8 } }]).subarray(
      0,
      31,
    );
    const bytes = Buffer.concat([...Array<Buffer>(500).fill(header), data]);
    expect(contents(bytes).octets).toBeLessThanOrEqual(defaultLimits.unpackedBytes);
    expect(contents(bytes).codes).toContain('damaged-archive');
  });

  it('are stopped when they hold empty blocks alone', () => {
    // Stored deflate blocks of no octets (RFC 1951 §3.2.4): input without output.
    const empty = Buffer.from('0000 00ff ff'.replaceAll(' ', ''), 'hex');
    const data = Buffer.concat([...Array<Buffer>(megabyte).fill(empty)]);
    const header = zip([{ name: 'a', bytes: Buffer.alloc(0), stored: true, local: { method: 8 } }]).subarray(
      0,
      31,
    );
    const bytes = Buffer.concat([...Array<Buffer>(1_000).fill(header), data]);
    expect(contents(bytes).codes).toContain('unpacked-size');
  });

  it('are stopped in their depth', () => {
    let bytes: Buffer = eicar;
    for (let depth = 0; depth < 10; depth++) bytes = gzipSync(bytes);
    expect(scanned(bytes)).toEqual({ limits: [], names: ['Postern.Test.Eicar'] });
    expect(scanned(gzipSync(bytes))).toEqual({ limits: ['archive-depth'], names: [] });
  });

  it('are stopped when they hold themselves', () => {
    // A tar whose only member is all of the tar, as its size field says.
    const bytes = tar('a', Buffer.alloc(2_048), 10 ** 9);
    expect(scanned(bytes).limits).toContain('damaged-archive');
  });
});

describe('many members', () => {
  const members = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `${i}`, bytes: Buffer.from(`${i}`), stored: true }));

  it('are looked into up to the limit', () => {
    expect(contents(zip(members(2_000)))).toMatchObject({ codes: [], members: 2_000 });
    expect(contents(zip(members(20_000)))).toMatchObject({ codes: ['archive-members'], members: 2_000 });
  });

  it('count over all archives of a message', () => {
    const half = { name: 'z', bytes: zip(members(1_500)) };
    const other = { name: 'y', bytes: zip([...members(1_500), { name: 'more', bytes: eicar }]) };
    expect(scanned(zip([half, other])).limits).toEqual(['archive-members']);
  });
});

describe('damage', () => {
  const whole: Readonly<Record<string, Buffer>> = {
    zip: zip([
      { name: 'a', bytes: eicar },
      { name: 'b', bytes: eicar, stored: true },
    ]),
    gzip: gzipSync(eicar),
    tar: tar('a', eicar),
    'tar in gzip': gzipSync(tar('a', eicar)),
  };

  it.each(Object.entries(whole))('never passes for a clean archive when it is cut: %s', (_, bytes) => {
    // Behind its last member a cut tar or gzip loses nothing.
    for (let length = 1; length < bytes.length; length++) {
      const { limits, names } = scanned(bytes.subarray(0, length));
      const isKnown = archiveKinds(bytes.subarray(0, length)).length > 0;
      if (isKnown) expect([length, limits.length + names.length]).not.toEqual([length, 0]);
    }
  });

  it.each(Object.entries(whole))('ends in findings or limits, never in an error: %s', (_, bytes) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = Buffer.from(bytes);
        for (const [at, octet] of changes) damaged[at % damaged.length] = octet;
        scanned(damaged);
      }),
      { numRuns: 300 },
    );
  });

  it('is survived by any octets behind each signature', () => {
    const signatures = fc.constantFrom('PK\x03\x04', 'PK\x05\x06', 'PK\x01\x02', '\x1f\x8b\x08', 'ustar');
    fc.assert(
      fc.property(signatures, fc.uint8Array({ maxLength: 100 }), signatures, (one, rest, two) => {
        scanned(Buffer.concat([Buffer.from(one, 'latin1'), rest, Buffer.from(two, 'latin1'), rest]));
      }),
      { numRuns: 500 },
    );
  });
});
