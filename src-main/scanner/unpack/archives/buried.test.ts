import { describe, expect, it } from 'vitest';
import type { Sandbox, SandboxRequest } from '../../sandbox/sandbox.ts';
import { contentsOf } from '../contents.fixture.ts';
import { isBuried } from './buried.ts';
import { storedEntry, writeZip } from './zip.fixture.ts';

/** Says what it was asked for. */
const echo: Sandbox = {
  unpack: ({ bytes, extension }: SandboxRequest) => ({
    members: [{ name: `a.${extension}`, bytes: Buffer.from(`${bytes.length}`) }],
    limits: [],
    encryptedNames: [],
    openedByPassword: false,
  }),
  stop: () => undefined,
};

const picture = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(3_000, 7)]);

function cabinet(): Buffer {
  const bytes = Buffer.alloc(60, 1);
  bytes.write('MSCF\0\0\0\0', 'latin1');
  bytes.writeUInt32LE(60, 8);
  bytes.writeUInt16LE(0x103, 24);
  return bytes;
}

const rar = Buffer.from('Rar!\x1a\x07\0\0\0s\0\0\r\0\0\0\0\0', 'latin1');
const rar5 = Buffer.from('Rar!\x1a\x07\x01\0crc!\x0b\x01\x05', 'latin1');

describe('archives behind something else', () => {
  it('are unpacked from where they begin to where they end', () => {
    const behind = Buffer.alloc(10, 2);
    expect(contentsOf(Buffer.concat([picture, cabinet(), behind]), { sandbox: echo })).toEqual(['a.cab=60']);
    expect(contentsOf(Buffer.concat([picture, rar]), { sandbox: echo })).toEqual([`a.rar=${rar.length}`]);
    expect(contentsOf(Buffer.concat([picture, rar5]), { sandbox: echo })).toEqual([`a.rar5=${rar5.length}`]);
  });

  it('are not told by a signature alone', () => {
    for (const signature of ['Rar!\x1a\x07\0', 'Rar!\x1a\x07\x01\0', '7z\xbc\xaf\x27\x1c', 'MSCF\0\0\0\0'])
      expect(isBuried(Buffer.concat([picture, Buffer.from(signature, 'latin1'), picture]))).toBe(false);
  });

  it('are looked for as far as unrar does', () => {
    const far = Buffer.alloc(2 * 1024 * 1024 - rar.length);
    expect(isBuried(Buffer.concat([far, rar]))).toBe(true);
    expect(isBuried(Buffer.concat([far, Buffer.alloc(100), rar]))).toBe(false);
  });

  it('are looked for behind a zip, not in it', () => {
    const zip = writeZip([storedEntry('a', rar)]);
    expect(isBuried(zip)).toBe(false);
    expect(isBuried(Buffer.concat([zip, rar]))).toBe(true);
  });
});
