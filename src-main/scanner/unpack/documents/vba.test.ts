import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { compoundFile } from './compound-file.fixture.ts';
import { compressVba, vbaProject } from './office.fixture.ts';
import { unpackOle } from './ole.ts';
import { decompressVba } from './vba-compression.ts';
import { foldConstants } from './vba-expressions.ts';
import { vbaTraits } from './vba-words.ts';

const code = 'Sub AutoOpen()\r\n  Dim x\r\n  x = Shell("calc.exe", 1)\r\nEnd Sub\r\n';

function found(streams: Record<string, Buffer | string>): string[] {
  return [...unpackOle(compoundFile(streams), contextOf())].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}

describe('decompressVba', () => {
  it.each([
    ['short', 'Attribute VB_Name = "A"'],
    ['repeating', 'ab'.repeat(3_000)],
    ['long', Array.from({ length: 1_500 }, (_, index) => `line ${index * index}`).join('\r\n')],
  ])('reads what was compressed: %s', (_, text) => {
    expect(decompressVba(compressVba(text), 1e6)).toMatchObject({
      bytes: Buffer.from(text),
      end: 'complete',
    });
  });

  it('reads the example of MS-OVBA §3.2.2', () => {
    const example =
      '012fb000236161616263646582660070616768696a0138086' +
      '16b6c00306d6e6f70067102700410727374757610777879' +
      '7a003c';
    expect(decompressVba(Buffer.from(example, 'hex'), 1e6).bytes.toString()).toBe(
      '#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa',
    );
  });

  it('stops at the number of octets that it may give', () => {
    const { bytes, end } = decompressVba(compressVba('x'.repeat(20_000)), 9_000);
    expect([bytes.length, end]).toEqual([8_192, 'cut']);
  });
});

describe('unpackVba', () => {
  it('gives the source of every module', () => {
    const streams = vbaProject({
      ThisDocument: code,
      Module1: 'Function Sum(a, b)\r\n  Sum = a + b\r\nEnd Function\r\n',
    });
    const contents = found({ WordDocument: 'text', ...streams });
    expect(contents).toContain(`ThisDocument.bas=Attribute VB_Name = "ThisDocument"\r\n${code}`);
    expect(contents.filter((each) => each.startsWith('Module1.bas='))).toHaveLength(1);
    expect(contents).toContain('[vba-macros]');
    expect(contents).toContain('[vba-auto-run]');
    expect(contents).toContain('[vba-acting-words]');
    expect(contents).not.toContain('[vba-stomped]');
  });

  it('finds source without the directory of the project', () => {
    const { 'Macros/VBA/dir': _, ...streams } = vbaProject({ Module1: code });
    expect(found(streams)).toContain('[vba-acting-words]');
  });

  it('has nothing to say of a project in which nobody wrote anything', () => {
    const contents = found(vbaProject({ ThisWorkbook: 'Option Explicit\r\n', Sheet1: "' nothing here\r\n" }));
    expect(contents.filter((each) => each.startsWith('['))).toEqual([]);
    expect(contents).toHaveLength(2);
  });

  it('says where compiled code has no source', () => {
    const streams = vbaProject({ Module1: code });
    const stomped = { ...streams, 'Macros/VBA/Module1': Buffer.alloc(900, 0x91) };
    expect(found(stomped)).toContain('[vba-stomped]');
    const zeroed = { ...streams, 'Macros/VBA/Module1': Buffer.alloc(900) };
    expect(found(zeroed)).toContain('[vba-stomped]');
    expect(found({ 'Macros/VBA/dir': 'something', other: 'x' })).toContain('[vba-stomped]');
  });

  it('names the damage and keeps what came before it', () => {
    const source = compressVba(
      `Attribute VB_Name = "A"\r\n${'x'.repeat(60)}\r\nSub AutoOpen()\r\n${code.repeat(300)}`,
    );
    // A token that points before the beginning of the second chunk.
    const second = 3 + (source.readUInt16LE(1) & 0xfff) + 1;
    source.writeUInt8(0xff, second + 2);
    source.writeUInt16LE(0xffff, second + 3);
    const contents = found({ 'VBA/A': source });
    expect(contents).toContain('damaged-archive');
    expect(contents.find((each) => each.startsWith('A.bas='))?.length).toBeGreaterThan(4_000);
  });
});

