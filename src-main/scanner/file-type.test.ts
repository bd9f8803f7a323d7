import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type FileType, fileTypeOf } from './file-type.ts';
import { eicar, message, multipart, tar, textPart, zip } from './test-messages.ts';

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');

/** `pieces` at their offsets, zeros elsewhere. */
function laidOut(bytes: number, pieces: Readonly<Record<number, string>>): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const [at, text] of Object.entries(pieces)) buffer.write(text, Number(at), 'latin1');
  return buffer;
}

const ole = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1';

/** An OLE file of sectors of 512 octets, with its directory in the second one. */
function oleWith(pieces: Readonly<Record<number, string>>): Buffer {
  return laidOut(4096, { 0: ole, 30: '\x09\0', 48: '\x01\0\0\0', ...pieces });
}

describe('octets', () => {
  const cases: readonly [string, Buffer, FileType][] = [
    ['a PE file', laidOut(256, { 0: 'MZ', 60: '\x80\0\0\0', 128: 'PE\0\0' }), 'program'],
    ['a PE file that was cut short', octets('MZ\x90\0\x03\0\0\0'), 'program'],
    ['an old DOS program', laidOut(64, { 0: 'MZ\x10\0\x01\0\0\0\x02\0' }), 'program'],
    [
      'a text that begins with MZ',
      octets('MZ is the first word of this sentence, which goes on and on.'),
      'text',
    ],
    ['an ELF file', octets('\x7fELF\x02\x01\x01\0'), 'elf'],
    ['a Mach-O file', octets('\xcf\xfa\xed\xfe\x07\0\0\x01'), 'mach-o'],
    ['a Mach-O file for two processors', octets('\xca\xfe\xba\xbe\0\0\0\x02\0\0\0\0'), 'mach-o'],
    ['a Java class', octets('\xca\xfe\xba\xbe\0\0\0\x34\0\x10'), 'java-class'],
    ['a Windows shortcut', octets('L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46\x80\0\0\0'), 'shortcut'],
    ['compiled help', octets('ITSF\x03\0\0\0\x60\0\0\0'), 'help'],
    ['an OLE file', oleWith({}), 'ole'],
    ['an MSI package', oleWith({ [1024 + 80]: '\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46' }), 'installer'],
    [
      'an Outlook message',
      oleWith({ [1024 + 80]: '\x0b\x0d\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46' }),
      'outlook-message',
    ],
    ['an OLE file that ends after its first octets', octets(ole), 'ole'],
    ['an OLE file whose directory is nowhere', oleWith({ 48: '\xfe\xff\xff\xff' }), 'ole'],
    ['a zip file', zip([{ name: 'a.txt', bytes: octets('a') }]), 'zip'],
    ['an empty zip file', octets('PK\x05\x06'.padEnd(22, '\0')), 'zip'],
    ['a Word document', zip([{ name: '[Content_Types].xml', bytes: octets('<Types/>') }]), 'office-xml'],
    [
      'an OpenDocument text',
      zip([{ name: 'mimetype', bytes: octets('application/vnd.oasis.opendocument.text'), stored: true }]),
      'office-xml',
    ],
    [
      'a Java archive',
      zip([{ name: 'META-INF/MANIFEST.MF', bytes: octets('Main-Class: A') }]),
      'java-archive',
    ],
    [
      'a zip of the sources of one',
      zip([
        { name: 'src/A.java', bytes: octets('class A {}') },
        { name: 'src/META-INF/MANIFEST.MF', bytes: octets('Main-Class: A') },
      ]),
      'zip',
    ],
    ['a gzip file', gzipSync('a'), 'gzip'],
    ['a tar file', tar('a', octets('a')), 'tar'],
    ['a bzip2 file', octets('BZh91AY&SY\0\0'), 'bzip2'],
    ['an xz file', octets('\xfd7zXZ\0\0\x04'), 'xz'],
    ['a zstd file', octets('\x28\xb5\x2f\xfd\0'), 'zstd'],
    ['a 7z file', octets('7z\xbc\xaf\x27\x1c\0\x04'), '7z'],
    ['a RAR 5 file', octets('Rar!\x1a\x07\x01\0'), 'rar'],
    ['a RAR 4 file', octets('Rar!\x1a\x07\0'), 'rar'],
    ['a cabinet', octets('MSCF\0\0\0\0\x10'), 'cab'],
    ['a CD image', laidOut(0x9000, { 32769: 'CD001' }), 'disk-image'],
    ['a UDF image', laidOut(0x9000, { 32769: 'BEA01' }), 'disk-image'],
    ['a disk of a virtual machine', laidOut(0x9000, { [0x9000 - 512]: 'conectix' }), 'disk-image'],
    ['a new disk of a virtual machine', octets('vhdxfile\0\0'), 'disk-image'],
    ['a macOS disk image', laidOut(0x9000, { [0x9000 - 512]: 'koly\0\0\0\x04' }), 'disk-image'],
    ['a floppy', laidOut(512, { 0: '\xeb\x3c\x90', 510: '\x55\xaa' }), 'disk-image'],
    ['an LHA archive', octets('\x20\0-lh5-\0\0\0'), 'archive'],
    ['an ACE archive', octets('\0\0\0\0\0\0\0**ACE**'), 'archive'],
    ['an ARJ archive', octets('\x60\xea\x1d\0'), 'archive'],
    ['a Debian package', octets('!<arch>\ndebian-binary'), 'archive'],
    ['a date that begins like cpio', octets('070701 was a Saturday'), 'text'],
    ['winmail.dat', octets('\x78\x9f\x3e\x22\x01\0'), 'tnef'],
    ['a PDF', octets('%PDF-1.7\n'), 'pdf'],
    ['a PDF behind other octets', octets(`${'x'.repeat(1000)}%PDF-1.7\n`), 'pdf'],
    ['rich text', octets('{\\rtf1\\ansi'), 'rtf'],
    ['rich text as only Word reads it', octets('{\\rt\\x'), 'rtf'],
    ['a OneNote section', octets('\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1'), 'one-note'],
    ['a PNG picture', octets('\x89PNG\r\n\x1a\n'), 'image'],
    ['a JPEG picture', octets('\xff\xd8\xff\xe0\0\x10JFIF'), 'image'],
    ['a WebP picture', octets('RIFF\x24\0\0\0WEBPVP8 '), 'image'],
    ['a HEIC picture', octets('\0\0\0\x18ftypheic'), 'image'],
    ['an MP4 film', octets('\0\0\0\x18ftypisom'), 'audio-video'],
    ['a WAV recording', octets('RIFF\x24\0\0\0WAVEfmt '), 'audio-video'],
    ['an S/MIME message', Buffer.from('308006092a864886f70d010703a080', 'hex'), 'cms'],
    ['an armoured PGP message', octets('-----BEGIN PGP MESSAGE-----\n\nhQ'), 'pgp'],
    ['a signed text', octets('-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHi\n'), 'text'],
    ['a PGP message', Buffer.concat([octets('\x85\x01\x0c\x03'), Buffer.alloc(300, 0xa7)]), 'pgp'],
    ['other octets', Buffer.from([1, 2, 0, 3, 0xf0, 0, 9]), 'unknown'],
    ['nothing', Buffer.alloc(0), 'unknown'],
  ];
  it.each(cases)('knows %s', (_, bytes, type) => {
    expect(fileTypeOf(bytes)).toBe(type);
  });
});

