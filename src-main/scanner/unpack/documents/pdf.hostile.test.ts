import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits, type ScanLimits } from '../../limits.ts';
import { contextOf } from '../contents.fixture.ts';
import { encryptedPdfs, pdf, stream } from './pdf.fixture.ts';
import { unpackPdf } from './pdf.ts';

function unpack(bytes: Buffer, limits: Partial<ScanLimits> = {}) {
  const all = [...unpackPdf(bytes, contextOf({ limits, passwords: ['secret'] }))];
  return {
    codes: [...new Set(all.flatMap((each) => (each.kind === 'limit' ? [each.code] : [])))],
    octets: all.reduce((sum, each) => sum + (each.kind === 'member' ? each.bytes.length : 0), 0),
    members: all.filter((each) => each.kind === 'member').length,
  };
}

const floodBytes = 500_000;

describe('a document of nothing but', () => {
  it.each([
    '<<',
    '<<>>',
    '[',
    '(',
    '<',
    '%',
    '/A',
    '1 0 R ',
    'obj',
    '1 0 obj ',
    '1 0 obj (',
    '1 0 obj (\\',
    '1 0 obj <</A <',
    '1 0 obj<<>>',
    '1 0 obj<<>>stream\n',
    '1 0 obj<<>>stream\nx endstream endobj ',
    '1 0 obj<</JS 2 0 R/Next 1 0 R/OpenAction 1 0 R>>endobj ',
    '1 0 obj<</EF<</F 2 0 R>>>>',
    '1 0 obj<</Type/ObjStm/First 0/Filter/FlateDecode>>stream\n',
    '1 0 obj<</Type/EmbeddedFile/Filter[/LZWDecode/LZWDecode]>>stream\nxxx endstream ',
    '1 0 obj<</Filter/Standard/V 5/R 6/O(a)/U(b)>>trailer<</Encrypt 1 0 R>>',
    'trailer ',
    'trailer<<',
  ])('%j ends', { timeout: 10_000 }, (repeated) => {
    const { members } = unpack(Buffer.from(`%PDF-1.7\n${repeated.repeat(floodBytes / repeated.length)}`));
    expect(members).toBeLessThanOrEqual(defaultLimits.archiveMembers);
  });
});

describe('bombs', () => {
  const file = (filters: string, bytes: Buffer) =>
    pdf({ 1: stream(`/Type/EmbeddedFile/Filter${filters}`, bytes) });
  it('are stopped, one level or several', () => {
    const once = deflateSync(Buffer.alloc(60_000_000));
    expect(unpack(file('/FlateDecode', once)).codes).toEqual(['unpack-ratio']);
    const twice = unpack(file('[/FlateDecode/FlateDecode]', deflateSync(once)));
    expect(twice.codes).toEqual(['unpack-ratio']);
    expect(twice.octets).toBeLessThan(11_000_000);
    const runs = Buffer.concat(Array<Buffer>(200_000).fill(Buffer.from([129, 0x41])));
    expect(unpack(file('/RunLengthDecode', runs), { unpackedBytes: 1_000_000 }).codes).toEqual([
      'unpacked-size',
    ]);
  });

  it('of filters are not followed', () => {
    expect(unpack(file(`[${'/ASCIIHexDecode'.repeat(9)}]`, Buffer.from('4d>')))).toMatchObject({
      codes: ['archive-depth'],
      members: 0,
    });
  });

  it('of object streams are not read on and on', () => {
    const objects = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        i + 1,
        stream('/Type/ObjStm/First 0/Filter/FlateDecode', deflateSync(Buffer.alloc(1_000_000, '<'))),
      ]),
    );
    expect(unpack(pdf(objects)).codes).toEqual(['unpacked-size']);
  });

  it('of passwords end for all documents of a message together', { timeout: 10_000 }, () => {
    const slow = encryptedPdfs.at(-1)?.[1] ?? Buffer.alloc(0);
    const context = contextOf({ passwords: Array.from({ length: 50 }, (_, i) => `wrong${i}`) });
    const codes = Array.from({ length: 50 }, () => [...unpackPdf(slow, context)]).flat();
    expect(codes).toContainEqual({ kind: 'limit', code: 'encrypted' });
    expect(context.budget.takeHashes(1)).toBe(false);
  });

  it('of many files are stopped at the limit', () => {
    const objects = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [i + 1, stream('/Type/EmbeddedFile', Buffer.from(`${i}`))]),
    );
    expect(unpack(pdf(objects), { archiveMembers: 30 })).toMatchObject({ codes: [], members: 30 });
    expect(unpack(pdf(objects), { archiveMembers: 29 })).toMatchObject({
      codes: ['archive-members'],
      members: 29,
    });
  });
});

describe('damage', () => {
  const whole = pdf({
    1: '<</OpenAction<</S/JavaScript/JS(a\\(\\))>>/Next 1 0 R>>',
    2: '<</F(a)/EF<</F 3 0 R>>>>',
    3: stream(
      '/Filter[/ASCII85Decode/LZWDecode]/DecodeParms[null<</Predictor 12/Columns 4>>]',
      Buffer.from('J,g]g+e/h_!gCtO=s8N~>'),
    ),
    4: stream('/Type/ObjStm/N 1/First 4/Filter/FlateDecode', deflateSync(Buffer.from('5 0 <</JS<41>>>'))),
  });

  it.each([['plain', whole] as const, ...encryptedPdfs])('ends in members or limits: %s', (_, bytes) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
        fc.nat(bytes.length),
        (changes, length) => {
          const damaged = Buffer.from(bytes.subarray(0, length + 1));
          for (const [at, octet] of changes) damaged[at % damaged.length] = octet;
          unpack(damaged);
        },
      ),
      { numRuns: 100 },
    );
  });
});
