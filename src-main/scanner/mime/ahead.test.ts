import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testInspector } from '../inspector.fixture.ts';
import { defaultLimits } from '../limits.ts';
import { neutralise } from '../neutralise.ts';
import { inspect } from '../pipeline.ts';
import { attachment, eicar, multipart, multipartBody, part, textPart } from '../test-messages.ts';
import { Ahead } from './ahead.ts';
import { decodeRegion, regionsOf } from './regions.ts';

const inspector = testInspector();

/** Octets that are not alike anywhere. */
function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** `bytes` as they arrive, with the views that end at `splits`. */
function ahead(bytes: Buffer, splits: readonly number[], maxDecodedBytes = defaultLimits.partBytes): Ahead {
  const known = new Ahead(maxDecodedBytes);
  for (const to of [...splits].sort((a, b) => a - b)) known.arrived(bytes.subarray(0, to));
  return known;
}

/** `known`: gives what is known of `bytes` each time it is called. */
function expectTheSame(bytes: Buffer, known: () => Ahead, by = inspector): void {
  const plain = inspect(bytes, by, 1, { sha256: 'x' });
  const prepared = inspect(bytes, by, 1, { sha256: 'x', ahead: known() });
  expect(prepared).toEqual(plain);
  if (plain.detections.length > 0)
    expect(neutralise(bytes, prepared, by, 1)).toEqual(neutralise(bytes, plain, by, 1));
  const { regions } = regionsOf(bytes, plain.walk);
  const once = known();
  const all = (ahead?: Ahead) =>
    regions.map((region) => decodeRegion(bytes, region, by.limits.partBytes, ahead));
  // All of them are there before the first is compared: none may be written over.
  const decoded = all(once);
  for (const [index, { variants, cut }] of all().entries()) {
    expect(decoded[index]?.cut).toBe(cut);
    expect(decoded[index]?.variants.map((variant, at) => variants[at]?.equals(variant))).toEqual(
      variants.map(() => true),
    );
  }
}

/** Where the base64 of the only attachment begins. */
function contentOf(bytes: Buffer): number {
  return bytes.indexOf('\r\n\r\n', bytes.indexOf('base64')) + 4;
}

const large = multipart('b', [
  textPart,
  attachment('a.bin', Buffer.concat([noise(400_000), eicar, noise(50_000)])),
]);

describe('a message that is decoded while it arrives', () => {
  it('is known up to its last whole piece', () => {
    const known = ahead(large, [200_000, 400_000, large.length]);
    const start = contentOf(large);
    const prefix = known.prefixAt(start, large.length - start);
    expect(known.knownFrom(start)).toBeGreaterThan(large.length - 70_000);
    expect(prefix?.sizeBytes).toBe(known.knownFrom(start) - start);
    expect(known.knownFrom(start - 1)).toBe(start - 1);
    const out = prefix?.takeOver(500_000);
    expect(out?.length).toBeGreaterThanOrEqual(500_000);
    expect(
      out
        ?.subarray(0, prefix?.decodedBytes)
        .equals(Buffer.concat([noise(400_000), eicar, noise(50_000)]).subarray(0, prefix?.decodedBytes)),
    ).toBe(true);
  });

  it('has each run handed out once: its octets are written to then', () => {
    const known = ahead(large, [large.length]);
    const start = contentOf(large);
    known.prefixAt(start, 300_000)?.takeOver(1);
    expect(known.prefixAt(start, 300_000)).toBeUndefined();
  });

  it('is known in each of its attachments, and no end of one is written into the next', () => {
    const parts = [1, 2, 3].map((seed) => attachment(`${seed}.bin`, noise(250_000 + seed, seed)));
    const bytes = multipart('b', [textPart, ...parts, attachment('eicar.com', eicar)]);
    const known = ahead(bytes, [100_000, 300_000, 600_000, bytes.length]);
    const starts = [...bytes.toString('latin1').matchAll(/base64\r\n\r\n/g)].map((match) => match.index + 10);
    const found = starts.map((start) => known.prefixAt(start, 300_000)?.sizeBytes ?? 0);
    expect(found.slice(0, 3).every((sizeBytes) => sizeBytes > 200_000)).toBe(true);
    expectTheSame(bytes, () => ahead(bytes, [300_000, bytes.length]));
  });

  it('takes no more memory than it may', () => {
    const known = ahead(large, [large.length], 100_000);
    const start = contentOf(large);
    expect(known.prefixAt(start, large.length - start)?.decodedBytes).toBeLessThanOrEqual(100_000);
    expectTheSame(large, () => ahead(large, [large.length], 100_000));
  });

  it('is looked at in steps, however much comes at once', () => {
    const bytes = multipart('b', [attachment('a.bin', noise(6_000_000))]);
    const known = ahead(bytes, [bytes.length]);
    const start = contentOf(bytes);
    const first = known.knownFrom(start);
    expect(first).toBeLessThanOrEqual(4 * 1024 * 1024);
    known.arrived(bytes);
    expect(known.knownFrom(start)).toBeGreaterThan(8_000_000);
  });
});

