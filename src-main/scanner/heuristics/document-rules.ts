// Rules about documents and archives: what unpackers noticed in them.
import { hiddenTypes } from './kinds.ts';
import type { Judgement, Severity, Subject } from './subject.ts';
import type { Trait } from './traits.ts';

const rule = (name: string, severity: Severity): Judgement => ({ name, severity, group: 'attachments' });

/** What one trait says by itself. */
const byTrait: ReadonlyMap<Trait, Judgement> = new Map<Trait, Judgement>([
  ['encrypted-archive', rule('Postern.Archive.Encrypted', 'note')],
  ['encrypted-program-name', rule('Postern.Archive.EncryptedProgram', 'suspicious')],
  ['split-archive', rule('Postern.Archive.Split', 'note')],
  ['contradictory-archive', rule('Postern.Archive.Contradictory', 'note')],
  ['encrypted-document', rule('Postern.Document.Encrypted', 'note')],
  ['vba-macros', rule('Postern.Document.Macros', 'note')],
  ['vba-auto-run', rule('Postern.Document.MacrosAutoRun', 'note')],
  ['vba-stomped', rule('Postern.Document.StompedMacros', 'suspicious')],
  ['xlm-macros', rule('Postern.Document.ExcelFourMacros', 'note')],
  ['xlm-auto-run', rule('Postern.Document.ExcelFourAutoRun', 'suspicious')],
  ['dde-link', rule('Postern.Document.DdeLink', 'suspicious')],
  ['remote-template', rule('Postern.Document.RemoteTemplate', 'suspicious')],
  ['remote-object', rule('Postern.Document.RemoteObject', 'suspicious')],
  ['ole-package', rule('Postern.Document.Package', 'note')],
  ['ole-program', rule('Postern.Document.PackagedProgram', 'note')],
  ['activex-object', rule('Postern.Document.ActiveX', 'note')],
  ['rtf-hidden-object', rule('Postern.Document.HiddenObject', 'suspicious')],
  ['one-note-file', rule('Postern.Document.OneNoteFile', 'note')],
  ['pdf-javascript', rule('Postern.Pdf.JavaScript', 'note')],
  ['pdf-launch', rule('Postern.Pdf.Launch', 'suspicious')],
  ['pdf-embedded-file', rule('Postern.Pdf.EmbeddedFile', 'note')],
]);

/** What several of them say together. */
const together: readonly { readonly traits: readonly Trait[]; readonly says: Judgement }[] = [
  { traits: ['vba-auto-run', 'vba-acting-words'], says: rule('Postern.Document.ActingMacros', 'harmful') },
  {
    traits: ['xlm-auto-run', 'xlm-acting-words'],
    says: rule('Postern.Document.ActingExcelFourMacros', 'harmful'),
  },
  {
    traits: ['pdf-javascript', 'pdf-open-action'],
    says: rule('Postern.Pdf.OpenActionJavaScript', 'suspicious'),
  },
];

const equation = rule('Postern.Document.Equation', 'note');
const equationInRtf = rule('Postern.Document.EquationInRtf', 'suspicious');
const hiddenEquation = rule('Postern.Document.HiddenEquation', 'harmful');

/** Equation Editor 3.0 runs what it is given (CVE-2017-11882); old documents have honest equations. */
function judgeEquation({ type, traits }: Subject): Judgement {
  if (traits.has('rtf-hidden-object')) return hiddenEquation;
  return type === 'rtf' ? equationInRtf : equation;
}

const unlockedProgram = rule('Postern.Archive.UnlockedProgram', 'harmful');
const contradictoryProgram = rule('Postern.Archive.ContradictoryProgram', 'suspicious');

/** A program in an archive that is made to be read by people, or by one program, and not by scanners. */
function judgeArchive({ traits, holds }: Subject): readonly Judgement[] {
  if (![...holds].some((type) => hiddenTypes.has(type))) return [];
  return [
    ...(traits.has('opened-by-password') ? [unlockedProgram] : []),
    // Damage looks the same; with a program in it, it is worth a warning.
    ...(traits.has('contradictory-archive') ? [contradictoryProgram] : []),
  ];
}

export function documentRules(subject: Subject): readonly Judgement[] {
  const { traits } = subject;
  if (traits.size === 0) return [];
  const found = [...traits].flatMap((trait) => byTrait.get(trait) ?? []);
  for (const { traits: wanted, says } of together)
    if (wanted.every((trait) => traits.has(trait))) found.push(says);
  if (traits.has('equation-object')) found.push(judgeEquation(subject));
  found.push(...judgeArchive(subject));
  return found;
}
