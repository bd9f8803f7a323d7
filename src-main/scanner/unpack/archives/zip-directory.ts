// Where the members of a zip may stand (PKWARE APPNOTE 6.3.10): all its central directories, in every way that a reader
// may find them. Believes none of them.
import {
  type Central,
  centralSignature,
  in64,
  isAt,
  localSignature,
  type Reading,
  readCentral,
  readLocal,
} from './zip-records.ts';

const endSignature = Buffer.from('PK\x05\x06', 'latin1');
const end64Signature = Buffer.from('PK\x06\x06', 'latin1');
const locatorSignature = Buffer.from('PK\x06\x07', 'latin1');
/** §8.5.3: the first four octets of a spanned archive. */
const spannedSignature = Buffer.from('PK\x07\x08', 'latin1');
const endBytes = 22;
const locatorBytes = 20;
const end64Bytes = 56;
const diskIn64 = 0xffff;

/** End records that are looked at, and where: behind them is a comment of up to 65,535 octets. */
const maxEnds = 4;
const endWithinBytes = endBytes + 0xffff;

/** Places that may be a local header and are none: programs that read zips have some; with more of them one is hidden. */
const maxTries = 64;

/** All that the central directories say. */
export interface Directory {
  readonly hasEnd: boolean;
  /** It says that there are other disks. */
  readonly isSplit: boolean;
  /** Not all records were looked at. */
  readonly isCut: boolean;
  /** Where the records begin; the end of the octets when there are none. */
  readonly start: number;
  /** By the offset of the local header that they speak of. */
  readonly members: ReadonlyMap<number, readonly Central[]>;
  /** Records whose local header isn't where it should be. */
  readonly lost: readonly Central[];
}

export function isZip(bytes: Buffer): boolean {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b || bytes.length < endBytes) return false;
  if (bytes[2] === 3 || bytes[2] === 5) return true;
  return isSpanned(bytes);
}

/** A piece of a spanned archive, or one that was meant to become spanned (`PK00`, §8.5.4). */
function isSpanned(bytes: Buffer): boolean {
  return isAt(bytes, spannedSignature, 0) && isAt(bytes, localSignature, 4);
}

/** §4.4.5. */
const knownMethods = new Set([
  0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99,
]);

/** Whether a local header that nothing refers to may be one: other data hold its signature by chance. */
export function isLikely({ method, names }: Reading): boolean {
  return knownMethods.has(method) && names[0] !== '';
}

/** Whether a zip stands somewhere in `bytes`: behind a program, a picture, or a text. */
export function holdsZip(bytes: Buffer): boolean {
  // Text has none of these; finding that out takes a tenth of looking at each 'P' of it.
  const first = bytes.indexOf(localSignature[2] ?? 0);
  if (first === -1) return false;
  let at = bytes.indexOf(localSignature, Math.max(0, first - 2));
  for (let tries = 0; at !== -1; tries++) {
    if (tries >= maxTries) return true;
    const local = readLocal(bytes, at);
    if (local !== undefined && isLikely(local) && local.dataStart <= bytes.length) return true;
    at = bytes.indexOf(localSignature, at + 1);
  }
  return false;
}

/** Offset of the end record by which readers find a zip, whatever stands before it; -1: there is none. */
export function zipEndOf(bytes: Buffer): number {
  const from = Math.max(0, bytes.length - endWithinBytes);
  const at = bytes.subarray(from).lastIndexOf(endSignature);
  if (at === -1 || from + at + endBytes > bytes.length) return -1;
  return readEnd(bytes, from + at).some(({ starts }) => starts.length > 0) ? from + at : -1;
}

/** One end record: where its central directory may begin, and what to add to the offsets in it. */
interface End {
  readonly at: number;
  readonly starts: readonly number[];
  readonly prefix: number;
  readonly disk: number;
}

function readEnd(bytes: Buffer, at: number): readonly End[] {
  const disk = bytes.readUInt16LE(at + 4);
  const endOf = (to: number, size: number, offset: number, onDisk: number): End => {
    // Octets before the archive proper (a self-extractor): all its offsets are that much too small.
    const start = to - size;
    const starts = [start, offset].filter((each) => isAt(bytes, centralSignature, each));
    return { at, starts, prefix: starts.includes(start) ? Math.max(0, start - offset) : 0, disk: onDisk };
  };
  const ends = [endOf(at, bytes.readUInt32LE(at + 12), bytes.readUInt32LE(at + 16), disk)];
  if (isAt(bytes, locatorSignature, at - locatorBytes)) {
    const at64 = bytes.lastIndexOf(end64Signature, at - locatorBytes);
    if (at64 !== -1 && at64 + end64Bytes <= at) {
      const size = Number(bytes.readBigUInt64LE(at64 + 40));
      const offset = Number(bytes.readBigUInt64LE(at64 + 48));
      ends.push(endOf(at64, size, offset, bytes.readUInt32LE(at64 + 16)));
    }
  }
  return ends;
}

