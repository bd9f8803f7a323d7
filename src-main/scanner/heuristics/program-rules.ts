// Rules about what runs: programs, scripts and shortcuts as attachments, in archives, in documents and in pages.
import {
  documentTypes,
  nativeTypes,
  pageTypes,
  programTypes,
  scriptTypes,
  windowsScriptTypes,
} from './kinds.ts';
import { isRunnable, readName } from './name-facts.ts';
import type { Judgement, Subject } from './subject.ts';

const group = 'attachments';

const program: Judgement = { name: 'Postern.Attachment.Program', severity: 'suspicious', group };
const diskImage: Judgement = { name: 'Postern.Attachment.DiskImage', severity: 'suspicious', group };
const windowsScript: Judgement = { name: 'Postern.Attachment.WindowsScript', severity: 'suspicious', group };
const script: Judgement = { name: 'Postern.Attachment.Script', severity: 'note', group };
const link: Judgement = { name: 'Postern.Attachment.InternetShortcut', severity: 'note', group };
const remoteLink: Judgement = { name: 'Postern.Attachment.RemoteShortcut', severity: 'suspicious', group };
const interpreter: Judgement = {
  name: 'Postern.Attachment.ShortcutToInterpreter',
  severity: 'harmful',
  group,
};
const hiddenArguments: Judgement = {
  name: 'Postern.Attachment.ShortcutHiddenArguments',
  severity: 'harmful',
  group,
};
const embedded: Judgement = { name: 'Postern.Document.EmbeddedProgram', severity: 'harmful', group };
const embeddedScript: Judgement = { name: 'Postern.Document.EmbeddedScript', severity: 'suspicious', group };
const behindAnomaly: Judgement = { name: 'Postern.Mime.HiddenProgram', severity: 'suspicious', group };

/** Octets of an internet shortcut that are read; it has a few lines. */
const linkBytes = 8 * 1024;

/** A target or an icon on somebody's file server: opening it, or only looking at it, signs in there. */
const remoteTarget = /^(?:url|iconfile|workingdirectory)\s*=\s*(?:file:|\\\\|smb:|search-ms:|\\\\\?\\unc)/im;

/** A script that is called one. */
function isNamedScript({ type, names }: Subject): boolean {
  if (!windowsScriptTypes.has(type) && !scriptTypes.has(type)) return false;
  return names.some((name) => isRunnable(readName(name).extension));
}

/** Whether it runs by itself once it is opened. */
function isRunning(subject: Subject): boolean {
  const { type } = subject;
  return programTypes.has(type) || (windowsScriptTypes.has(type) && isNamedScript(subject));
}

/** What is out of the ordinary about where something that runs was found. */
function* judgeSurroundings(subject: Subject): Generator<Judgement> {
  const { around, anomalies, type } = subject;
  const within = around[0] ?? 'unknown';
  if (documentTypes.has(within)) {
    const isPlainlyOne = nativeTypes.has(type) || type === 'hta' || windowsScriptTypes.has(type);
    yield isPlainlyOne ? embedded : embeddedScript;
  }
  if (anomalies.size > 0) yield behindAnomaly;
}

function* judgeShortcut({ traits }: Subject): Generator<Judgement> {
  if (traits.has('shortcut-with-hidden-arguments')) yield hiddenArguments;
  if (traits.has('shortcut-to-interpreter')) yield interpreter;
}

function* judgeContent(subject: Subject): Generator<Judgement> {
  const { type, bytes, around } = subject;
  const within = around[0] ?? 'unknown';
  if (programTypes.has(type)) yield program;
  else if (type === 'disk-image') yield diskImage;
  else if (type === 'internet-shortcut')
    yield remoteTarget.test(bytes.toString('latin1', 0, linkBytes)) ? remoteLink : link;
  else if (isNamedScript(subject) && !pageTypes.has(within))
    yield windowsScriptTypes.has(type) || type === 'registry' ? windowsScript : script;
}

/** What came with a message, or in something else, and runs. */
export function programRules(subject: Subject): readonly Judgement[] {
  const { type, around } = subject;
  const within = around[0];
  // The parts of a program are its own affair, and a file on a disk is not an attachment.
  if (within === undefined || programTypes.has(within)) return [];
  const found: Judgement[] = [...judgeContent(subject), ...judgeShortcut(subject)];
  if (isRunning(subject) || (documentTypes.has(within) && isNamedScript(subject)))
    found.push(...judgeSurroundings(subject));
  return found.length > 0 && type !== 'text' ? found : [];
}
