import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentsOf, unpackAll } from '../contents.fixture.ts';
import { unpackersOf } from '../unpack.ts';
import { decompressRtf } from './compressed-rtf.ts';
import { tnefAttribute as attribute, tnef } from './tnef.fixture.ts';

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
/** A property whose value says its own length. */
const sized = (id: number, type: number, value: Buffer) =>
  Buffer.concat([uint32(id * 0x10000 + type, 1, value.length), padded(value)]);
const properties = (...list: Buffer[]) => Buffer.concat([uint32(list.length), ...list]);

const start = attribute(2, 0x9002, Buffer.alloc(14));
const title = (name: string) => attribute(2, 0x8010, Buffer.from(`${name}\0`));
const data = (content: string) => attribute(2, 0x800f, Buffer.from(content));
const longName = sized(0x3707, 0x1f, Buffer.from('invoice for you.exe\0', 'utf16le'));

const rtfText = '{\\rtf1\\ansi hello}';
/** With literals alone. */
function compressedRtf(text: string): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; at += 8)
    pieces.push(Buffer.from([0]), Buffer.from(text.slice(at, at + 8)));
  const body = Buffer.concat(pieces);
  return Buffer.concat([uint32(body.length + 12, text.length, 0x75465a4c, 0), body]);
}

describe('TNEF', () => {
  it('gives attachments by their long names', () => {
    const first = [start, data('MZ'), title('INVOIC~1.EXE'), attribute(2, 0x9005, properties(longName))];
    expect(contentsOf(tnef(...first, start, title('b.txt'), data('bb')))).toEqual([
      'invoice for you.exe=MZ',
      'b.txt=bb',
    ]);
  });

  it('gives an attachment by so many names, and says where there are more', () => {
    const names = Array.from({ length: 20_000 / 2 }, (_, index) => title(`a.${index}`));
    const contents = contentsOf(tnef(start, ...names, ...Array.from({ length: 1_000 }, () => data('MZ'))));
    expect(contents[0]).toBe('archive-members');
    expect(contents).toHaveLength(1 + 16 * 1_000);
  });

  it('gives both names of an attachment where they say different kinds', () => {
    expect(
      contentsOf(tnef(start, title('a.txt'), data('MZ'), attribute(2, 0x9005, properties(longName)))),
    ).toEqual(['invoice for you.exe=MZ', 'a.txt=MZ']);
    expect(contentsOf(tnef(start, data('MZ')))).toEqual(['attachment=MZ']);
  });

  it('gives the bodies of the message', () => {
    const list = properties(
      sized(0x1009, 0x102, compressedRtf(rtfText)),
      sized(0x1013, 0x102, Buffer.from('<p>')),
      sized(0x1000, 0x1e, Buffer.from('text')),
    );
    expect(contentsOf(tnef(attribute(1, 0x9003, list)))).toEqual([
      `body.rtf=${rtfText}`,
      'body.html=<p>',
      'body.txt=text',
    ]);
  });

  it('gives embedded messages and objects without their interface', () => {
    const inner = tnef(start, title('i.exe'), data('MZ'));
    const object = sized(0x3701, 0x0d, Buffer.concat([Buffer.alloc(16, 1), inner]));
    const bytes = tnef(start, title('m'), attribute(2, 0x9005, properties(object)));
    const [member] = unpackAll(bytes);
    expect(member?.kind === 'member' && contentsOf(member.bytes)).toEqual(['i.exe=MZ']);
  });

  it('reads past properties of all types and with names', () => {
    const list = properties(
      Buffer.concat([uint32(0x00010002, 7), uint32(0x00020014, 1, 2), uint32(0x00030048, 1, 2, 3, 4)]),
      Buffer.concat([
        uint32(0x00041003, 3, 1, 2, 3),
        uint32(0x0005101e, 2, 1, 0x61, 5),
        padded(Buffer.from('abcde')),
      ]),
      Buffer.concat([uint32(0x8001_0003), Buffer.alloc(16), uint32(0, 5), uint32(9)]),
      Buffer.concat([
        uint32(0x8002_000b),
        Buffer.alloc(16),
        uint32(1, 6),
        padded(Buffer.from('n\0m\0\0\0')),
        uint32(1),
      ]),
      longName,
    );
    // Three and two of them stand in one piece each.
    list.writeUInt32LE(8, 0);
    expect(contentsOf(tnef(start, data('MZ'), attribute(2, 0x9005, list)))).toEqual([
      'invoice for you.exe=MZ',
    ]);
  });

  it('gives what came before damage', () => {
    const whole = tnef(start, title('a'), data('aa'), start, title('b'), data('bb'));
    expect(contentsOf(whole.subarray(0, -3))).toEqual(['a=aa', 'b=b', 'damaged-archive']);
    expect(contentsOf(Buffer.concat([whole, Buffer.from('garbage of some length')]))).toEqual([
      'a=aa',
      'b=bb',
      'damaged-archive',
    ]);
    expect(contentsOf(Buffer.concat([whole, Buffer.from('\r\n')]))).toEqual(['a=aa', 'b=bb']);
    const cut = attribute(2, 0x9005, properties(longName).subarray(0, -8));
    expect(contentsOf(tnef(start, data('MZ'), cut))).toContain('damaged-archive');
  });

  it('ends for any octets, and at any cut', () => {
    const list = properties(sized(0x1009, 0x102, compressedRtf(rtfText)), longName);
    const whole = tnef(attribute(1, 0x9003, list), start, title('a'), data('aa'));
    for (let length = 6; length < whole.length; length++) contentsOf(whole.subarray(0, length));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const damaged = Buffer.from(whole);
        for (const [at, octet] of changes) damaged[at] = octet;
        contentsOf(damaged);
      }),
      { numRuns: 500 },
    );
  });

  it('gives as many members as the limits allow', () => {
    const many = Array.from({ length: 3_000 }, () => [start, data('x')]).flat();
    const given = contentsOf(tnef(...many));
    expect(given).toHaveLength(2_001);
    expect(given.at(-1)).toBe('archive-members');
  });
});

describe('compressed RTF', () => {
  it('is read as MS-OXRTFCP 3.1 has it', () => {
    const packed = Buffer.from(
      '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0',
      'hex',
    );
    expect(decompressRtf(packed, 1_000)?.toString()).toBe(
      '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
    );
    const repeated = Buffer.from('1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', 'hex');
    expect(decompressRtf(repeated, 1_000)?.toString()).toBe('{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}');
    expect(decompressRtf(repeated, 10)?.toString()).toBe('{\\rtf1 WXY');
  });

  it('may be uncompressed', () => {
    expect(
      decompressRtf(Buffer.concat([uint32(0, 0, 0x414c454d, 0), Buffer.from('{}')]), 10)?.toString(),
    ).toBe('{}');
    expect(decompressRtf(Buffer.alloc(20), 10)).toBeUndefined();
    expect(decompressRtf(Buffer.alloc(5), 10)).toBeUndefined();
  });
});

const folder = new URL('../../../../../shared/corpus/mimekit', import.meta.url).pathname;
const samples = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tnef')) : [];

describe('TNEF of real programs', () => {
  it.skipIf(samples.length === 0)(`is read${samples.length === 0 ? ' (SKIPPED: no corpus)' : ''}`, () => {
    const read = samples.map((name) => {
      const bytes = readFileSync(join(folder, name));
      expect(unpackersOf(bytes).map(({ kind }) => kind)).toContain('tnef');
      return contentsOf(bytes).length;
    });
    expect(read.filter((members) => members > 0).length).toBeGreaterThan(read.length / 2);
  });
});
