// Archives behind something else that is no program: a picture, or anything. Unpackers of rar and cab look for their
// beginning (unrar in the first 2 MiB, cabextract in all of the file), and people can be told to use them.
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { programAt } from './program-extent.ts';
import { unpackInSandbox } from './sandboxed.ts';
import { archivesOf, type EmbeddedArchive } from './self-extracting.ts';
import { isSevenZip } from './seven-zip-formats.ts';
import { zipEndOf } from './zip-directory.ts';

/** Octets in which an archive begins, as unrar has it. */
const beginsWithinBytes = 2 * 1024 * 1024;

/** Kinds of files in which archives stand as they are, and are given as members. */
const containers = ['d0cf11e0a1b11ae1', '504b0304'].map((hex) => Buffer.from(hex, 'hex'));

/** What is behind its signature in any rar: the header of the archive, or of its encryption. */
function isRarHeader(bytes: Buffer, { extension, start }: EmbeddedArchive): boolean {
  if (extension === 'rar') return bytes[start + 9] === 0x73;
  if (extension !== 'rar5') return true;
  // Its checksum, its size in one or two octets, its type.
  const type = bytes[start + 12 + ((bytes[start + 12] ?? 0) >= 0x80 ? 2 : 1)];
  return type === 1 || type === 4;
}

function* buriedIn(bytes: Buffer): Generator<EmbeddedArchive> {
  const window = bytes.subarray(0, beginsWithinBytes);
  // Each of the signatures has one of these, and text has none of them.
  if (!window.includes(0x1a) && !window.includes(0x1c) && !window.includes(0)) return;
  if (programAt(bytes, 0) || isSevenZip(bytes)) return;
  const isContainer = containers.some((start) => bytes.subarray(0, start.length).equals(start));
  const from = isContainer ? zipEndOf(bytes) : 0;
  if (from === -1) return;
  for (const found of archivesOf(bytes.subarray(from), Math.max(0, beginsWithinBytes - from))) {
    const archive = { ...found, start: from + found.start, end: from + found.end };
    if (isRarHeader(bytes, archive)) yield archive;
  }
}

export function isBuried(bytes: Buffer): boolean {
  return !buriedIn(bytes).next().done;
}

/** Unpacks the archives in `bytes`, which begin as something else. */
export function* unpackBuried(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  for (const { extension, start, end } of buriedIn(bytes))
    yield* unpackInSandbox(bytes.subarray(start, end), extension, context);
}
