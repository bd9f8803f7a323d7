// XML parts of Office documents (ECMA-376, Word 2003, OpenDocument) and binary parts of workbooks, one at a time: what
// they refer to, and what is in them.
import type { Trait } from '../../heuristics/traits.ts';
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { isBinaryPart, readBinaryPart } from './biff12.ts';
import { actingText } from './excel-formulas.ts';
import { isAutoName } from './excel-records.ts';
import { memberOf } from './members.ts';
import { isRemote } from './object-classes.ts';
import { vbaTraits } from './vba-words.ts';
import { attributesOf, contentOf, decodeXmlText, rootOf, tagsOf, xmlOctets } from './xml-scanning.ts';

/** Octets of a field's code or of a formula. */
const maxTextBytes = 16 * 1024;
/** Octets of all field codes, or of all formulas, of one part. */
const maxJoinedCharacters = 4 * 1024 * 1024;

/** Root elements that are looked into, in lower case. */
const roots = new Set([
  'relationships',
  'document',
  'hdr',
  'ftr',
  'footnotes',
  'endnotes',
  'comments',
  'glossarydocument',
  'workbook',
  'externallink',
  'macrosheet',
  'ocx',
  'package',
  'worddocument',
  'document-content',
  'document-styles',
  'manifest',
  'module',
]);

/** Names by which the vocabularies of Office are known; `document` alone may be anything. */
const vocabulary =
  /schemas\.(?:openxmlformats\.org|microsoft\.com\/office)|purl\.oclc\.org\/ooxml|urn:oasis:names:tc:opendocument|openoffice\.org|urn:schemas-microsoft-com:office/i;

export function isOfficeXml(bytes: Buffer): boolean {
  if (isBinaryPart(bytes)) return true;
  const [first = 0, second = 0] = bytes;
  // "<", a byte order mark, or blanks that some writers leave before.
  const mayBegin = first === 0x3c || first === 0xef || first >= 0xfe || first <= 0x20;
  if (!mayBegin || (first === 0x3c && second === 0x68)) return false;
  const root = rootOf(bytes);
  return root !== undefined && roots.has(root.name.toLowerCase()) && vocabulary.test(root.beginning);
}

export function* unpackOfficeXml(bytes: Buffer, { name, budget }: UnpackContext): Generator<Unpacked> {
  if (isBinaryPart(bytes)) {
    const { traits, macroText } = readBinaryPart(bytes, /macrosheet/i.test(name ?? ''));
    for (const trait of traits) yield { kind: 'trait', trait };
    if (macroText !== '') yield memberOf('macro-sheet.txt', Buffer.from(macroText), budget);
    return;
  }
  const octets = xmlOctets(bytes);
  const root = rootOf(octets)?.name.toLowerCase() ?? '';
  yield* unique(traitsOf(octets, root));
  switch (root) {
    case 'package':
      yield* encodedIn(octets, 'binaryData', budget);
      break;
    case 'worddocument':
      yield* encodedIn(octets, 'binData', budget);
      break;
    case 'document':
      yield* encodedIn(octets, 'binary-data', budget);
      break;
    case 'manifest':
      // ODF 1.3 part 2 §3.4: what it names is encrypted, and the zip around it does not say so.
      if (!tagsOf(octets, 'encryption-data').next().done) {
        yield { kind: 'trait', trait: 'encrypted-document' };
        yield { kind: 'limit', code: 'encrypted' };
      }
      break;
    case 'module':
      yield* basicModule(octets, budget);
      break;
  }
}

function* unique(found: Iterable<Trait>): Generator<Unpacked> {
  const seen = new Set<Trait>();
  for (const trait of found) {
    if (seen.has(trait)) continue;
    seen.add(trait);
    yield { kind: 'trait', trait };
  }
}

function* traitsOf(octets: Buffer, root: string): Generator<Trait> {
  switch (root) {
    case 'relationships':
      yield* relationships(octets);
      return;
    case 'workbook':
      yield* workbookNames(octets);
      return;
    case 'externallink':
      if (!tagsOf(octets, 'ddeLink').next().done) yield 'dde-link';
      return;
    case 'macrosheet':
      yield 'xlm-macros';
      if (hasActingFormula(octets)) yield 'xlm-acting-words';
      return;
    case 'ocx':
      yield 'activex-object';
      return;
    case 'package':
      // Flat OPC: all parts in one file.
      yield* relationships(octets);
      if (hasDdeField(octets)) yield 'dde-link';
      return;
    case 'document-content':
    case 'document-styles':
      yield* eventListeners(octets);
      return;
    default:
      if (hasDdeField(octets)) yield 'dde-link';
      yield* eventListeners(octets);
  }
}

/** Relationships that load what they name when the document is opened (ECMA-376 part 1 §15.2, by their last piece). */
const loaded = new Map<string, Trait>([
  ['attachedtemplate', 'remote-template'],
  ['oleobject', 'remote-object'],
  ['frame', 'remote-object'],
  ['subdocument', 'remote-object'],
  ['control', 'remote-object'],
  ['package', 'remote-object'],
  ['afchunk', 'remote-object'],
  ['attachedtoolbars', 'remote-object'],
  ['vbaproject', 'remote-object'],
]);
/** Schemes that start programs by a link alone. */
const oddScheme =
  /^\s*(?:mhtml|ms-(?!(?:word|excel|powerpoint|project|visio|access|onenote|teams|outlook):)[a-z-]+|search-ms|search|javascript|vbscript|script|its|mk|ms-its|ldap|jar|res):/i;

