// Inputs to begin with: what the tests' fixtures and a few lines can write of each format, samples where there are some
// on this machine, and all that comes out of these.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ambiguous, changes } from '../src-main/scanner/mime/ambiguous.fixture.ts';
import { carriers } from '../src-main/scanner/mime/carriers.fixture.ts';
import { frames } from '../src-main/scanner/mime/frames.fixture.ts';
import { crowds, floods } from '../src-main/scanner/mime/hostile.fixture.ts';
import {
  makeAr,
  makeCab,
  makeCpio,
  makeRar4,
  makeRar5,
} from '../src-main/scanner/sandbox/archives.fixture.ts';
import { eicar, infectedMessages, zip } from '../src-main/scanner/test-messages.ts';
import { makeProgram } from '../src-main/scanner/unpack/archives/program.fixture.ts';
import { paxEntry, tarEnd, tarEntry } from '../src-main/scanner/unpack/archives/tar.fixture.ts';
import {
  aesEntry,
  deflatedEntry,
  encryptedEntry,
  writeZip,
} from '../src-main/scanner/unpack/archives/zip.fixture.ts';
import { unpackAll } from '../src-main/scanner/unpack/contents.fixture.ts';
import { compoundFile } from '../src-main/scanner/unpack/documents/compound-file.fixture.ts';
import {
  callTokens,
  macroWorkbook,
  nativeOf,
  ole1Of,
  packageOf,
  vbaProject,
} from '../src-main/scanner/unpack/documents/office.fixture.ts';
import { encryptedPdfs, pdf, stream } from '../src-main/scanner/unpack/documents/pdf.fixture.ts';
import { packedProgram, programOf } from '../src-main/scanner/unpack/programs/program.fixture.ts';

/** Samples on this machine; where there are none it goes without. */
const folders = ['/usr/share/clamav-testfiles', '../shared/corpus'];

/** Octets of a seed; each mutation copies it. A format whose samples are all larger has these. */
const seedBytes = 64 * 1024;
const largeSeedBytes = 300 * 1024;

const joined = (...pieces: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)));
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const page = joined(
  '<!DOCTYPE html><html><head><meta http-equiv="refresh" content="0;url=data:text/html;base64,PGI+"></head><body>',
  '<form action="http://a.test"><input type=password></form><a href="http://a.test">https://b.test</a><script>',
  "var a=atob('TVqQAAMAAAAEAAAA//8AALgAAAA=');var b=new Blob([a]);var c='\\x4d\\u005a'+String.fromCharCode(77,90);",
  'location=URL.createObjectURL(b);</script><iframe srcdoc="&lt;b&#x3e;"></iframe><!-- c --></body></html>',
);

const officeXml = joined(
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
  '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" ',
  'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" ',
  'Target="https://a.test/b.dotm" TargetMode="External"/></Relationships>',
);

/** BER with definite and indefinite lengths: signed data, and compressed data (RFC 3274). */
const cms = [
  joined(
    hex('3080 06092a864886f70d010702 a080 3080 020101 310f300d06096086480165030402010500'),
    hex('3080 06092a864886f70d010701 a080 2480 0420'),
    'Content-Type: text/plain\r\n\r\nMZAB',
    hex('0000 0000 0000 0000 0000 0000'),
  ),
  joined(
    hex('3044 060b2a864886f70d0109100109 a035 3033 020100 300d060b2a864886f70d0109100308'),
    hex('301f 06092a864886f70d010701 a012 0410 789c'),
    deflateSync('MZ').subarray(2),
  ),
];

const literalPacket = joined(hex('cb0f 6205 612e657865 00000000'), 'MZAB');
const pgp = [
  literalPacket,
  joined(hex('c813 02'), deflateSync(literalPacket)),
  joined(hex('c10c 030102030405060708 010000 d20401'), Buffer.alloc(8, 7)),
  joined(
    '-----BEGIN PGP MESSAGE-----\r\n\r\n',
    literalPacket.toString('base64'),
    '\r\n=AbCd\r\n-----END PGP MESSAGE-----\r\n',
  ),
];

const shortcut = joined(
  hex('4c000000 0114020000000000c000000000000046 a0000000'),
  Buffer.alloc(52),
  hex('0300'),
  Buffer.from('cmd', 'utf16le'),
  hex('0400'),
  Buffer.from('/c a', 'utf16le'),
  hex('14030000 010000a0'),
  Buffer.alloc(780, 'x'),
  Buffer.alloc(4),
);

const oneNote = joined(
  hex('e4525c7b8cd8a74daeb15378d02996d3'),
  Buffer.from('<ifndf>{01020304-0506-0708-090A-0B0C0D0E0F10}', 'utf16le'),
  hex('04000000'),
  Buffer.from('.exe', 'utf16le'),
  hex('e716e3bd65261145a4c48d4d0b7a9eac 04000000'),
  Buffer.alloc(16),
  'MZAB',
  hex('22a7fb71790f0b4abb13899256426b24'),
);

