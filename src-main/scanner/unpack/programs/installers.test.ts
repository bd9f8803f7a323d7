import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { deflateRawSync, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf, shown } from '../contents.fixture.ts';
import { isAutoIt, unpackAutoIt } from './autoit.ts';
import { isInstallShield, unpackInstallShield } from './install-shield.ts';
import { programOf } from './program.fixture.ts';
import { mersenneTwister } from './random-octets.ts';

const stub = programOf(Buffer.from('c3', 'hex'));
const text = Buffer.from('a file that is installed');

const number = (value: number) => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(value >>> 0);
  return octets;
};

/** A program of AutoIt 3.2 with one file, each octet of which stands as it is. */
function autoIt(name: string, content: Buffer): Buffer {
  const sum = Buffer.alloc(16, 3);
  const bits = [...content].map((octet) => `0${octet.toString(2).padStart(8, '0')}`).join('');
  const packed = Buffer.from(
    (bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? []).map((octet) =>
      Number.parseInt(octet, 2),
    ),
  );
  const size = Buffer.alloc(4);
  size.writeUInt32BE(content.length);
  const scramble = (octets: Buffer, seed: number) => {
    const next = mersenneTwister(seed);
    return Buffer.from(octets.map((octet) => octet ^ next()));
  };
  const data = scramble(Buffer.concat([Buffer.from('EA05'), size, packed]), 0x22af + 48);
  return Buffer.concat([
    stub,
    Buffer.from('a3484bbe986c4aa9994c530a86d6487d', 'hex'),
    Buffer.from('AU3!EA05'),
    sum,
    number(0xceb06dff),
    number(name.length ^ 0x29bc),
    scramble(Buffer.from(name), name.length + 0xa25e),
    number(0 ^ 0x29ac),
    Buffer.from([1]),
    number(data.length ^ 0x45aa),
    Buffer.alloc(8 + 16),
    data,
  ]);
}

function installer(...files: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const records = files.flatMap(([name, content]) => [
    Buffer.from(`${name}\0Disk1\\${name}\x000.0.0.0\0${content.length}\0`),
    content,
  ]);
  return Buffer.concat([stub, ...records]);
}

function cabinet(...files: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(0x200);
  header.write('ISc(');
  const pieces = files.flatMap((file) => {
    const parts: Buffer[] = [];
    for (let at = 0; at < file.length; at += 32_768) {
      const packed = deflateRawSync(file.subarray(at, at + 32_768));
      parts.push(Buffer.from([packed.length & 0xff, packed.length >> 8]), packed);
    }
    return parts;
  });
  return Buffer.concat([header, ...pieces]);
}

describe('a compiled script', () => {
  it('gives its files', () => {
    const program = autoIt('C:\\tool.exe', text);
    expect(isAutoIt(program)).toBe(true);
    expect(shown(unpackAutoIt(program, contextOf()))).toEqual([`C:\\tool.exe=${text}`]);
  });

  it('gives what is there when the rest is missing, and says so', () => {
    const program = autoIt('a', text);
    expect(shown(unpackAutoIt(program.subarray(0, program.length - 10), contextOf())).at(-1)).toBe(
      'damaged-archive',
    );
  });
});

describe('an installer', () => {
  it('gives the files behind its program', () => {
    const program = installer(['setup.ini', Buffer.from('[x]')], ['tool.exe', text]);
    expect(isInstallShield(program)).toBe(true);
    expect(shown(unpackInstallShield(program, contextOf()))).toEqual(['setup.ini=[x]', `tool.exe=${text}`]);
    expect(shown(unpackInstallShield(program.subarray(0, -1), contextOf())).at(-1)).toBe('damaged-archive');
  });

  it('gives the files of a scrambled one', () => {
    const name = Buffer.from('tool.exe');
    const key = name.map((octet, index) => octet ^ ([0xec, 0xca, 0x79, 0xf8][index & 3] ?? 0));
    const data = deflateSync(text).map((octet, index) => {
      const plain = octet ^ (key[index % key.length] ?? 0);
      return ((plain >> 4) | (plain << 4)) & 0xff;
    });
    const record = Buffer.alloc(0x138);
    name.copy(record);
    record.writeUInt32LE(data.length, 0x104 + 8);
    const header = Buffer.alloc(46);
    header.write('InstallShield');
    header.writeUInt16LE(1, 14);
    const program = Buffer.concat([stub, header, record, data]);
    expect(shown(unpackInstallShield(program, contextOf()))).toEqual([`tool.exe=${text}`]);
  });

  it('gives the files of a cabinet, joined from their pieces', () => {
    const large = Buffer.alloc(70_000, 'x');
    const bytes = cabinet(large, text);
    expect(isInstallShield(bytes)).toBe(true);
    expect(shown(unpackInstallShield(bytes, contextOf()))).toEqual([`file-1=${large}`, `file-2=${text}`]);
  });
});

it('any damage ends, and throws nothing', () => {
  const samples = [autoIt('a', text), installer(['b', text]), cabinet(text, text)];
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(4_000), fc.nat(255), (sample, at, octet) => {
      const damaged = Buffer.from(sample);
      damaged[at % damaged.length] = octet;
      if (isAutoIt(damaged)) shown(unpackAutoIt(damaged, contextOf()));
      if (isInstallShield(damaged)) shown(unpackInstallShield(damaged, contextOf()));
    }),
  );
});

it('the generator is the Mersenne Twister', () => {
  const first = (next: () => number) => Array.from({ length: 4 }, next);
  // MT19937 with seed 5489 begins with 3499211612, 581869302, 3890346734, 3586334585.
  const numbers = [3_499_211_612, 581_869_302, 3_890_346_734, 3_586_334_585];
  expect(first(mersenneTwister(5_489))).toEqual(numbers.map((value) => (value >>> 1) & 0xff));
});

const folder = '/usr/share/clamav-testfiles';

describe.skipIf(!existsSync(folder))('samples (SKIPPED without the package clamav-testfiles)', () => {
  const payload = 'aa15bcf478d165efd2065190eb473bcb';
  it.each(['clam.ea05.exe', 'clam.ea06.exe'])('%s', (name) => {
    const members = [...unpackAutoIt(readFileSync(`${folder}/${name}`), contextOf())];
    expect(members.map((each) => (each.kind === 'member' ? hash('md5', each.bytes) : ''))).toContain(payload);
  });
  it.each(['clam_IScab_ext.exe', 'clam_ISmsi_ext.exe'])('%s', (name) => {
    const members = [...unpackInstallShield(readFileSync(`${folder}/${name}`), contextOf())];
    expect(members.map((each) => (each.kind === 'member' ? hash('md5', each.bytes) : ''))).toContain(payload);
  });
});
