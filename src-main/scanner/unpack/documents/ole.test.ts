import { existsSync, readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { type CompoundOptions, compoundFile } from './compound-file.fixture.ts';
import { biff, callTokens, int16, int32, macroWorkbook, nativeOf, packageOf } from './office.fixture.ts';
import { isOle, unpackOle } from './ole.ts';

const samples = '/usr/share/clamav-testfiles';
const program = Buffer.concat([
  Buffer.from('MZ'),
  Buffer.alloc(58),
  int32(64),
  Buffer.from('PE\0\0'),
  Buffer.alloc(99),
]);

function contents(bytes: Buffer): string[] {
  return [...unpackOle(bytes, contextOf())].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}

const found = (streams: Record<string, Buffer | string>, options?: CompoundOptions) =>
  contents(compoundFile(streams, options));

/** A Word document's main stream, with the flags of its header and its text. */
function word(flags: number, text: string, encoding: 'latin1' | 'utf16le' = 'latin1'): Buffer {
  const header = Buffer.alloc(512);
  header.writeUInt16LE(0xa5ec, 0);
  header.writeUInt16LE(flags, 10);
  return Buffer.concat([header, Buffer.from(text, encoding)]);
}

describe('isOle', () => {
  it('knows compound files, and ActiveMime', () => {
    expect(isOle(compoundFile({}))).toBe(true);
    expect(isOle(Buffer.from('ActiveMime'))).toBe(true);
    expect(isOle(Buffer.from('ActiveMi'))).toBe(false);
    expect(isOle(Buffer.alloc(0))).toBe(false);
  });
});

describe('ordinary documents', () => {
  it.each([
    [
      'Word',
      {
        WordDocument: word(0, 'Dear Sir, \x13 HYPERLINK "https://example.org" \x14 DDE is not meant here'),
        '1Table': 'x',
      },
    ],
    [
      'Excel',
      {
        Workbook: Buffer.concat([
          biff(0x809, int16(0x600), int16(5)),
          biff(0x85, int32(9), Buffer.from('\0\0\x02\0S1')),
          biff(0x18, int16(0x20), Buffer.from([0, 1]), Buffer.alloc(11), Buffer.from([6])),
          biff(0x0a),
        ]),
      },
    ],
    [
      'PowerPoint',
      {
        'PowerPoint Document': Buffer.alloc(300),
        'Current User': Buffer.concat([int32(0), int32(0), int32(20), int32(0xe391c05f)]),
      },
    ],
    [
      'with an OLE object',
      { 'ObjectPool/_1/\x01Ole': Buffer.alloc(20), 'ObjectPool/_1/\x01CompObj': 'Microsoft Excel' },
    ],
  ])('say nothing: %s', (_, streams) => {
    expect(found({ '\x05SummaryInformation': Buffer.alloc(400), ...streams })).toEqual([]);
  });
});

describe('packages', () => {
  it('gives the file under the name that it is opened by', () => {
    const native = nativeOf(packageOf('invoice.pdf', 'C:\\Users\\me\\run.js', Buffer.from('var x')));
    expect(found({ 'ObjectPool/_1/\x01Ole10Native': native })).toEqual([
      '[ole-package]',
      '[ole-program]',
      'run.js=var x',
      'invoice.pdf=var x',
    ]);
  });

  it('takes a file that is no program as it is', () => {
    const native = nativeOf(packageOf('list.txt', 'C:\\list.txt', Buffer.from('one')));
    expect(found({ '\x01Ole10Native': native })).toEqual(['[ole-package]', 'list.txt=one']);
  });

  it('finds the file where its size is a lie or cut off', () => {
    const native = nativeOf(packageOf('a.exe', 'a.exe', Buffer.from('MZ..')));
    native.writeUInt32LE(0xffffffff, native.length - 8);
    expect(found({ '\x01Ole10Native': native })).toContain('a.exe=MZ..');
  });

  it('gives native data that are no package as they are', () => {
    expect(found({ '\x01Ole10Native': nativeOf(Buffer.from('BM something')) })).toEqual([
      'native-data=BM something',
    ]);
  });

  it.each(['CONTENTS', 'Package', 'EmbeddedOdf'])('gives the stream %s', (name) => {
    expect(found({ [`MBD1/${name}`]: 'whatever' })).toEqual([`${name}=whatever`]);
  });
});

describe('streams', () => {
  it.each([{}, { sectorShift: 12 }, { orphaned: true }] as const)(
    'gives what begins like a file: %o',
    (options) => {
      expect(found({ 'a/odd': program, plain: Buffer.alloc(400, 'x') }, options)).toEqual([
        `${'orphaned' in options ? '' : 'a/'}odd=${program.toString('latin1')}`,
      ]);
    },
  );

  it('finds a program behind other data', () => {
    const contents = found({ Data: Buffer.concat([Buffer.alloc(300, 1), program]) });
    expect(contents).toEqual([`Data.program=${program.toString('latin1')}`]);
  });

  it('joins what is scattered over the file', () => {
    const text = `${'p'.repeat(510)}MARKER${'p'.repeat(5_000)}`;
    expect(found({ WordDocument: word(0, text) }, { scattered: true })).toContain(
      `WordDocument=${word(0, text).toString('latin1')}`,
    );
    expect(found({ WordDocument: word(0, text) })).toEqual([]);
  });
});

describe('Word', () => {
  it('says that it is encrypted', () => {
    expect(found({ WordDocument: word(0x100, '') })).toEqual(['[encrypted-document]', 'encrypted']);
  });

  it.each([
    ['octets', 'x\x13 DDEAUTO c:\\\\windows\\\\cmd.exe "/k"', 'latin1'],
    ['UTF-16', 'x\x13 ddeauto excel a b', 'utf16le'],
    ['no blanks', '\x13DDE "a"', 'latin1'],
  ] as const)('finds fields that start programs: %s', (_, text, encoding) => {
    expect(found({ WordDocument: word(0, text, encoding) })).toEqual(['[dde-link]']);
  });
});

describe('Excel', () => {
  it('finds macro sheets, what runs by itself, and what it does', () => {
    for (const name of [{ builtIn: 1 }, { text: 'auto_OPEN5' }])
      expect(found({ Workbook: macroWorkbook(callTokens('calc.exe', 110), name) })).toEqual([
        '[xlm-macros]',
        '[xlm-auto-run]',
        '[xlm-acting-words]',
        'macro-sheets.txt=calc.exe EXEC',
      ]);
  });

  it('tells macros that do nothing outside', () => {
    expect(found({ Book: macroWorkbook(callTokens('x', 100), { text: 'total' }) })).toEqual([
      '[xlm-macros]',
      'macro-sheets.txt=x',
    ]);
  });

  it('takes note of text that is put together from numbers', () => {
    const tokens = Buffer.concat(
      Array.from({ length: 60 }, (_, index) => Buffer.from([0x1e, 65 + index, 0, 0x41, 111, 0])),
    );
    expect(found({ Workbook: macroWorkbook(tokens, { text: 'a' }) })).toContain('[xlm-acting-words]');
  });

  it('says that it is encrypted', () => {
    const workbook = Buffer.concat([biff(0x809, int16(0x600), int16(5)), biff(0x2f, Buffer.alloc(54))]);
    expect(found({ Workbook: workbook })).toEqual(['[encrypted-document]', 'encrypted']);
  });

  it('finds DDE links to programs, and leaves links to workbooks alone', () => {
    const link = (path: string) =>
      biff(0x1ae, int16(0), int16(path.length), Buffer.from(`\0${path}`, 'latin1'));
    expect(found({ Workbook: link('cmd\x03/c calc') })).toEqual(['[dde-link]']);
    expect(found({ Workbook: link('\x01C:\\command.xls') })).toEqual([]);
  });
});

describe('PowerPoint', () => {
  const inner = compoundFile({ '\x01Ole10Native': nativeOf(packageOf('a.exe', 'a.exe', program)) });
  const storage = (instance: number, data: Buffer) =>
    Buffer.concat([int16(instance << 4), int16(0x1011), int32(data.length), data]);

  it.each([
    ['compressed', storage(1, Buffer.concat([int32(inner.length), deflateSync(inner)]))],
    ['as it is', storage(0, inner)],
  ])('gives embedded objects: %s', (_, record) => {
    const stream = Buffer.concat([Buffer.from('0f00e803ff000000', 'hex'), record, Buffer.alloc(9)]);
    expect(found({ 'PowerPoint Document': stream })).toContain(`object-1=${inner.toString('latin1')}`);
  });

  it('says that an object is damaged', () => {
    const record = storage(1, Buffer.concat([int32(9), Buffer.from('789cffffffffffff', 'hex')]));
    expect(found({ 'PowerPoint Document': record })).toEqual(['damaged-archive']);
  });

  it('says that it is encrypted', () => {
    const user = Buffer.concat([Buffer.alloc(12), int32(0xf3d1c4df), Buffer.alloc(8)]);
    expect(found({ 'Current User': user })).toEqual(['[encrypted-document]', 'encrypted']);
  });
});

describe('objects', () => {
  it('knows equations by their class and by their stream', () => {
    const classes = { 'ObjectPool/_1': '02ce020000000000c000000000000046' };
    expect(found({ 'ObjectPool/_1/x': 'y' }, { classes })).toEqual(['[equation-object]']);
    expect(found({ 'eQuATiOn nAtIvE': 'shellcode' })).toEqual([
      '[equation-object]',
      'eQuATiOn nAtIvE=shellcode',
    ]);
  });

  it('knows objects that are elsewhere', () => {
    const moniker = (target: string) =>
      Buffer.concat([
        Buffer.alloc(30),
        Buffer.from('e0c9ea79f9bace118c8200aa004ba90b', 'hex'),
        int32(99),
        Buffer.from(target, 'utf16le'),
      ]);
    expect(found({ '\x01Ole': moniker('http://example.org/a.hta\0') })).toEqual(['[remote-object]']);
    expect(found({ '\x01Ole': moniker('file:///C:/report.xls\0') })).toEqual([]);
  });

  it('knows ActiveX controls', () => {
    expect(found({ 'ObjectPool/_1/\x03OCXNAME': 'C' })).toEqual(['[activex-object]']);
  });
});

describe('Outlook messages', () => {
  const name = (text: string) => Buffer.from(text, 'utf16le');
  const attachment = (index: number, text: string, content: string) => ({
    [`__attach_version1.0_#0000000${index}/__substg1.0_37010102`]: content,
    [`__attach_version1.0_#0000000${index}/__substg1.0_3704001F`]: name('SHORT~1.EXE'),
    [`__attach_version1.0_#0000000${index}/__substg1.0_3707001F`]: name(text),
  });

  it('gives attachments by their names, and bodies', () => {
    const contents = found({
      ...attachment(0, 'one.exe', 'MZ one'),
      ...attachment(1, 'two.txt', 'two'),
      '__substg1.0_1000001F': name('Dear'),
      '__substg1.0_10130102': '<html>',
      '__substg1.0_0037001F': name('a subject'),
    });
    expect(contents.sort()).toEqual(['body.html=<html>', 'body.txt=Dear', 'one.exe=MZ one', 'two.txt=two']);
  });

  it('gives the attachments of messages within', () => {
    const within = '__attach_version1.0_#00000000/__substg1.0_3701000D/__attach_version1.0_#00000000';
    expect(
      found({ [`${within}/__substg1.0_37010102`]: 'x', [`${within}/__substg1.0_3704001E`]: 'a.js\0' }),
    ).toEqual(['a.js=x']);
  });
});

describe('installer packages', () => {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._';
  function mangled(text: string): string {
    let out = text.startsWith('!') ? '\u4840' : '';
    const rest = text.replace('!', '');
    for (let at = 0; at < rest.length; at += 2) {
      const first = digits.indexOf(rest[at] ?? '');
      const second = digits.indexOf(rest[at + 1] ?? ' ');
      out += String.fromCharCode(second === -1 ? 0x4800 + first : 0x3800 + first + (second << 6));
    }
    return out;
  }

  it('gives files by their names, and the texts of all tables', () => {
    const contents = found({
      [mangled('Binary.run.vbs')]: 'dim x',
      [mangled('Data1.cab')]: 'MSCF',
      [mangled('!File')]: 'rows',
      [mangled('!_StringData')]: 'CustomAction cmd.exe /c x',
    });
    expect(contents).toEqual([
      'Binary.run.vbs=dim x',
      'Data1.cab=MSCF',
      'strings.txt=CustomAction cmd.exe /c x',
    ]);
  });
});

describe('ActiveMime', () => {
  it('gives the compound file in it', () => {
    const inner = compoundFile({ a: 'b' });
    const file = Buffer.concat([Buffer.from('ActiveMime\0\0'), Buffer.alloc(38), deflateSync(inner)]);
    expect(contents(file)).toEqual([`active-mime.ole=${inner.toString('latin1')}`]);
    expect(contents(file.subarray(0, 60))).toContain('damaged-archive');
  });
});

describe.skipIf(!existsSync(samples))('files of other programs', () => {
  const payload = () => readFileSync(`${samples}/clam.exe`).toString('latin1');

  it('finds what Word embedded', () => {
    const found_ = contents(readFileSync(`${samples}/clam.ole.doc`));
    expect(found_).toContain(`clam.exe=${payload()}`);
    expect(found_).toContain('[ole-program]');
  });

  it('finds what PowerPoint embedded', () => {
    const object = [...unpackOle(readFileSync(`${samples}/clam.ppt`), contextOf())].find(
      (each) => each.kind === 'member' && each.name === 'object-1',
    );
    expect(object?.kind === 'member' && contents(object.bytes)).toContain(`clam.exe=${payload()}`);
  });
});
