// One file of the quarantine: a line that says what it is, a line of JSON with the key of the mask, then the masked
// octets. The mask hides the octets from programs, not from people: its key lies beside them.
import { z } from 'zod';
import { type QuarantineEntry, quarantineEntrySchema } from '../contract/api.ts';

const magic = 'POSTERN-QUARANTINE-1\n';

const keyBytes = 32;

/** 64 detections with part names of ten nested archives each, escaped, stay below one mebibyte. */
const maxHeaderBytes = 2 * 1024 * 1024;

/** First read of a header: nearly all are smaller. */
const firstReadBytes = 4 * 1024;

const newline = 0x0a;

const headerSchema = quarantineEntrySchema.extend({ key: z.string().regex(/^[0-9a-f]{64}$/) });

/** XOR with a repeating key, over the octets in the order in which they are given. Masks and unmasks. */
export class Mask {
  readonly #key: Uint8Array;
  #at = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** A masked copy. */
  apply(bytes: Uint8Array): Uint8Array {
    const masked = new Uint8Array(bytes.length);
    const key = this.#key;
    let at = this.#at;
    for (let i = 0; i < bytes.length; i++) {
      masked[i] = (bytes[i] ?? 0) ^ (key[at] ?? 0);
      at = at + 1 === key.length ? 0 : at + 1;
    }
    this.#at = at;
    return masked;
  }
}

/** The lines before the octets. Throws when they would be too long to be read again. */
export function writeHeader(
  entry: QuarantineEntry,
  random: (sizeBytes: number) => Uint8Array,
): { readonly header: Uint8Array; readonly key: Uint8Array } {
  const key = random(keyBytes);
  const json = JSON.stringify({ ...entry, key: Buffer.from(key).toString('hex') });
  const header = Buffer.from(`${magic}${json}\n`);
  if (header.length > maxHeaderBytes) throw new Error('the description of a quarantined message is too long');
  return { header, key };
}

interface Readable {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

export interface QuarantineHeader {
  readonly entry: QuarantineEntry;
  readonly key: Uint8Array;
  /** Where the masked octets begin. */
  readonly bytesBefore: number;
}

/** Reads the lines before the octets; throws when they are not ours. */
export async function readHeader(file: Readable): Promise<QuarantineHeader> {
  let head = Buffer.alloc(0);
  for (let size = firstReadBytes; ; size *= 4) {
    const more = Buffer.alloc(Math.min(size, maxHeaderBytes) - head.length);
    const { bytesRead } = await file.read(more, 0, more.length, head.length);
    head = Buffer.concat([head, more.subarray(0, bytesRead)]);
    if (head.toString('latin1', 0, magic.length) !== magic) throw new Error('not a file of the quarantine');
    const end = head.indexOf(newline, magic.length);
    if (end !== -1) {
      const { key, ...entry } = headerSchema.parse(JSON.parse(head.toString('utf8', magic.length, end)));
      return { entry, key: Buffer.from(key, 'hex'), bytesBefore: end + 1 };
    }
    if (bytesRead === 0 || head.length >= maxHeaderBytes) throw new Error('the description does not end');
  }
}
