// Archives, documents and programs that cost far more to open than to send, each made in a few lines.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { makeArchive } from '../../src-main/scanner/sandbox/archives.fixture.ts';
import { eicar } from '../../src-main/scanner/test-messages.ts';
import {
  aesEntry,
  deflatedEntry,
  type Entry,
  encryptedEntry,
  storedEntry,
  writeZip,
} from '../../src-main/scanner/unpack/archives/zip.fixture.ts';
import { compoundFile } from '../../src-main/scanner/unpack/documents/compound-file.fixture.ts';
import { pdf, stream } from '../../src-main/scanner/unpack/documents/pdf.fixture.ts';
import { programOf } from '../../src-main/scanner/unpack/programs/program.fixture.ts';
import { missingTools } from '../support/tools.ts';

export const megabyte = 1_000_000;
export const gigabyte = 1_000 * megabyte;
export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
export const repeat = (text: string | Buffer, count: number): Buffer =>
  Buffer.alloc(text.length * count, typeof text === 'string' ? latin1(text) : text);
export const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** `make` applied to its own result. */
export function nested(
  levels: number,
  innermost: Buffer,
  make: (bytes: Buffer, level: number) => Buffer,
): Buffer {
  let bytes = innermost;
  for (let level = 0; level < levels; level++) bytes = make(bytes, level);
  return bytes;
}

/** Zeros in a deflate stream, a megabyte at a time. */
function deflatedZeros(sizeBytes: number): Buffer {
  const once = deflateRawSync(Buffer.alloc(megabyte), { finishFlush: constants.Z_FULL_FLUSH });
  // An empty last block with fixed codes (RFC 1951 §3.2.6).
  return Buffer.concat([repeat(once, Math.round(sizeBytes / megabyte)), Buffer.from([3, 0])]);
}

const crcOfZeros = (sizeBytes: number): number =>
  times(sizeBytes / megabyte, () => Buffer.alloc(megabyte)).reduce((crc, zeros) => crc32(zeros, crc), 0);

export const zerosEntry = (name: string, sizeBytes: number): Entry => ({
  name,
  data: deflatedZeros(sizeBytes),
  method: 8,
  unpacked: sizeBytes,
});

export function gzipOfZeros(sizeBytes: number): Buffer {
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crcOfZeros(sizeBytes), 0);
  end.writeUInt32LE(sizeBytes, 4);
  return Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), deflatedZeros(sizeBytes), end]);
}

/** Sixteen zips in each, down to a gigabyte of zeros, as the well-known 42.zip. */
export const zipTree = (levels: number): Buffer =>
  nested(levels, writeZip([zerosEntry('0.bin', gigabyte)]), (bytes, level) =>
    writeZip(
      times(16, (index) => deflatedEntry(`${level}-${index}.zip`, Buffer.concat([bytes, Buffer.of(index)]))),
    ),
  );

/** Fifield's bomb without its quoting: all members of the directory are one and the same piece of the file. */
export function overlappingZip(members: number): Buffer {
  const kernel = writeZip([zerosEntry('k', 100 * megabyte)]);
  const directory = kernel.indexOf('PK\x01\x02', 0, 'latin1');
  const entry = kernel.subarray(directory, -22);
  const end = Buffer.from(kernel.subarray(-22));
  end.writeUInt16LE(members, 8);
  end.writeUInt16LE(members, 10);
  end.writeUInt32LE(entry.length * members, 12);
  return Buffer.concat([kernel.subarray(0, directory), repeat(entry, members), end]);
}

/** Each member is all of the archive that follows it: as many archives of as many members within each other. */
export function zipOfItself(members: number): Buffer {
  const header = writeZip([storedEntry('a.zip', Buffer.alloc(0))], { end: false });
  const local = header.subarray(0, header.indexOf('PK\x01\x02', 0, 'latin1'));
  const locals = times(members, (index) => {
    const copy = Buffer.from(local);
    for (const at of [18, 22]) copy.writeUInt32LE(local.length * (members - index - 1), at);
    return copy;
  });
  return Buffer.concat([...locals, eicar]);
}

