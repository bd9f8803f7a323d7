// Writes zips for tests, header by header, so that any of them may lie; and encrypts their members.
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

interface Header {
  readonly name?: string;
  readonly flags?: number;
  readonly method?: number;
  readonly time?: number;
  readonly crc?: number;
  readonly packed?: number;
  readonly unpacked?: number;
  readonly extra?: Buffer;
  /** Of the central directory alone. */
  readonly offset?: number;
  readonly disk?: number;
  /** 0 for a header that isn't there. */
  readonly signature?: string;
}

export interface Entry extends Header {
  /** As they stand in the archive. */
  readonly data: Buffer;
  readonly local?: Header;
  /** `false`: the directory says nothing of it. */
  readonly central?: Header | false;
}

export interface Layout {
  readonly prefix?: Buffer;
  readonly comment?: Buffer;
  readonly disk?: number;
  /** Sizes and offsets in Zip64 records alone. */
  readonly zip64?: boolean;
  readonly end?: boolean;
}

/** A member as `zip` writes it. */
export function deflatedEntry(name: string, bytes: Buffer): Entry {
  return { name, data: deflateRawSync(bytes), method: 8, crc: crc32(bytes), unpacked: bytes.length };
}

export function storedEntry(name: string, bytes: Buffer): Entry {
  return { name, data: bytes, method: 0, crc: crc32(bytes), unpacked: bytes.length };
}

export function extraField(id: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(content.length, 2);
  return Buffer.concat([head, content]);
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function record(signature: string, header: Header, isCentral: boolean): Buffer {
  const { name = 'a', flags = 0, method = 0, time = 0, crc = 0, packed = 0, unpacked = 0 } = header;
  const { extra = Buffer.alloc(0), offset = 0, disk = 0 } = header;
  const at = isCentral ? 6 : 4;
  const bytes = Buffer.alloc(isCentral ? 46 : 30);
  bytes.write(header.signature ?? signature, 0, 'latin1');
  bytes.writeUInt16LE(20, at);
  bytes.writeUInt16LE(flags, at + 2);
  bytes.writeUInt16LE(method, at + 4);
  bytes.writeUInt16LE(time, at + 6);
  bytes.writeUInt32LE(crc, at + 10);
  bytes.writeUInt32LE(packed, at + 14);
  bytes.writeUInt32LE(unpacked, at + 18);
  bytes.writeUInt16LE(Buffer.byteLength(name, 'latin1'), at + 22);
  bytes.writeUInt16LE(extra.length, at + 24);
  if (isCentral) {
    bytes.writeUInt16LE(disk, 34);
    bytes.writeUInt32LE(offset, 42);
  }
  return Buffer.concat([bytes, Buffer.from(name, 'latin1'), extra]);
}

const in64 = 0xffffffff;

export function writeZip(entries: readonly Entry[], layout: Layout = {}): Buffer {
  const { prefix = Buffer.alloc(0), comment = Buffer.alloc(0), disk = 0, zip64 = false } = layout;
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { data, local, central, ...both } of entries) {
    const common: Header = { packed: data.length, ...both };
    const piece = Buffer.concat([record('PK\x03\x04', { ...common, ...local }, false), data]);
    locals.push(piece);
    const wide = {
      extra: extraField(
        1,
        Buffer.concat([uint64(common.unpacked ?? 0), uint64(data.length), uint64(offset)]),
      ),
      packed: in64,
      unpacked: in64,
      offset: in64,
    };
    if (central !== false)
      centrals.push(record('PK\x01\x02', { ...common, offset, ...(zip64 ? wide : {}), ...central }, true));
    offset += piece.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(disk, 4);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(zip64 ? in64 : directory.length, 12);
  end.writeUInt32LE(zip64 ? in64 : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06', 'latin1');
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(BigInt(directory.length), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(offset + directory.length), 8);
  return Buffer.concat([
    prefix,
    ...locals,
    directory,
    ...(zip64 ? [end64, locator] : []),
    ...(layout.end === false ? [] : [end, comment]),
  ]);
}

const crcOf = (crc: number, octet: number) => (crc32(Buffer.from([octet]), ~crc >>> 0) ^ -1) >>> 0;

/** Encrypts in PKWARE's way (APPNOTE §6.1), slowly, with BigInt for what overflows. */
export function encryptTraditional(plain: Buffer, password: string, check: number): Buffer {
  const keys = { a: 0x12345678, b: 0x23456789, c: 0x34567890 };
  const update = (octet: number) => {
    keys.a = crcOf(keys.a, octet);
    keys.b = Number(BigInt.asUintN(32, BigInt(keys.b + (keys.a & 0xff)) * 134775813n + 1n));
    keys.c = crcOf(keys.c, keys.b >>> 24);
  };
  for (const octet of Buffer.from(password)) update(octet);
  const header = Buffer.alloc(12, 7);
  header[11] = check;
  return Buffer.from(
    [...header, ...plain].map((octet) => {
      const mask = (keys.c & 0xffff) | 2;
      const encrypted = octet ^ (((mask * (mask ^ 1)) >>> 8) & 0xff);
      update(octet);
      return encrypted;
    }),
  );
}

/** A member that `zip -e` would write. */
export function encryptedEntry(name: string, bytes: Buffer, password: string): Entry {
  const plain = deflatedEntry(name, bytes);
  const data = encryptTraditional(plain.data, password, (plain.crc ?? 0) >>> 24);
  return { ...plain, data, flags: 1 };
}

/** A member that WinZip or 7-Zip would write. `strength`: 1 to 3. */
export function aesEntry(name: string, bytes: Buffer, password: string, strength = 3): Entry {
  const keyBytes = 8 + 8 * strength;
  const salt = Buffer.alloc(keyBytes / 2, name);
  const keys = pbkdf2Sync(password, salt, 1_000, keyBytes * 2 + 2, 'sha1');
  const plain = deflateRawSync(bytes);
  const blocks = Buffer.alloc(Math.ceil(plain.length / 16) * 16);
  for (let at = 0; at < blocks.length; at += 16) blocks.writeUInt32LE(at / 16 + 1, at);
  const stream = createCipheriv(`aes-${keyBytes * 8}-ecb`, keys.subarray(0, keyBytes), null).update(blocks);
  const content = Buffer.from(plain.map((octet, index) => octet ^ (stream[index] ?? 0)));
  const code = createHmac('sha1', keys.subarray(keyBytes, keyBytes * 2))
    .update(content)
    .digest();
  const data = Buffer.concat([salt, keys.subarray(keyBytes * 2), content, code.subarray(0, 10)]);
  const extra = extraField(0x9901, Buffer.from([2, 0, 0x41, 0x45, strength, 8, 0]));
  return { name, data, method: 99, flags: 1, unpacked: bytes.length, extra };
}
