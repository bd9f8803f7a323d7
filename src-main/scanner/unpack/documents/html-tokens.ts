// Cuts a page into tags, attributes and texts, tolerantly and in one pass. There is no tree: where mail programs and
// browsers disagree (comments for one of them, tags without an end), what any of them could see is given.

/** Offsets are characters of the page. Attributes come before the `start` of their tag; their values are decoded. */
export type Token =
  | { readonly kind: 'attribute'; readonly tag: string; readonly name: string; readonly value: string }
  | { readonly kind: 'start'; readonly tag: string; readonly end: number }
  | { readonly kind: 'end'; readonly tag: string }
  | { readonly kind: 'text'; readonly start: number; readonly end: number }
  /** What stands in a `script` or `style`. */
  | { readonly kind: 'body'; readonly tag: string; readonly start: number; readonly end: number };

/** Characters of a tag's or an attribute's name that are kept. */
const nameCharacters = 64;

/** Characters in which `<!--[if …]>` must have its end. */
const conditionCharacters = 256;

/** Named character references that hide something in addresses, or stand in them. */
const namedReferences: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  shy: '',
  colon: ':',
  sol: '/',
  bsol: '\\',
  period: '.',
  commat: '@',
  num: '#',
  quest: '?',
  equals: '=',
  lpar: '(',
  rpar: ')',
  comma: ',',
  semi: ';',
  plus: '+',
  lowbar: '_',
  hyphen: '\u2010',
  dash: '\u2010',
  excl: '!',
  percnt: '%',
  grave: '`',
  tab: '\t',
  newline: '\n',
  zwnj: '\u200c',
  zwj: '\u200d',
};

const reference = /&(?:#(\d{1,8})|#x([0-9a-f]{1,8})|([a-z]{2,8}(?=[;\s"'<&]|$)));?/gi;

const highestCodePoint = 0x10ffff;

/**
 * A page's characters as octets: what is above them is written in UTF-8, as the page itself is to us.
 * @param codePoint any number
 */
function characterOf(codePoint: number): string {
  if (codePoint < 0x80) return String.fromCharCode(codePoint);
  if (codePoint > highestCodePoint) return '';
  return Buffer.from(String.fromCodePoint(codePoint), 'utf8').toString('latin1');
}

/** Decodes character references (HTML §13.5), the named ones that matter. `text`: octets as characters. */
export function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(reference, (whole, decimal?: string, hex?: string, name?: string) => {
    if (decimal !== undefined) return characterOf(Number.parseInt(decimal, 10));
    if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
    const named = namedReferences[name?.toLowerCase() ?? ''];
    return named === undefined ? whole : Buffer.from(named, 'utf8').toString('latin1');
  });
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** HTML's blanks (§13.2.5): tab, line feed, form feed, carriage return, space. NUL too: browsers drop it. */
function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0;
}

const slash = 0x2f;
const greater = 0x3e;
const equals = 0x3d;

class Tokenizer {
  readonly #page: string;
  /** What is nowhere in the rest of the page: it is not looked for again and again. */
  readonly #missing = new Set<string>();
  #at = 0;

  constructor(page: string) {
    this.#page = page;
  }

