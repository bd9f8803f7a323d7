// Finds every place in a message where some mail program may see a part begin or end, by offsets into the original
// octets, in one pass over its lines. Mail programs read malformed mail differently, so this is a union: a place that
// only one of them would see counts. Decodes nothing.
import type { LimitCode } from '../../contract/verdict.ts';
import { startsPerPart } from '../limits.ts';
import { judgedName } from '../names.ts';
import type { Ahead } from './ahead.ts';
import type { Anomaly } from './anomalies.ts';
import { isMalformedBase64 } from './base64.ts';
import { utf16At } from './charsets.ts';
import { type Draft, Drafts, type Ending, isCovered } from './drafts.ts';
import { type BlockInfo, noInfo, readBlock } from './header.ts';
import { Levels } from './levels.ts';
import { isLineEnd, Lines, lineEndBefore, lineEnds } from './lines.ts';
import {
  afterBase64,
  binHexMark,
  boundaryShape,
  contentField,
  isBase64,
  isContentLine,
  isHeaderField,
  isOddFirstLine,
  linedBegins,
  linedEnd,
  mayBeginLines,
  mayEndLines,
} from './shapes.ts';
import { UndeclaredBoundaries } from './undeclared.ts';
import type { Span, Walk, WalkLimits, Writing } from './walk.ts';

export type { Span, Start, Walk, WalkLimits } from './walk.ts';

/** RFC 2046 §5.1.1 allows 70 octets of boundary. */
const tokenBytes = 250;

/** A whole line of base64 that is this long is decoded whatever the header says. */
const shapeBytes = 16;

/** Lines of base64 are something encoded, not a word or a rule of '=', from this many octets on. */
const dataBytes = 64;

/** The ways in which a line in a header block may end it for some mail programs, as a bit each. */
const early = { blank: 1, noColon: 2, oddName: 4, emptyLine: 8 } as const;

/** Octets of headers that are read again since they may go on behind a line of CR CR LF; few headers have any. */
const rereadBytes = 16 * 1024 * 1024;

class Walker {
  readonly #bytes: Buffer;
  readonly #limits: WalkLimits;
  readonly #ahead: Ahead | undefined;
  readonly #lines: Lines;
  readonly #reached = new Set<LimitCode>();
  readonly #anomalies = new Set<Anomaly>();
  readonly #levels = new Levels((anomaly) => this.#anomalies.add(anomaly));
  readonly #drafts: Drafts;
  readonly #spans: Span[] = [];
  #last: Draft | undefined;
  #run: Draft | undefined;
  /** The open draft of them that has no header of its own. */
  #plain: Draft | undefined;
  #parts = 0;
  #rereadLeft = rereadBytes;
  readonly #undeclared = new UndeclaredBoundaries();
  /** Offset of the header block that is being read, or -1. */
  #block = -1;
  /** It stands where a header is expected. */
  #isExpected = false;
  /** Lines that end it for some mail programs: bits of `early`. */
  #early = 0;
  /** What ended its lines: bits of `lineEnds`. */
  #blockLineEnds = 0;
  /** Only empty lines came since the last start. */
  #fresh = false;
  /** What the next line may begin: a part (header or content), an embedded message's header, or nothing. */
  #expect: 'part' | 'header' | 'nothing' = 'part';

