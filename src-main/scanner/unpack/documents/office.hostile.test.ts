// Documents made to break or to stall whoever looks into them. Time is kept by what a budget counts and by the test
// runner's own limit, not by a clock.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { compoundFile } from './compound-file.fixture.ts';
import {
  biff,
  callTokens,
  compressVba,
  int16,
  int32,
  macroWorkbook,
  nativeOf,
  ole1Of,
  packageOf,
  vbaProject,
} from './office.fixture.ts';
import { isOfficeXml, unpackOfficeXml } from './office-xml.ts';
import { isOle, unpackOle } from './ole.ts';
import { isOneNote, unpackOneNote } from './one-note.ts';
import { isRtf, unpackRtf } from './rtf.ts';
import { foldConstants } from './vba-expressions.ts';
import { vbaTraits } from './vba-words.ts';

type Unpack = (bytes: Buffer, context: UnpackContext) => Iterable<Unpacked>;

const mebibyte = 1024 * 1024;
const limits = { archiveMembers: 200, unpackedBytes: 8 * mebibyte, partBytes: 4 * mebibyte };

function codes(unpack: Unpack, bytes: Buffer): string[] {
  return [...unpack(bytes, contextOf())].flatMap((each) => (each.kind === 'limit' ? [each.code] : []));
}

/** Members and their octets stay within the budget. */
function expectWithinBudget(unpack: Unpack, bytes: Buffer): void {
  let members = 0;
  let octets = 0;
  for (const each of unpack(bytes, contextOf({ limits, passwords: ['word'] }))) {
    if (each.kind !== 'member') continue;
    members++;
    octets += each.bytes.length;
  }
  expect(members).toBeLessThanOrEqual(limits.archiveMembers);
  expect(octets).toBeLessThanOrEqual(limits.unpackedBytes);
}

const program = Buffer.concat([
  Buffer.from('MZ'),
  Buffer.alloc(58),
  int32(64),
  Buffer.from('PE\0\0'),
  Buffer.alloc(9),
]);
const ole = compoundFile(
  {
    ...vbaProject({ Module1: 'Sub AutoOpen()\r\nShell "a"\r\nEnd Sub\r\n'.repeat(9) }),
    Workbook: macroWorkbook(callTokens('calc', 110), { builtIn: 1 }),
    WordDocument: Buffer.concat([int16(0xa5ec), Buffer.alloc(600), Buffer.from('\x13 DDEAUTO a')]),
    'PowerPoint Document': Buffer.concat([int16(16), int16(0x1011), int32(40), Buffer.alloc(40, 0x78)]),
    'Current User': Buffer.alloc(20),
    'a/\x01Ole10Native': nativeOf(packageOf('a.exe', 'c:\\a.exe', program)),
    'b/\x01Ole': Buffer.from('e0c9ea79f9bace118c8200aa004ba90b', 'hex'),
    '__attach_version1.0_#00000000/__substg1.0_37010102': 'content',
    Data: Buffer.concat([Buffer.alloc(5_000), program]),
  },
  { scattered: true },
);
const encrypted = compoundFile({
  EncryptionInfo: Buffer.concat([int16(3), int16(2), int32(36), int32(80), Buffer.alloc(200, 16)]),
  EncryptedPackage: Buffer.alloc(64, 8),
});
const rtf = Buffer.from(
  `{\\rtf1{\\*\\template http://a.example}{\\object\\objupdate{\\*\\objclass Package}{\\*\\objdata ${ole1Of('Package', packageOf('a.exe', 'a.exe', program)).toString('hex')}\\bin3 abc}}{\\pict\\'4d4d5a${'90'.repeat(90)}}{\\field{\\*\\fldinst DDE a}}}`,
);
const xml = Buffer.from(
  '<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><!-- x --><pkg:binaryData>TVqQ</pkg:binaryData>' +
    '<Relationship Type="a/attachedTemplate" TargetMode="External" Target="&#104;ttp://a.example"/><w:instrText><![CDATA[DDE a]]></w:instrText></pkg:package>',
);
const sheet = Buffer.concat([
  Buffer.from([0x81, 1, 0, 9, 60]),
  Buffer.alloc(16),
  int16(0),
  int32(11),
  Buffer.from([0x17, 2, 0, 0x61, 0, 0x62, 0, 0x42, 1, 110, 0]),
  Buffer.alloc(31),
]);
const oneNote = Buffer.concat([
  Buffer.from('e4525c7b8cd8a74daeb15378d02996d3', 'hex'),
  Buffer.from('<ifndf>{01020304-0506-0708-090A-0B0C0D0E0F10}', 'utf16le'),
  int32(4),
  Buffer.from('.hta', 'utf16le'),
  int32(0x94 | (1 << 23)),
  int32(99),
  int32(9),
  Buffer.from('0403020106050807090a0b0c0d0e0f10', 'hex'),
  Buffer.from('e716e3bd65261145a4c48d4d0b7a9eac', 'hex'),
  int32(6),
  Buffer.alloc(16),
  Buffer.from('MZ.....'),
]);

