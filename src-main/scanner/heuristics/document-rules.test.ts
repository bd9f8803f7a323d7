import { describe, expect, it } from 'vitest';
import type { FileType } from '../file-type.ts';
import { saidOf } from './subject.fixture.ts';
import type { Trait } from './traits.ts';

const said = (type: FileType, ...traits: Trait[]) => saidOf({ type, traits });

describe('macros', () => {
  it('are noted, also where they run by themselves', () => {
    expect(said('ole', 'vba-macros', 'vba-auto-run')).toEqual([
      'note Postern.Document.Macros',
      'note Postern.Document.MacrosAutoRun',
    ]);
    expect(said('ole', 'vba-macros', 'vba-acting-words')).toEqual(['note Postern.Document.Macros']);
  });

  it('are harmful where they run by themselves and start or fetch something', () => {
    expect(said('office-xml', 'vba-macros', 'vba-auto-run', 'vba-acting-words')).toContain(
      'harmful Postern.Document.ActingMacros',
    );
    expect(said('ole', 'xlm-macros', 'xlm-auto-run', 'xlm-acting-words')).toContain(
      'harmful Postern.Document.ActingExcelFourMacros',
    );
  });

  it('warn where they are old ones that run by themselves, or have no source', () => {
    expect(said('ole', 'xlm-auto-run')).toEqual(['suspicious Postern.Document.ExcelFourAutoRun']);
    expect(said('ole', 'vba-stomped')).toEqual(['suspicious Postern.Document.StompedMacros']);
  });
});

describe('documents', () => {
  it('with equations are graded by how those are hidden', () => {
    expect(said('ole', 'equation-object')).toEqual(['note Postern.Document.Equation']);
    expect(said('rtf', 'equation-object')).toEqual(['suspicious Postern.Document.EquationInRtf']);
    expect(said('rtf', 'equation-object', 'rtf-hidden-object')).toContain(
      'harmful Postern.Document.HiddenEquation',
    );
  });

  it('warn where they fetch or start something', () => {
    for (const trait of ['dde-link', 'remote-template', 'remote-object', 'pdf-launch'] as const)
      expect(said('office-xml', trait).join()).toMatch(/^suspicious Postern/);
    expect(said('pdf', 'pdf-javascript')).toEqual(['note Postern.Pdf.JavaScript']);
    expect(said('pdf', 'pdf-javascript', 'pdf-open-action')).toContain(
      'suspicious Postern.Pdf.OpenActionJavaScript',
    );
  });

  it('that are encrypted are noted', () => {
    expect(said('ole', 'encrypted-document')).toEqual(['note Postern.Document.Encrypted']);
  });
});

describe('archives', () => {
  it('that are encrypted are noted, and warn by a program among their names', () => {
    expect(said('zip', 'encrypted-archive')).toEqual(['note Postern.Archive.Encrypted']);
    expect(said('zip', 'encrypted-archive', 'encrypted-program-name')).toContain(
      'suspicious Postern.Archive.EncryptedProgram',
    );
  });

  it('that contradict themselves are noted, since damaged ones do, and warn with a program in them', () => {
    const traits: Trait[] = ['contradictory-archive'];
    expect(saidOf({ type: 'zip', traits, holds: ['text'] })).toEqual(['note Postern.Archive.Contradictory']);
    expect(saidOf({ type: 'zip', traits, holds: ['shortcut'] })).toContain(
      'suspicious Postern.Archive.ContradictoryProgram',
    );
  });

  it('are harmful where a word of the message opens them and a program is in them', () => {
    const traits: Trait[] = ['encrypted-archive', 'opened-by-password'];
    const harmful = 'harmful Postern.Archive.UnlockedProgram';
    expect(saidOf({ type: 'zip', traits, holds: ['text', 'program'] })).toContain(harmful);
    expect(saidOf({ type: 'zip', traits, holds: ['pdf', 'javascript'] })).not.toContain(harmful);
    expect(saidOf({ type: 'zip', holds: ['program'] })).not.toContain(harmful);
  });
});
