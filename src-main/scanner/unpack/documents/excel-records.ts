// The Workbook stream of Excel 97 to 2003 (MS-XLS §2.4): Excel 4 macro sheets, their names, encryption, links.
import type { Trait } from '../../heuristics/traits.ts';
import { utf16Text } from '../../utf16.ts';
import { MacroText, readFormula } from './excel-formulas.ts';

/** Records of one stream: each takes four octets at least. A full sheet has 65,536 rows. */
const maxRecords = 4_000_000;

const record = {
  formula: 0x06,
  name: 0x18,
  filePass: 0x2f,
  boundSheet: 0x85,
  supBook: 0x1ae,
  begin: 0x809,
} as const;
const macroSheet = 0x40;
/** MS-XLS §2.5.114: names that Excel runs. */
const builtInAutoNames = new Set([1, 2, 0x0a, 0x0b]);
const autoName = /^(?:_xlnm\.)?auto_?(?:open|close|activate|deactivate)/i;
/** VirtualPath of a DDE link (§2.4.271): a service, a topic. An OLE link has a file's name, and 1 as its first. */
const ddeServer = /^(?:cmd|msexcel|mshta|powershell|rundll32|regsvr32|wscript|cscript|explorer|certutil)\b/i;

export interface WorkbookContent {
  readonly traits: ReadonlySet<Trait>;
  readonly encrypted: boolean;
  /** What the macro sheets say; empty: nothing. */
  readonly macroText: string;
}

/** Whether a workbook's name (in any of Excel's formats) is one that it runs. */
export function isAutoName(name: string): boolean {
  return autoName.test(name);
}

function nameOf(data: Buffer): { name: string; builtIn: boolean } {
  if (data.length < 16) return { name: '', builtIn: false };
  const builtIn = (data.readUInt16LE(0) & 0x20) !== 0;
  const length = data[3] ?? 0;
  const isWide = ((data[14] ?? 0) & 1) === 1;
  return {
    name: isWide ? utf16Text(data, 15, 15 + length * 2) : data.toString('latin1', 15, 15 + length),
    builtIn,
  };
}

function isDde(data: Buffer): boolean {
  if (data.length < 6) return false;
  const characters = data.readUInt16LE(2);
  const isWide = ((data[4] ?? 0) & 1) === 1;
  return ddeServer.test(
    isWide ? utf16Text(data, 5, 5 + characters * 2) : data.toString('latin1', 5, 5 + characters),
  );
}

/** Reads the records one after the other. */
export function readWorkbook(stream: Buffer): WorkbookContent {
  const traits = new Set<Trait>();
  const macros = new MacroText();
  let encrypted = false;
  let inMacroSheet = false;
  let at = 0;
  for (let count = 0; at + 4 <= stream.length && count < maxRecords; count++) {
    const type = stream.readUInt16LE(at);
    const data = stream.subarray(at + 4, at + 4 + stream.readUInt16LE(at + 2));
    at += 4 + stream.readUInt16LE(at + 2);
    if (type === record.filePass) encrypted = true;
    else if (type === record.begin) inMacroSheet = data.length >= 4 && data.readUInt16LE(2) === macroSheet;
    else if (type === record.boundSheet && data[5] === 1) traits.add('xlm-macros');
    // Where all is encrypted, what follows says nothing.
    else if (encrypted) continue;
    else if (type === record.supBook && isDde(data)) traits.add('dde-link');
    else if (type === record.name) {
      const { name, builtIn } = nameOf(data);
      if (builtIn ? builtInAutoNames.has(name.charCodeAt(0)) : isAutoName(name)) traits.add('xlm-auto-run');
    } else if (type === record.formula && inMacroSheet && data.length > 22)
      macros.add(readFormula(data.subarray(22, 22 + data.readUInt16LE(20)), 'biff8'));
    if (inMacroSheet && type === record.begin) traits.add('xlm-macros');
  }
  if (macros.acts) traits.add('xlm-acting-words');
  // A name that runs something says nothing where there is nothing to run.
  if (!traits.has('xlm-macros')) traits.delete('xlm-auto-run');
  return { traits, encrypted, macroText: macros.text };
}
