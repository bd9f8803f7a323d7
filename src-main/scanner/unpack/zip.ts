// Zip (PKWARE APPNOTE 6.3.10) as a union of what readers see: those that trust the central directory, and those that
// go from one local header to the next. Declared sizes are hints; output is counted.
import type { LimitCode } from '../../contract/verdict.ts';
import type { UnpackBudget, Unpacked } from './budget.ts';
import { inflate } from './inflate.ts';

const localSignature = Buffer.from('PK\x03\x04', 'latin1');
const centralSignature = Buffer.from('PK\x01\x02', 'latin1');
const endSignature = Buffer.from('PK\x05\x06', 'latin1');
const localBytes = 30;
const centralBytes = 46;
const endBytes = 22;

/** The size field of an entry whose true size is in a Zip64 extra field (§4.5.3). */
const zip64Size = 0xffffffff;

const stored = 0;
const deflated = 8;
const winZipAes = 99;
/** §4.4.5. */
const knownMethods = new Set([
  stored,
  1,
  2,
  3,
  4,
  5,
  6,
  deflated,
  9,
  10,
  12,
  14,
  19,
  93,
  95,
  96,
  97,
  98,
  winZipAes,
]);

/** Records looked at for each member that may be unpacked: local and central ones, and some that are neither. */
const recordsPerMember = 8;

/** Central directory records that may name the same local header. */
const centralsPerMember = 3;

/** One way to read a member: where its data lie, and what some header says of them. */
interface Reading {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  /** undefined: not known in advance (§4.4.4 bit 3), or only by Zip64. */
  readonly size: number | undefined;
  readonly dataStart: number;
}

interface Central extends Omit<Reading, 'dataStart'> {
  readonly localOffset: number;
}

function sizeOf(size: number, flags: number): number | undefined {
  return size === zip64Size || (flags & 8 && size === 0) ? undefined : size;
}

function nameOf(bytes: Buffer, at: number, length: number): string {
  return bytes.toString('utf8', at, Math.min(at + length, bytes.length));
}

function readLocal(bytes: Buffer, at: number): Reading | undefined {
  if (at + localBytes > bytes.length || bytes.compare(localSignature, 0, 4, at, at + 4) !== 0)
    return undefined;
  const flags = bytes.readUInt16LE(at + 6);
  const method = bytes.readUInt16LE(at + 8);
  const nameLength = bytes.readUInt16LE(at + 26);
  if (!knownMethods.has(method)) return undefined;
  return {
    name: nameOf(bytes, at + localBytes, nameLength),
    method,
    encrypted: (flags & 1) === 1,
    size: sizeOf(bytes.readUInt32LE(at + 18), flags),
    dataStart: at + localBytes + nameLength + bytes.readUInt16LE(at + 28),
  };
}

function readCentral(bytes: Buffer, at: number): Central | undefined {
  if (at + centralBytes > bytes.length) return undefined;
  const flags = bytes.readUInt16LE(at + 8);
  return {
    name: nameOf(bytes, at + centralBytes, bytes.readUInt16LE(at + 28)),
    method: bytes.readUInt16LE(at + 10),
    encrypted: (flags & 1) === 1,
    size: sizeOf(bytes.readUInt32LE(at + 20), 0),
    localOffset: bytes.readUInt32LE(at + 42),
  };
}

export function isZip(bytes: Buffer): boolean {
  return (
    bytes.length >= endBytes && bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)
  );
}

/** Whether a zip stands somewhere in `bytes`: behind a program, a picture, or a text. */
export function holdsZip(bytes: Buffer): boolean {
  // Text has none of these; finding that out takes a tenth of looking at each 'P' of it.
  const first = bytes.indexOf(localSignature[2] ?? 0);
  if (first === -1) return false;
  for (
    let at = bytes.indexOf(localSignature, Math.max(0, first - 2)), tries = 0;
    at !== -1 && tries < recordsPerMember;
    tries++
  ) {
    const reading = readLocal(bytes, at);
    // Other data hold these four octets by chance, once in four gigabytes.
    if (reading && reading.name !== '' && reading.dataStart <= bytes.length) return true;
    at = bytes.indexOf(localSignature, at + 1);
  }
  return false;
}

/** Where the central directory may begin, and what to add to the offsets in it. */
function findDirectory(bytes: Buffer): { at: number; prefix: number } {
  const end = bytes.lastIndexOf(endSignature);
  if (end === -1 || end + endBytes > bytes.length) return { at: bytes.indexOf(centralSignature), prefix: 0 };
  const at = end - bytes.readUInt32LE(end + 12);
  const prefix = at - bytes.readUInt32LE(end + 16);
  // Zip64, or an end record that lies: take the records where they are.
  if (at < 0 || bytes.compare(centralSignature, 0, 4, at, at + 4) !== 0)
    return { at: bytes.indexOf(centralSignature), prefix: 0 };
  // Octets before the archive proper (a self-extractor): all its offsets are that much too small.
  return { at, prefix: Math.max(0, prefix) };
}

