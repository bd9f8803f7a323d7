import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';

const hello = Buffer.from('hello, hello, hello');

/** With literals alone, eight behind each flag octet. */
function literals(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 8) pieces.push(Buffer.from([0xff]), bytes.subarray(at, at + 8));
  return Buffer.concat(pieces);
}

const size = Buffer.from([hello.length, 0, 0, 0]);
const szdd = (data: Buffer) => Buffer.concat([Buffer.from('SZDD\x88\xf0\x27\x33Ae', 'latin1'), size, data]);

function kwaj(method: number, data: Buffer, flags = 0, fields = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(14);
  header.write('KWAJ\x88\xf0\x27\xd1', 'latin1');
  header.writeUInt16LE(method, 8);
  header.writeUInt16LE(14 + fields.length, 10);
  header.writeUInt16LE(flags, 12);
  return Buffer.concat([header, fields, data]);
}

function block(bytes: Buffer): Buffer {
  const packed = Buffer.concat([Buffer.from('CK'), bytes]);
  return Buffer.concat([Buffer.from([packed.length & 255, packed.length >> 8]), packed]);
}

describe('COMPRESS files', () => {
  it('give their content by its first name', () => {
    expect(contentsOf(szdd(literals(hello)), { name: 'a.ex_' })).toEqual([`a.exe=${hello}`]);
    expect(contentsOf(szdd(literals(hello)), { name: 'b' })).toEqual([`b=${hello}`]);
  });

  it('have references into a window of blanks', () => {
    // Seven octets for "hello, ", then 12 octets from where they went in the window.
    const packed = Buffer.concat([Buffer.from([0x7f]), Buffer.from('hello, '), Buffer.from([0xf0, 0xf9])]);
    expect(contentsOf(szdd(packed), { name: 'a' })).toEqual([`a=${hello}`]);
    expect(contentsOf(szdd(Buffer.from([0, 0, 0])), { name: 'a' })).toEqual(['a=   ']);
  });

  it('are read in the form of QuickBASIC', () => {
    const header = Buffer.concat([Buffer.from('SZ \x88\xf0\x27\x33\xd1', 'latin1'), size]);
    const packed = Buffer.concat([Buffer.from([0x7f]), Buffer.from('hello, '), Buffer.from([0xee, 0xf9])]);
    expect(contentsOf(Buffer.concat([header, packed]), { name: 'a' })).toEqual([`a=${hello}`]);
  });

  it('of kind KWAJ are read in its methods', () => {
    const fields = Buffer.concat([size, Buffer.from('SETUP\0EXE\0')]);
    expect(contentsOf(kwaj(0, hello, 0x19, fields))).toEqual([`SETUP.EXE=${hello}`]);
    const inverted = Buffer.from(hello.map((octet) => octet ^ 0xff));
    expect(contentsOf(kwaj(1, inverted), { name: 'a' })).toEqual([`a=${hello}`]);
    expect(contentsOf(kwaj(2, literals(hello)), { name: 'a' })).toEqual([`a=${hello}`]);
    expect(contentsOf(kwaj(3, hello))).toEqual(['unsupported-archive']);
    const dictionary = hello;
    const second = deflateRawSync(hello, { dictionary });
    expect(inflateRawSync(second, { dictionary }).equals(hello)).toBe(true);
    const blocks = Buffer.concat([block(deflateRawSync(hello)), block(second), Buffer.alloc(2)]);
    expect(contentsOf(kwaj(4, blocks), { name: 'a' })).toEqual([`a=${hello}${hello}`]);
  });

  it('end for any octets', () => {
    const heads = fc.constantFrom('SZDD\x88\xf0\x27\x33', 'SZ \x88\xf0\x27\x33\xd1', 'KWAJ\x88\xf0\x27\xd1');
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 100 }), fc.nat(4), (head, octets, method) => {
        const bytes = Buffer.concat([Buffer.from(head, 'latin1'), octets]);
        contentsOf(bytes);
        if (bytes.length > 9) bytes[8] = method;
        contentsOf(bytes);
      }),
      { numRuns: 1_000 },
    );
  });
});
