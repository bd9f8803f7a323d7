// Header blocks of tar, field by field, and the records of pax (POSIX.1-2017, pax, "Extended Interchange Format").

export const tarBlockBytes = 512;

const blankBlock = Buffer.alloc(tarBlockBytes);
const checksumAt = 148;
const checksumBytes = 8;

/** Records of one pax header that are read. */
const maxPaxRecords = 1_000;

export function isBlank(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes.compare(blankBlock, 0, tarBlockBytes, at, at + tarBlockBytes) === 0;
}

/** An octal field, or GNU's base-256 with the high bit set; NaN for anything else. */
export function readNumber(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
    return value;
  }
  const text = bytes.toString('latin1', at, at + length);
  const digits = /^ *([0-7]*)(?:[ \0]|$)/.exec(text)?.[1];
  return digits === undefined ? Number.NaN : Number.parseInt(digits || '0', 8);
}

export function readString(bytes: Buffer, at: number, length: number): string {
  const zero = bytes.subarray(at, at + length).indexOf(0);
  return bytes.toString('utf8', at, at + (zero === -1 ? length : zero));
}

/** Whether the block at `at` has its checksum: all its octets, signed or unsigned, with blanks for the sum itself. */
export function isTarHeader(bytes: Buffer, at: number): boolean {
  if (at + tarBlockBytes > bytes.length) return false;
  // Anything but a digit or a blank here ends the look at once.
  const first = bytes[at + checksumAt] ?? 0;
  if (first !== 0x20 && (first < 0x30 || first > 0x37)) return false;
  const stated = readNumber(bytes, at + checksumAt, checksumBytes);
  if (!(stated > 0)) return false;
  let unsigned = 0;
  let negative = 0;
  for (let i = at; i < at + tarBlockBytes; i++) {
    const octet = bytes[i] as number;
    unsigned += octet;
    if (octet > 127) negative++;
  }
  for (let i = at + checksumAt; i < at + checksumAt + checksumBytes; i++) {
    const octet = bytes[i] as number;
    unsigned += 0x20 - octet;
    if (octet > 127) negative--;
  }
  return stated === unsigned || stated === unsigned - negative * 256;
}

/** The records `length key=value` of a pax header, over those of `earlier`; damaged ones end it. */
export function paxRecords(
  content: Buffer,
  earlier: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const records = new Map(earlier);
  let offset = '';
  const map: string[] = [];
  for (let at = 0, count = 0; at < content.length && count < maxPaxRecords; count++) {
    const blank = content.indexOf(0x20, at);
    const length = blank === -1 || blank - at > 8 ? 0 : Number(content.toString('latin1', at, blank));
    const end = at + length;
    if (!Number.isInteger(length) || length < 3 || end > content.length || blank >= end) break;
    const record = content.toString('utf8', blank + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals > 0) {
      const key = record.slice(0, equals);
      const value = record.slice(equals + 1);
      records.set(key, value);
      // GNU's sparse format 0.0 says the map by repeating two keys.
      if (key === 'GNU.sparse.offset') offset = value;
      else if (key === 'GNU.sparse.numbytes') map.push(offset, value);
    }
    at = end;
  }
  if (map.length > 0) records.set('GNU.sparse.map', map.join(','));
  return records;
}
