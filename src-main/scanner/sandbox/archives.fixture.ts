// Makes archives for tests: with 7-Zip itself where it can, and by hand what it only reads.
import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';

interface Maker {
  readonly FS: {
    mkdir(path: string): void;
    chdir(path: string): void;
    writeFile(path: string, data: Uint8Array): void;
    readFile(path: string): Uint8Array;
  };
  callMain(args: string[]): unknown;
}

type Factory = (options: object) => Promise<Maker>;

function isFactory(loaded: unknown): loaded is Factory {
  return typeof loaded === 'function';
}

export type Files = Readonly<Record<string, Uint8Array | string>>;

/** `type`: 7z, xz, bzip2, wim, zip, tar or gzip. */
export async function makeArchive(
  type: string,
  files: Files,
  switches: readonly string[] = [],
): Promise<Buffer> {
  const require = createRequire(import.meta.url);
  const loaded: unknown = require('7z-wasm');
  if (!isFactory(loaded)) throw new Error('7z-wasm is not what it was');
  const { exitCode } = process;
  const { FS, callMain } = await loaded({ print: () => undefined, printErr: () => undefined });
  FS.mkdir('/files');
  FS.chdir('/files');
  for (const [name, content] of Object.entries(files))
    FS.writeFile(name, typeof content === 'string' ? Buffer.from(content) : content);
  const code = callMain(['a', `-t${type}`, ...switches, '/archive.out', ...Object.keys(files)]);
  process.exitCode = exitCode;
  if (code !== 0) throw new Error(`7-Zip ended with ${String(code)}`);
  return Buffer.from(FS.readFile('/archive.out'));
}

/** One stream of LZMA with the header of the first version, out of a 7z archive. */
export async function makeLzma(content: Uint8Array): Promise<Buffer> {
  const archive = await makeArchive('7z', { a: content }, ['-m0=LZMA:d=64k', '-mhc=off', '-mx=1']);
  const header = Buffer.from('5d000001000000000000000000', 'hex');
  header.writeUInt32LE(content.length, 5);
  return Buffer.concat([header, archive.subarray(32, 32 + Number(archive.readBigUInt64LE(12)))]);
}

/** A RAR archive (version 4) with its members as they are. */
export function makeRar4(files: Files, { archiveFlags = 0, fileFlags = 0 } = {}): Buffer {
  const block = (type: number, flags: number, fields: Buffer) => {
    const header = Buffer.alloc(7);
    header[2] = type;
    header.writeUInt16LE(flags, 3);
    header.writeUInt16LE(7 + fields.length, 5);
    const all = Buffer.concat([header, fields]);
    all.writeUInt16LE(crc32(all.subarray(2)) & 0xffff, 0);
    return all;
  };
  const members = Object.entries(files).map(([name, content]) => {
    const data = Buffer.from(content);
    const fields = Buffer.alloc(25);
    fields.writeUInt32LE(data.length, 0);
    fields.writeUInt32LE(data.length, 4);
    fields.writeUInt32LE(crc32(data), 9);
    fields[17] = 20;
    fields[18] = 0x30;
    fields.writeUInt16LE(Buffer.byteLength(name), 19);
    return Buffer.concat([block(0x74, 0x8000 | fileFlags, Buffer.concat([fields, Buffer.from(name)])), data]);
  });
  return Buffer.concat([
    Buffer.from('526172211a0700', 'hex'),
    block(0x73, archiveFlags, Buffer.alloc(6)),
    ...members,
    Buffer.from('c43d7b00400700', 'hex'),
  ]);
}

/** A header of version 5, of less than 128 octets. */
function rar5Block(fields: readonly number[]): Buffer {
  const body = Buffer.from([fields.length, ...fields]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(body));
  return Buffer.concat([crc, body]);
}

const rar5Signature = Buffer.from('526172211a070100', 'hex');

/** The same of version 5; sizes below 128. */
export function makeRar5(files: Files): Buffer {
  const members = Object.entries(files).flatMap(([name, content]) => {
    const data = Buffer.from(content);
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(crc32(data));
    const nameOctets = Buffer.from(name);
    return [
      rar5Block([2, 2, data.length, 4, data.length, 0, ...crc, 0, 1, nameOctets.length, ...nameOctets]),
      data,
    ];
  });
  return Buffer.concat([rar5Signature, rar5Block([1, 0, 0]), ...members, rar5Block([5, 0, 0])]);
}

