// OneNote sections (MS-ONESTORE): the files that are put into their pages, with the extensions that OneNote opens
// them by.

import { fileTypeOf } from '../../file-type.ts';
import { utf16Text } from '../../utf16.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { memberOf } from './members.ts';

/** First octets (§2.3.1): of a section, of a table of contents. */
const sections = ['e4525c7b8cd8a74daeb15378d02996d3', 'a12fff43d9ef764c9ee210ea5722765f'].map((id) =>
  Buffer.from(id, 'hex'),
);
/** Before each file (§2.6.13), and behind it. */
const fileHeader = Buffer.from('e716e3bd65261145a4c48d4d0b7a9eac', 'hex');
const fileFooter = Buffer.from('22a7fb71790f0b4abb13899256426b24', 'hex');
/** The id, a length of eight octets, twelve that say nothing. */
const fileHeaderBytes = 36;

/** Ids of files that are looked for to name them: each costs a pass over all. More files stay without extension. */
const maxNamed = 64;
/** Places of one id that are looked at. */
const maxPlaces = 64;
/** `<ifndf>{GUID}`, then the extension (§2.5.28): where a page names a file by its id. */
const referenceStart = Buffer.from('<ifndf>{', 'utf16le');
const guidCharacters = 36;
/** Characters of an extension, with its dot. */
const maxExtension = 16;
/** FileDataStoreObjectReferenceFND (§2.5.23). */
const referenceNode = 0x94;
/** Octets of a place and of a size, by their formats (§2.2.4.2). */
const placeBytes = [8, 4, 2, 4];
const sizeBytes = [4, 8, 1, 2];

export function isOneNote(bytes: Buffer): boolean {
  return sections.some((id) => bytes.compare(id, 0, 16, 0, Math.min(16, bytes.length)) === 0);
}

export function* unpackOneNote(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const extensions = extensionsByPlace(bytes);
  let files = 0;
  let at = bytes.indexOf(fileHeader);
  while (at !== -1) {
    const start = at + fileHeaderBytes;
    if (start >= bytes.length) {
      yield { kind: 'limit', code: 'damaged-archive' };
      return;
    }
    const declared = Number(bytes.readBigUInt64LE(at + 16));
    const end = endOf(bytes, start, declared);
    const content = bytes.subarray(start, end.at);
    files++;
    // Pictures on a page are kept so too.
    if (fileTypeOf(content) !== 'image') yield { kind: 'trait', trait: 'one-note-file' };
    const member = memberOf(`file-${files}${extensions.get(at) ?? ''}`, content, budget);
    yield member;
    if (member.kind === 'limit') return;
    if (end.isDamaged) yield { kind: 'limit', code: 'damaged-archive' };
    at = bytes.indexOf(fileHeader, Math.max(start, end.at));
  }
}

/** Where a file ends: as its length says; where that lies, before what stands behind every file. */
function endOf(bytes: Buffer, start: number, declared: number): { at: number; isDamaged: boolean } {
  if (start + declared <= bytes.length) return { at: start + declared, isDamaged: false };
  const footer = bytes.indexOf(fileFooter, start);
  return { at: footer === -1 ? bytes.length : footer, isDamaged: true };
}

/** Extensions of files by where they stand: page → id, then id → place. */
function extensionsByPlace(bytes: Buffer): Map<number, string> {
  const extensions = new Map<number, string>();
  let at = bytes.indexOf(referenceStart);
  for (let count = 0; at !== -1 && count < maxNamed; count++) {
    const from = at + referenceStart.length;
    const id = guidOf(utf16Text(bytes, from, from + 2 * guidCharacters));
    const extension = id && extensionAt(bytes, from + 2 * (guidCharacters + 1));
    const place = id ? placeOf(bytes, id) : undefined;
    if (extension && place !== undefined) extensions.set(place, extension);
    at = bytes.indexOf(referenceStart, from);
  }
  return extensions;
}

/** A GUID's octets as Windows keeps them; undefined: it is none. */
function guidOf(text: string): Buffer | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(text);
  if (!match) return undefined;
  const [, first = '', second = '', third = '', ...rest] = match;
  const turned = [first, second, third].map((piece) => Buffer.from(piece, 'hex').reverse());
  return Buffer.concat([...turned, Buffer.from(rest.join(''), 'hex')]);
}

/** The text behind an id: a number of characters, and an extension. */
function extensionAt(bytes: Buffer, at: number): string | undefined {
  if (at + 4 > bytes.length) return undefined;
  const characters = bytes.readUInt32LE(at);
  if (characters === 0 || characters > maxExtension) return undefined;
  const text = utf16Text(bytes, at + 4, at + 4 + 2 * characters);
  return /^\.[\w-]+/.exec(text)?.[0];
}

/** Where the file with an id stands, as the node says that has the id at its end. */
function placeOf(bytes: Buffer, id: Buffer): number | undefined {
  let at = bytes.indexOf(id);
  for (let places = 0; at !== -1 && places < maxPlaces; places++) {
    for (const [placeFormat, octets] of placeBytes.entries())
      for (const [sizeFormat, sizes] of sizeBytes.entries()) {
        const header = at - octets - sizes - 4;
        if (header < 0) continue;
        const node = bytes.readUInt32LE(header);
        if ((node & 0x3ff) !== referenceNode) continue;
        if (((node >>> 23) & 3) !== placeFormat || ((node >>> 25) & 3) !== sizeFormat) continue;
        const place =
          octets === 8 ? Number(bytes.readBigUInt64LE(header + 4)) : bytes.readUIntLE(header + 4, octets);
        return placeFormat >= 2 ? place * 8 : place;
      }
    at = bytes.indexOf(id, at + 1);
  }
  return undefined;
}
