// File names of parts and archive members as they may stand in a verdict. Nothing is ever opened by them.
import { nameBytes } from './limits.ts';

/** `name` without control characters and cut to its limit; undefined when nothing is left. */
export function cleanName(name: string | undefined): string | undefined {
  const text = name
    ?.replace(/\p{C}+/gu, '_')
    .trim()
    .slice(0, nameBytes);
  return text === '' ? undefined : text;
}

/** A name from a header's octets: UTF-8 where they are (RFC 6532), else Latin-1. */
export function cleanHeaderName(octets: string | undefined): string | undefined {
  if (octets === undefined) return undefined;
  const utf8 = Buffer.from(octets, 'latin1').toString('utf8');
  return cleanName(utf8.includes('\u{fffd}') ? octets : utf8);
}