/** The beginning of one whose very headers are encrypted: deriving its key takes 2^24 rounds for each password. */
export function makeSlowRar5(): Buffer {
  const salt = Array.from({ length: 16 }, (_, i) => i);
  return Buffer.concat([rar5Signature, rar5Block([4, 0, 0, 0, 24, ...salt]), Buffer.alloc(96, 7)]);
}

/** A Unix archive. */
export function makeAr(files: Files): Buffer {
  const members = Object.entries(files).map(([name, content]) => {
    const data = Buffer.from(content);
    const header = `${`${name}/`.padEnd(16)}0           0     0     100644  ${String(data.length).padEnd(10)}\`\n`;
    return Buffer.concat([Buffer.from(header), data, Buffer.from('\n'.repeat(data.length % 2))]);
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...members]);
}

/** A cpio archive with the portable header in hexadecimal. */
export function makeCpio(files: Files): Buffer {
  const pad = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const member = ([name, content]: readonly [string, Uint8Array | string]) => {
    const data = Buffer.from(content);
    const fields = [1, 0o100644, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const hex = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    return Buffer.concat([pad(Buffer.from(`070701${hex}${name}\0`)), pad(data)]);
  };
  return Buffer.concat([...Object.entries(files), ['TRAILER!!!', ''] as const].map(member));
}

/** A cabinet with one member as it is ([MS-CAB]). */
export function makeCab(name: string, content: Uint8Array | string): Buffer {
  const data = Buffer.from(content);
  const fileAt = 36 + 8;
  const dataAt = fileAt + 16 + name.length + 1;
  const cab = Buffer.alloc(dataAt + 8);
  cab.write('MSCF');
  cab.writeUInt32LE(dataAt + 8 + data.length, 8);
  cab.writeUInt32LE(fileAt, 16);
  cab.writeUInt16LE(0x103, 24);
  cab.writeUInt16LE(1, 26);
  cab.writeUInt16LE(1, 28);
  cab.writeUInt32LE(dataAt, 36);
  cab.writeUInt16LE(1, 40);
  cab.writeUInt32LE(data.length, fileAt);
  cab.writeUInt16LE(0x20, fileAt + 14);
  cab.write(`${name}\0`, fileAt + 16, 'latin1');
  cab.writeUInt16LE(data.length, dataAt + 4);
  cab.writeUInt16LE(data.length, dataAt + 6);
  return Buffer.concat([cab, data]);
}

/** A floppy disk with one file, by the name `EVIL.EXE`; `partitioned`: within a disk of one partition. */
export function makeDisk(content: Uint8Array | string, partitioned = false): Buffer {
  const sectors = 2_880;
  const disk = Buffer.alloc(sectors * 512);
  Buffer.from('eb3c904d53444f53352e30000201010002e000400bf0090012000200', 'hex').copy(disk);
  disk[38] = 0x29;
  disk.write('NO NAME    FAT12   ', 43, 'latin1');
  disk.writeUInt16LE(0xaa55, 510);
  for (const table of [1, 10]) Buffer.from('f0ffffffffff', 'hex').copy(disk, table * 512);
  const entry = 19 * 512;
  disk.write('EVIL    EXE ', entry, 'latin1');
  disk.writeUInt16LE(2, entry + 26);
  disk.writeUInt32LE(content.length, entry + 28);
  Buffer.from(content).copy(disk, 33 * 512);
  if (!partitioned) return disk;
  const table = Buffer.alloc(512 * 63);
  Buffer.from('800101000100fe033f000000', 'hex').copy(table, 446);
  table.writeUInt32LE(sectors, 458);
  table.writeUInt16LE(0xaa55, 510);
  return Buffer.concat([table, disk]);
}

/** A virtual disk of fixed size: `disk` with a footer ([VHD specification] hard disk footer). */
export function makeVhd(disk: Buffer): Buffer {
  const footer = Buffer.alloc(512);
  footer.write('conectix');
  Buffer.from('0000000200010000ffffffffffffffff0000000077696e20000a00005769326b', 'hex').copy(footer, 8);
  footer.writeBigUInt64BE(BigInt(disk.length), 40);
  footer.writeBigUInt64BE(BigInt(disk.length), 48);
  Buffer.from('0003103f00000002', 'hex').copy(footer, 56);
  footer.writeUInt32BE(~footer.reduce((sum, octet) => sum + octet, 0) >>> 0, 64);
  return Buffer.concat([disk, footer]);
}