const samples: readonly (readonly [string, Buffer, (bytes: Buffer) => boolean, Unpack])[] = [
  ['compound file', ole, isOle, unpackOle],
  ['encrypted document', encrypted, isOle, unpackOle],
  ['RTF', rtf, isRtf, unpackRtf],
  ['XML', xml, isOfficeXml, unpackOfficeXml],
  ['binary sheet', sheet, isOfficeXml, unpackOfficeXml],
  ['OneNote', oneNote, isOneNote, unpackOneNote],
];

describe.each(samples)('any damage: %s', (name, sample, is, unpack) => {
  const numRuns = name === 'encrypted document' ? 5 : 60;

  it('is known when whole', () => {
    expect(is(sample)).toBe(true);
    expect([...unpack(sample, contextOf())].length).toBeGreaterThan(0);
  });

  it('cut anywhere', () => {
    fc.assert(
      fc.property(fc.nat(sample.length), (length) => {
        const cut = sample.subarray(0, length);
        is(cut);
        expectWithinBudget(unpack, cut);
      }),
      { numRuns },
    );
  });

  it('with other octets anywhere', () => {
    const change = fc.tuple(fc.nat(sample.length - 1), fc.oneof(fc.nat(255), fc.constant(255)));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 24 }), (changes) => {
        const damaged = Buffer.from(sample);
        for (const [at, octet] of changes) damaged[at] = octet;
        is(damaged);
        expectWithinBudget(unpack, damaged);
      }),
      { numRuns },
    );
  });

  it('anything behind its first octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (tail) => {
        expectWithinBudget(unpack, Buffer.concat([sample.subarray(0, 24), tail]));
      }),
      { numRuns },
    );
  });
});

describe('compound files', () => {
  it('end where the table of sectors goes round', () => {
    const file = compoundFile({ large: Buffer.alloc(200_000, 'x') });
    for (let at = file.length - 2_048; at < file.length; at += 4) file.writeUInt32LE(0, at);
    expect(codes(unpackOle, file)).toContain('damaged-archive');
  });

  it('end where the list of tables goes round', () => {
    const file = compoundFile({ large: Buffer.alloc(200_000, 'x') });
    file.writeUInt32LE(0, 68);
    file.writeUInt32LE(0xffffffff, 72);
    file.writeUInt32LE(0, 512 + 508);
    expectWithinBudget(unpackOle, file);
  });

  it('end where storages hold themselves, and all entries are of one stream', () => {
    const file = Buffer.from(
      compoundFile(Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`s${i}`, 'x']))),
    );
    for (let at = 512; at + 128 <= file.length; at += 128) {
      if (file[at + 67] !== 1) continue;
      file.writeUInt32LE(3, at + 68);
      file.writeUInt32LE(5, at + 72);
      file.writeUInt32LE(0, at + 76);
      file.writeUInt8(at % 256 === 0 ? 1 : 2, at + 66);
      file.writeUInt32LE(0, at + 116);
      file.writeUInt32LE(0x7fffffff, at + 120);
    }
    expect(codes(unpackOle, file)).toContain('unpacked-size');
  });

  it('do not read a file over and over', () => {
    const streams = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`stream ${i}`, 'MZ']));
    const file = compoundFile({ ...streams, large: Buffer.alloc(2 * mebibyte, 'M') });
    for (let at = 0; at + 128 <= file.length; at += 128)
      if (file[at + 67] === 1 && file[at + 66] === 2) {
        file.writeUInt32LE(0, at + 116);
        file.writeUInt32LE(2 * mebibyte, at + 120);
      }
    expect(codes(unpackOle, file)).toContain('unpacked-size');
  });

  it('give as many members as there may be', () => {
    const streams = Object.fromEntries(Array.from({ length: 2_100 }, (_, i) => [`a${i}/CONTENTS`, 'x']));
    expect(codes(unpackOle, compoundFile(streams))).toContain('archive-members');
  });
});

