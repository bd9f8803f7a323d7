// Web pages and SVG: scripts, files and pages that are hidden in them, and where their links lead. Nothing is run.
import type { LimitCode } from '../../../contract/verdict.ts';
import type { Trait } from '../../heuristics/traits.ts';
import { isTextWithNuls } from '../../mime/text-shape.ts';
import { utf16Text } from '../../utf16.ts';
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { dataAddressesOf, joinLiterals, literalsOf } from './html-literals.ts';
import { decodeReferences, type Token, tokensOf } from './html-tokens.ts';
import { linkTextCharacters, linkTraits, maxLinks } from './links.ts';

/** Tags that a page, or the body of a message without `<html>`, has; others are found in any text or program. */
const pageTags = new Set(
  'html head body title script style svg meta base link table div span p br font center form iframe object embed img a b i h1 h2 h3 ul ol hta:application'.split(
    ' ',
  ),
);

/** Tags that stand in texts too: of those, only as the first thing of all. */
const telling = new Set('html head body script svg meta table div iframe object embed form img a'.split(' '));

/** Octets among which a tag must be where the rest is no text. */
const binaryProbeBytes = 4_096;

/** Octets that tell text from other content. */
const textProbeBytes = 1_024;

const doctype = /^<!doctype\s+(?:html|svg)/i;
const tagName = /^<([a-z][a-z0-9:]*)[\s/>]/i;
const tagCharacters = 24;

/** Whether a header (of a message, or of a part in it) ends in `head`: what follows is looked at on its own then. */
function endsHeader(head: string): boolean {
  const isHeader = /^[!-9;-~]{1,76}[ \t]*:/.test(head) || /^content-[a-z-]+[ \t]*:/im.test(head);
  return isHeader && /\r?\n[ \t]*\r?\n|\r\r/.test(head);
}

/** Offset of the first tag of a page, or -1. */
function firstTag(bytes: Buffer): number {
  const isBinary = bytes.subarray(0, textProbeBytes).includes(0) && !isTextWithNuls(bytes);
  const probe = isBinary ? bytes.subarray(0, binaryProbeBytes) : bytes;
  let isFirst = true;
  for (let at = probe.indexOf(0x3c); at !== -1; at = probe.indexOf(0x3c, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next === 0x21 ? isFirst : (next | 0x20) >= 0x61 && (next | 0x20) <= 0x7a) {
      const text = bytes.toString('latin1', at, at + tagCharacters);
      const name = tagName.exec(text)?.[1]?.toLowerCase() ?? '';
      if (doctype.test(text) || (isFirst ? pageTags : telling).has(name)) return at;
      if (next !== 0x21) isFirst = false;
    }
  }
  return -1;
}

/** The page in UTF-8 where it is in UTF-16: by its mark, or by the zeros around a tag (HTML §13.2.3.2). */
function fromUtf16(bytes: Buffer): Buffer | undefined {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe;
  const big = bytes[0] === 0xfe && bytes[1] === 0xff;
  if (little || (bytes[0] === 0x3c && bytes[1] === 0 && bytes[3] === 0))
    return Buffer.from(utf16Text(bytes, little ? 2 : 0), 'utf8');
  if (!big && !(bytes[0] === 0 && bytes[1] === 0x3c && bytes[2] === 0)) return undefined;
  const swapped = Buffer.from(bytes.subarray(big ? 2 : 0, bytes.length - (bytes.length % 2))).swap16();
  return Buffer.from(utf16Text(swapped), 'utf8');
}

/** Whether `bytes` are a page, or a text in which one begins that is not looked at on its own. */
export function isHtml(bytes: Buffer): boolean {
  if (fromUtf16(bytes.subarray(0, binaryProbeBytes)) !== undefined) {
    const start = fromUtf16(bytes.subarray(0, binaryProbeBytes));
    return start !== undefined && firstTag(start) !== -1;
  }
  const at = firstTag(bytes);
  if (at === -1) return false;
  const isText = !bytes.subarray(0, textProbeBytes).includes(0);
  return at === 0 || !isText || !endsHeader(bytes.toString('latin1', 0, at));
}

