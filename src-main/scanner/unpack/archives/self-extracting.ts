// Programs with something behind or within them: archives that they unpack, other programs, and what no loader reads.
import { crc32 } from 'node:zlib';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { programAt } from './program-extent.ts';
import { unpackInSandbox } from './sandboxed.ts';
import { holdsZip } from './zip-directory.ts';

/** What stands in a program, as offsets in it. */
interface Inner {
  readonly start: number;
  readonly end: number;
}

/** Places looked at for each signature; a program has few, and most of them by chance. */
const maxPlaces = 64;

/** Things of one kind that are taken out of one program. */
const maxInner = 16;

/** Behind the sections of many linkers' programs come a few octets to fill up. */
const leastOverlay = 16;

function* placesOf(bytes: Buffer, signature: Buffer, from: number): Generator<number> {
  let at = bytes.indexOf(signature, from);
  for (let places = 0; at !== -1 && places < maxPlaces; places++) {
    yield at;
    at = bytes.indexOf(signature, at + 1);
  }
}

interface Embedded {
  readonly extension: string;
  readonly signature: Buffer;
  /** Where what begins at `at` ends; undefined: it does not begin there. */
  readonly end: (bytes: Buffer, at: number) => number | undefined;
}

/** 7zFormat.txt: the signature header, with a checksum of its own. */
function sevenZipEnd(bytes: Buffer, at: number): number | undefined {
  if (at + 32 > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + 12, at + 32)) !== bytes.readUInt32LE(at + 8)) return undefined;
  const size = bytes.readBigUInt64LE(at + 12) + bytes.readBigUInt64LE(at + 20) + 32n;
  return at + Number(size);
}

/** [MS-CAB] CFHEADER: its size, and version 1.3. */
function cabinetEnd(bytes: Buffer, at: number): number | undefined {
  if (at + 36 > bytes.length || bytes.readUInt16LE(at + 24) !== 0x103) return undefined;
  return at + bytes.readUInt32LE(at + 8);
}

const toTheEnd = ({ length }: Buffer) => length;

const archives: readonly Embedded[] = [
  { extension: '7z', signature: Buffer.from('377abcaf271c', 'hex'), end: sevenZipEnd },
  { extension: 'rar', signature: Buffer.from('526172211a0700', 'hex'), end: toTheEnd },
  { extension: 'rar5', signature: Buffer.from('526172211a070100', 'hex'), end: toTheEnd },
  { extension: 'cab', signature: Buffer.from('MSCF\0\0\0\0', 'latin1'), end: cabinetEnd },
];

/** What other unpackers know: compound files (an installer's database), and InstallShield's cabinets. */
const others: readonly { readonly name: string; readonly signature: Buffer }[] = [
  { name: 'installer.msi', signature: Buffer.from('d0cf11e0a1b11ae1', 'hex') },
  { name: 'data.cab', signature: Buffer.from('ISc(', 'latin1') },
];

/** NSIS: the first header, behind its flags (Source/exehead/fileform.h). */
const nullsoft = Buffer.from('efbeadde4e756c6c736f6674496e7374', 'hex');

const programSignature = Buffer.from('PE\0\0', 'latin1');
const stubBytes = 1_024;

/** What is behind the sections and is no signature; undefined: nothing, or nothing but fill. */
function overlayOf(bytes: Buffer): Inner | undefined {
  const extent = programAt(bytes, 0);
  if (!extent) return undefined;
  const { certificates } = extent;
  const isFirst = certificates.start - extent.end < leastOverlay;
  const start = isFirst ? Math.max(extent.end, certificates.end) : extent.end;
  const end = isFirst || certificates.end < bytes.length ? bytes.length : certificates.start;
  const piece = bytes.subarray(start, end);
  const isFill = piece.length < leastOverlay || piece.every((octet) => octet === piece[0]);
  return isFill ? undefined : { start, end };
}

export type EmbeddedArchive = Inner & Pick<Embedded, 'extension'>;

/**
 * Archives within, that do not lie in another one.
 * @param withinBytes octets in which they begin
 */
export function* archivesOf(bytes: Buffer, withinBytes = bytes.length): Generator<EmbeddedArchive> {
  const searched = bytes.subarray(0, withinBytes);
  for (const { extension, signature, end } of archives) {
    let taken = 0;
    let last = 0;
    for (const start of placesOf(searched, signature, 1)) {
      const until = start < last ? undefined : end(bytes, start);
      if (until === undefined) continue;
      last = Math.min(until, bytes.length);
      yield { extension, start, end: last };
      if (++taken >= maxInner) break;
    }
  }
}

/** Programs within: the place of their second signature, and before it the header that points there. */
function* programsOf(bytes: Buffer): Generator<Inner> {
  let taken = 0;
  for (const pe of placesOf(bytes, programSignature, 0x80)) {
    for (let start = pe - 0x40; start > Math.max(0, pe - stubBytes); start--) {
      if (bytes[start] !== 0x4d || bytes.readUInt32LE(start + 0x3c) !== pe - start) continue;
      const extent = programAt(bytes, start);
      if (!extent) continue;
      const end = Math.max(extent.end, extent.certificates.end);
      yield { start, end: Math.min(start + end, bytes.length) };
      if (++taken >= maxInner) return;
      break;
    }
  }
}

function* othersOf(bytes: Buffer): Generator<Inner & { readonly name: string }> {
  for (const { name, signature } of others) {
    const [start] = placesOf(bytes, signature, 1);
    if (start !== undefined) yield { name, start, end: bytes.length };
  }
}

function isSomething(found: Iterable<Inner>): boolean {
  for (const _ of found) return true;
  return false;
}

export function isSelfExtracting(bytes: Buffer): boolean {
  if (!programAt(bytes, 0)) return false;
  return (
    overlayOf(bytes) !== undefined ||
    isSomething(archivesOf(bytes)) ||
    isSomething(programsOf(bytes)) ||
    isSomething(othersOf(bytes)) ||
    bytes.includes(nullsoft)
  );
}

/** A piece as it stands. */
function* give(
  bytes: Buffer,
  name: string,
  { start, end }: Inner,
  { budget }: UnpackContext,
): Generator<Unpacked> {
  const piece = bytes.subarray(start, end);
  const over = budget.takeMember() ?? budget.takeOutput(piece.length);
  yield over === undefined ? { kind: 'member', name, bytes: piece } : { kind: 'limit', code: over };
}

export function* unpackSelfExtracting(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  const selfExtracting: Unpacked = { kind: 'trait', trait: 'self-extracting' };
  const found = [...archivesOf(bytes)];
  const isNullsoft = bytes.includes(nullsoft);
  if (found.length > 0 || isNullsoft || holdsZip(bytes)) yield selfExtracting;
  if (isNullsoft) yield* unpackInSandbox(bytes, 'nsis', context);
  for (const { extension, start, end } of found)
    yield* unpackInSandbox(bytes.subarray(start, end), extension, context);
  for (const program of programsOf(bytes)) yield* give(bytes, 'program.exe', program, context);
  for (const other of othersOf(bytes)) yield* give(bytes, other.name, other, context);
  const overlay = overlayOf(bytes);
  // An archive that is all of it was unpacked.
  const isArchive = found.some(({ start, end }) => start === overlay?.start && end === overlay.end);
  if (overlay && !isArchive) yield* give(bytes, 'overlay', overlay, context);
}