describe('foldConstants', () => {
  it.each([
    ['"She" & "ll"', '"Shell"'],
    ['"She" + _\r\n  "ll"', '"Shell"'],
    ['Chr(83) & Chr$(104) & ChrW(&H65) & "ll"', '"Shell"'],
    ['Chr(80 + 3) & Chr(208 / 2)', '"S" & Chr(208 / 2)'],
    ['StrReverse("llehS")', '"Shell"'],
    ['Replace("ShXXell", "XX", "")', '"Shell"'],
    ['StrReverse(Replace("llQehS", "Q", ""))', '"Shell"'],
    ['"say ""hi"""', '"say "hi""'],
    ["x = 1 ' Shell(1)\r\ny", 'x = 1 \ny'],
    ['"unclosed\r\nx', '"unclosed\r\nx'],
    ['Replace("a", b, "c")', 'Replace("a", b, "c")'],
  ])('%s', (text, folded) => {
    expect(foldConstants(text)).toBe(folded);
  });
});

describe('vbaTraits', () => {
  const acts = (line: string) => vbaTraits(`Sub Work()\r\n${line}\r\nEnd Sub`).includes('vba-acting-words');

  it.each([
    'Shell "calc"',
    'x = VBA.Shell(path)',
    'If a Then Shell path, 0',
    'CreateObject("WScript.Shell").Run "x"',
    'CreateObject("WSc" & "ript.She" & Chr(108) & "l").Run x',
    'Set o = CreateObject("MSXML2.XMLHTTP")',
    'Private Declare Function URLDownloadToFile Lib "urlmon"',
    'VirtualAlloc 0, 100, 0, &H40',
    'x = "pow" & "ershell -enc"',
    'Shell "explorer.exe c:\\\\temp\\\\a.exe"',
    'CallByName o, StrReverse(x), VbMethod, y',
    'GetObject("winmgmts:\\\\.\\root\\cimv2:Win32_Process").Create x',
    'Open Environ("TEMP") & "a.dat" For Binary As #1',
  ])('takes note of %s', (line) => {
    expect(acts(line)).toBe(true);
  });

  it.each([
    'Range("A1").Value = 1',
    '\' Shell "calc"',
    'MsgBox "Nutshell (draft)"',
    'MsgBox "Shell station"',
    'Dim shell As Object',
    'Set d = CreateObject("Scripting.Dictionary")',
    'Set m = CreateObject("Outlook.Application").CreateItem(0)',
    'Open "c:\\report.csv" For Output As #1',
    'ActiveSheet.Shapes(1).Delete',
    'Shell "explorer.exe " & folder, vbNormalFocus',
    'CreateObject("Shell.Application").BrowseForFolder(0, "Folder", 0)',
    'x = CreateObject("WScript.Shell").SpecialFolders("Desktop")',
    'Set s = CreateObject("ADODB.Stream"): s.Charset = "utf-8": s.SaveToFile f',
    'CallByName sheet, "Name", VbGet',
  ])('does not mind %s', (line) => {
    expect(acts(line)).toBe(false);
  });

  it.each([
    'AutoOpen',
    'Document_Open',
    'Workbook_Open',
    'auto_open',
    'Document_Close',
    'Worksheet_Activate',
  ])('knows that %s runs by itself', (name) => {
    expect(vbaTraits(`Private Sub ${name}()\r\nx = 1\r\nEnd Sub`)).toContain('vba-auto-run');
  });

  it('knows that other procedures wait to be called', () => {
    expect(vbaTraits('Sub OpenReport()\r\nx = 1\r\nEnd Sub\r\nSub UserForm_Initialize()\r\nEnd Sub')).toEqual(
      ['vba-macros'],
    );
  });
});
