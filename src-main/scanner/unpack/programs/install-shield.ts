// Installers made by InstallShield: programs with their files behind them, and its own cabinets "ISc(". The formats are
// known from their readers alone (libclamav ishield.c, unshield).

import { inflate } from '../archives/inflate.ts';
import { programAt } from '../archives/program-extent.ts';
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';

/** Octets behind the sections in which the mark of a scrambled installer is looked for. */
const markWindowBytes = 4_096;
const scrambledMark = Buffer.from('InstallShield\0', 'latin1');
const scrambledHeaderBytes = 46;
const scrambledRecordBytes = 0x138;
const scrambledNameBytes = 0x104;
const scrambledKey = Buffer.from('ecca79f8', 'hex');
/** The key begins again after so many octets. */
const scrambledRoundBytes = 1_024;

/** Octets of the four texts before a file that stands as it is: two names, a version, a size. */
const plainHeaderBytes = 1_024;

const cabinetMark = Buffer.from('ISc(', 'latin1');
const cabinetHeaderBytes = 0x200;
/** A file is packed in pieces of so many octets; the last one is smaller. */
const cabinetPieceBytes = 32_768;

/** Where what stands behind the sections of a program begins, or -1. */
function overlayOf(bytes: Buffer): number {
  const end = programAt(bytes, 0)?.end ?? -1;
  return end < bytes.length ? end : -1;
}

interface PlainFile {
  readonly name: string;
  readonly start: number;
  readonly sizeBytes: number;
}

/** The file whose four texts begin at `at`. */
function plainFileAt(bytes: Buffer, at: number): PlainFile | undefined {
  const texts = bytes.toString('latin1', at, at + plainHeaderBytes).split('\0', 4);
  const [name, path, version, size] = texts;
  if (name === undefined || path === undefined || version === undefined || size === undefined)
    return undefined;
  if (!/^[\d.]{1,40}$/.test(version) || !/^\d{1,10}$/.test(size) || !path.endsWith(name)) return undefined;
  const start = at + texts.reduce((sum, text) => sum + text.length + 1, 0);
  return { name, start, sizeBytes: Number(size) };
}

function scrambledStart(bytes: Buffer, overlay: number): number {
  const found = bytes.subarray(overlay, overlay + markWindowBytes).indexOf(scrambledMark);
  return found === -1 ? -1 : overlay + found;
}

export function isInstallShield(bytes: Buffer): boolean {
  if (bytes[0] === cabinetMark[0]) return bytes.subarray(0, 4).equals(cabinetMark);
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a) return false;
  const overlay = overlayOf(bytes);
  if (overlay === -1) return false;
  return plainFileAt(bytes, overlay) !== undefined || scrambledStart(bytes, overlay) !== -1;
}

function* unpackPlain(bytes: Buffer, overlay: number, budget: UnpackBudget): Generator<Unpacked> {
  for (let file = plainFileAt(bytes, overlay); file; ) {
    const { name, start, sizeBytes } = file;
    const over = budget.takeMember();
    if (over !== undefined) return yield { kind: 'limit', code: over };
    const content = bytes.subarray(start, start + sizeBytes);
    yield { kind: 'member', name, bytes: content };
    if (content.length < sizeBytes) return yield { kind: 'limit', code: 'damaged-archive' };
    file = plainFileAt(bytes, start + sizeBytes);
  }
}

/** Half octets are swapped, and a key is added that is made of the file's name. */
function unscramble(data: Buffer, name: Buffer): Buffer {
  const key = name.map((octet, index) => octet ^ (scrambledKey[index & 3] ?? 0));
  return Buffer.from(
    data.map((octet, index) => {
      const swapped = ((octet >> 4) | (octet << 4)) & 0xff;
      return swapped ^ (key[(index % scrambledRoundBytes) % key.length] ?? 0);
    }),
  );
}

function* unpackScrambled(bytes: Buffer, start: number, budget: UnpackBudget): Generator<Unpacked> {
  const damaged: Unpacked = { kind: 'limit', code: 'damaged-archive' };
  if (start + scrambledHeaderBytes > bytes.length) return yield damaged;
  const files = bytes.readUInt16LE(start + scrambledMark.length);
  let at = start + scrambledHeaderBytes;
  for (let file = 0; file < files; file++) {
    const over = budget.takeMember();
    if (over !== undefined) return yield { kind: 'limit', code: over };
    if (at + scrambledRecordBytes > bytes.length) return yield damaged;
    const field = bytes.subarray(at, at + scrambledNameBytes);
    const name = field.subarray(0, Math.max(0, field.indexOf(0)));
    const packedBytes = Number(bytes.readBigUInt64LE(at + scrambledNameBytes + 8));
    at += scrambledRecordBytes;
    const data = bytes.subarray(at, at + packedBytes);
    at += packedBytes;
    if (name.length === 0 || data.length < packedBytes) return yield damaged;
    // Behind the two octets of zlib's header (RFC 1950 §2.2).
    const inflated = inflate(unscramble(data, name).subarray(2), budget);
    if (inflated.kind === 'inflated')
      yield { kind: 'member', name: name.toString('latin1'), bytes: inflated.bytes };
    else yield inflated.kind === 'limit' ? { kind: 'limit', code: inflated.code } : damaged;
  }
}

/** Whether a directory of files begins where their data would. */
function hasDirectory(bytes: Buffer): boolean {
  return bytes.length > 20 && bytes.readUInt32LE(12) === cabinetHeaderBytes && bytes.readUInt32LE(16) > 0;
}

/** The files of a cabinet in order, without their names, which stand in another file. */
function* unpackCabinet(bytes: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  let pieces: Buffer[] = [];
  let files = 0;
  for (let at = cabinetHeaderBytes; at + 2 <= bytes.length; ) {
    const packedBytes = bytes.readUInt16LE(at);
    const inflated = inflate(bytes.subarray(at + 2, at + 2 + packedBytes), budget);
    if (inflated.kind === 'limit') return yield { kind: 'limit', code: inflated.code };
    // A directory alone, of files that lie in other cabinets.
    if (inflated.kind === 'damaged' && files === 0 && pieces.length === 0 && hasDirectory(bytes)) return;
    if (inflated.kind === 'damaged' || packedBytes === 0)
      return yield { kind: 'limit', code: 'damaged-archive' };
    pieces.push(inflated.bytes);
    at += 2 + packedBytes;
    if (inflated.bytes.length === cabinetPieceBytes && at < bytes.length) continue;
    const over = budget.takeMember();
    if (over !== undefined) return yield { kind: 'limit', code: over };
    yield { kind: 'member', name: `file-${++files}`, bytes: Buffer.concat(pieces) };
    pieces = [];
  }
}

/** Yields the files of an installer or of one of its cabinets. */
export function* unpackInstallShield(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  if (bytes[0] === cabinetMark[0]) {
    yield* unpackCabinet(bytes, budget);
    return;
  }
  const overlay = overlayOf(bytes);
  if (overlay === -1) return;
  const start = scrambledStart(bytes, overlay);
  if (start === -1) yield* unpackPlain(bytes, overlay, budget);
  else yield* unpackScrambled(bytes, start, budget);
}
