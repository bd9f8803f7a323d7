// Finds every place in a message where some mail program may see a part begin or end, by offsets into the original
// octets, in one pass over its lines. Mail programs read malformed mail differently, so this is a union: a place that
// only one of them would see counts. Decodes nothing.
import type { LimitCode } from '../../contract/verdict.ts';
import { softEndsPerStart, startsPerPart } from '../limits.ts';
import { cleanHeaderName } from '../names.ts';
import type { Ahead } from './ahead.ts';
import { base64Octets, firstOutsideBase64 } from './base64.ts';
import { type BlockInfo, noInfo, readBlock } from './header.ts';
import { Levels } from './levels.ts';
import { isLineEnd, Lines } from './lines.ts';

/** A stretch of octets that belongs to the structure: a header block or a boundary line. */
export interface Span {
  readonly kind: 'header' | 'boundary';
  readonly start: number;
  readonly end: number;
}

/** How content is written: as its header says, or as its shape says. */
type Writing =
  | { readonly kind: 'declared'; readonly base64: boolean; readonly quotedPrintable: boolean }
  | { readonly kind: 'base64-shape' }
  | { readonly kind: 'uuencode' }
  | { readonly kind: 'yenc' };

/** A place where content begins, with the places where it may end, nearest first. */
export interface Start {
  readonly path: string;
  readonly name: string | undefined;
  readonly writing: Writing;
  readonly start: number;
  readonly ends: readonly number[];
}

export interface Walk {
  readonly starts: readonly Start[];
  /** In order, without overlaps. */
  readonly spans: readonly Span[];
  readonly parts: number;
  readonly limits: ReadonlySet<LimitCode>;
}

export interface WalkLimits {
  readonly mimeDepth: number;
  readonly mimeParts: number;
  readonly headerBytes: number;
}

interface Draft extends Start {
  readonly ends: number[];
  /** Multiparts that were open when it began; the boundary of any of them ends it. */
  readonly depth: number;
  /** For a run of base64: the start whose first line it is, if any. */
  readonly owner: Draft | undefined;
  closed: boolean;
}

/** RFC 2046 §5.1.1 allows 70 octets of boundary. */
const tokenBytes = 250;

/** A whole line of base64 that is this long is decoded whatever the header says. */
const shapeBytes = 16;

/** Trailing blank lines of a base64 part; with more, the declared and the shaped reading are both decoded. */
const trailingBlanks = 64;

const headerShape = /^[^\s:][^\s:]{0,76}[ \t]*:/;
const contentField = /^c\0*o\0*n\0*t\0*e\0*n\0*t\0*-/i;
const uuBegin = /^begin [0-7]{3,4} ?(.*)/;
const yencBegin = /^=ybegin (?:.*?name=(.*))?/;