/** Links and pictures elsewhere are everyday content; templates and objects elsewhere are not. */
function* relationships(octets: Buffer): Generator<Trait> {
  for (const { text } of tagsOf(octets, 'Relationship')) {
    const attributes = attributesOf(text);
    const type = (attributes.get('type') ?? '').toLowerCase();
    const kind = type.slice(type.lastIndexOf('/') + 1);
    if (kind === 'xlmacrosheet' || kind === 'xlintlmacrosheet') yield 'xlm-macros';
    if (kind === 'activexcontrolbinary') yield 'activex-object';
    if ((attributes.get('targetmode') ?? '').toLowerCase() !== 'external') continue;
    const target = attributes.get('target') ?? '';
    const trait = loaded.get(kind);
    if (trait !== undefined && isRemote(target)) yield trait;
    else if (oddScheme.test(target)) yield 'remote-object';
    // Pictures by a file server's name give the user's password hash to it.
    else if (kind === 'image' && !/^\s*https?:/i.test(target) && isRemote(target)) yield 'remote-object';
  }
}

function* workbookNames(octets: Buffer): Generator<Trait> {
  for (const { text } of tagsOf(octets, 'definedName'))
    if (isAutoName(attributesOf(text).get('name') ?? '')) yield 'xlm-auto-run';
}

const ddeCode = /^\s*DDE(?:AUTO)?[\s"]/i;
const fieldBegin = /fldCharType\s*=\s*["']begin/;

/** Whether a field starts a program. A field's code may be cut up into many runs. */
function hasDdeField(octets: Buffer): boolean {
  const codes: string[] = [];
  let left = maxJoinedCharacters;
  let from = 0;
  for (const tag of tagsOf(octets, 'instrText')) {
    const between = octets.subarray(from, tag.start);
    const begins = between.includes('fldCharType') && fieldBegin.test(between.toString('latin1'));
    const code = contentOf(octets, tag, maxTextBytes);
    if (begins || codes.length === 0) codes.push(code);
    else codes[codes.length - 1] += code;
    from = tag.end;
    left -= code.length;
    if (left < 0) break;
  }
  if (codes.some((code) => ddeCode.test(code))) return true;
  for (const { text } of tagsOf(octets, 'fldSimple'))
    if (ddeCode.test(attributesOf(text).get('instr') ?? '')) return true;
  return false;
}

const actingFormula = /\b(?:EXEC|CALL|REGISTER(?:\.ID)?|FOPEN|FWRITE(?:LN)?)\s*\(/i;
/** Characters that are worked out one by one: nobody writes sheets so but to hide words. */
const hidingCharacters = 40;

function hasActingFormula(octets: Buffer): boolean {
  let characters = 0;
  let left = maxJoinedCharacters;
  for (const tag of tagsOf(octets, 'f')) {
    const formula = contentOf(octets, tag, maxTextBytes);
    if (actingFormula.test(formula) || actingText.test(formula)) return true;
    characters += formula.match(/\bCHAR\(/gi)?.length ?? 0;
    left -= formula.length;
    if (left < 0) break;
  }
  return characters >= hidingCharacters;
}

/** Events of a document, not of its controls (ODF 1.3 part 3 §10.3.19). */
function* eventListeners(octets: Buffer): Generator<Trait> {
  for (const { text } of tagsOf(octets, 'event-listener')) {
    const event = attributesOf(text).get('event-name') ?? '';
    if (/(?:^|:)(?:load|unload|view-created|focus|print|new|start-app|load-finished|mouseover)$/i.test(event))
      yield 'vba-auto-run';
  }
}

/** LibreOffice's Basic: code as the text of one element. */
function* basicModule(octets: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  const tag = tagsOf(octets, 'module').next();
  if (tag.done) return;
  const end = octets.lastIndexOf('</');
  const code = decodeXmlText(
    octets.toString('utf8', tag.value.end, end < tag.value.end ? octets.length : end),
  );
  const name = attributesOf(tag.value.text).get('name') ?? 'module';
  yield memberOf(`${name}.bas`, Buffer.from(code), budget);
  // Later code of so long a module is data, most likely; it is a member all the same.
  for (const trait of vbaTraits(code.slice(0, maxJoinedCharacters), maxTextBytes * 64))
    yield { kind: 'trait', trait };
}

/** Files in base64, as the text of elements. */
function* encodedIn(octets: Buffer, element: string, budget: UnpackBudget): Generator<Unpacked> {
  for (const tag of tagsOf(octets, element)) {
    if (tag.text.endsWith('/')) continue;
    const next = octets.indexOf('<', tag.end);
    const end = next === -1 ? octets.length : next;
    const { octets: allowed, code } = budget.allowance(end - tag.end);
    if (allowed === 0) yield { kind: 'limit', code };
    else {
      const bytes = Buffer.from(octets.toString('latin1', tag.end, end), 'base64');
      const name = attributesOf(tag.text).get('name') ?? element;
      if (bytes.length > 0) yield memberOf(name, bytes, budget);
    }
  }
}
