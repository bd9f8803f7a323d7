// The regions of a message that are looked into: each start of the walker with each of its ends in each encoding that
// it may have, and what they decode to.
import { overlapBaseBytes, overlapFactor } from '../limits.ts';
import { binaryTypeOf } from '../octet-type.ts';
import type { Ahead } from './ahead.ts';
import { decodeBase64 } from './base64.ts';
import { decodeUtf7, decodeUtf16 } from './charsets.ts';
import { decodeUuencode, decodeYenc } from './line-encodings.ts';
import { decodeQuotedPrintable, looksQuotedPrintable } from './quoted-printable.ts';
import type { Start, Walk } from './walk.ts';

export type Encoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode' | 'yenc' | 'utf-7' | 'utf-16';

/** Octets of a message, and how they are to be read. */
export interface Region {
  readonly path: string;
  /** All readings of its names, the likeliest first. */
  readonly names: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly encoding: Encoding;
  /** It is said or seen to be encoded otherwise: hardly any mail program shows it as it stands. */
  readonly isUnlikely: boolean;
}

/** Encoded octets for each decoded one, at most: base64 in lines of 4 (RFC 2045 has 76), quoted-printable. */
const encodedFactor = 3;

function encodingsOf({ writing }: Start, bytes: Buffer): Encoding[] {
  if (writing.kind === 'base64-shape') return ['base64'];
  if (writing.kind !== 'declared') return [writing.kind];
  const encodings: Encoding[] = ['identity'];
  if (writing.base64) encodings.push('base64');
  if (writing.quotedPrintable || (!writing.base64 && looksQuotedPrintable(bytes)))
    encodings.push('quoted-printable');
  if (writing.uuencode) encodings.push('uuencode');
  if (writing.utf7) encodings.push('utf-7');
  return encodings;
}

/**
 * All regions of a walk: each start with its nearest end, in order, then those with ends further on. Without empty ones.
 * @returns `complete: false` when so many readings overlap that some were left out
 */
export function regionsOf(bytes: Buffer, walk: Walk): { regions: Region[]; complete: boolean } {
  const regions: Region[] = [];
  let budget = bytes.length * overlapFactor + overlapBaseBytes;
  let isComplete = true;
  const add = (begin: Start, end: number): void => {
    const { path, names, writing, start } = begin;
    const isEncoded = writing.kind === 'declared' && writing.isCertain;
    const octets = end - start;
    // Before anything is searched in it, too.
    if (octets > budget) {
      isComplete = false;
      return;
    }
    for (const encoding of encodingsOf(begin, bytes.subarray(start, end))) {
      budget -= octets;
      if (budget < 0) isComplete = false;
      else
        regions.push({ path, names, start, end, encoding, isUnlikely: encoding === 'identity' && isEncoded });
    }
  };
  const further: { readonly start: Start; readonly end: number }[] = [];
  for (const start of walk.starts) {
    const [nearest, ...others] = new Set(start.ends.filter((end) => end > start.start));
    if (nearest !== undefined) add(start, nearest);
    for (const end of others) further.push({ start, end });
  }
  for (const { start, end } of further) add(start, end);
  return { regions, complete: isComplete };
}

/** `regions` without the beginning of what is no message: it was looked into with the whole, and is no part that ends. */
export function partsOf(bytes: Buffer, regions: readonly Region[]): readonly Region[] {
  const isOther = binaryTypeOf(bytes) !== undefined;
  return isOther ? regions.filter(({ start, encoding }) => start > 0 || encoding !== 'identity') : regions;
}

/**
 * Decodes a region in all readings that differ.
 * @param ahead what is decoded of `bytes` already
 * @returns the variants, each cut to `partBytes`, and whether that cut something off
 */
export function decodeRegion(
  bytes: Buffer,
  { start, end, encoding }: Region,
  partBytes: number,
  ahead?: Ahead,
): { variants: Buffer[]; cut: boolean } {
  const from = bytes.subarray(start, Math.min(end, start + partBytes * encodedFactor));
  const decoded =
    encoding === 'base64' ? decodeBase64(from, ahead?.prefixAt(start, from.length)) : decode(from, encoding);
  return {
    variants: decoded.map((variant) => variant.subarray(0, partBytes)),
    cut: from.length < end - start || decoded.some((variant) => variant.length > partBytes),
  };
}

function decode(bytes: Buffer, encoding: Exclude<Encoding, 'base64'>): Buffer[] {
  switch (encoding) {
    case 'identity':
      return [bytes];
    case 'quoted-printable':
      return decodeQuotedPrintable(bytes);
    case 'uuencode':
      return decodeUuencode(bytes);
    case 'yenc':
      return [decodeYenc(bytes)];
    case 'utf-7':
      return [decodeUtf7(bytes)];
    case 'utf-16':
      return [decodeUtf16(bytes)];
  }
}
