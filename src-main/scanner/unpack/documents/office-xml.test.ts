import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { int16, int32 } from './office.fixture.ts';
import { isOfficeXml, unpackOfficeXml } from './office-xml.ts';

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const spreadsheet = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';

function contents(bytes: Buffer, name?: string): string[] {
  if (!isOfficeXml(bytes)) return ['not office'];
  return [...unpackOfficeXml(bytes, contextOf(name === undefined ? {} : { name }))].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}

const found = (xml: string) => contents(Buffer.from(declaration + xml));

const relationships = (inner: string) =>
  `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${inner}</Relationships>`;
const external = (type: string, target: string) =>
  relationships(
    `<Relationship Id="rId1" Type="${office}/${type}" Target="${target}" TargetMode="External"/>`,
  );
const word = (body: string) =>
  `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`;

describe('isOfficeXml', () => {
  it.each([
    '',
    '<html><body>schemas.microsoft.com/office</body></html>',
    '<?xml version="1.0"?><document>of something else</document>',
    'Dear all',
    `<worksheet ${spreadsheet}><sheetData/></worksheet>`,
    '\x81\x01',
  ])('leaves alone %j', (text) => {
    expect(isOfficeXml(Buffer.from(text, 'latin1'))).toBe(false);
  });

  it('knows a root behind much else', () => {
    const text = `${declaration}<!--${' <x> '.repeat(4_000)}-->${external('attachedTemplate', 'http://example.org')}`;
    expect(contents(Buffer.from(text))).toEqual(['[remote-template]']);
  });
});

