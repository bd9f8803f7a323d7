// The regions of a message that are looked into: each start of the walker with each of its ends in each encoding that
// it may have, and what they decode to.
import { overlapBaseBytes, overlapFactor } from '../limits.ts';
import type { Ahead } from './ahead.ts';
import { decodeBase64 } from './base64.ts';
import { decodeUuencode, decodeYenc } from './line-encodings.ts';
import { decodeQuotedPrintable, looksQuotedPrintable } from './quoted-printable.ts';
import type { Start, Walk } from './walker.ts';

export type Encoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode' | 'yenc';

/** Octets of a message, and how they are to be read. */
export interface Region {
  readonly path: string;
  readonly name: string | undefined;
  readonly start: number;
  readonly end: number;
  readonly encoding: Encoding;
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
  return encodings;
}

/**
 * All regions of a walk, in order, without empty ones.
 * @returns `complete: false` when so many readings overlap that some were left out
 */
export function regionsOf(bytes: Buffer, walk: Walk): { regions: Region[]; complete: boolean } {
  const regions: Region[] = [];
  let budget = bytes.length * overlapFactor + overlapBaseBytes;
  for (const start of walk.starts) {
    for (const end of new Set(start.ends)) {
      if (end <= start.start) continue;
      for (const encoding of encodingsOf(start, bytes.subarray(start.start, end))) {
        budget -= end - start.start;
        if (budget < 0) return { regions, complete: false };
        regions.push({ path: start.path, name: start.name, start: start.start, end, encoding });
      }
    }
  }
  return { regions, complete: true };
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
      return [decodeQuotedPrintable(bytes)];
    case 'uuencode':
      return [decodeUuencode(bytes)];
    case 'yenc':
      return [decodeYenc(bytes)];
  }
}
