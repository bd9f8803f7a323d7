import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';
import {
  aesEntry,
  deflatedEntry,
  encryptedEntry,
  encryptTraditional,
  storedEntry,
  writeZip,
} from './zip.fixture.ts';

const hello = Buffer.from('hello, hello, hello'.repeat(9));
const given = `a.exe=${hello}`;
const opened = ['[opened-by-password]', given];
const closed = ['[encrypted-archive]', '[encrypted-program-name]', 'encrypted'];
const passwords = ['one', 'two', 'right', 'pässword'];

describe('traditional encryption', () => {
  it('is opened by a word of the message', () => {
    const bytes = writeZip([encryptedEntry('a.exe', hello, 'right')]);
    expect(contentsOf(bytes, { passwords })).toEqual(opened);
    expect(contentsOf(bytes, { passwords: ['wrong'] })).toEqual(closed);
    expect(contentsOf(bytes)).toEqual(closed);
  });

  it('is opened with words that are not ASCII', () => {
    expect(contentsOf(writeZip([encryptedEntry('a.exe', hello, 'pässword')]), { passwords })).toEqual(opened);
  });

  it('is opened for stored members by their checksum alone', () => {
    const plain = storedEntry('a.exe', hello);
    const data = encryptTraditional(hello, 'right', (plain.crc ?? 0) >>> 24);
    expect(contentsOf(writeZip([{ ...plain, data, flags: 1 }]), { passwords })).toEqual(opened);
    expect(contentsOf(writeZip([{ ...plain, data, flags: 1, crc: 1 }]), { passwords })).toEqual(closed);
  });

  it('takes the time for the check where the checksum comes behind the data', () => {
    const plain = deflatedEntry('a.exe', hello);
    const data = encryptTraditional(plain.data, 'right', 0x42);
    const entry = { ...plain, data, flags: 9, time: 0x4200, local: { packed: 0, unpacked: 0, crc: 0 } };
    expect(contentsOf(writeZip([entry]), { passwords })).toEqual(opened);
  });

  it('is no obstacle for wrong words that pass the check', () => {
    // One in 256 does; among so many some do.
    const many = Array.from({ length: 199 }, (_, i) => `wrong${i}`);
    const bytes = writeZip([encryptedEntry('a.exe', hello, 'right')]);
    expect(contentsOf(bytes, { passwords: [...many, 'right'] })).toEqual(opened);
    expect(contentsOf(bytes, { passwords: many })).toEqual(closed);
    // More than 200 are not tried.
    expect(contentsOf(bytes, { passwords: [...many, 'wrong', 'right'] })).toEqual(closed);
  });
});

describe('AES', () => {
  it.each([1, 2, 3])('of strength %i is opened by a word of the message', (strength) => {
    const bytes = writeZip([aesEntry('a.exe', hello, 'right', strength)]);
    expect(contentsOf(bytes, { passwords })).toEqual(opened);
    expect(contentsOf(bytes, { passwords: ['wrong'] })).toEqual(closed);
  });

  it('is decrypted though its authentication code is damaged', () => {
    const entry = aesEntry('a.exe', hello, 'right');
    const data = Buffer.from(entry.data);
    data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
    expect(contentsOf(writeZip([{ ...entry, data }]), { passwords })).toEqual(opened);
  });

  it('is closed without its extra field', () => {
    const entry = { ...aesEntry('a.exe', hello, 'right'), extra: Buffer.alloc(0) };
    expect(contentsOf(writeZip([entry]), { passwords })).toEqual(closed);
  });
});

describe('encryption', () => {
  it('is told for each archive once, with what could be opened', () => {
    const bytes = writeZip([
      encryptedEntry('a.exe', hello, 'right'),
      encryptedEntry('b', hello, 'unknown'),
      aesEntry('c', hello, 'other'),
      deflatedEntry('d', hello),
    ]);
    expect(contentsOf(bytes, { passwords })).toEqual([
      ...opened,
      '[encrypted-archive]',
      'encrypted',
      `d=${hello}`,
    ]);
  });

  it("of PKWARE's own kind is not tried", () => {
    const entry = { ...encryptedEntry('a.exe', hello, 'right'), flags: 0x41 };
    expect(contentsOf(writeZip([entry]), { passwords })).toEqual(closed);
  });

  it('opens archives within archives by the same words', () => {
    const inner = writeZip([aesEntry('a.exe', hello, 'two')]);
    const [, member] = contentsOf(writeZip([encryptedEntry('i.zip', inner, 'right')]), { passwords });
    expect(member).toBe(`i.zip=${inner.toString('latin1')}`);
  });
});

function has(program: string): boolean {
  return spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined;
}

describe.each([
  ['zip', ['-q', '-P', 'right', 'x.zip', 'a.exe']],
  ['7z', ['a', '-bd', '-pright', '-tzip', '-mem=AES256', 'x.zip', 'a.exe']],
  ['7z', ['a', '-bd', '-pright', '-tzip', '-mem=AES128', '-mx=0', 'x.zip', 'a.exe']],
] as const)('what %s %j writes', (program, parameters) => {
  const isHere = has(program);
  it.skipIf(!isHere)(`is opened${isHere ? '' : ` (SKIPPED: no ${program} on this machine)`}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-zip-'));
    try {
      writeFileSync(join(folder, 'a.exe'), hello);
      execFileSync(program, parameters, { cwd: folder, stdio: 'ignore' });
      expect(contentsOf(readFileSync(join(folder, 'x.zip')), { passwords })).toEqual(opened);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
