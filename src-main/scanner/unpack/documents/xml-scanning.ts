// Looks at XML without parsing it: elements and attributes by their local names, in one pass over the text. What
// programs read as XML may be damaged, cut, or in UTF-16.
import { utf16Text } from '../../utf16.ts';

/** Octets at the beginning in which the root element stands: before it, a declaration, comments, a doctype. */
const rootProbeBytes = 4096;
/** Where nothing stands in those: somebody put much before it. */
const farRootProbeBytes = 256 * 1024;

const entities = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** Text of XML with its entities resolved. */
export function decodeXmlText(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities.get(String(name).toLowerCase()) ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** What is no markup although it may look so; CDATA is text. */
const sections = [
  { begin: '<!--', end: '-->', isText: false },
  { begin: '<?', end: '?>', isText: false },
  { begin: '<![CDATA[', end: ']]>', isText: true },
] as const;

/** The same without comments and instructions, and with CDATA as ordinary text: what would be a tag in it is none. */
function withoutSections(bytes: Buffer): Buffer {
  const next = sections.map(({ begin }) => bytes.indexOf(begin));
  let out: Buffer | undefined;
  let length = 0;
  let from = 0;
  for (;;) {
    const at = Math.min(...next.map((place) => (place === -1 ? bytes.length : place)));
    const section = sections[next.indexOf(at)];
    if (!section) break;
    out ??= Buffer.allocUnsafe(bytes.length);
    length += bytes.copy(out, length, from, at);
    const inside = at + section.begin.length;
    const close = bytes.indexOf(section.end, inside);
    const end = close === -1 ? bytes.length : close;
    if (section.isText)
      for (let index = inside; index < end; index++) {
        const octet = bytes[index] ?? 0;
        out[length++] = octet === 0x3c ? 0x20 : octet;
      }
    from = close === -1 ? bytes.length : end + section.end.length;
    sections.forEach(({ begin }, index) => {
      const place = next[index] ?? -1;
      if (place !== -1 && place < from) next[index] = bytes.indexOf(begin, from);
    });
  }
  if (!out) return bytes;
  length += bytes.copy(out, length, from);
  return out.subarray(0, length);
}

/** Octets as UTF-8, and nothing in them that only looks like markup. */
export function xmlOctets(bytes: Buffer): Buffer {
  return withoutSections(asUtf8(bytes));
}

/** From UTF-16 of either order, which Office reads as well. */
function asUtf8(bytes: Buffer): Buffer {
  const [first = 0, second = 0] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0))
    return Buffer.from(utf16Text(bytes));
  const isBigEndian = (first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c);
  if (!isBigEndian) return bytes;
  return Buffer.from(utf16Text(Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16()));
}

export interface Root {
  /** Its local name. */
  readonly name: string;
  /** The beginning of the text, up to some kilobytes. */
  readonly beginning: string;
}

/** The first element; undefined: this is no XML. */
export function rootOf(bytes: Buffer): Root | undefined {
  // A byte order mark, blanks that some writers leave before.
  if (!/^[^<]{0,16}</.test(bytes.toString('latin1', 0, 40).replaceAll('\0', ''))) return undefined;
  return rootWithin(bytes, rootProbeBytes) ?? rootWithin(bytes, farRootProbeBytes);
}

function rootWithin(bytes: Buffer, probeBytes: number): Root | undefined {
  const text = bytes.toString('latin1', 0, probeBytes).replaceAll('\0', '');
  const beginning = decodeXmlText(text.replace(/<!--[\s\S]*?(?:-->|$)/g, ''));
  const match = /<(?:[\w.-]{1,64}:)?([A-Za-z_][\w.-]{0,63})(?=[\s/>])/.exec(beginning);
  return match?.[1] === undefined ? undefined : { name: match[1], beginning: beginning.slice(match.index) };
}

/** Attributes of one tag by their local names; the last of doubles counts. */
export function attributesOf(tag: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single] of tag.matchAll(/([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g))
    attributes.set(name.toLowerCase(), decodeXmlText(double ?? single ?? ''));
  return attributes;
}

export interface Tag {
  /** Everything in it but its name. */
  readonly text: string;
  /** Where it begins, and where what it holds begins. */
  readonly start: number;
  readonly end: number;
}

/** Octets of one tag that are looked at. */
const maxTagBytes = 1024 * 1024;

/** Where a tag ends that begins at `at`: at a ">" outside of quotes. -1: nowhere near. */
function tagEnd(bytes: Buffer, at: number): number {
  let quote = 0;
  const limit = Math.min(bytes.length, at + maxTagBytes);
  for (let index = at; index < limit; index++) {
    const octet = bytes[index] ?? 0;
    if (quote !== 0) {
      if (octet === quote) quote = 0;
    } else if (octet === 0x22 || octet === 0x27) quote = octet;
    else if (octet === 0x3e) return index;
  }
  return -1;
}

/** Characters of a prefix, with its "<" and ":". */
const maxPrefixBytes = 66;

/** Where the "<" stands before a prefix and its ":"; -1: something else is before the name. */
function openBefore(bytes: Buffer, at: number): number {
  for (let index = at - 2; index >= 0 && at - index <= maxPrefixBytes; index--) {
    const octet = bytes[index] ?? 0;
    if (octet === 0x3c) return index;
    // Blanks, "!", quotes: no prefix.
    if (octet < 0x2d || octet === 0x2f || octet === 0x3e) return -1;
  }
  return -1;
}

/** Opening tags with the local name `name`, whatever their prefix. */
export function* tagsOf(bytes: Buffer, name: string): Generator<Tag> {
  const word = Buffer.from(name, 'latin1');
  for (let at = bytes.indexOf(word); at !== -1; ) {
    const before = bytes[at - 1];
    const after = bytes[at + word.length] ?? 0;
    // 'p:name ' or '<name>'; not '</name' and not 'namesake'.
    const isName =
      (before === 0x3c || before === 0x3a) && (after <= 0x20 || after === 0x2f || after === 0x3e);
    let next = at + word.length;
    if (isName) {
      const open = before === 0x3c ? at - 1 : openBefore(bytes, at);
      if (open !== -1 && bytes[open + 1] !== 0x2f) {
        const end = tagEnd(bytes, next);
        if (end !== -1) {
          yield { text: bytes.toString('utf8', next, end), start: open, end: end + 1 };
          next = end + 1;
        } else next = Math.min(bytes.length, next + maxTagBytes);
      }
    }
    at = bytes.indexOf(word, next);
  }
}

/** What stands between a tag and the next one, with entities resolved; up to `maxBytes`. */
export function contentOf(bytes: Buffer, tag: Tag, maxBytes: number): string {
  if (tag.text.endsWith('/')) return '';
  const stop = bytes.indexOf('<', tag.end);
  const end = Math.min(stop === -1 ? bytes.length : stop, tag.end + maxBytes);
  return decodeXmlText(bytes.toString('utf8', tag.end, end));
}
