import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';
import { isBinHex } from './binhex.ts';

const alphabet = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';
const marker = '(This file must be converted with BinHex 4.0)';

/** The file before its run-length encoding and the six bits. */
function file(name: string, data: Buffer, resource: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(1 + name.length + 1 + 4 + 4 + 2 + 4 + 4 + 2);
  header[0] = name.length;
  header.write(name, 1);
  header.writeUInt32BE(data.length, name.length + 12);
  header.writeUInt32BE(resource.length, name.length + 16);
  return Buffer.concat([header, data, Buffer.alloc(2), resource, Buffer.alloc(2)]);
}

function sixBits(bytes: Buffer): string {
  const bits = [...bytes].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  const characters =
    bits.match(/.{1,6}/g)?.map((six) => alphabet[Number.parseInt(six.padEnd(6, '0'), 2)]) ?? [];
  return `:${characters.join('')}:`.replace(/.{64}/g, '$&\r\n');
}

/** Doubles the mark of repetitions, and has none. */
function unrepeated(bytes: Buffer): Buffer {
  return Buffer.from([...bytes].flatMap((octet) => (octet === 0x90 ? [octet, 0] : [octet])));
}

const hello = Buffer.from('hello\x90 hello', 'latin1');
const text = (name: string) =>
  `${marker}\r\n\r\n${sixBits(unrepeated(file(name, hello, Buffer.from('r'))))}\r\n`;
const given = [`a.exe=${hello.toString('latin1')}`, 'a.exe.rsrc=r'];

describe('BinHex', () => {
  it('gives both forks', () => {
    expect(contentsOf(Buffer.from(text('a.exe')))).toEqual(given);
  });

  it('is found within a text, and by its first line alone', () => {
    expect(contentsOf(Buffer.from(`Dear Sir,\r\nsee here:\r\n${text('a.exe')}\r\nYours`))).toEqual(given);
    expect(contentsOf(Buffer.from(text('a.exe').slice(marker.length)))).toEqual(given);
    expect(contentsOf(Buffer.from(text('a.exe') + text('b')))).toHaveLength(4);
  });

  it('repeats octets', () => {
    const plain = file('a', Buffer.from('xxxxxxxxxx'));
    const at = plain.indexOf('xxxxxxxxxx');
    const packed = Buffer.concat([
      plain.subarray(0, at + 1),
      Buffer.from([0x90, 10]),
      plain.subarray(at + 10),
    ]);
    expect(contentsOf(Buffer.from(`${marker}\n${sixBits(packed)}`))).toEqual(['a=xxxxxxxxxx']);
  });

  it('gives what there is of a cut one', () => {
    const whole = text('a.exe');
    const cut = contentsOf(Buffer.from(whole.slice(0, -8)));
    expect([cut[0], cut.at(-1)]).toEqual([given[0], 'damaged-archive']);
    expect(contentsOf(Buffer.from(`${marker}\n:!!!`))).toContain('damaged-archive');
  });

  it('is not seen in ordinary text', () => {
    expect(
      isBinHex(Buffer.from(': this is a line of text that begins with a colon and goes on and on\r\n')),
    ).toBe(false);
    expect(isBinHex(Buffer.from('BinHex was a way to mail files from a Macintosh.'))).toBe(false);
    expect(isBinHex(Buffer.alloc(0))).toBe(false);
  });

  it('gives no more than the limits allow', () => {
    const packed = Buffer.concat([
      file('a', Buffer.from('x')),
      ...Array<Buffer>(2_000).fill(Buffer.from([0x90, 255])),
    ]);
    packed.writeUInt32BE(400_000, 13);
    const bytes = Buffer.from(`${marker}\n${sixBits(packed)}`);
    expect(contentsOf(bytes, { limits: { partBytes: 100_000 } })).toContain('part-size');
  });

  it('ends for any octets', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 300 }), (characters) => {
        contentsOf(Buffer.from(`${marker}\n:${characters}`));
      }),
      { numRuns: 500 },
    );
  });

  const sample = '/usr/share/clamav-testfiles/clam.exe.binhex';
  const isHere = existsSync(sample);
  it.skipIf(!isHere)(
    `gives the program in a file of ClamAV${isHere ? '' : ' (SKIPPED: no clamav-testfiles)'}`,
    () => {
      expect(contentsOf(readFileSync(sample))[0]).toMatch(/^clam\.exe=MZ/);
    },
  );
});
