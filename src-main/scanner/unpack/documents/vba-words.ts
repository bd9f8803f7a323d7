// What VBA and Basic code says that it does, by its words.
import type { Trait } from '../../heuristics/traits.ts';
import { foldConstants } from './vba-expressions.ts';

/** Procedures that programs call by themselves when a document is opened or closed. */
const autoRun =
  /\bsub[ \t]+(?:auto_?(?:open|exec|close|exit|new)|document_?(?:open|close|new|beforeclose|contentcontrolonenter)|workbook_?(?:open|activate|beforeclose|deactivate)|worksheet_activate|auto_(?:activate|deactivate)|app_documentopen|\w+_(?:painted|painting|layout|mousemove|mouseenter|gotfocus|onslidechange|onconnecting|onconnected|beforenavigate2|navigatecomplete2))[ \t]*\(/i;

/** What starts programs, fetches something or runs octets, whatever stands around it. */
const actingWords = new RegExp(
  [
    // As a function, not in a text; folders and texts are opened by honest macros, too.
    String.raw`(?:^|[=(,:&]|\b(?:then|else|call))[ \t]*(?:vba\.|interaction\.)?shell(?:[ \t]*\(|[ \t]+)[ \t]*(?!"(?:explorer|notepad)(?:\.exe)?[ \t]*(?:"|/select))["(\w]`,
    'shellexecute|shellbrowserwindow|72c24dd5-d70a-438b-8a42-98424b88afb8|9ba05972-f6a8-11cf-a442-00a0c90a8f39|c08afd90-f2a1-11d1-8455-00a0c91f3880|systemshellexecute',
    String.raw`winmgmts:[^\n]{0,80}win32_process|win32_processstartup|schedule\.service|mmc20\.application`,
    String.raw`\b(?:winexec|createprocess[aw]?|virtualalloc(?:ex)?|virtualprotect|createthread|createremotethread|queueuserapc|writeprocessmemory|enumsystemlanguagegroups[aw]?|heapcreate|ntallocatevirtualmemory)\b`,
    String.raw`powershell|\bcmd(?:\.exe)?[ \t]*/[ckv]|\bmshta\b|\brundll32\b|\bregsvr32\b|\bcertutil\b|\bbitsadmin\b|\bwscript\.exe|\bcscript\b|\bmsiexec\b`,
    String.raw`\bmacscript\b|applescripttask|\bpopen\b[^\n]{0,40}libc`,
    'urldownloadtofile|urlopenblockingstream|xmlhttp|winhttprequest|internetopenurl|internetreadfile',
    'executeexcel4macro|scriptcontrol',
  ].join('|'),
  'im',
);

/** What acts only together with something else in the same module; either alone is everyday work. */
const actingTogether: readonly (readonly [RegExp, RegExp])[] = [
  [/wscript\.shell/i, /\.(?:run|exec|regwrite)\b|callbyname/i],
  [/shell\.application/i, /\.(?:open|copyhere|invokeverb|shellexecute)\b|callbyname/i],
  [/adodb\.stream/i, /\.type[ \t]*=[ \t]*(?:1\b|adtypebinary)/i],
  // Octets that are written to a place for files that nobody looks at.
  [
    /environ\$?[ \t]*\([ \t]*"?(?:temp|tmp|appdata|localappdata|userprofile|public)/i,
    /\bfor[ \t]+binary\b|\bput[ \t]+#/i,
  ],
];

/** A name that is called and that is put together first. */
const hiddenCall = /\bcallbyname\b[^\n]{0,120}\b(?:chrw?\$?|strreverse|replace)[ \t]*\(/i;

/** Lines that every module has, whether or not somebody wrote code. */
const emptyLine = /^[ \t]*(?:attribute[ \t][^\r\n]*|option[ \t][^\r\n]*|'[^\r\n]*|rem\b[^\r\n]*)?\r?$/gim;

/**
 * Facts about the code of one module; empty: it has none.
 * @param foldedCharacters how much of it is looked into for constant expressions, which takes longest
 */
export function vbaTraits(code: string, foldedCharacters = code.length): readonly Trait[] {
  if (code.replace(emptyLine, '').trim() === '') return [];
  const folded = foldConstants(code.slice(0, foldedCharacters)) + code.slice(foldedCharacters);
  const traits: Trait[] = ['vba-macros'];
  if (autoRun.test(folded)) traits.push('vba-auto-run');
  const acts =
    actingWords.test(folded) ||
    hiddenCall.test(code) ||
    actingTogether.some((words) => words.every((each) => each.test(folded)));
  if (acts) traits.push('vba-acting-words');
  return traits;
}
