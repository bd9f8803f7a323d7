// Reads BER and DER (ITU-T X.690): one element after the other, in definite and indefinite lengths.

/** One element. */
export interface Element {
  /** The identifier octet: class, constructed, number; larger numbers are not told apart. */
  readonly tag: number;
  readonly start: number;
  /** Of the content; where the length is indefinite: of what there is. */
  readonly end: number;
  readonly isIndefinite: boolean;
  /** Its length goes beyond what there is. */
  readonly isCut: boolean;
}

/** Elements of indefinite length within each other. */
const maxDepth = 64;

export const constructed = 0x20;
export const sequenceTag = 0x30;
export const octetStringTag = 0x04;

/** The element at `at`; undefined: there is none before `end`. A length beyond `end` is cut to it. */
export function elementAt(bytes: Buffer, at: number, end = bytes.length): Element | undefined {
  const tag = bytes[at];
  if (tag === undefined || at + 2 > end) return undefined;
  let start = at + 1;
  if ((tag & 0x1f) === 0x1f) while (start < end && (bytes[start++] ?? 0) >= 0x80);
  const first = bytes[start++] ?? 0;
  if (first === 0x80) return { tag, start, end, isIndefinite: true, isCut: false };
  if (first < 0x80) return definite(tag, start, first, end);
  const octets = first & 0x7f;
  if (octets === 0 || octets > 6 || start + octets > end) return undefined;
  return definite(tag, start + octets, bytes.readUIntBE(start, octets), end);
}

function definite(tag: number, start: number, length: number, end: number): Element {
  const isCut = start + length > end;
  return { tag, start, end: isCut ? end : start + length, isIndefinite: false, isCut };
}

function isEndOfContents(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 0;
}

/** Offset behind an element; undefined: it has no end. */
function after(bytes: Buffer, element: Element): number | undefined {
  if (!element.isIndefinite) return element.end;
  let depth = 1;
  for (let at = element.start; at < element.end; ) {
    if (isEndOfContents(bytes, at)) {
      at += 2;
      if (--depth === 0) return at;
      continue;
    }
    const inner = elementAt(bytes, at, element.end);
    if (!inner || (inner.isIndefinite && ++depth > maxDepth)) return undefined;
    at = inner.isIndefinite ? inner.start : inner.end;
  }
  return undefined;
}

/** The elements in a constructed one, in order, up to where they can't be read. */
export function* childrenOf(bytes: Buffer, parent: Element): Generator<Element> {
  for (let at: number | undefined = parent.start; at !== undefined && at < parent.end; ) {
    if (parent.isIndefinite && isEndOfContents(bytes, at)) return;
    const child = elementAt(bytes, at, parent.end);
    if (!child) return;
    yield child;
    at = after(bytes, child);
  }
}

/**
 * The octets of an octet string, which may be in pieces (X.690 §8.7).
 * @returns `complete: false` where its end is missing or too deep
 */
export function octetsOf(
  bytes: Buffer,
  string: Element,
): { readonly bytes: Buffer; readonly complete: boolean } {
  if ((string.tag & constructed) === 0)
    return { bytes: bytes.subarray(string.start, string.end), complete: !string.isCut };
  const pieces: Buffer[] = [];
  const open: Element[] = [string];
  let at = string.start;
  for (;;) {
    const parent = open.at(-1);
    if (!parent) return { bytes: Buffer.concat(pieces), complete: true };
    if (parent.isIndefinite ? isEndOfContents(bytes, at) : at >= parent.end) {
      open.pop();
      at = parent.isIndefinite ? at + 2 : parent.end;
      continue;
    }
    const child = elementAt(bytes, at, parent.end);
    if (!child || open.length > maxDepth) return { bytes: Buffer.concat(pieces), complete: false };
    at = child.start;
    if ((child.tag & constructed) !== 0) open.push(child);
    else {
      pieces.push(bytes.subarray(child.start, child.end));
      if (child.isCut) return { bytes: Buffer.concat(pieces), complete: false };
      at = child.end;
    }
  }
}