/** Whether all octets are base64 text, blanks at the end aside. */
function isBase64(bytes: Buffer, start: number, end: number): boolean {
  const table = base64Octets;
  let at = start;
  while (at < end && table[bytes[at] as number] === 1) at++;
  while (at > start && at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  return at === end && at > start;
}

/** Offset of the first line from `from` on that is neither base64 nor empty. */
function afterBase64(bytes: Buffer, from: number, ahead: Ahead | undefined): number {
  const at = firstOutsideBase64(bytes, ahead?.knownFrom(from) ?? from);
  if (at === bytes.length) return at;
  let line = at;
  while (line > from && !isLineEnd(bytes[line - 1])) line--;
  return line;
}

class Walker {
  readonly #bytes: Buffer;
  readonly #limits: WalkLimits;
  readonly #ahead: Ahead | undefined;
  readonly #lines: Lines;
  readonly #levels = new Levels();
  readonly #drafts: Draft[] = [];
  readonly #spans: Span[] = [];
  readonly #reached = new Set<LimitCode>();
  /** Drafts without a certain end, in order of depth. */
  #open: Draft[] = [];
  /** Those of them that still take uncertain ends. */
  #soft: Draft[] = [];
  /** The uuencode and yEnc drafts of them. */
  #lined: Draft[] = [];
  #last: Draft | undefined;
  #run: Draft | undefined;
  /** The open draft of them that has no header of its own. */
  #plain: Draft | undefined;
  #parts = 0;
  /** Offset of the header block that is being read, or -1. */
  #block = -1;
  /** The block has a line that ends it for some mail programs. */
  #irregular = false;
  /** Only empty lines came since the last start. */
  #fresh = false;
  /** What the next line may begin: a part (header or content), an embedded message's header, or nothing. */
  #expect: 'part' | 'header' | 'nothing' = 'part';

  constructor(bytes: Buffer, limits: WalkLimits, ahead: Ahead | undefined) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#ahead = ahead;
    this.#lines = new Lines(bytes);
  }

  walk(): Walk {
    while (!this.#reached.has('mime-parts') && this.#lines.next()) this.#line();
    const { end } = this.#lines;
    if (this.#block !== -1) this.#finishBlock(end);
    this.#endRun(end);
    for (const draft of this.#open) this.#close(draft, this.#bytes.length);
    const starts = this.#drafts.filter((draft) => !this.#isCovered(draft));
    return { starts, spans: this.#spans, parts: this.#parts, limits: this.#reached };
  }

  #line(): void {
    const { start, end } = this.#lines;
    const base64 = isBase64(this.#bytes, start, end);
    if (this.#run && !base64) this.#endRun(this.#lines.previousEnd);
    if (this.#bytes[start] === 0x2d && this.#bytes[start + 1] === 0x2d && this.#boundary()) return;
    if (this.#block !== -1 && this.#inBlock()) return;
    if (this.#expect === 'part') {
      if (end === start) this.#begin(noInfo, this.#lines.after);
      else if (this.#looksLikeHeader(start)) this.#beginBlock(start);
      else this.#begin(noInfo, start);
      this.#expect = 'nothing';
      if (end === start || this.#block !== -1) return;
    }
    if (end > start) this.#content(base64);
  }

  /** A line of content, which may begin something by its shape. */
  #content(base64: boolean): void {
    const { start, end } = this.#lines;
    if (this.#lined.length > 0 && /^(?:end|=yend.*)\s*$/.test(this.#text(start, tokenBytes)))
      this.#endLined();
    else if (base64) this.#beginRun(start, end);
    else {
      const first = (this.#bytes[start] ?? 0) | 0x20;
      const embedded = this.#expect === 'header' && this.#looksLikeHeader(start);
      if (embedded || (first === 0x63 && contentField.test(this.#text(start, 24)))) this.#beginBlock(start);
      else if (first === 0x62) this.#beginLined('uuencode', uuBegin);
      else if (first === 0x3d) this.#beginLined('yenc', yencBegin);
    }
    this.#expect = 'nothing';
    this.#fresh = false;
  }

  /** The current line of a header block; false when it is content already. */
  #inBlock(): boolean {
    const { start, end, after } = this.#lines;
    if (end === start) {
      const info = this.#finishBlock(start, after);
      this.#begin(info, after);
      this.#expect = info.message || info.multipart ? 'header' : 'nothing';
      return true;
    }
    if (start - this.#block > this.#limits.headerBytes) {
      this.#begin(this.#finishBlock(start), start);
      return false;
    }
    const octet = this.#bytes[start];
    const blankFirst = octet === 0x20 || octet === 0x09;
    const blank = blankFirst && this.#text(start, tokenBytes).trim() === '' && end - start < tokenBytes;
    if (!this.#irregular && (blank || (!blankFirst && !this.#looksLikeHeader(start)))) {
      // Some mail programs take a line of blanks for the empty line, and others any line that is no field.
      this.#irregular = true;
      this.#begin(readBlock(this.#bytes.subarray(this.#block, start)), blank ? after : start);
    }
    return true;
  }

  #finishBlock(end: number, spanEnd = end): BlockInfo {
    const block = this.#block;
    this.#block = -1;
    this.#irregular = false;
    this.#spans.push({ kind: 'header', start: block, end: spanEnd });
    if (end - block > this.#limits.headerBytes) this.#reached.add('header-size');
    const info = readBlock(this.#bytes.subarray(block, Math.min(end, block + this.#limits.headerBytes)));
    if (info.boundaries.length > 0) {
      if (this.#levels.depth < this.#limits.mimeDepth) this.#levels.push(info.boundaries);
      else this.#reached.add('mime-depth');
    }
    return info;
  }

  /** A line that begins with `--`; false when nobody would take it for a boundary. */
  #boundary(): boolean {
    const { start, after, previousEnd } = this.#lines;
    const token = this.#text(start + 2, tokenBytes)
      .replaceAll('\0', '')
      .trimEnd();
    if (token === '') return false;
    // No field begins so: the block ends here, and may be the one that declares this boundary.
    if (this.#block !== -1) this.#begin(this.#finishBlock(start), start);
    const match = this.#levels.match(token);
    if (match) {
      this.#levels.enter(match);
      if (!match.ambiguous) this.#endAbove(match.level, previousEnd);
    } else if (!this.#looksLikePart(after)) return false;
    this.#softEnd(previousEnd);
    this.#spans.push({ kind: 'boundary', start, end: after });
    if (match?.closing !== true && ++this.#parts > this.#limits.mimeParts) this.#reached.add('mime-parts');
    this.#expect = 'part';
    return true;
  }

  #endAbove(level: number, end: number): void {
    for (let draft = this.#open.at(-1); draft && draft.depth > level; draft = this.#open.at(-1)) {
      this.#open.pop();
      this.#close(draft, end);
    }
    this.#lined = this.#lined.filter((draft) => !draft.closed);
  }

  #softEnd(end: number): void {
    this.#soft = this.#soft.filter((draft) => {
      if (!draft.closed) draft.ends.push(Math.max(draft.start, end));
      return !draft.closed && draft.ends.length < softEndsPerStart;
    });
  }

  #close(draft: Draft, end: number): void {
    if (draft.closed) return;
    draft.closed = true;
    draft.ends.push(Math.max(draft.start, end));
  }

  /** A header block begins here; text that no header describes ends. */
  #beginBlock(start: number): void {
    this.#block = start;
    if (this.#plain) this.#close(this.#plain, this.#lines.previousEnd);
    this.#plain = undefined;
  }

  #begin(info: BlockInfo, start: number): void {
    const { base64, quotedPrintable, name } = info;
    this.#last = this.#add({ kind: 'declared', base64, quotedPrintable }, name, start);
    this.#fresh = true;
    if (info === noInfo) this.#plain = this.#last;
  }

  #beginLined(kind: 'uuencode' | 'yenc', pattern: RegExp): void {
    const begin = pattern.exec(this.#text(this.#lines.start, tokenBytes));
    if (!begin) return;
    const draft = this.#add({ kind }, cleanHeaderName(begin[1]), this.#lines.after);
    if (draft) this.#lined.push(draft);
  }

  #beginRun(start: number, end: number): void {
    if (this.#run || end - start < shapeBytes) return;
    this.#run = this.#add({ kind: 'base64-shape' }, undefined, start, this.#fresh ? this.#last : undefined);
    // Nothing can begin in lines of base64; only the end of uuencoded lines looks like one.
    if (this.#run && this.#lined.length === 0)
      this.#lines.jump(afterBase64(this.#bytes, this.#lines.after, this.#ahead));
  }

  #endLined(): void {
    for (const draft of this.#lined) this.#close(draft, this.#lines.previousEnd);
    this.#lined = [];
  }

  #endRun(end: number): void {
    if (this.#run) this.#close(this.#run, end);
    this.#run = undefined;
  }

  #add(writing: Writing, name: string | undefined, start: number, owner?: Draft): Draft | undefined {
    if (this.#drafts.length >= this.#limits.mimeParts * startsPerPart) {
      this.#reached.add('mime-parts');
      return undefined;
    }
    const depth = this.#levels.depth;
    const path = this.#levels.path();
    const draft: Draft = { path, name, writing, start, ends: [], depth, owner, closed: false };
    this.#drafts.push(draft);
    // A run of base64 ends with its lines, not with a boundary.
    if (writing.kind !== 'base64-shape') {
      this.#open.push(draft);
      this.#soft.push(draft);
    }
    return draft;
  }

  /** Whether a run of base64 is all there is in a part that says base64 itself. */
  #isCovered({ owner, ends }: Draft): boolean {
    if (owner?.writing.kind !== 'declared' || !owner.writing.base64 || owner.ends.length !== 1) return false;
    const end = owner.ends[0] ?? 0;
    const runEnd = ends[0] ?? 0;
    return end - runEnd <= trailingBlanks && this.#bytes.toString('latin1', runEnd, end).trim() === '';
  }

  /** Whether a part may begin with the line at `start`: with its header, or the empty line before its content. */
  #looksLikePart(start: number): boolean {
    const octet = this.#bytes[start];
    return isLineEnd(octet) || this.#looksLikeHeader(start);
  }

  #looksLikeHeader(start: number): boolean {
    return headerShape.test(this.#bytes.toString('latin1', start, start + 100));
  }

  /** The current line from `start` on, cut to `length` octets. */
  #text(start: number, length: number): string {
    return this.#bytes.toString('latin1', start, Math.min(start + length, this.#lines.end));
  }
}

/**
 * Walks `bytes` as one message, or as one part of it. Takes time linear in their number.
 * @param ahead what is known of `bytes` already
 */
export function walk(bytes: Buffer, limits: WalkLimits, ahead?: Ahead): Walk {
  return new Walker(bytes, limits, ahead).walk();
}