  constructor(bytes: Buffer, limits: WalkLimits, ahead: Ahead | undefined) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#ahead = ahead;
    this.#lines = new Lines(bytes);
    this.#drafts = new Drafts(limits.mimeParts * startsPerPart);
  }

  walk(): Walk {
    const bytes = this.#bytes;
    while (!this.#reached.has('mime-parts') && this.#lines.next()) this.#line();
    const { end } = this.#lines;
    if (this.#block !== -1) this.#finishBlock(end);
    this.#endRun(end);
    this.#drafts.endAll(bytes.length);
    this.#levels.end();
    const covered = new Set(this.#drafts.all.filter((draft) => isCovered(bytes, draft)));
    this.#judgeBase64(new Set([...covered].map(({ owner }) => owner)));
    return {
      starts: this.#drafts.all.filter((draft) => !covered.has(draft)),
      spans: this.#spans,
      parts: this.#parts,
      limits: this.#reached,
      anomalies: this.#anomalies,
    };
  }

  #line(): void {
    const { start, end } = this.#lines;
    const first = this.#bytes[start];
    const base64 = isBase64(this.#bytes, start, end);
    if (this.#run && !base64) this.#endRun(this.#lines.previousEnd);
    if (first === 0x2d ? this.#bytes[start + 1] === 0x2d && this.#boundary(0) : this.#indentedBoundary(first))
      return;
    if (this.#block !== -1 && this.#inBlock()) {
      // It is over already for some.
      if (this.#early !== 0 && end > start) this.#beginByShape(base64);
      return;
    }
    if (this.#expect === 'part') {
      if (end === start) this.#begin(noInfo, this.#lines.after);
      else if (isHeaderField(this.#bytes, start) || isOddFirstLine(this.#bytes, start))
        this.#beginBlock(start, true);
      else this.#begin(noInfo, start);
      this.#expect = 'nothing';
      if (end === start || this.#block !== -1) return;
    }
    if (end > start) this.#content(base64);
  }

  /** A line of content, which may begin or end something. */
  #content(base64: boolean): void {
    const { start } = this.#lines;
    const first = this.#bytes[start] ?? 0;
    const isField = (first | 0x20) === 0x63 || first === 0 || first === 0xef;
    if (
      !this.#beginByShape(base64) &&
      ((isField && contentField.test(this.#text(start, 40))) ||
        (this.#expect === 'header' && isHeaderField(this.#bytes, start)))
    )
      this.#beginBlock(start, false);
    this.#expect = 'nothing';
    this.#fresh = false;
  }

  /** Whether the line begins or ends something that is known by its shape. */
  #beginByShape(base64: boolean): boolean {
    const { start, end, previousEnd } = this.#lines;
    const first = this.#bytes[start] ?? 0;
    if (this.#drafts.hasLined && mayEndLines(this.#bytes, start) && linedEnd.test(this.#text(start, 200)))
      this.#drafts.endLined(previousEnd);
    else if (base64) this.#beginRun(start, end);
    else if (mayBeginLines(this.#bytes, start)) return this.#beginLined();
    else if (first === 0x28 && binHexMark.test(this.#text(start, 60))) this.#begin(noInfo, start);
    // Binary content has such marks by chance.
    else if (first >= 0xfe && utf16At(this.#bytes, start + 2)) this.#addUtf16(start);
    else return false;
    return true;
  }

  /** The current line of a header block; false when it is content already. */
  #inBlock(): boolean {
    const { start, end, after } = this.#lines;
    const lineEnd = lineEndBefore(this.#bytes, after);
    if (end === start) {
      if (this.#goesOn(after)) return true;
      const info = this.#finishBlock(start, after);
      this.#expect = info.message || info.multipart ? 'header' : 'nothing';
      return true;
    }
    if (start - this.#block > this.#limits.headerBytes) {
      this.#finishBlock(start, start);
      return false;
    }
    this.#blockLineEnds |= lineEnd;
    const way = this.#earlyEnd();
    if (way !== 0 && (this.#early & way) === 0) {
      this.#early |= way;
      this.#begin(this.#infoUpTo(start), way === early.blank ? after : start);
    }
    if (lineEnd === lineEnds.crCrLf && this.#bytes[after] !== 0x0d) this.#goesOn(after);
    return true;
  }

  /** Whether the current line of a block ends it for some mail programs, as a bit of `early`. */
  #earlyEnd(): number {
    const { start, end } = this.#lines;
    const octet = this.#bytes[start] ?? 0;
    if (octet === 0x20 || octet === 0x09 || octet === 0) {
      let at = start;
      while (at < end && (this.#bytes[at] === 0x20 || this.#bytes[at] === 0x09 || this.#bytes[at] === 0))
        at++;
      if (at === end) return early.blank;
      if (octet !== 0) return 0;
    }
    if (isHeaderField(this.#bytes, start)) return 0;
    return this.#bytes.subarray(start, Math.min(end, start + tokenBytes)).includes(0x3a)
      ? early.oddName
      : early.noColon;
  }

  /**
   * Whether the header may go on at `at`, behind a line that is empty for some mail programs and not for others. It
   * matters where it decides how base64 falls into groups of four.
   */
  #goesOn(at: number): boolean {
    if ((this.#early & early.emptyLine) !== 0 || !isHeaderField(this.#bytes, at)) return false;
    this.#rereadLeft -= at - this.#block;
    if (this.#rereadLeft < 0) {
      this.#reached.add('header-size');
      return false;
    }
    const info = this.#infoUpTo(at);
    if (!info.encodings.base64) return false;
    this.#early |= early.emptyLine;
    this.#begin(info, at);
    return true;
  }

  /** Whether a line `--token` in the block may be none of its fields, yet not its end; once for each block. */
  #isGarbage(token: string): boolean {
    if ((this.#early & early.noColon) !== 0 || this.#levels.has(token)) return false;
    const { encodings, boundaries } = this.#infoUpTo(this.#lines.start);
    return encodings.base64 && !boundaries.includes(token) && !boundaries.includes(token.replace(/--$/, ''));
  }

  #infoUpTo(end: number): BlockInfo {
    return readBlock(this.#bytes.subarray(this.#block, end));
  }

  /** Reads the block; content begins at `contentStart`, if it does. */
  #finishBlock(end: number, contentStart?: number): BlockInfo {
    const block = this.#block;
    this.#block = -1;
    this.#spans.push({ kind: 'header', start: block, end: contentStart ?? end });
    if (end - block > this.#limits.headerBytes) this.#reached.add('header-size');
    const info = readBlock(this.#bytes.subarray(block, Math.min(end, block + this.#limits.headerBytes)));
    if (info.partial) this.#reached.add('partial-message');
    this.#judgeBlock(info);
    let { depth } = this.#levels;
    if (info.boundaries.length > 0) {
      if (depth < this.#limits.mimeDepth) this.#levels.push(info.boundaries, info.isAmbiguous);
      else this.#reached.add('mime-depth');
      // What is encoded as a whole, or may be no multipart, is not over at its first boundary.
      const { base64, quotedPrintable } = info.encodings;
      if (!info.isAmbiguous && !base64 && !quotedPrintable) depth = this.#levels.depth;
    }
    this.#early = 0;
    if (contentStart !== undefined) this.#begin(info, contentStart, depth);
    return info;
  }

  #judgeBlock({ isMime, anomalies }: BlockInfo): void {
    if (!isMime) return;
    if (!this.#isExpected) this.#levels.data();
    for (const anomaly of anomalies) this.#anomalies.add(anomaly);
    if (!this.#isExpected) return;
    if ((this.#blockLineEnds & lineEnds.cr) !== 0) this.#anomalies.add('bare-cr');
    if (this.#early !== 0) this.#anomalies.add('malformed-header');
  }

  /** Content that says base64 and has other octets in it, or padding within. `covered`: known to have none. */
  #judgeBase64(covered: ReadonlySet<Draft | undefined>): void {
    for (const draft of this.#drafts.all) {
      const { writing, start, ends } = draft;
      if (writing.kind !== 'declared' || !writing.base64 || !writing.isCertain) continue;
      if (this.#anomalies.has('malformed-base64')) return;
      if (isMalformedBase64(this.#bytes, start, ends[0] ?? start, covered.has(draft)))
        this.#anomalies.add('malformed-base64');
    }
  }

  /** A line that begins with `--` behind blanks, quoting or a mark: a boundary to some, if it is a known one. */
  #indentedBoundary(first: number | undefined): boolean {
    if (this.#levels.depth === 0) return false;
    if (first !== 0x20 && first !== 0x09 && first !== 0x3e && first !== 0 && first !== 0xef) return false;
    const indent = boundaryShape.exec(this.#text(this.#lines.start, 12))?.[0].length;
    return indent !== undefined && this.#boundary(indent - 2);
  }

  /** A line with `--` behind `indent` octets; false when nobody would take it for a boundary. */
  #boundary(indent: number): boolean {
    const { start, end, after, previousEnd } = this.#lines;
    const written = this.#text(start + indent + 2, tokenBytes);
    const token = written.replaceAll('\0', '').trimEnd();
    if (token === '') return false;
    // No field begins so: the block ends here, and may be the one that declares this boundary.
    if (this.#block !== -1 && indent === 0) {
      if (this.#isGarbage(token)) return false;
      this.#finishBlock(start, start);
    }
    const isExact = indent === 0 && token.length === end - start - 2;
    const before = lineEndBefore(this.#bytes, start);
    const match = this.#levels.match(token, isExact, before, lineEndBefore(this.#bytes, after));
    if (match) {
      if (this.#block !== -1) this.#finishBlock(start, start);
      if (!match.isUncertain) this.#drafts.endAbove(match.level, previousEnd);
      this.#levels.enter(match);
    } else if (indent > 0 || !this.#looksLikeUndeclared(token, after)) return false;
    else if (isContentLine(this.#bytes, after)) this.#levels.other();
    this.#drafts.softEnd(previousEnd);
    this.#spans.push({ kind: 'boundary', start, end: after });
    if (match?.isClosing !== true && ++this.#parts > this.#limits.mimeParts) this.#reached.add('mime-parts');
    this.#expect = 'part';
    return true;
  }

  /** A header block begins here; text that no header describes ends. */
  #beginBlock(start: number, isExpected: boolean): void {
    this.#block = start;
    this.#isExpected = isExpected;
    this.#early = 0;
    this.#blockLineEnds = lineEndBefore(this.#bytes, this.#lines.after);
    if (this.#plain) this.#drafts.close(this.#plain, this.#lines.previousEnd);
    this.#plain = undefined;
    if (isExpected) this.#addUtf16(start);
    if (this.#blockLineEnds === lineEnds.crCrLf) this.#goesOn(this.#lines.after);
  }

  #begin(info: BlockInfo, start: number, depth = this.#levels.depth): void {
    const { encodings, names } = info;
    this.#last = this.#add({ kind: 'declared', ...encodings }, names, start, 'boundary', depth);
    this.#fresh = true;
    this.#addUtf16(start, names);
    if (info === noInfo) this.#plain = this.#last;
  }

  #addUtf16(start: number, names: readonly string[] = []): void {
    if (utf16At(this.#bytes, start)) this.#add({ kind: 'utf-16' }, names, start, 'boundary');
  }

  #beginLined(): boolean {
    const text = this.#text(this.#lines.start, tokenBytes);
    for (const { writing, pattern } of linedBegins) {
      const begin = pattern.exec(text);
      if (!begin) continue;
      const name = judgedName(begin[1]);
      this.#levels.data();
      this.#add({ kind: writing }, name === undefined ? [] : [name], this.#lines.after, 'line');
      return true;
    }
    return false;
  }

  #beginRun(start: number, end: number): void {
    if (this.#run || end - start < shapeBytes) return;
    const owner = this.#fresh ? this.#last : undefined;
    this.#run = this.#add({ kind: 'base64-shape' }, [], start, 'caller', this.#levels.depth, owner);
    // Nothing can begin in lines of base64; only the end of uuencoded lines looks like one.
    if (this.#run && !this.#drafts.hasLined)
      this.#lines.jump(afterBase64(this.#bytes, this.#lines.after, this.#ahead));
  }

  #endRun(end: number): void {
    const run = this.#run;
    if (!run) return;
    this.#drafts.close(run, end);
    this.#run = undefined;
    if (end - run.start >= dataBytes && this.#bytes[run.start] !== 0x3d) this.#levels.data();
  }

  #add(
    writing: Writing,
    names: readonly string[],
    start: number,
    ending: Ending,
    depth = this.#levels.depth,
    owner?: Draft,
  ): Draft | undefined {
    const added = this.#drafts.add(
      { path: this.#levels.path(), names, writing, start, depth, owner },
      ending,
    );
    if (!added) this.#reached.add('mime-parts');
    return added;
  }

  /** Whether a part may begin with the line at `start`: with its header, or the empty line before its content. */
  #looksLikePart(start: number): boolean {
    return isLineEnd(this.#bytes[start]) || isHeaderField(this.#bytes, start);
  }

  #looksLikeUndeclared(token: string, after: number): boolean {
    if (isContentLine(this.#bytes, after)) return true;
    return this.#looksLikePart(after) && this.#undeclared.isOne(token);
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