describe('what is found in it', () => {
  const pieces = fc.oneof(
    fc.record({ kind: fc.constant('noise' as const), sizeBytes: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({ kind: fc.constant('eicar' as const), sizeBytes: fc.integer({ min: 0, max: 100_000 }) }),
    fc.record({ kind: fc.constant('text' as const), sizeBytes: fc.integer({ min: 0, max: 100_000 }) }),
  );
  /** What is done to the octets at some place: as many changes as they may meet on a bad way, or by intent. */
  const changes = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      text: fc.constantFrom(
        '=',
        '-',
        '_',
        '*',
        '\n',
        '\r',
        '\r\n',
        'A',
        'AB\n',
        '\r\n--b\r\n',
        '\r\n\r\n',
        '\0',
      ),
      replaces: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 3 },
  );

  function build(
    kinds: readonly { kind: 'noise' | 'eicar' | 'text'; sizeBytes: number }[],
    isLf: boolean,
  ): Buffer {
    const parts = kinds.map(({ kind, sizeBytes }, index) => {
      if (kind === 'text') return part(['Content-Type: text/plain'], 'some words\r\n'.repeat(sizeBytes / 12));
      const before = noise(sizeBytes, index + 1);
      return attachment(`${index}.bin`, kind === 'eicar' ? Buffer.concat([before, eicar, before]) : before);
    });
    const whole = multipart('b', parts);
    return isLf ? Buffer.from(whole.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : whole;
  }

  it('is the same as without, in any message that arrives in any pieces', () => {
    fc.assert(
      fc.property(
        fc.array(pieces, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        changes,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
        (kinds, isLf, edits, splits) => {
          let bytes = build(kinds, isLf);
          for (const { at, text, replaces } of edits) {
            const offset = Math.floor(at * bytes.length);
            bytes = Buffer.concat([
              bytes.subarray(0, offset),
              Buffer.from(text, 'latin1'),
              bytes.subarray(offset + replaces),
            ]);
          }
          const ends = splits.map((split) => Math.floor(split * bytes.length));
          expectTheSame(bytes, () => ahead(bytes, ends));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is the same where two readings of one part end at different places', () => {
    const inner = multipartBody('c', [attachment('x', noise(10_000))]);
    const bytes = multipart('b', [
      attachment('a.bin', Buffer.concat([noise(300_000), eicar])),
      part(['Content-Type: multipart/mixed; boundary=c; boundary="d"'], inner),
    ]);
    const odd = Buffer.from(bytes.toString('latin1').replace('\r\n--c', '\r\n--x\r\n\r\n--c'), 'latin1');
    for (const each of [bytes, odd]) expectTheSame(each, () => ahead(each, [200_000, each.length]));
  });

  it.each(['-', '_', '=', '*', '\r\n'])('is the same with %j within one of two attachments', (text) => {
    const parts = [1, 2].map((seed) => attachment(`${seed}.bin`, noise(300_000, seed)));
    const bytes = multipart('b', parts);
    bytes.write(text, contentOf(bytes) + 150_000, 'latin1');
    expectTheSame(bytes, () => ahead(bytes, [200_000, 500_000, bytes.length]));
  });

  it('is the same where a decoded part is cut to its limit', () => {
    const limits = { ...defaultLimits, partBytes: 60_000 };
    expectTheSame(large, () => ahead(large, [300_000, large.length], limits.partBytes), {
      ...inspector,
      limits,
    });
  });
});
