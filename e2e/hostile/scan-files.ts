// Files that are made to cost a scanner time or memory, or to hide something behind what does. Kept as code: they are
// large, and some of them are no good guests on a disk.
import { gzipSync } from 'node:zlib';
import type { LimitCode } from '../../src-main/contract/verdict.ts';
import { crowds, floods } from '../../src-main/scanner/mime/hostile.fixture.ts';
import { makeRar4 } from '../../src-main/scanner/sandbox/archives.fixture.ts';
import { attachment, eicar, multipart, part, textPart } from '../../src-main/scanner/test-messages.ts';
import {
  deflatedEntry,
  encryptedEntry,
  storedEntry,
  writeZip,
} from '../../src-main/scanner/unpack/archives/zip.fixture.ts';
import { tnef, tnefAttribute } from '../../src-main/scanner/unpack/mail/tnef.fixture.ts';
import {
  archiveOfZeros,
  cmsNest,
  compoundLoop,
  gigabyte,
  gzipOfZeros,
  latin1,
  locked,
  megabyte,
  nested,
  nestedSevenZip,
  overlappingZip,
  pdfBombs,
  repeat,
  spinning,
  times,
  zerosEntry,
  zipOfItself,
  zipTree,
} from './scan-bombs.ts';

export interface HostileFile {
  readonly name: string;
  readonly make: () => Buffer | Promise<Buffer>;
  /** What must be said of it: that the test file is in it, and limits; where it is empty, nothing at all. */
  readonly expected: readonly ('eicar' | LimitCode)[];
  /** Where it takes more memory than others may, for a reason. */
  readonly maxMegabytes?: number;
}

/** Outputs of 50 MB that turn out to be too large are garbage, of which there may be two or three at a time. */
const garbageMegabytes = 400;

const attached = (name: string, bytes: Buffer): Buffer => multipart('b', [textPart, attachment(name, bytes)]);
const flood = (name: string, size: number): Buffer => floods[name]?.(size) ?? Buffer.alloc(0);
const crowd = (name: string, count: number): Buffer => crowds[name]?.(count) ?? Buffer.alloc(0);

