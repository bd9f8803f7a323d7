import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { isPackedProgram, unpackPackedProgram } from './packed-program.ts';
import { packedProgram, programOf } from './program.fixture.ts';

const secret = Buffer.concat([Buffer.from([0xc3]), Buffer.from('what is packed in this program')]);

/** The memory of a program after it unpacked itself. */
function unpacked(program: Buffer): Buffer | undefined {
  const [member] = [...unpackPackedProgram(program, contextOf())];
  return member?.kind === 'member' ? member.bytes : undefined;
}

describe('a program that unpacks itself', () => {
  it('is run until it has what it runs next', () => {
    const program = packedProgram(secret);
    expect(program.includes(secret)).toBe(false);
    expect(isPackedProgram(program)).toBe(true);
    expect(unpacked(program)?.includes(secret)).toBe(true);
  });

  it('is not run again when it is unpacked', () => {
    const image = unpacked(packedProgram(secret)) ?? Buffer.alloc(0);
    expect(isPackedProgram(image)).toBe(false);
  });

  it('finds the system functions that it needs by their names', () => {
    // A walk through the loader's lists: mov eax, fs:[0x30]; [eax+12]; [eax+12]; [eax]; [eax+0x18] is the library's MZ.
    // It is put at the place of the hidden octets, and run.
    const code = Buffer.from('64a1300000008b400c8b400c8b008b40188b00a300184000e9e6070000', 'hex');
    expect(unpacked(programOf(code))?.toString('latin1', 0x1800, 0x1802)).toBe('MZ');
  });

  it('goes on in its own handler after an exception', () => {
    // push handler; push fs:[0]; mov fs:[0], esp; int3 – the handler adds 1 to EIP in the context and returns 0; then
    // 'OK' is written behind it and run.
    const code = Buffer.from(
      '6830104000' + '64ff3500000000' + '64892500000000' + 'cc' + 'c705001840004f4bc390' + 'e9dd070000',
      'hex',
    );
    const handler = Buffer.from('8b44240cff80b800000031c0c3', 'hex');
    const all = Buffer.alloc(0x40);
    code.copy(all);
    handler.copy(all, 0x30);
    expect(unpacked(programOf(all))?.toString('latin1', 0x1800, 0x1802)).toBe('OK');
  });
});

describe('a program that does not unpack itself', () => {
  it('gives nothing', () => {
    expect(unpacked(programOf(Buffer.from('31c0c3', 'hex')))).toBeUndefined();
  });

  it('is none when it is no 32-bit Windows program', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('MZ'), Buffer.alloc(600, 'MZ'), Buffer.from('hello')])
      expect(isPackedProgram(bytes)).toBe(false);
  });
});

const samples = '/usr/share/clamav-testfiles';

describe.skipIf(!existsSync(samples))('packers (SKIPPED without the package clamav-testfiles)', () => {
  const payload = existsSync(samples) ? readFileSync(`${samples}/clam.exe`) : Buffer.alloc(0);
  // The others hold it in a zip.
  it.each(['aspack', 'pespin', 'upx', 'yc'])('%s', (packer) => {
    expect(unpacked(readFileSync(`${samples}/clam-${packer}.exe`))?.includes(payload)).toBe(true);
  });
  it.each(['mew', 'petite', 'upack', 'wwpack'])('%s', (packer) => {
    expect(unpacked(readFileSync(`${samples}/clam-${packer}.exe`))?.includes('clam.exe')).toBe(true);
  });
});
