import { describe, expect, it } from 'vitest';
import type { FileType } from '../file-type.ts';
import { saidOf, windowsProgram } from './subject.fixture.ts';

const wsf = '<job id="a"><script language="VBScript"></script></job>';

describe('what runs', () => {
  it.each<FileType>([
    'program',
    'elf',
    'mach-o',
    'java-class',
    'java-archive',
    'installer',
    'help',
    'hta',
    'shortcut',
    'desktop-entry',
  ])('warns as an attachment and in an archive: %s', (type) => {
    for (const around of [['message'], ['zip', 'message']] as const)
      expect(saidOf({ type, around })).toEqual(['suspicious Postern.Attachment.Program']);
  });

  it('is nothing special on a disk, nor within a program', () => {
    expect(saidOf({ content: windowsProgram, around: [] })).toEqual([]);
    expect(saidOf({ content: windowsProgram, around: ['program', 'message'] })).toEqual([]);
    expect(saidOf({ type: 'java-class', around: ['java-archive', 'message'] })).toEqual([]);
  });

  it('warns as an image of a disk', () => {
    expect(saidOf({ type: 'disk-image' })).toEqual(['suspicious Postern.Attachment.DiskImage']);
  });

  it('warns more where mail programs read the message differently', () => {
    const said = saidOf({ content: windowsProgram, anomalies: ['duplicate-boundary'] });
    expect(said).toContain('suspicious Postern.Mime.HiddenProgram');
    expect(saidOf({ content: 'Hi', anomalies: ['duplicate-boundary'] })).toEqual([]);
  });
});

describe('scripts', () => {
  it('warn where hardly anybody mails them', () => {
    const warning = 'suspicious Postern.Attachment.WindowsScript';
    expect(saidOf({ content: 'var a = new ActiveXObject("x");', name: 'a.js' })).toContain(warning);
    expect(saidOf({ content: 'Dim a\r\n', name: 'a.vbs' })).toContain(warning);
    expect(saidOf({ content: wsf, name: 'a.wsf' })).toContain(warning);
    expect(saidOf({ content: 'REGEDIT4\r\n', name: 'a.reg' })).toContain(warning);
  });

  it('are noted where developers mail them', () => {
    const note = 'note Postern.Attachment.Script';
    expect(saidOf({ content: 'var a = 1;\n', name: 'a.js' })).toContain(note);
    expect(saidOf({ content: '@echo off\n', name: 'a.bat' })).toContain(note);
    expect(saidOf({ content: '$a = 1\n', name: 'a.ps1' })).toContain(note);
  });

  it('are texts where nothing runs them', () => {
    expect(saidOf({ content: '@echo off\n' })).toEqual([]);
    expect(saidOf({ content: 'Dim a\r\n', name: 'a.txt' })).toEqual([]);
    expect(saidOf({ content: 'var a = 1;\n', name: 'a.js', around: ['html', 'message'] })).toEqual([]);
  });
});

describe('shortcuts', () => {
  it('to pages are noted, and those to file servers warn', () => {
    const link = (line: string) => saidOf({ content: `[InternetShortcut]\r\n${line}\r\n`, name: 'a.url' });
    expect(link('URL=https://example.test/')).toContain('note Postern.Attachment.InternetShortcut');
    expect(link('URL=file://203.0.113.1/a.exe')).toContain('suspicious Postern.Attachment.RemoteShortcut');
    expect(link('IconFile=\\\\203.0.113.1\\a.ico')).toContain('suspicious Postern.Attachment.RemoteShortcut');
  });

  it('to an interpreter, or with arguments out of sight, are harmful', () => {
    expect(saidOf({ type: 'shortcut', traits: ['shortcut-to-interpreter'] })).toContain(
      'harmful Postern.Attachment.ShortcutToInterpreter',
    );
    expect(saidOf({ type: 'shortcut', traits: ['shortcut-with-hidden-arguments'] })).toContain(
      'harmful Postern.Attachment.ShortcutHiddenArguments',
    );
    expect(saidOf({ type: 'shortcut', traits: ['shortcut-to-interpreter'], around: [] })).toEqual([]);
  });
});

describe('programs in documents', () => {
  it.each<FileType>(['ole', 'office-xml', 'rtf', 'one-note', 'pdf'])('are harmful: %s', (document) => {
    const around: FileType[] = [document, 'message'];
    expect(saidOf({ content: windowsProgram, around })).toContain('harmful Postern.Document.EmbeddedProgram');
    expect(saidOf({ content: wsf, name: 'a.wsf', around })).toContain(
      'harmful Postern.Document.EmbeddedProgram',
    );
    expect(saidOf({ content: '@echo off\n', name: 'a.bat', around })).toContain(
      'suspicious Postern.Document.EmbeddedScript',
    );
  });

  it('are attachments in a message that Outlook saved', () => {
    expect(saidOf({ content: windowsProgram, around: ['outlook-message', 'message'] })).toEqual([
      'suspicious Postern.Attachment.Program',
    ]);
  });

  it('are not the macros of one', () => {
    const content = 'Attribute VB_Name = "Module1"\r\nSub A()\r\nEnd Sub\r\n';
    expect(saidOf({ content, name: 'Module1.bas', around: ['ole', 'message'] })).toEqual([]);
  });
});