describe('relationships', () => {
  it.each([
    ['hyperlink', 'https://example.org/'],
    ['hyperlink', 'mailto:a@example.org'],
    ['hyperlink', 'file:///C:/list.xlsx'],
    ['hyperlink', 'ms-excel:ofe|u|https://example.org/a.xlsx'],
    ['image', 'https://example.org/logo.png'],
    ['image', 'file:///C:/logo.png'],
    ['attachedTemplate', 'file:///C:\\Users\\me\\Normal.dotm'],
    ['attachedTemplate', 'file:///\\\\server\\templates\\letter.dotx'],
    ['oleObject', 'file:///C:\\report.xlsx!Sheet1!R1C1'],
    ['externalLinkPath', 'https://example.org/book.xlsx'],
    ['externalLinkPath', 'file:///\\\\server.example.org\\book.xlsx'],
    ['video', 'https://example.org/v'],
  ])('leave everyday content alone: %s %s', (type, target) => {
    expect(found(external(type, target))).toEqual([]);
  });

  it.each([
    ['attachedTemplate', 'https://example.org/a.dotm', 'remote-template'],
    ['attachedTemplate', 'h&#116;tp://example.org/a', 'remote-template'],
    ['attachedTemplate', '\\\\example.org@SSL\\a.dotm', 'remote-template'],
    ['attachedTemplate', 'file://192.0.2.1/a.dotm', 'remote-template'],
    ['oleObject', 'http://example.org/a.hta', 'remote-object'],
    ['oleObject', 'mhtml:http://example.org/a!x-usc:http://example.org/b', 'remote-object'],
    ['oleObject', 'ms-msdt:/id x', 'remote-object'],
    ['frame', 'http://example.org/', 'remote-object'],
    ['image', 'file://192.0.2.1/x.png', 'remote-object'],
    ['image', '\\\\example.org\\x.png', 'remote-object'],
    ['hyperlink', 'search-ms:query=x&amp;crumb=location:\\\\192.0.2.1', 'remote-object'],
    ['subDocument', 'http://example.org/x', 'remote-object'],
  ])('tell what is loaded from elsewhere: %s %s', (type, target, trait) => {
    expect(found(external(type, target))).toEqual([`[${trait}]`]);
  });

  it('are read whatever their prefix, quotes, order and encoding', () => {
    const xml = `<r:Relationships xmlns:r='http://schemas.openxmlformats.org/package/2006/relationships'><r:Relationship TargetMode='External'\n Target = 'http://example.org/>' Type='${office}/attachedTemplate' Id='a'></r:Relationship></r:Relationships>`;
    expect(found(xml)).toEqual(['[remote-template]']);
    const wide = Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${xml}`, 'utf16le');
    expect(contents(wide)).toEqual(['[remote-template]']);
    expect(contents(Buffer.from(wide).swap16())).toEqual(['[remote-template]']);
  });

  it('tell that there are macro sheets', () => {
    const type = 'http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet';
    expect(found(relationships(`<Relationship Id="a" Type="${type}" Target="m/s.xml"/>`))).toEqual([
      '[xlm-macros]',
    ]);
  });
});

describe('Word', () => {
  const run = (text: string) => `<w:r><w:instrText xml:space="preserve">${text}</w:instrText></w:r>`;
  const begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>';

  it.each([
    begin + run(' DDEAUTO c:\\\\cmd.exe "/k x"'),
    begin + run(' DD') + run('E') + run('AUTO c:\\\\cmd.exe'),
    begin + run(' &#68;&#x44;E "a"'),
    begin + run('<![CDATA[ DDEAUTO a b]]>'),
    begin + run(' PAGE ') + begin + run('ddeauto a b'),
    '<w:fldSimple w:instr=" DDE excel a b"><w:r/></w:fldSimple>',
  ])('finds fields that start programs: %s', (body) => {
    expect(found(word(body))).toEqual(['[dde-link]']);
  });

  it('leaves other fields and texts alone', () => {
    const fields = begin + run(' HYPERLINK "https://example.org/DDE" ') + begin + run(' PAGE ');
    expect(
      found(word(`${fields}<w:p><w:t>DDEAUTO c:\\cmd.exe</w:t></w:p><w:fldSimple w:instr=" DATE "/>`)),
    ).toEqual([]);
  });

  it('gives what Flat OPC and Word 2003 hold', () => {
    const data = Buffer.from('what is inside').toString('base64').replace(/.{8}/g, '$&\r\n');
    expect(
      found(
        `<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>${data}</pkg:binaryData></pkg:part><pkg:part><pkg:xmlData>${external('attachedTemplate', 'http://example.org/')}</pkg:xmlData></pkg:part></pkg:package>`,
      ),
    ).toEqual(['[remote-template]', 'binaryData=what is inside']);
    expect(
      found(
        `<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:docSuppData><w:binData w:name="editdata.mso">${data}</w:binData></w:docSuppData></w:wordDocument>`,
      ),
    ).toEqual(['editdata.mso=what is inside']);
  });
});

describe('Excel', () => {
  it('finds macro sheets, what runs by itself, and what it does', () => {
    const sheet = (formula: string) =>
      `<xm:macrosheet xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><sheetData><row><c><f>${formula}</f></c></row></sheetData></xm:macrosheet>`;
    expect(found(sheet('EXEC(&quot;calc&quot;)'))).toEqual(['[xlm-macros]', '[xlm-acting-words]']);
    expect(found(sheet('CHAR(61)&amp;CHAR(62)'.repeat(20)))).toEqual(['[xlm-macros]', '[xlm-acting-words]']);
    expect(found(sheet('RETURN()'))).toEqual(['[xlm-macros]']);
    const names = (name: string) =>
      found(
        `<workbook ${spreadsheet}><definedNames><definedName name="${name}" hidden="1">M!$A$1</definedName></definedNames></workbook>`,
      );
    expect(names('_xlnm.Auto_Open')).toEqual(['[xlm-auto-run]']);
    expect(names('_xlnm.Print_Area')).toEqual([]);
  });

  it('finds DDE links, and leaves links to workbooks alone', () => {
    const link = (inner: string) => found(`<externalLink ${spreadsheet}>${inner}</externalLink>`);
    expect(link('<ddeLink ddeService="cmd" ddeTopic="/c calc"/>')).toEqual(['[dde-link]']);
    expect(link('<externalBook r:id="rId1"/>')).toEqual([]);
  });

  it('knows ActiveX controls', () => {
    expect(
      found('<ax:ocx ax:classid="{}" xmlns:ax="http://schemas.microsoft.com/office/2006/activeX"/>'),
    ).toEqual(['[activex-object]']);
  });
});

describe('binary workbooks', () => {
  const record = (id: number, ...data: Buffer[]) => {
    const content = Buffer.concat(data);
    const head = id < 128 ? [id] : [(id & 0x7f) | 0x80, id >> 7];
    return Buffer.concat([Buffer.from([...head, content.length]), content]);
  };
  const text = Buffer.from('calc.exe', 'utf16le');
  const tokens = Buffer.concat([Buffer.from([0x17]), int16(8), text, Buffer.from([0x42, 1]), int16(110)]);
  const formula = (cell: Buffer) => record(8, Buffer.alloc(8), cell, int16(0), int32(tokens.length), tokens);
  const value = Buffer.concat([int32(2), Buffer.from('ab', 'utf16le')]);
  const sheet = Buffer.concat([record(129), record(0, Buffer.alloc(17)), formula(value), record(130)]);

  it('finds macros by what they call, and by where they are', () => {
    const expected = ['[xlm-macros]', '[xlm-acting-words]', 'macro-sheet.txt=calc.exe EXEC'];
    expect(contents(sheet, 'xl/worksheets/sheet1.bin')).toEqual(expected);
    expect(contents(Buffer.concat([record(129), record(130)]), 'xl/macrosheets/sheet1.bin')).toEqual([
      '[xlm-macros]',
    ]);
    expect(contents(Buffer.concat([record(129), record(130)]), 'xl/worksheets/sheet1.bin')).toEqual([]);
  });

  it('finds names that run something, and DDE links', () => {
    const name = (of: string) =>
      Buffer.concat([record(131), record(39, Buffer.alloc(9), int32(of.length), Buffer.from(of, 'utf16le'))]);
    expect(contents(name('_xlnm.Auto_Open'))).toEqual(['[xlm-auto-run]']);
    expect(contents(name('Total'))).toEqual([]);
    expect(contents(record(360, int16(1), int32(0)))).toEqual(['[dde-link]']);
    expect(contents(record(360, int16(0), int32(0)))).toEqual([]);
  });
});

describe('OpenDocument', () => {
  it('says what is encrypted', () => {
    const manifest = (inner: string) =>
      found(
        `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry>${inner}</manifest:file-entry></manifest:manifest>`,
      );
    expect(manifest('<manifest:encryption-data manifest:checksum="x"/>')).toEqual([
      '[encrypted-document]',
      'encrypted',
    ]);
    expect(manifest('')).toEqual([]);
  });

  it('gives Basic, and says what it does', () => {
    const code = 'Sub Main\n  Shell(&quot;calc&quot;)\nEnd Sub';
    expect(
      found(
        `<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd"><script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">${code}</script:module>`,
      ),
    ).toEqual(['Module1.bas=Sub Main\n  Shell("calc")\nEnd Sub', '[vba-macros]', '[vba-acting-words]']);
  });

  it('finds what runs when a document is opened', () => {
    const listener = (event: string) =>
      found(
        `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><script:event-listener script:event-name="${event}"/></office:document-content>`,
      );
    expect(listener('dom:load')).toEqual(['[vba-auto-run]']);
    expect(listener('form:performaction')).toEqual([]);
  });
});