class DirectoryReader {
  readonly #bytes: Buffer;
  readonly #maxRecords: number;
  readonly #members = new Map<number, Central[]>();
  readonly #lost: Central[] = [];
  readonly #known = new Set<number>();
  #start: number;
  #isCut = false;
  #isSplit = false;

  constructor(bytes: Buffer, maxRecords: number) {
    this.#bytes = bytes;
    this.#maxRecords = maxRecords;
    this.#start = bytes.length;
  }

  read(): Directory {
    const bytes = this.#bytes;
    // One that is cut is none.
    const last = bytes.length < endBytes ? -1 : bytes.lastIndexOf(endSignature, bytes.length - endBytes);
    if (last !== -1) this.#readEnds(last);
    // None, or one that lies: take the records where they are.
    if (this.#known.size === 0) this.#records(bytes.indexOf(centralSignature), 0, 0);
    return {
      hasEnd: last !== -1,
      isSplit: this.#isSplit || (last === -1 && isSpanned(bytes)),
      isCut: this.#isCut,
      start: this.#start,
      members: this.#members,
      lost: this.#lost,
    };
  }

  #readEnds(last: number): void {
    const first = Math.max(0, this.#bytes.length - endWithinBytes);
    let at = last;
    for (let ends = 0; at >= first && ends < maxEnds; ends++) {
      // An end record within the data of a member is the member's own.
      if (at === last || !this.#isInMember(at)) {
        for (const { starts, prefix, disk } of readEnd(this.#bytes, at)) {
          if (disk !== 0 && disk !== diskIn64 && disk !== in64) this.#isSplit = true;
          for (const start of starts) this.#records(start, prefix, disk);
        }
      }
      if (at === 0) break;
      at = this.#bytes.lastIndexOf(endSignature, at - 1);
    }
  }

  #isInMember(at: number): boolean {
    for (const [offset, [central]] of this.#members) {
      const local = readLocal(this.#bytes, offset);
      if (local === undefined || central?.size === undefined || central.size !== local.size) continue;
      if (at >= local.dataStart && at < local.dataStart + local.size) return true;
    }
    return false;
  }

  /** The records from `from` on, also those behind a gap. */
  #records(from: number, prefix: number, disk: number): void {
    let isChained = true;
    for (let at = from; at !== -1 && !this.#known.has(at); ) {
      const central = readCentral(this.#bytes, at);
      if (central === undefined) break;
      if (this.#known.size >= this.#maxRecords) {
        this.#isCut = true;
        return;
      }
      this.#known.add(at);
      this.#start = Math.min(this.#start, at);
      // Behind a gap there may be anything.
      if (isChained && central.disk !== disk && central.disk !== diskIn64 && disk !== diskIn64)
        this.#isSplit = true;
      this.#add(central, prefix);
      at = this.#bytes.indexOf(centralSignature, Math.min(central.end, this.#bytes.length));
      isChained &&= at === central.end;
    }
  }

  #add(central: Central, prefix: number): void {
    const { localOffset } = central;
    const there = new Set(
      [localOffset + prefix].filter((offset) => isAt(this.#bytes, localSignature, offset)),
    );
    // Some readers don't move offsets; what they find may be another archive's.
    const unmoved = prefix === 0 ? undefined : readLocal(this.#bytes, localOffset);
    if (unmoved && (there.size === 0 || unmoved.names.at(-1) === central.names.at(-1)))
      there.add(localOffset);
    if (there.size === 0) this.#lost.push({ ...central, localOffset: localOffset + prefix });
    for (const offset of there) {
      const same = this.#members.get(offset);
      if (same) same.push(central);
      else this.#members.set(offset, [central]);
    }
  }
}

/** @param maxRecords of central directories that are looked at */
export function readDirectory(bytes: Buffer, maxRecords: number): Directory {
  return new DirectoryReader(bytes, maxRecords).read();
}