/** Central directory records by the offsets at which their local header may stand. */
function collectCentrals(bytes: Buffer, maxRecords: number): Map<number, Central[]> {
  const centrals = new Map<number, Central[]>();
  const { at: first, prefix } = findDirectory(bytes);
  let at = first;
  for (let records = 0; at !== -1 && records < maxRecords; records++) {
    const central = readCentral(bytes, at);
    if (!central) break;
    for (const offset of new Set([central.localOffset, central.localOffset + prefix])) {
      const same = centrals.get(offset);
      if (!same) centrals.set(offset, [central]);
      else if (same.length < centralsPerMember) same.push(central);
    }
    at = bytes.indexOf(centralSignature, at + centralBytes);
  }
  return centrals;
}

/** All members, as their local header says and as the central directory says; by the place of their data. */
function collectReadings(bytes: Buffer, maxRecords: number): Map<number, Reading[]> {
  const centrals = collectCentrals(bytes, maxRecords);
  const readings = new Map<number, Reading[]>();
  let at = bytes.indexOf(localSignature);
  for (let records = 0; at !== -1 && records < maxRecords; records++) {
    const local = readLocal(bytes, at);
    let next = at + 4;
    if (local) {
      const { dataStart, size } = local;
      const named = centrals.get(at) ?? [];
      const group = [local, ...named.map(({ localOffset: _, ...central }) => ({ ...central, dataStart }))];
      readings.set(dataStart, [...(readings.get(dataStart) ?? []), ...group].slice(0, centralsPerMember + 1));
      // Where both headers agree, what lies inside the data is the member's own.
      if (size !== undefined && named.some((central) => central.size === size))
        next = Math.max(next, dataStart + size);
    }
    at = bytes.indexOf(localSignature, next);
  }
  return readings;
}

/** Where stored data of unknown size end: at the next record. */
function storedEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf('PK', from, 'latin1'); at !== -1; at = bytes.indexOf('PK', at + 1, 'latin1')) {
    const third = bytes[at + 2];
    if (third === 1 || third === 3 || third === 5 || third === 7) return at;
  }
  return bytes.length;
}

function unpackReading(bytes: Buffer, reading: Reading, budget: UnpackBudget): Unpacked[] {
  const { name, method, size, dataStart } = reading;
  if (method !== stored && method !== deflated) return [{ kind: 'limit', code: 'unsupported-archive' }];
  if (dataStart > bytes.length) return [{ kind: 'limit', code: 'damaged-archive' }];
  const damaged: Unpacked = { kind: 'limit', code: 'damaged-archive' };
  if (method === deflated) {
    const inflated = inflate(bytes.subarray(dataStart), budget);
    if (inflated.kind !== 'inflated') return [inflated.kind === 'limit' ? inflated : damaged];
    const member: Unpacked = { kind: 'member', name, bytes: inflated.bytes };
    return inflated.truncated ? [member, damaged] : [member];
  }
  const end = size === undefined ? storedEnd(bytes, dataStart) : dataStart + size;
  const content = bytes.subarray(dataStart, Math.min(end, bytes.length));
  const over: LimitCode | undefined = budget.takeOutput(content.length);
  if (over !== undefined) return [{ kind: 'limit', code: over }];
  const member: Unpacked = { kind: 'member', name, bytes: content };
  return end > bytes.length ? [member, damaged] : [member];
}

/** Unpacks all members that any reader would find. */
export function* unpackZip(bytes: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  if (bytes.lastIndexOf(endSignature) === -1) yield { kind: 'limit', code: 'damaged-archive' };
  for (const [place, group] of collectReadings(bytes, budget.maxMembers * recordsPerMember)) {
    const over = budget.takeMember();
    if (over !== undefined) {
      yield { kind: 'limit', code: over };
      return;
    }
    // A flag that only one of the headers has may be a lie; when all have it, the data are of no use.
    if (group.every(({ encrypted, method }) => encrypted || method === winZipAes)) {
      yield { kind: 'limit', code: 'encrypted' };
      continue;
    }
    const done = new Set<string>();
    for (const reading of group) {
      // A deflate stream knows its own end.
      const key = `${place}:${reading.method}:${reading.method === deflated ? '' : reading.size}`;
      if (done.has(key)) continue;
      done.add(key);
      yield* unpackReading(bytes, reading, budget);
    }
  }
}
