// Makes an infected message harmless without changing its size or its structure, in steps from the infected places to
// everything, and proves each step by another scan.
import type { LimitCode } from '../contract/verdict.ts';
import { fillAll, fillContent, fillFields, noticeFor, type Stretch } from './fill.ts';
import { isInfected } from './findings.ts';
import type { Encoding, Region } from './mime/regions.ts';
import type { Span, Start } from './mime/walker.ts';
import { type Inspection, type Inspector, inspect, type RawHit } from './pipeline.ts';

/** Same-size replacement of the original octets at `offset`. */
export interface Overwrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Unchanged octets between two changed ones that are sent along rather than split around. */
const mergeGapBytes = 64;

/** Octets of one overwrite, so that one that covers a large part can be cut into pieces. */
const compareBytes = 4_096;

/** What leaves octets unseen by the engine; harmless only where the original was just as unseen. */
const engineLimits: readonly LimitCode[] = ['engine-timeout', 'engine-failed'];

/** A stretch of content between two pieces of structure. */
interface Segment extends Stretch {
  readonly encoding: Encoding;
}

/** The parts of `stretch` outside the structure. */
function outsideSpans(stretch: Stretch, spans: readonly Span[]): Stretch[] {
  const pieces: Stretch[] = [];
  let from = stretch.start;
  for (const span of spans) {
    if (span.end <= from) continue;
    if (span.start >= stretch.end) break;
    if (span.start > from) pieces.push({ start: from, end: span.start });
    from = Math.max(from, span.end);
  }
  if (from < stretch.end) pieces.push({ start: from, end: stretch.end });
  return pieces;
}

function encodingOf({ writing }: Start): Encoding {
  if (writing.kind !== 'declared') return writing.kind === 'base64-shape' ? 'base64' : writing.kind;
  if (writing.base64) return 'base64';
  return writing.quotedPrintable ? 'quoted-printable' : 'identity';
}

/** All content of a message, each piece in the encoding that its header names. */
function segmentsOf({ walk }: Inspection, length: number): Segment[] {
  const declared = new Map<number, Encoding>();
  for (const start of walk.starts)
    if (start.writing.kind === 'declared') declared.set(start.start, encodingOf(start));
  return outsideSpans({ start: 0, end: length }, walk.spans).map(({ start, end }) => ({
    start,
    end,
    encoding: declared.get(start) ?? 'identity',
  }));
}

function overlaps(a: Stretch, b: Stretch): boolean {
  return a.start < b.end && b.start < a.end;
}

function stretchOf({ offset, length }: RawHit): Stretch {
  return { start: offset, end: offset + length };
}

/** Whether `outer` is all around `inner`, or the same. */
function covers(outer: Stretch, inner: Stretch): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/**
 * Of regions that hold the same thing, the ones that hold nothing but it.
 * @param segments that are filled anyway, in the encoding that their header names
 */
function innermost(regions: readonly Region[], segments: readonly Stretch[]): Region[] {
  const chosen: Region[] = [];
  const bySize = [...regions].sort((a, b) => a.end - a.start - (b.end - b.start));
  for (const region of bySize) {
    const isRaw = region.encoding === 'identity';
    const holds = (other: Stretch) =>
      covers(region, other) && (other.end - other.start < region.end - region.start || isRaw);
    const isFilled = isRaw && segments.some((segment) => holds(segment) || covers(segment, region));
    if (!isFilled && !chosen.some(holds)) chosen.push(region);
  }
  return chosen;
}

/** Overwrites the places that were found. */
function fillPlaces(message: Buffer, found: Inspection): void {
  const { spans } = found.walk;
  const segments = segmentsOf(found, message.length).filter((segment) =>
    found.rawHits.some((hit) => overlaps(segment, stretchOf(hit))),
  );
  const names = new Map(found.hits.map(({ region, name }) => [region, name]));
  for (const region of innermost([...names.keys()], segments))
    fillContent(message, outsideSpans(region, spans), region.encoding, noticeFor(names.get(region) ?? ''));
  for (const segment of segments) {
    const hit = found.rawHits.find((raw) => overlaps(segment, stretchOf(raw)));
    fillContent(message, [segment], segment.encoding, noticeFor(hit?.name ?? ''));
  }
  fillHeaders(message, found);
}