/** By the tools where they are, since a gigabyte does not fit into the other way. */
export async function archiveOfZeros(kind: '7z' | 'xz' | 'bzip2'): Promise<Buffer> {
  if (kind !== '7z') {
    // Streams of both kinds follow each other in one file.
    const once = await makeArchive(kind, { a: Buffer.alloc(50 * megabyte) }, ['-mx=1']);
    return repeat(once, 20);
  }
  if (missingTools(['7z']) !== undefined)
    return await makeArchive('7z', { a: Buffer.alloc(250 * megabyte) }, ['-mx=1']);
  const directory = mkdtempSync(join(tmpdir(), 'postern-zeros-'));
  try {
    const zeros = join(directory, 'zeros');
    writeFileSync(zeros, '');
    truncateSync(zeros, gigabyte);
    execFileSync('7z', ['a', '-bd', '-mx=1', `${zeros}.7z`, zeros], { stdio: 'ignore' });
    return readFileSync(`${zeros}.7z`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export async function nestedSevenZip(levels: number): Promise<Buffer> {
  let bytes = eicar;
  for (let level = 0; level < levels; level++) bytes = await makeArchive('7z', { a: bytes }, ['-mx=1']);
  return bytes;
}

/** All streams are the same endless chain of sectors, and the table of these is a circle. */
export function compoundLoop(): Buffer {
  const streams = Object.fromEntries(times(2_000, (index) => [`s${index}`, latin1('x')]));
  const bytes = compoundFile({ ...streams, large: Buffer.alloc(8 * megabyte) });
  const sectors = Math.floor(bytes.length / 512) - 1;
  for (
    let entry = bytes.indexOf(Buffer.from('s0\0', 'utf16le')), left = 2_000;
    left > 0;
    left--, entry += 128
  ) {
    bytes.writeUInt32LE(5, entry + 116);
    bytes.writeUInt32LE(0x7fff_ffff, entry + 120);
  }
  const tables = bytes.readUInt32LE(44);
  for (let index = 0; index < tables; index++) {
    const table = 512 * (1 + bytes.readUInt32LE(76 + 4 * index));
    for (let each = 0; each < 128; each++)
      bytes.writeUInt32LE((128 * index + each + 1) % sectors, table + 4 * each);
  }
  return bytes;
}

const filters = (count: number) => `/Type/EmbeddedFile/Filter[${'/FlateDecode'.repeat(count)}]`;

export function pdfBombs(): Buffer {
  const flate = Buffer.concat([Buffer.from([0x78, 0x9c]), deflatedZeros(gigabyte), Buffer.alloc(4)]);
  const deep = nested(3, flate, (bytes) => deflateSync(bytes));
  return pdf({
    1: stream(filters(4), deep),
    ...Object.fromEntries(
      times(200, (index) => [index + 2, stream(filters(1), flate.subarray(0, 20_000 + index))]),
    ),
  });
}

/** Signed data (RFC 5652 §5.1) whose octets stand within elements of indefinite length (X.690 §8.1.3.6), level by level. */
export function cmsNest(levels: number): Buffer {
  const packed = gzipSync(eicar);
  const outer = '3080 06092a864886f70d010702 a080 3080 020101 3100 3080 06092a864886f70d010701 a080';
  return Buffer.concat([
    Buffer.from(outer.replaceAll(' ', ''), 'hex'),
    repeat(Buffer.from('2480', 'hex'), levels),
    Buffer.from([4, packed.length]),
    packed,
    Buffer.alloc(2 * (levels + 5)),
  ]);
}

/** A jump to itself, in a section that the program may write to. */
export const spinning = (index: number): Buffer => programOf(Buffer.from([0xeb, 0xfe]), Buffer.from([index]));

export const locked = (index: number): Entry =>
  index % 2 === 0
    ? encryptedEntry(`${index}.txt`, latin1('x'), 'no')
    : aesEntry(`${index}.txt`, latin1('x'), 'no', 1);