const tnef = joined(
  hex('789f3e22 0100'),
  hex('02 0290 0600 0e000000'),
  Buffer.alloc(16),
  hex('02 0f80 0600 02000000'),
  'MZ',
  hex('a700 02 0590 0600 24000000 01000000 1f000737 01000000 14000000'),
  Buffer.from('abcdef.exe', 'utf16le'),
  hex('0000'),
);

const binHex =
  '(This file must be converted with BinHex 4.0)\r\n\r\n:#f%ZCA-!+&"ZER4%6MTKBA4`!!!!$!#3!&!!!!!!3!!!!!!!!!!!!!!!!!:\r\n';

const vbaText = 'Sub AutoOpen()\r\nShell "cmd /c " & Chr(77) & Replace("aXb", "X", "")\r\nEnd Sub\r\n';

/** A few hundred octets of each format. */
function* made(): Generator<Buffer> {
  const [carrier = '', frame = ''] = [Object.keys(carriers)[0], Object.keys(frames)[0]];
  for (const name of Object.keys(frames)) yield ambiguous(eicar, carrier, name);
  for (const name of Object.keys(carriers)) yield ambiguous(eicar, name, frame);
  for (const name of Object.keys(changes)) yield ambiguous(eicar, carrier, frame, name);
  for (const make of Object.values(floods)) yield make(400);
  for (const make of Object.values(crowds)) yield make(8);
  yield* Object.values(infectedMessages);
  yield* [eicar, page, officeXml, ...cms, ...pgp, shortcut, oneNote, tnef, joined(binHex)];
  yield* [gzipSync(page), zstdCompressSync(page), tarEntry({ content: eicar })];
  yield joined(paxEntry({ path: 'b.exe' }), tarEntry({ content: eicar }), tarEnd);
  yield writeZip([deflatedEntry('a', page), encryptedEntry('b', eicar, 'pw'), aesEntry('c', eicar, 'pw')]);
  yield writeZip([deflatedEntry('a', page)], { zip64: true, comment: joined('c') });
  for (const make of [makeAr, makeCpio, makeRar4, makeRar5]) yield make({ 'a.exe': 'MZ' });
  yield makeCab('a.exe', 'MZ');
  const dropped = packageOf('a.exe', 'C:\\a.exe', eicar);
  yield joined(
    `{\\rtf1{\\field{\\*\\fldinst DDE a b}}{\\object\\objemb{\\*\\objdata ${ole1Of('Package', dropped).toString('hex')}}}}`,
  );
  yield compoundFile({
    'ObjectPool/_1/\u0001Ole10Native': nativeOf(dropped),
    WordDocument: Buffer.alloc(5_000, 7),
  });
  yield compoundFile({ ...vbaProject({ ThisDocument: vbaText }), WordDocument: hex('eca5c100') });
  yield compoundFile({ Workbook: macroWorkbook(callTokens('cmd', 110), { text: 'Auto_Open' }) });
  yield makeProgram({ overlay: zip([{ name: 'a.exe', bytes: eicar }]) });
  yield makeProgram({ section: makeProgram(), overlay: joined('Setup\0', makeCab('a.exe', 'MZ')) });
  yield* [packedProgram(eicar), programOf(hex('c3'))];
  yield joined(programOf(hex('c3')), 'a.exe\0Disk1\\a.exe\x000.0.0.0\x002\0MZ');
  yield joined('ISc(', Buffer.alloc(0x1fc), hex('0400 4d5a0000'));
  yield joined('SZDD\x88\xf0\x27\x33Ae\x05\0\0\0\xffhello');
  yield joined('KWAJ\x88\xf0\x27\xd1\x03\0\x0e\0\0\0\xffhello');
  yield joined(hex('00000001 123a0010 19040010 00000000'), deflateSync('hello, hello, hello'));
  yield* encryptedPdfs.map(([, bytes]) => bytes);
  yield pdf({
    1: '<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/Names<</EmbeddedFiles 3 0 R>>>>',
    3: stream(
      '/Type/EmbeddedFile/Filter[/ASCIIHexDecode/FlateDecode]',
      joined(deflateSync(page).toString('hex')),
    ),
    4: stream('/Type/ObjStm/N 1/First 4', joined('5 0 <</S/Launch/F(cmd.exe)>>')),
  });
}

function* found(folder: string): Generator<Buffer> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(folder, name);
    const stats = statSync(path);
    if (stats.isFile() && stats.size <= largeSeedBytes) yield readFileSync(path);
  }
}

/** All seeds that `is` takes; `withAll`: it takes any, and would have too many. */
export function seedsOf(is: (bytes: Buffer) => boolean): Buffer[] {
  const sources = [...made(), ...folders.filter(existsSync).flatMap((folder) => [...found(folder)])];
  const inner = sources.flatMap((bytes) =>
    unpackAll(bytes).flatMap((unpacked) => (unpacked.kind === 'member' ? [Buffer.from(unpacked.bytes)] : [])),
  );
  const taken = [...sources, ...inner].filter((bytes) => bytes.length <= largeSeedBytes && is(bytes));
  const small = taken.filter(({ length }) => length <= seedBytes);
  return small.length > 0 ? small : taken;
}
