import { describe, expect, it } from 'vitest';
import { readName } from './name-facts.ts';
import { saidOf, windowsProgram } from './subject.fixture.ts';

const rightToLeft = '\u{202e}';

describe('names of programs', () => {
  it.each([
    'setup.exe',
    'a.scr',
    'A.PIF',
    'x.hta',
    'x.lnk',
    'x.jse',
    'x.xll',
    'dir/x.vbs',
    'x.exe.',
    'x.exe ',
  ])('%j warns although the content says nothing', (name) => {
    expect(saidOf({ name })).toContain('suspicious Postern.Name.Program');
  });

  it.each(['build.js', 'run.bat', 'deploy.ps1', 'www.example.com', 'link.url', 'query.iqy', 'notes.one'])(
    '%j is worth a note',
    (name) => {
      expect(saidOf({ name })).toEqual(['note Postern.Name.Runnable']);
    },
  );

  it.each([
    'report.pdf',
    'photo.jpg',
    'exe',
    'no extension',
    'archive.tar.gz',
    'a.exe.txt',
    'v1.2',
    'con artist.txt',
  ])('%j says nothing', (name) => {
    expect(saidOf({ name })).toEqual([]);
  });

  it('say nothing of scripts of pages in an archive, but of others there', () => {
    expect(saidOf({ name: 'site/menu.js', around: ['zip', 'message'] })).toEqual([]);
    expect(saidOf({ name: 'run.bat', around: ['zip', 'message'] })).toEqual(['note Postern.Name.Runnable']);
  });

  it('leave it to the content where that says the same', () => {
    expect(saidOf({ name: 'setup.exe', content: windowsProgram })).toEqual([
      'suspicious Postern.Attachment.Program',
    ]);
  });

  it('count in each of their readings', () => {
    expect(saidOf({ names: ['a.txt', 'a.exe'] })).toEqual(['suspicious Postern.Name.Program']);
  });
});

describe('names that hide what they are', () => {
  const hiding = [
    ['invoice.pdf.exe', 'DoubleExtension'],
    ['photo.JPG .scr', 'DoubleExtension'],
    [`invoice.pdf${' '.repeat(10)}.exe`, 'Padded'],
    [`invoice${'_'.repeat(10)}.exe`, 'Padded'],
    [`invoice${'\u{a0}'.repeat(10)}.exe`, 'Padded'],
    [`invoice${'\u{2003}'.repeat(10)}.js`, 'Padded'],
    [`annexe${rightToLeft}fdp.exe`, 'TurnedAround'],
    ['a\u{202d}fdp.exe', 'TurnedAround'],
  ] as const;

  it.each(hiding)('%j warns', (name, rule) => {
    expect(saidOf({ name })).toEqual([`suspicious Postern.Name.${rule}`]);
  });

  it.each(hiding)('%j is harmful with a program in it', (name) => {
    expect(saidOf({ name, content: windowsProgram })).toContain('harmful Postern.Attachment.Disguised');
  });

  it('are no harm any more once the program is overwritten', () => {
    for (const [name] of hiding)
      for (const content of [' '.repeat(40), '_'.repeat(40), 'This part was removed.'])
        expect(saidOf({ name, content }).join()).not.toContain('harmful');
  });

  it.each([`annual report${' '.repeat(9)}.exe`, `${' '.repeat(30)}report.pdf`, `${'_'.repeat(30)}.txt`])(
    'are not those with few blanks, or blanks before a document: %j',
    (name) => {
      expect(saidOf({ name }).join()).not.toContain('Padded');
    },
  );

  it('are harmful where a program is called a document, and only there', () => {
    const harmful = 'harmful Postern.Attachment.Disguised';
    expect(saidOf({ name: 'invoice.pdf', content: windowsProgram })).toContain(harmful);
    expect(saidOf({ name: 'photo.jpg', type: 'installer' })).toContain(harmful);
    // Renamed to get it past a filter.
    expect(saidOf({ name: 'setup.txt', content: windowsProgram })).not.toContain(harmful);
    expect(saidOf({ name: 'setup.zip', content: windowsProgram })).not.toContain(harmful);
    expect(saidOf({ name: 'photos.zip.exe', content: windowsProgram })).not.toContain(harmful);
    expect(saidOf({ content: windowsProgram })).not.toContain(harmful);
    // Links are called like what they lead to.
    expect(saidOf({ name: 'report.docx.lnk', type: 'shortcut' })).not.toContain(harmful);
    expect(saidOf({ name: 'report.pdf.url', type: 'internet-shortcut' })).not.toContain(harmful);
    // A text is not told from others so surely.
    expect(saidOf({ name: 'report.pdf.js', type: 'javascript' })).not.toContain(harmful);
  });

  it('are told of on a disk only where a program is in disguise', () => {
    expect(saidOf({ name: 'invoice.pdf.exe', around: [] })).toEqual([]);
    expect(saidOf({ name: 'invoice.pdf', content: windowsProgram, around: [] })).toEqual([
      'harmful Postern.Attachment.Disguised',
    ]);
  });
});

describe('odd names', () => {
  it('are noted', () => {
    expect(saidOf({ name: 'report.txt:a.vbs:$DATA' })).toContain('note Postern.Name.Odd');
    expect(saidOf({ name: 'aux.txt' })).toEqual(['note Postern.Name.Odd']);
    expect(saidOf({ name: 'Re: subject.eml' })).toEqual([]);
    expect(saidOf({ name: '\u{2067}تقرير.pdf' })).toEqual(['note Postern.Name.DirectionMark']);
    // Names in Hebrew and Arabic have these.
    expect(saidOf({ name: '\u{200f}דוח\u{200e}.pdf' })).toEqual([]);
  });

  it('are read whatever they hold', () => {
    for (const name of ['', '.', '...', '/', 'a/', '.exe', ' ', '\\\\x\\y.exe', 'a'.repeat(10_000)])
      expect(typeof readName(name).extension).toBe('string');
    expect(readName('.exe').extension).toBe('exe');
    expect(readName('C:\\dir.pdf\\a.exe').isDouble).toBe(false);
  });
});