describe('VBA', () => {
  /** Chunks that each become 4,096 octets. */
  const bomb = (chunks: number) => {
    const data = Buffer.from('ff0f', 'hex');
    const chunk = Buffer.concat([int16(0xb000 | 4), Buffer.from([2, 0x61]), data, Buffer.from([0])]);
    return Buffer.concat([Buffer.from([1]), ...Array.from({ length: chunks }, () => chunk)]);
  };

  it('stops where a container grows out of proportion', () => {
    const source = Buffer.concat([compressVba('Attribute VB_Name = "A"\r\n'), bomb(4_000).subarray(1)]);
    expect(codes(unpackOle, compoundFile({ 'VBA/A': source }))).toEqual(['part-size', 'part-size']);
  });

  it('counts what the directories of many projects become', () => {
    const streams = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}/dir`, bomb(900)]));
    const all = [...unpackOle(compoundFile(streams), contextOf({ limits }))];
    expect(all).toContainEqual({ kind: 'limit', code: 'unpacked-size' });
  });

  it.each([
    ['quotes', '"'],
    ['two quotes', '""'],
    ['joined texts', '"a" & '],
    ['functions within each other', 'Replace('],
    ['reversals', 'StrReverse("a" & '],
    ['characters', 'Chr(1 + '],
    ['replacements that grow', 'Replace("aaaaaaaa", "a", Replace("aaaaaaaa", "a", "bbbbbbbb")) & '],
    ['blanks', 'Chr(                                '],
    ['continued lines', '"a" _\r\n & _\r\n'],
    ['procedures', 'sub '],
    ['names', 'sub a_a_a_a_a_a_a_'],
    ['comments', "' "],
    ['links', 'winmgmts:'],
    ['calls', 'CallByName '],
  ])('ends with a megabyte of %s', (_, piece) => {
    const code = piece.repeat(Math.ceil(mebibyte / piece.length));
    expect(foldConstants(code).length).toBeLessThan(6 * mebibyte);
    expect(vbaTraits(`Sub a()\r\n${code}`).length).toBeGreaterThan(0);
  });
});

describe('records', () => {
  it.each([
    ['Workbook', Buffer.alloc(4 * mebibyte)],
    ['Workbook', Buffer.concat([biff(0x809, int16(0x600), int16(0x40)), Buffer.alloc(2 * mebibyte, 6)])],
    ['WordDocument', Buffer.alloc(4 * mebibyte, 0x13)],
    ['WordDocument', Buffer.from('\x13  DD'.repeat(mebibyte / 2), 'latin1')],
    ['PowerPoint Document', Buffer.alloc(4 * mebibyte, Buffer.from([0x11, 0x10]))],
    ['PowerPoint Document', Buffer.alloc(mebibyte, Buffer.from('1000111000ffff0000000000789c', 'hex'))],
    ['Data', Buffer.from('MZ'.repeat(2 * mebibyte))],
    ['Data', Buffer.alloc(2 * mebibyte, program)],
    ['\x01Ole10Native', Buffer.alloc(mebibyte, 'a')],
    ['Module', Buffer.from('\x01aa\x30\0Attribut'.repeat(100_000), 'latin1')],
  ])('end: %s', (name, stream) => {
    expectWithinBudget(unpackOle, compoundFile({ [name]: stream }));
  });
});

describe('RTF', () => {
  it.each([
    ['{', '{'],
    ['}', '}'],
    ['{}', '{}'],
    ['digits', '4d5a'],
    ['\\objdata', '\\objdata '],
    ['objects', '{\\*\\objdata 0105000002000000'],
    ['escapes', "\\'"],
    ['escaped digits', "{\\*\\objdata \\'4d\\'5a"],
    ['\\bin', '\\bin9 '],
    ['\\bin of too much', '{\\*\\objdata \\bin99999999 '],
    ['pictures', '{\\pict 4d5a'],
    ['fields', '{\\*\\fldinst x'],
    ['backslashes', '\\'],
    ['letters', '\\aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ])('ends with a megabyte of %s', (_, piece) => {
    const text = Buffer.concat([
      Buffer.from('{\\rtf1{\\object{\\*\\objdata '),
      Buffer.alloc(4 * mebibyte, piece),
    ]);
    expectWithinBudget(unpackRtf, text);
    expectWithinBudget(unpackRtf, Buffer.concat([Buffer.from('{\\rtf1'), text.subarray(27)]));
  });

  it('finds an object within more groups than it tells apart', () => {
    const data = ole1Of('Package', packageOf('a.exe', 'a.exe', program)).toString('hex');
    const deep = `{\\rtf1${'{'.repeat(9_000)}{\\*\\objdata ${data}}`;
    expect([...unpackRtf(Buffer.from(deep), contextOf())]).toContainEqual({
      kind: 'member',
      name: 'a.exe',
      bytes: program,
    });
  });
});

describe('XML', () => {
  const word = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">';
  const relationships =
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">';

  it.each([
    [word, '<w:instrText>'],
    [word, '<w:instrText '],
    [word, '<w:instrText>D</w:instrText><w:fldChar fldCharType="begin"/>'],
    [word, ':instrText '],
    [word, '<w:fldSimple w:instr="'],
    [word, '<![CDATA['],
    [word, '<![CDATA[]]>'],
    [relationships, '<Relationship "'],
    [relationships, '<Relationship a="b" '],
    [relationships, '<Relationship Target="&#x0;&amp;">'],
    [relationships, '<!-- -'],
    [relationships, '<!---->'],
    [relationships, '<?'],
    ['<?xml?>', '<!-- '],
    ['<', '<a:'],
    ['<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">', '<binaryData>AAAA'],
  ])('ends with a megabyte of %s%s', (beginning, piece) => {
    const bytes = Buffer.concat([Buffer.from(beginning), Buffer.alloc(mebibyte, piece)]);
    isOfficeXml(bytes);
    expectWithinBudget(unpackOfficeXml, bytes);
  });

  it('is not led astray by what only looks like markup', () => {
    const real = '<Relationship Type="x/attachedTemplate" TargetMode="External" Target="http://a.example"/>';
    for (const lie of [
      '<!-- <Relationship " -->',
      '<?x <Relationship "?>',
      '<![CDATA[<Relationship "<!--]]>',
    ])
      expect([...unpackOfficeXml(Buffer.from(`${relationships}${lie}${real}`), contextOf())]).toEqual([
        { kind: 'trait', trait: 'remote-template' },
      ]);
  });
});

describe('binary sheets and OneNote', () => {
  it.each([
    ['records of nothing', Buffer.concat([Buffer.from([0x81, 1, 0]), Buffer.alloc(4 * mebibyte)])],
    ['endless numbers', Buffer.concat([Buffer.from([0x81, 1, 0]), Buffer.alloc(4 * mebibyte, 0xff)])],
    ['formulas', Buffer.concat([Buffer.from([0x81, 1, 0]), Buffer.alloc(4 * mebibyte, 9)])],
  ])('end: %s', (_, bytes) => {
    expectWithinBudget(unpackOfficeXml, bytes);
  });

  it.each([
    ['files', 'e716e3bd65261145a4c48d4d0b7a9eac'],
    ['names', Buffer.from('<ifndf>{00000000-0000-0000-0000-000000000000}\x04\0', 'utf16le').toString('hex')],
  ])('end with megabytes of %s', (_, piece) => {
    const bytes = Buffer.concat([
      oneNote.subarray(0, 16),
      Buffer.alloc(4 * mebibyte, piece, 'hex'),
      Buffer.alloc(mebibyte),
    ]);
    expectWithinBudget(unpackOneNote, bytes);
  });
});
