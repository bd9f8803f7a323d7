// How far a Windows program goes in its file (Microsoft PE format), 32 and 64 bits, as its loader reads the headers.

export interface Extent {
  /** Behind the last octet that a section or the headers take; beyond it stands what the loader does not read. */
  readonly end: number;
  /** Signatures (attribute certificates): not mapped, and no secret. Empty: start === end. */
  readonly certificates: { readonly start: number; readonly end: number };
}

/** The loader's own limit. */
const maxSections = 96;

export const sectionBytes = 40;

/** Where the headers of a program lie, as offsets in the octets that were looked into. */
export interface ProgramHeaders {
  readonly pe: number;
  readonly optional: number;
  /** The optional header's kind: 0x10b for 32 bits, 0x20b for 64. */
  readonly magic: number;
  readonly sectionTable: number;
  readonly sectionCount: number;
}

/** The headers of the program at `start` of `bytes`; undefined: there is none. */
export function programHeadersAt(bytes: Buffer, start: number): ProgramHeaders | undefined {
  if (start < 0 || start + 0x40 > bytes.length || bytes[start] !== 0x4d || bytes[start + 1] !== 0x5a)
    return undefined;
  const pe = start + bytes.readUInt32LE(start + 0x3c);
  const optional = pe + 24;
  if (optional + 2 > bytes.length || bytes.readUInt32LE(pe) !== 0x4550) return undefined;
  return {
    pe,
    optional,
    magic: bytes.readUInt16LE(optional),
    sectionTable: optional + bytes.readUInt16LE(pe + 20),
    sectionCount: Math.min(maxSections, bytes.readUInt16LE(pe + 6)),
  };
}

/** Of the fourth entry of the directories, in the optional headers of PE32 and PE32+. */
const certificatesAt = { 267: 96 + 4 * 8, 523: 112 + 4 * 8 };

/** What the program at `start` of `bytes` takes, as offsets from `start`; undefined: there is none. */
export function programAt(bytes: Buffer, start: number): Extent | undefined {
  const headers = programHeadersAt(bytes, start);
  if (!headers) return undefined;
  const { optional, magic, sectionTable: first, sectionCount: count } = headers;
  let end = Math.min(first + count * sectionBytes, bytes.length) - start;
  for (let at = first, i = 0; i < count && at + sectionBytes <= bytes.length; at += sectionBytes, i++) {
    const rawBytes = bytes.readUInt32LE(at + 16);
    if (rawBytes > 0) end = Math.max(end, bytes.readUInt32LE(at + 20) + rawBytes);
  }
  const directory = magic === 0x10b || magic === 0x20b ? optional + certificatesAt[magic] : undefined;
  const none = { start: end, end };
  if (directory === undefined || directory + 8 > bytes.length || directory + 8 > first)
    return { end, certificates: none };
  const at = bytes.readUInt32LE(directory);
  const certificates = { start: at, end: at + bytes.readUInt32LE(directory + 4) };
  return { end, certificates: at < end ? none : certificates };
}
