import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makeArchive, makeCab, makeRar4, makeRar5 } from '../../sandbox/archives.fixture.ts';
import { testSandbox } from '../../sandbox/sandbox.fixture.ts';
import { type Circumstances, contextOf } from '../contents.fixture.ts';
import { makeProgram, type Program } from './program.fixture.ts';
import { isSelfExtracting, unpackSelfExtracting } from './self-extracting.ts';

const sandbox = testSandbox();
afterAll(() => sandbox.stop());

const files = { 'evil.exe': 'no program' };
const fill = Buffer.alloc(100, 'x ');

function contents(bytes: Buffer, circumstances: Circumstances = {}): string[] {
  if (!isSelfExtracting(bytes)) return [];
  return [...unpackSelfExtracting(bytes, contextOf({ sandbox, ...circumstances }))].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}

describe('a program', () => {
  it.each<[string, Program]>([
    ['alone', {}],
    ['with 64 bits', { magic: 0x20b }],
    ['that is signed', { certificates: Buffer.alloc(5_000, 'signature') }],
    ['that is filled up', { overlay: Buffer.alloc(512) }],
    ['that is filled up and signed', { overlay: Buffer.alloc(8), certificates: Buffer.alloc(600, 'sign') }],
    [
      'with signatures by chance',
      { section: Buffer.from('7z\xbc\xaf\x27\x1c MSCF\0\0\0\0 PE\0\0 MZ', 'latin1') },
    ],
  ])('%s gives nothing', (_, program) => {
    expect(contents(makeProgram(program))).toEqual([]);
  });

  it.each([0x10b, 0x20b] as const)('gives what is behind its sections: %i', (magic) => {
    const overlay = Buffer.from('something that no loader reads');
    expect(contents(makeProgram({ overlay, magic }))).toEqual([`overlay=${overlay}`]);
    const certificates = Buffer.alloc(600, 'signature');
    expect(contents(makeProgram({ overlay, certificates, magic }))).toEqual([`overlay=${overlay}`]);
    const behind = Buffer.concat([makeProgram({ certificates, magic }), overlay]);
    expect(contents(behind)).toEqual([`overlay=${overlay}`]);
  });

  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['7z', () => makeArchive('7z', files)],
    ['rar', () => makeRar4(files)],
    ['rar5', () => makeRar5(files)],
    ['cab', () => makeCab('evil.exe', 'no program')],
  ])('gives what an archive behind and within it holds: %s', async (_, make) => {
    const archive = await make();
    expect(contents(makeProgram({ overlay: archive }))).toEqual(['[self-extracting]', 'evil.exe=no program']);
    const section = Buffer.concat([fill, archive, fill]);
    expect(contents(makeProgram({ section }))).toEqual(['[self-extracting]', 'evil.exe=no program']);
  });

  it('gives a program within it, as far as its headers say', () => {
    const inner = makeProgram({ section: Buffer.from('inner') });
    const section = Buffer.concat([fill, inner, fill]);
    expect(contents(makeProgram({ section }))).toEqual([`program.exe=${inner.toString('latin1')}`]);
  });

  it('gives an installer within it', () => {
    const database = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), fill]);
    const section = Buffer.concat([fill, database]);
    expect(contents(makeProgram({ section }))).toEqual([`installer.msi=${database.toString('latin1')}`]);
  });

  const nullsoft = '/usr/share/clamav-testfiles/clam-nsis.exe';
  it.skipIf(!existsSync(nullsoft))('of the Nullsoft installer is unpacked', () => {
    const given = contents(readFileSync(nullsoft));
    expect(given[0]).toBe('[self-extracting]');
    expect(given.some((each) => each.startsWith('clam.exe=MZ'))).toBe(true);
  });

  it('with a closed archive says so', async () => {
    const overlay = await makeArchive('7z', files, ['-psecret']);
    expect(contents(makeProgram({ overlay }))).toEqual(
      expect.arrayContaining(['[self-extracting]', '[encrypted-archive]', 'encrypted']),
    );
  });
});

describe('damage', () => {
  it('ends, wherever a program is cut and whatever is flipped', () => {
    const inner = makeProgram({ overlay: makeRar4(files) });
    const whole = makeProgram({ section: inner, overlay: inner, certificates: fill });
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(whole.length), fc.array(change, { maxLength: 8 }), (length, changes) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        for (const [at, octet] of changes) if (at < length) bytes[at] = octet;
        const context = contextOf({ limits: { unpackedBytes: 100_000 } });
        if (isSelfExtracting(bytes)) for (const _ of unpackSelfExtracting(bytes, context));
      }),
      { numRuns: 500 },
    );
  });

  it('in headers that point anywhere is no matter', () => {
    const bytes = makeProgram({ overlay: fill });
    for (let at = 0; at + 4 <= 0x200; at += 2) {
      for (const value of [0, 0xffff_ffff, 0x7fff_ffff, bytes.length, 1]) {
        const changed = Buffer.from(bytes);
        changed.writeUInt32LE(value, at);
        contents(changed);
      }
    }
  });

  it('of many signatures costs little', () => {
    const signatures = [
      'MSCF\0\0\0\0',
      'PE\0\0',
      'MZ',
      'Rar!\x1a\x07\x00',
      '7z\xbc\xaf\x27\x1c',
      'ISc(',
    ].join('');
    const section = Buffer.alloc(2_000_000, Buffer.from(signatures, 'latin1'));
    const limits = new Set(contents(makeProgram({ section })));
    expect(limits.has('[self-extracting]')).toBe(true);
  });
});