/** Whether `hit` says no more than that the message as a whole is harmful: changing its content is what helps. */
export function isEverywhere({ offset, length }: RawHit, messageBytes: number): boolean {
  return offset === 0 && length === messageBytes;
}

/** Overwrites the values of the header fields in which something was found. */
function fillHeaders(message: Buffer, found: Inspection): void {
  const headers = found.walk.spans.filter(({ kind }) => kind === 'header');
  for (const hit of found.rawHits) {
    if (isEverywhere(hit, message.length)) continue;
    const { start, end } = stretchOf(hit);
    for (const header of headers) {
      const within = { start: Math.max(start, header.start), end: Math.min(end, header.end) };
      if (within.start < within.end) fillFields(message, within, noticeFor(hit.name));
    }
  }
}

function fillSegments(message: Buffer, found: Inspection, notice: Buffer): void {
  for (const segment of segmentsOf(found, message.length))
    fillContent(message, [segment], segment.encoding, notice);
  fillHeaders(message, found);
}

function fillBody(message: Buffer, found: Inspection, notice: Buffer): void {
  const header = found.walk.spans[0];
  const start = header?.kind === 'header' && header.start === 0 ? header.end : 0;
  fillAll(message, { start, end: message.length }, notice);
  fillHeaders(message, found);
}

/** Where `changed` differs from `original`, of the same size. */
export function differences(original: Buffer, changed: Buffer): Overwrite[] {
  if (original.length !== changed.length) throw new Error('an overwritten message changed its size');
  const overwrites: Overwrite[] = [];
  let start = -1;
  let last = -1;
  const flush = () => {
    // A copy: the overwrite goes to another thread, the changed message does not.
    if (start !== -1)
      overwrites.push({ offset: start, bytes: new Uint8Array(changed.subarray(start, last + 1)) });
    start = -1;
  };
  for (let block = 0; block < original.length; block += compareBytes) {
    const end = Math.min(block + compareBytes, original.length);
    if (original.compare(changed, block, end, block, end) === 0) continue;
    for (let at = block; at < end; at++) {
      if (original[at] === changed[at]) continue;
      if (start !== -1 && at - last > mergeGapBytes) flush();
      if (start === -1) start = at;
      last = at;
    }
  }
  flush();
  return overwrites;
}

/** Nothing harmful is left, and the scan that says so saw no less than the first one. */
export function isHarmless(now: Inspection, found: Inspection): boolean {
  return (
    !isInfected(now.detections) &&
    !now.limits.has('scan-time') &&
    !engineLimits.some((code) => now.limits.has(code) && !found.limits.has(code))
  );
}

/**
 * The overwrites that make `original` harmless. `found`: what was found in it.
 * @param deadline on the inspector's clock; after it everything is overwritten, since nothing can be proven
 */
export function neutralise(
  original: Buffer,
  found: Inspection,
  inspector: Inspector,
  deadline: number,
): Overwrite[] {
  const message = Buffer.from(original);
  const notice = noticeFor(found.detections.find((detection) => isInfected([detection]))?.name ?? '');
  const steps: ((at: Inspection) => void)[] = [
    (at) => fillPlaces(message, at),
    (at) => fillSegments(message, at, notice),
    (at) => fillBody(message, at, notice),
  ];
  let latest = found;
  for (const step of steps) {
    step(latest);
    latest = inspect(message, inspector, deadline);
    if (isHarmless(latest, found)) return differences(original, message);
  }
  fillAll(message, { start: 0, end: message.length }, notice);
  return differences(original, message);
}