  *tokens(): Generator<Token> {
    const page = this.#page;
    let textStart = 0;
    for (;;) {
      const open = page.indexOf('<', this.#at);
      if (open === -1) break;
      this.#at = open + 1;
      const first = page.charCodeAt(open + 1);
      const isEnd = first === slash && isLetter(page.charCodeAt(open + 2));
      const isMarkup = first === 0x21 || first === 0x3f;
      if (!isLetter(first) && !isEnd && !isMarkup) continue;
      if (open > textStart) yield { kind: 'text', start: textStart, end: open };
      if (isMarkup) this.#skipMarkup(open);
      else if (isEnd) yield this.#endTag(open);
      else yield* this.#startTag(open);
      textStart = this.#at;
    }
    if (page.length > textStart) yield { kind: 'text', start: textStart, end: page.length };
  }

  #find(what: string, from: number): number {
    if (this.#missing.has(what)) return -1;
    const found = this.#page.indexOf(what, from);
    if (found === -1) this.#missing.add(what);
    return found;
  }

  /** Comments, declarations, instructions. What has no end hides nothing. */
  #skipMarkup(open: number): void {
    const page = this.#page;
    if (page.startsWith('<![CDATA[', open)) {
      this.#at = open + 9;
    } else if (page.startsWith('<!--', open)) {
      const condition = page.slice(open + 4, open + 4 + conditionCharacters);
      // Outlook shows what stands in these comments.
      const shown = /^\s*\[if[^\]>]*\]>/i.exec(condition);
      if (shown) this.#at = open + 4 + shown[0].length;
      else if (/^-?>/.test(condition)) this.#at = open + 4 + condition.indexOf('>') + 1;
      else {
        const end = this.#find('-->', open + 4);
        const bang = this.#find('--!>', open + 4);
        if (end === -1 && bang === -1) this.#at = open + 4;
        else if (end !== -1 && (bang === -1 || end < bang)) this.#at = end + 3;
        else this.#at = bang + 4;
      }
    } else {
      const end = this.#find('>', open);
      this.#at = end === -1 ? open + 2 : end + 1;
    }
  }

  #endTag(open: number): Token {
    const nameEnd = this.#nameEnd(open + 2);
    const end = this.#find('>', nameEnd);
    this.#at = end === -1 ? nameEnd : end + 1;
    return { kind: 'end', tag: this.#name(open + 2, nameEnd) };
  }

  #nameEnd(start: number): number {
    let at = start;
    for (; at < this.#page.length; at++) {
      const code = this.#page.charCodeAt(at);
      if (isBlank(code) || code === slash || code === greater) break;
    }
    return at;
  }

  #name(start: number, end: number): string {
    return this.#page.slice(start, Math.min(end, start + nameCharacters)).toLowerCase();
  }

  *#startTag(open: number): Generator<Token> {
    const page = this.#page;
    this.#at = this.#nameEnd(open + 1);
    const tag = this.#name(open + 1, this.#at);
    while (this.#at < page.length) {
      const code = page.charCodeAt(this.#at);
      if (code === greater) break;
      if (isBlank(code) || code === slash) this.#at++;
      else yield this.#attribute(tag);
    }
    this.#at = Math.min(page.length, this.#at + 1);
    const bodyStart = this.#at;
    yield { kind: 'start', tag, end: bodyStart };
    if (tag !== 'script' && tag !== 'style') return;
    const close = tag === 'script' ? /<\/script/gi : /<\/style/gi;
    close.lastIndex = bodyStart;
    const end = close.exec(page)?.index ?? page.length;
    this.#at = end;
    if (end > bodyStart) yield { kind: 'body', tag, start: bodyStart, end };
  }

  #attribute(tag: string): Token {
    const page = this.#page;
    const nameStart = this.#at;
    // An equals sign at the beginning belongs to the name (HTML §13.2.5.32).
    this.#at++;
    for (; this.#at < page.length; this.#at++) {
      const code = page.charCodeAt(this.#at);
      if (isBlank(code) || code === slash || code === greater || code === equals) break;
    }
    const name = this.#name(nameStart, this.#at);
    let after = this.#at;
    while (isBlank(page.charCodeAt(after))) after++;
    if (page.charCodeAt(after) !== equals) return { kind: 'attribute', tag, name, value: '' };
    after++;
    while (isBlank(page.charCodeAt(after))) after++;
    const quote = page[after];
    if (quote === '"' || quote === "'") {
      const end = this.#find(quote, after + 1);
      if (end !== -1) {
        this.#at = end + 1;
        return { kind: 'attribute', tag, name, value: decodeReferences(page.slice(after + 1, end)) };
      }
      after++;
    }
    let end = after;
    for (; end < page.length; end++) {
      const code = page.charCodeAt(end);
      if (isBlank(code) || code === greater) break;
    }
    this.#at = end;
    return { kind: 'attribute', tag, name, value: decodeReferences(page.slice(after, end)) };
  }
}

/** The tokens of `page`, whose characters are octets (`latin1`). Takes time linear in its length. */
export function tokensOf(page: string): Generator<Token> {
  return new Tokenizer(page).tokens();
}