/** Words of scripts that turn text into octets, octets into a file, and give people that file. Any one is enough. */
const decodingWords = ['atob', 'fromCharCode', 'fromCodePoint', 'unescape(', 'Uint8Array', 'charCodeAt'];
const fileWords = [
  'Blob(',
  'createObjectURL',
  'msSaveOrOpenBlob',
  'msSaveBlob',
  'showSaveFilePicker',
  'new File(',
  'data:application/',
];
const downloadWords = [
  '.download',
  "'download'",
  '"download"',
  '.click(',
  'msSave',
  'saveAs',
  'showSaveFilePicker',
];
const goingToFile = /location(?:\.href)?\s*=\s*(?:[\w.$]{0,64}createObjectURL|["'`](?:blob|data):)/;

/** Octets that a literal in a script decodes to, from which on it is no key or picture of a button. */
const bigLiteralBytes = 1_024;

/** Kinds of `<script>` that hold data for search engines and frameworks. */
const dataScript = /json|template|^text\/(?:html|plain|x-handlebars)/i;

const absolute = /^\s*(?:https?:)?\/\//i;
const refreshing = /url\s*=\s*["']?\s*(?:https?:|data:|javascript:|\/\/)/i;

/** Attributes that hold addresses: what is long in them is no literal. */
const addressAttributes = new Set(
  'href src data action formaction background cite poster srcset style class xlink:href longdesc usemap xmlns'.split(
    ' ',
  ),
);

/** Attributes that are judged with others of their tag. */
const jointAttributes = new Set(
  'href xlink:href download action formaction type language http-equiv content'.split(' '),
);

interface Link {
  readonly href: string;
  text: string;
}

class Page {
  readonly #bytes: Buffer;
  readonly #page: string;
  readonly #budget: UnpackBudget;
  readonly #traits = new Set<Trait>();
  #over: LimitCode | undefined;
  #links = 0;
  #link: Link | undefined;
  #hasPassword = false;
  #postsElsewhere = false;
  /** Attributes of the tag that is being read, those that are judged together. */
  #attributes = new Map<string, string>();
  #script = '';

  constructor(bytes: Buffer, budget: UnpackBudget) {
    this.#bytes = bytes;
    this.#page = bytes.toString('latin1');
    this.#budget = budget;
  }

  *unpack(): Generator<Unpacked> {
    for (const token of tokensOf(this.#page)) {
      yield* this.#token(token);
      if (this.#over !== undefined) {
        yield { kind: 'limit', code: this.#over };
        break;
      }
    }
    this.#endLink();
    if (this.#hasPassword && this.#postsElsewhere) this.#traits.add('html-password-form');
    for (const trait of this.#traits) yield { kind: 'trait', trait };
  }

  *#token(token: Token): Generator<Unpacked> {
    switch (token.kind) {
      case 'attribute':
        yield* this.#attribute(token.name, token.value);
        break;
      case 'start':
        this.#start(token.tag);
        break;
      case 'end':
        if (token.tag === 'a') this.#endLink();
        break;
      case 'text':
        yield* this.#text(token.start, token.end);
        break;
      case 'body':
        yield* this.#body(token.tag, token.start, token.end);
        break;
    }
  }

  *#attribute(name: string, value: string): Generator<Unpacked> {
    // The first one counts (HTML §13.2.5.33).
    if (jointAttributes.has(name) && value.length < longAttribute && !this.#attributes.has(name))
      this.#attributes.set(name, value);
    if (value === '') return;
    if (name === 'srcdoc') {
      yield* this.#give('srcdoc.html', Buffer.from(value, 'latin1'));
      return;
    }
    const isHandler = name.startsWith('on') && name.length > 4;
    if (isHandler || /^\s*javascript:/i.test(value)) {
      this.#traits.add('html-script');
      yield* this.#code(value);
    } else if (!addressAttributes.has(name)) yield* this.#literals(value, false);
    if (hasData.test(value)) yield* this.#data(value);
  }

  #start(tag: string): void {
    const attributes = this.#attributes;
    this.#attributes = new Map();
    const href = attributes.get('href') ?? attributes.get('xlink:href');
    if (tag === 'a' || tag === 'area') {
      this.#endLink();
      if (href !== undefined) this.#link = { href, text: '' };
      if (attributes.has('download') && /^\s*(?:data|blob):|^\s*#?\s*$/i.test(href ?? ''))
        this.#traits.add('html-downloads');
      if (tag === 'area') this.#endLink();
    } else if (tag === 'form' || tag === 'button') {
      this.#formTarget(attributes.get('action') ?? attributes.get('formaction'));
    } else if (tag === 'input') {
      if (/^\s*password\s*$/i.test(attributes.get('type') ?? '')) this.#hasPassword = true;
      this.#formTarget(attributes.get('formaction'));
    } else if (tag === 'meta') {
      const refresh = /^\s*refresh\s*$/i.test(attributes.get('http-equiv') ?? '');
      if (refresh && refreshing.test(attributes.get('content') ?? '')) this.#traits.add('html-refresh');
    } else if (tag === 'script') {
      this.#script = attributes.get('type') ?? attributes.get('language') ?? '';
      if (!dataScript.test(this.#script)) this.#traits.add('html-script');
    }
  }

  #formTarget(action: string | undefined): void {
    if (action === undefined) return;
    if (absolute.test(action)) this.#postsElsewhere = true;
    this.#look({ href: action, text: '' });
  }

  *#text(start: number, end: number): Generator<Unpacked> {
    const link = this.#link;
    if (link && link.text.length <= linkTextCharacters)
      link.text += this.#page.slice(start, Math.min(end, start + linkTextCharacters + 1));
    // What a script may take from the page. Shorter lines of base64 are found in any text.
    if (end - start >= longText) yield* this.#literals(this.#page.slice(start, end), false, longText);
  }

  *#body(tag: string, start: number, end: number): Generator<Unpacked> {
    const text = this.#page.slice(start, end);
    if (tag === 'script') {
      const name = /vbs/i.test(this.#script) ? 'script.vbs' : 'script.js';
      if (text.trim() !== '') yield* this.#give(name, this.#bytes.subarray(start, end));
      yield* this.#code(text);
    }
    if (hasData.test(text)) yield* this.#data(text);
  }

  *#code(text: string): Generator<Unpacked> {
    const script = joinLiterals(text);
    const has = (words: readonly string[]) => words.some((word) => script.includes(word));
    if (has(decodingWords)) this.#traits.add('html-decodes');
    if (has(fileWords)) this.#traits.add('html-makes-file');
    if (has(downloadWords) || goingToFile.test(script)) this.#traits.add('html-downloads');
    yield* this.#literals(script, true);
  }

  *#literals(text: string, isScript: boolean, least?: number): Generator<Unpacked> {
    for (const bytes of literalsOf(text, least)) {
      if (isScript && bytes.length >= bigLiteralBytes) this.#traits.add('html-decodes');
      yield* this.#give('literal', bytes);
      if (this.#over !== undefined) return;
    }
  }

  *#data(text: string): Generator<Unpacked> {
    const name = this.#attributes.get('download');
    for (const { mediaType, bytes } of dataAddressesOf(text)) {
      if (/^application\/(?!(?:x-)?font)/.test(mediaType)) this.#traits.add('html-makes-file');
      yield* this.#give(name === undefined || name === '' ? 'data' : name, bytes);
      if (this.#over !== undefined) return;
    }
  }

  #endLink(): void {
    if (this.#link) this.#look({ href: this.#link.href, text: decodeReferences(this.#link.text) });
    this.#link = undefined;
  }

  #look({ href, text }: Link): void {
    if (++this.#links > maxLinks) return;
    for (const trait of linkTraits(href, text)) this.#traits.add(trait);
  }

  *#give(name: string, bytes: Buffer): Generator<Unpacked> {
    if (bytes.length === 0) return;
    this.#over = this.#budget.takeMember() ?? this.#budget.takeOutput(bytes.length);
    if (this.#over === undefined) yield { kind: 'member', name, bytes };
  }
}

/** Characters of an attribute that is kept while its tag is read. */
const longAttribute = 16_384;

/** Characters of a text that may be a literal for a script. */
const longText = 256;

const hasData = /data:/i;

export function* unpackHtml(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const page = fromUtf16(bytes);
  const over =
    budget.takeInput(bytes.length) ?? (page && (budget.takeMember() ?? budget.takeOutput(page.length)));
  if (over !== undefined) {
    yield { kind: 'limit', code: over };
    return;
  }
  // Rules are written for what is not in UTF-16.
  if (page !== undefined) yield { kind: 'member', name: 'page.html', bytes: page };
  yield* new Page(page ?? bytes, budget).unpack();
}
