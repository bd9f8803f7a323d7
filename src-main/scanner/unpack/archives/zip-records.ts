// The records of a zip (PKWARE APPNOTE 6.3.10): what a local header and a record of the central directory say of a member.
import { isUtf8 } from 'node:buffer';

export const localSignature: Buffer = Buffer.from('PK\x03\x04', 'latin1');
export const centralSignature: Buffer = Buffer.from('PK\x01\x02', 'latin1');
export const winZipAes = 99;

const localBytes = 30;
const centralBytes = 46;

/** A field whose true value is in a Zip64 extra field (§4.5.3). */
export const in64 = 0xffffffff;

/** Extra fields of one header that are looked at; writers use up to five. */
const maxExtraFields = 64;

/** One way to read a member: what some header says of it. */
export interface Reading {
  /** The first is what most readers show. */
  readonly names: readonly string[];
  readonly method: number;
  readonly isEncrypted: boolean;
  /** Encrypted in PKWARE's own way, which has never been published in full (§7). */
  readonly isStrong: boolean;
  readonly aes: AesExtra | undefined;
  readonly crc: number;
  readonly time: number;
  /** Octets of the data; undefined: not known in advance (§4.4.4 bit 3). */
  readonly size: number | undefined;
}

export interface Local extends Reading {
  readonly dataStart: number;
}

export interface Central extends Reading {
  readonly localOffset: number;
  readonly disk: number;
}

/** https://www.winzip.com/en/support/aes-encryption/ */
export interface AesExtra {
  /** Octets of the key: 16, 24 or 32. */
  readonly keyBytes: number;
  /** How the data are compressed below the encryption. */
  readonly method: number;
}

export function isAt(bytes: Buffer, signature: Buffer, at: number): boolean {
  return at >= 0 && at + 4 <= bytes.length && bytes.compare(signature, 0, 4, at, at + 4) === 0;
}

function extraFields(bytes: Buffer, from: number, length: number): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  const end = Math.min(from + length, bytes.length);
  for (let at = from; at + 4 <= end && fields.size < maxExtraFields; ) {
    const next = at + 4 + bytes.readUInt16LE(at + 2);
    const id = bytes.readUInt16LE(at);
    if (!fields.has(id)) fields.set(id, bytes.subarray(at + 4, Math.min(next, end)));
    at = next;
  }
  return fields;
}

function textOf(octets: Buffer): string {
  return isUtf8(octets) ? octets.toString('utf8') : octets.toString('latin1');
}

function namesOf(name: Buffer, extra: ReadonlyMap<number, Buffer>): string[] {
  // §4.6.9: version, CRC of the other name, name.
  const unicode = extra.get(0x7075);
  const names = [textOf(name)];
  if (unicode !== undefined && unicode.length > 5) names.unshift(textOf(unicode.subarray(5)));
  return names;
}

function aesOf(extra: ReadonlyMap<number, Buffer>): AesExtra | undefined {
  const field = extra.get(0x9901);
  const strength = field?.[4] ?? 0;
  if (field === undefined || field.length < 7 || strength < 1 || strength > 3) return undefined;
  return { keyBytes: 8 + 8 * strength, method: field.readUInt16LE(5) };
}

/** What both kinds of header have in the same order. `at`: of the flags. */
function readCommon(
  bytes: Buffer,
  at: number,
  name: Buffer,
  extra: ReadonlyMap<number, Buffer>,
): Omit<Reading, 'size'> {
  const flags = bytes.readUInt16LE(at);
  const method = bytes.readUInt16LE(at + 2);
  return {
    names: namesOf(name, extra),
    method,
    isEncrypted: (flags & 1) === 1 || method === winZipAes,
    // Bit 6, and bit 13: values in the local header are masked.
    isStrong: (flags & 0x2040) !== 0,
    aes: aesOf(extra),
    crc: bytes.readUInt32LE(at + 8),
    time: bytes.readUInt16LE(at + 4),
  };
}

/** The next of the values in a Zip64 extra field: it has those alone that don't fit into the header. */
function zip64Reader(extra: ReadonlyMap<number, Buffer>): (value: number, isHere: boolean) => number {
  const field = extra.get(1);
  let at = 0;
  return (value, isHere) => {
    if (isHere || field === undefined || at + 8 > field.length) return value;
    at += 8;
    return Number(field.readBigUInt64LE(at - 8));
  };
}

/** The header at `at`; its signature is not looked at. */
function readLocalFields(bytes: Buffer, at: number): Local | undefined {
  if (at < 0 || at + localBytes > bytes.length) return undefined;
  const nameEnd = at + localBytes + bytes.readUInt16LE(at + 26);
  const extraLength = bytes.readUInt16LE(at + 28);
  const extra = extraFields(bytes, nameEnd, extraLength);
  const common = readCommon(bytes, at + 6, bytes.subarray(at + localBytes, nameEnd), extra);
  const packed = bytes.readUInt32LE(at + 18);
  const unpacked = bytes.readUInt32LE(at + 22);
  const read64 = zip64Reader(extra);
  read64(unpacked, unpacked !== in64);
  const size = read64(packed, packed !== in64);
  const isLater = (bytes.readUInt16LE(at + 6) & 8) !== 0 && size === 0;
  return { ...common, size: isLater ? undefined : size, dataStart: nameEnd + extraLength };
}

export function readLocal(bytes: Buffer, at: number): Local | undefined {
  return isAt(bytes, localSignature, at) ? readLocalFields(bytes, at) : undefined;
}

/** Where the data begin for readers that believe the central directory and take only lengths from the local header. */
export function dataStartOf(bytes: Buffer, at: number): number | undefined {
  return readLocalFields(bytes, at)?.dataStart;
}

export function readCentral(bytes: Buffer, at: number): (Central & { readonly end: number }) | undefined {
  if (!isAt(bytes, centralSignature, at) || at + centralBytes > bytes.length) return undefined;
  const nameEnd = at + centralBytes + bytes.readUInt16LE(at + 28);
  const extraLength = bytes.readUInt16LE(at + 30);
  const extra = extraFields(bytes, nameEnd, extraLength);
  const common = readCommon(bytes, at + 8, bytes.subarray(at + centralBytes, nameEnd), extra);
  const packed = bytes.readUInt32LE(at + 20);
  const unpacked = bytes.readUInt32LE(at + 24);
  const offset = bytes.readUInt32LE(at + 42);
  const read64 = zip64Reader(extra);
  read64(unpacked, unpacked !== in64);
  const size = read64(packed, packed !== in64);
  const localOffset = read64(offset, offset !== in64);
  const disk = bytes.readUInt16LE(at + 34);
  const end = nameEnd + extraLength + bytes.readUInt16LE(at + 32);
  return { ...common, size, localOffset, disk, end };
}