export const hostileFiles: readonly HostileFile[] = [
  {
    name: '10 MB of LF before the test file',
    make: () => Buffer.concat([flood('LF', 10 * megabyte), eicar]),
    expected: ['eicar'],
  },
  {
    name: '10 MB of CR before the test file',
    make: () => Buffer.concat([flood('CR', 10 * megabyte), eicar]),
    expected: ['eicar'],
  },
  {
    name: '10 MB of LF before an attachment',
    make: () => Buffer.concat([flood('LF', 10 * megabyte), attached('a.com', eicar)]),
    expected: ['eicar'],
  },
  {
    name: 'a line of 20 MB before an attachment',
    make: () => multipart('b', [part([], flood('one line', 20 * megabyte)), attachment('a.com', eicar)]),
    expected: ['eicar'],
  },
  { name: 'a line of 20 MB of base64', make: () => flood('one line of base64', 20 * megabyte), expected: [] },
  { name: '500 nested parts', make: () => crowd('nested multiparts', 500), expected: ['mime-depth'] },
  { name: '10,000 nested parts', make: () => crowd('nested multiparts', 10_000), expected: ['mime-depth'] },
  { name: '10,000 nested messages', make: () => crowd('nested messages', 10_000), expected: ['mime-parts'] },
  {
    name: 'the last of 900 parts',
    make: () => multipart('b', [...times(899, () => textPart), attachment('a.com', eicar)]),
    expected: ['eicar'],
  },
  { name: '100,000 parts', make: () => crowd('parts with headers', 100_000), expected: ['mime-parts'] },
  {
    name: 'a header of 10 MB',
    make: () =>
      Buffer.concat([flood('a header field in folded lines', 10 * megabyte), latin1('\r\n\r\n'), eicar]),
    expected: ['eicar', 'header-size'],
  },
  {
    name: '200,000 headers',
    make: () => Buffer.concat([flood('header fields', 2 * megabyte), latin1('\r\n'), eicar]),
    expected: ['eicar', 'header-size'],
  },
  {
    name: '100,000 segments of a name',
    make: () => flood('segments of a name', 2 * megabyte),
    expected: ['header-size'],
  },
  {
    name: 'encoded words without end in names',
    make: () => flood('encoded words in names', 10 * megabyte),
    expected: ['header-size'],
  },
  {
    name: '=? without end in a name',
    make: () => flood('=? in a content field', 10 * megabyte),
    expected: ['header-size'],
  },
  {
    name: 'segments of a name without end',
    make: () => flood('segments of a name without end', 10 * megabyte),
    expected: ['header-size'],
  },
  {
    name: 'encoded words within the limit',
    make: () => flood('encoded words in names', 200_000),
    expected: [],
  },
  {
    name: 'segments of a name within the limit',
    make: () => flood('segments of a name', 200_000),
    expected: [],
  },
  {
    name: 'a zip of 5 levels of 16 zips',
    make: () => zipTree(5),
    expected: ['part-size'],
    maxMegabytes: garbageMegabytes,
  },
  {
    name: 'a zip of a gigabyte',
    make: () => attached('a.zip', writeZip([zerosEntry('a', gigabyte)])),
    expected: ['part-size'],
  },
  {
    name: 'a zip of 1,999 members and the test file',
    make: () =>
      writeZip([
        ...times(1_999, (index) => storedEntry(`${index}`, latin1(`${index}`))),
        storedEntry('e', eicar),
      ]),
    expected: ['eicar'],
  },
  {
    name: 'a zip of 20,000 members',
    make: () => writeZip(times(20_000, (index) => storedEntry(`${index}`, latin1(`${index}`)))),
    expected: ['archive-members'],
  },
  { name: 'a zip of itself', make: () => zipOfItself(2_000), expected: ['archive-members'] },
  { name: 'a zip whose members overlap', make: () => overlappingZip(5_000), expected: ['part-size'] },
  {
    name: '2,000 encrypted members',
    make: () => attached('a.zip', writeZip(times(2_000, locked))),
    expected: ['encrypted'],
  },
  {
    name: 'the last of 900 encrypted members',
    make: () =>
      multipart('b', [
        part(['Content-Type: text/plain'], 'The password is no\r\n'),
        attachment('a.zip', writeZip([...times(899, locked), encryptedEntry('e.com', eicar, 'no')])),
      ]),
    expected: ['eicar'],
  },
  { name: 'a gigabyte of zeros in gzip', make: () => gzipOfZeros(gigabyte), expected: ['part-size'] },
  {
    name: '500 levels of gzip',
    make: () => nested(500, eicar, (bytes) => gzipSync(bytes)),
    expected: ['archive-depth'],
  },
  { name: 'a gigabyte of zeros in bzip2', make: () => archiveOfZeros('bzip2'), expected: ['unpack-ratio'] },
  { name: 'a gigabyte of zeros in xz', make: () => archiveOfZeros('xz'), expected: ['unpack-ratio'] },
  { name: 'a gigabyte of zeros in 7z', make: () => archiveOfZeros('7z'), expected: ['unpack-ratio'] },
  {
    name: '10 levels of zip',
    make: () => nested(10, eicar, (bytes) => writeZip([deflatedEntry('a', bytes)])),
    expected: ['eicar'],
  },
  {
    name: '20 levels of zip',
    make: () => nested(20, eicar, (bytes) => writeZip([deflatedEntry('a', bytes)])),
    expected: ['archive-depth'],
  },
  {
    name: '20 levels of RAR',
    make: () => nested(20, eicar, (bytes) => makeRar4({ a: bytes })),
    expected: ['eicar', 'archive-depth'],
  },
  { name: '20 levels of 7z', make: () => nestedSevenZip(20), expected: ['archive-depth'] },
  { name: 'an OLE file whose sectors are a circle', make: compoundLoop, expected: ['damaged-archive'] },
  { name: 'a PDF of bombs', make: pdfBombs, expected: ['unpack-ratio'], maxMegabytes: garbageMegabytes },
  {
    name: 'an RTF of 10 MB of {',
    make: () => Buffer.concat([latin1('{\\rtf1'), repeat('{', 10 * megabyte)]),
    expected: [],
  },
  {
    name: 'an RTF of 10 MB of objects',
    make: () => Buffer.concat([latin1('{\\rtf1'), repeat('{\\object\\objdata 0105', (10 * megabyte) / 20)]),
    expected: [],
  },
  {
    name: 'a page of 5 MB of <',
    make: () => Buffer.concat([latin1('<html>'), repeat('<', 5 * megabyte)]),
    expected: [],
  },
  {
    name: 'a page of 5 MB of <a href',
    make: () => Buffer.concat([latin1('<html>'), repeat('<a href="', (5 * megabyte) / 9)]),
    expected: [],
  },
  {
    name: 'a script of 5 MB of quotes',
    make: () => Buffer.concat([latin1('<html><script>'), repeat("'\\", (5 * megabyte) / 2)]),
    expected: [],
  },
  { name: 'a program that loops', make: () => spinning(0), expected: [] },
  {
    name: '20 programs that loop',
    make: () =>
      multipart(
        'b',
        times(20, (index) => attachment('a.exe', spinning(index))),
      ),
    expected: ['scan-time'],
  },
  {
    name: 'TNEF of 200,000 attributes',
    make: () => tnef(repeat(tnefAttribute(2, 0x800f, Buffer.of(1)), 200_000)),
    expected: ['archive-members'],
  },
  {
    name: 'TNEF of 1,000 contents with 10,000 names',
    make: () =>
      tnef(
        ...times(10_000, (index) => tnefAttribute(2, 0x8010, latin1(`a.${index}\0`))),
        ...times(1_000, (index) => tnefAttribute(2, 0x800f, latin1(`${index}`))),
      ),
    expected: ['archive-members'],
  },
  {
    name: '100 levels of TNEF',
    make: () =>
      nested(100, eicar, (bytes) =>
        tnef(tnefAttribute(2, 0x9002, Buffer.alloc(14)), tnefAttribute(2, 0x800f, bytes)),
      ),
    expected: ['eicar', 'archive-depth'],
  },
  { name: 'CMS of 100,000 levels', make: () => cmsNest(100_000), expected: ['damaged-archive'] },
  {
    name: 'a mailbox of 100,000 empty messages',
    make: () =>
      Buffer.concat([
        repeat('From a@b.c Mon Jan  1 00:00:00 2024\nA: b\n\n\n', 100_000),
        latin1('From a@b.c Mon Jan  1 00:00:00 2024\nA: b\n\n'),
        eicar,
      ]),
    expected: ['eicar'],
  },
];