describe('texts', () => {
  const cases: readonly [string, string, FileType][] = [
    ['prose', 'Dear all,\n\nplease find the report attached.\n', 'text'],
    ['prose about scripts', 'The attachment called WScript.Shell and eval(x); var x = 1.\n', 'text'],
    ['prose that begins with a word of scripts', 'Function follows form, and set theory is dim.\n', 'text'],
    ['a question', 'var is shorter than let, or is it?\n', 'text'],
    ['settings', 'name = "a"\nvalues = [1, 2]\n', 'text'],
    ['Python', 'import os\nprint(os.environ)\n', 'text'],
    ['a page', '<!DOCTYPE html>\n<html><body>Hi</body></html>', 'html'],
    ['a piece of a page', '<div>Hi</div>', 'html'],
    ['a page behind a comment', '<!-- x -->\n<table><tr></tr></table>', 'html'],
    ['a picture', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', 'svg'],
    ['a page with a picture in it', '<html><body><svg></svg></body></html>', 'html'],
    ['XML', '<?xml version="1.0"?><feed/>', 'xml'],
    ['an address in angle brackets', '<a@example.test> wrote:\nHi\n', 'text'],
    ['a message', 'From: a@example.test\r\nSubject: x\r\n\r\nHi', 'message'],
    ['a bounce', 'Return-Path: <>\nReceived: from a by b\n\nHi', 'message'],
    ['a note that begins like a field', 'Note: this is no message.\nTo: nobody\n', 'text'],
    ['JavaScript', '// a\nvar a = function () { return 1; };\n', 'javascript'],
    ['a module', '"use strict";\nmodule.exports = 1;\n', 'javascript'],
    ['JScript', 'var s = new ActiveXObject("WScript.Shell");', 'jscript'],
    ['encoded JScript', '#@~^AAAAAA==x^#~@', 'jscript'],
    ['VBScript', '\' a\r\nDim s\r\nSet s = CreateObject("WScript.Shell")\r\n', 'vbscript'],
    ['a module of macros', 'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\n', 'visual-basic'],
    ['a Windows script file', '<?xml version="1.0"?>\n<job id="a"><script/></job>', 'windows-script'],
    ['a scriptlet', '<scriptlet><registration/></scriptlet>', 'windows-script'],
    ['an HTML application', '<html><head><HTA:APPLICATION id="a"/></head></html>', 'hta'],
    ['a batch file', '@echo off\r\nstart a.exe\r\n', 'batch'],
    ['a batch file behind remarks', 'REM a\r\n:: b\r\n@if exist a del a\r\n', 'batch'],
    ['PowerShell', '# a\n$client = New-Object Net.WebClient\n', 'powershell'],
    ['a price', '$100 = 95 euros\n', 'text'],
    ['a shell script', '#!/bin/sh\necho\n', 'shell-script'],
    ['changes of the registry', 'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS]', 'registry'],
    ['an internet shortcut', '[InternetShortcut]\r\nURL=https://example.test/\r\n', 'internet-shortcut'],
    ['a starter', '[Desktop Entry]\nExec=sh\n', 'desktop-entry'],
    ['a starter behind a comment', '# a\n\n[Desktop Entry]\nExec=sh\n', 'desktop-entry'],
    ['a command that the test string is', eicar.toString('latin1'), 'text'],
  ];
  it.each(cases)('knows %s', (_, text, type) => {
    expect(fileTypeOf(octets(text))).toBe(type);
  });

  it.each(cases)('knows %s in UTF-16, with a mark and without', (_, text, type) => {
    const wide = Buffer.from(text, 'utf16le');
    expect(fileTypeOf(wide)).toBe(type);
    expect(fileTypeOf(Buffer.concat([octets('\xff\xfe'), wide]))).toBe(type);
    expect(fileTypeOf(Buffer.concat([octets('\xfe\xff'), Buffer.from(wide).swap16()]))).toBe(type);
  });

  it('knows them behind the mark of UTF-8', () => {
    expect(fileTypeOf(octets('\xef\xbb\xbf@echo off\r\n'))).toBe('batch');
  });

  it('takes messages with parts for messages', () => {
    expect(fileTypeOf(multipart('b', [textPart]))).toBe('message');
    expect(fileTypeOf(message([], 'Hi'))).toBe('message');
  });
});

const samples = '/usr/share/clamav-testfiles';
describe.skipIf(!existsSync(samples))('the test files of ClamAV', () => {
  it('have the type that they are called by', () => {
    const types = new Map(
      readdirSync(samples).map((file) => [file, fileTypeOf(readFileSync(`${samples}/${file}`))]),
    );
    expect([...types].filter(([file]) => file.endsWith('.exe')).map(([, type]) => type)).not.toContain(
      'unknown',
    );
    expect(types.get('clam.chm')).toBe('help');
    expect(types.get('clam.ole.doc')).toBe('ole');
    expect(types.get('clam.tnef')).toBe('tnef');
    expect(types.get('clam.pdf')).toBe('pdf');
    expect(types.get('clam.mail')).toBe('message');
  });
});
