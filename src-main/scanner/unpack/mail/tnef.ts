// TNEF (MS-OXTNEF): winmail.dat, in which Outlook wraps attachments and bodies. Checksums are not looked at.
import { giveStored, namesToGive } from '../archives/give.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { decompressRtf } from './compressed-rtf.ts';
import { type Property, readProperties, textOf } from './mapi-properties.ts';

const signature = 0x223e9f78;
/** Signature and key. */
const headerBytes = 6;
/** Level, tag and length before the data of an attribute, a checksum behind them. */
const attributeBytes = 9;
const checksumBytes = 2;

/** Attributes (2.1.3.2), without their type. */
const attribute = {
  body: 0x800c,
  attachmentData: 0x800f,
  attachmentTitle: 0x8010,
  attachmentStart: 0x9002,
  messageProperties: 0x9003,
  attachmentFileName: 0x9001,
  attachmentProperties: 0x9005,
} as const;

/** MAPI properties (MS-OXPROPS). */
const property = {
  body: 0x1000,
  compressedRtf: 0x1009,
  html: 0x1013,
  displayName: 0x3001,
  attachmentData: 0x3701,
  fileName: 0x3704,
  longFileName: 0x3707,
} as const;

const objectType = 0x0d;
const interfaceBytes = 16;

/** Attributes that are read; real ones are some dozens and eight for each attachment. */
const maxAttributes = 20_000;

/** Names of one attachment; real ones have three or four. Each content of it is given by each of them. */
const maxNames = 16;

export function isTnef(bytes: Buffer): boolean {
  return bytes.length >= headerBytes && bytes[0] === 0x78 && bytes.readUInt32LE(0) === signature;
}

/** Of the message, or of an attachment. */
function isLevel(octet: number | undefined): boolean {
  return octet === 1 || octet === 2;
}

function stringOf(bytes: Buffer): string {
  const zero = bytes.indexOf(0);
  return bytes.toString('latin1', 0, zero === -1 ? bytes.length : zero);
}

class TnefReader {
  readonly #bytes: Buffer;
  readonly #context: UnpackContext;
  /** Of the attachment that is being read: its contents, and its names, the best first. */
  #contents: Buffer[] = [];
  #longNames: string[] = [];
  #names: string[] = [];
  #displayName = '';
  #isOver = false;

  constructor(bytes: Buffer, context: UnpackContext) {
    this.#bytes = bytes;
    this.#context = context;
  }

  *run(): Generator<Unpacked> {
    const bytes = this.#bytes;
    let isWhole = true;
    let at = headerBytes;
    for (let count = 0; at < bytes.length && !this.#isOver; count++) {
      const isRoom = at + attributeBytes <= bytes.length;
      // Gateways put a line end behind the last one.
      if (!isRoom && !isLevel(bytes[at])) break;
      isWhole = isRoom && isLevel(bytes[at]) && count < maxAttributes;
      if (!isWhole) break;
      const id = bytes.readUInt16LE(at + 1);
      const size = bytes.readUInt32LE(at + 5);
      const start = at + attributeBytes;
      const data = bytes.subarray(start, Math.min(start + size, bytes.length));
      yield* this.#attribute(id, data);
      at = start + size + checksumBytes;
      isWhole = data.length === size;
    }
    yield* this.#attachment();
    if (!isWhole && !this.#isOver) yield { kind: 'limit', code: 'damaged-archive' };
  }

  *#attribute(id: number, data: Buffer): Generator<Unpacked> {
    switch (id) {
      case attribute.attachmentStart:
        yield* this.#attachment();
        break;
      case attribute.attachmentData:
        this.#contents.push(data);
        break;
      case attribute.attachmentTitle:
      case attribute.attachmentFileName:
        this.#names.push(stringOf(data));
        break;
      case attribute.body:
        yield* this.#member(['body.txt'], data);
        break;
      case attribute.messageProperties:
      case attribute.attachmentProperties:
        yield* this.#properties(data);
        break;
    }
  }

  *#properties(data: Buffer): Generator<Unpacked> {
    const { properties, isWhole } = readProperties(data);
    for (const each of properties) yield* this.#property(each);
    if (!isWhole) yield { kind: 'limit', code: 'damaged-archive' };
  }

  *#property(each: Property): Generator<Unpacked> {
    const { id, type, value } = each;
    switch (id) {
      case property.longFileName:
        this.#longNames.push(textOf(each));
        break;
      case property.fileName:
        this.#names.push(textOf(each));
        break;
      case property.displayName:
        this.#displayName = textOf(each);
        break;
      case property.attachmentData:
        // An embedded message is TNEF again, an OLE object a compound file; the interface stands before either.
        this.#contents.push(type === objectType ? value.subarray(interfaceBytes) : value);
        break;
      case property.body:
        yield* this.#member(['body.txt'], value);
        break;
      case property.html:
        yield* this.#member(['body.html'], value);
        break;
      case property.compressedRtf: {
        const { octets, code } = this.#context.budget.allowance(value.length);
        const rtf = decompressRtf(value, octets + 1);
        if (rtf === undefined) yield { kind: 'limit', code: 'damaged-archive' };
        else yield* this.#member(['body.rtf'], rtf.subarray(0, octets));
        if (rtf !== undefined && rtf.length > octets) yield { kind: 'limit', code };
        break;
      }
    }
  }

  /** Gives the attachment that was read so far. */
  *#attachment(): Generator<Unpacked> {
    const all = [...this.#longNames, ...this.#names].filter((name) => name !== '');
    const names = all.slice(0, maxNames);
    if (all.length > maxNames && this.#contents.length > 0) yield { kind: 'limit', code: 'archive-members' };
    if (names.length === 0) names.push(this.#displayName || 'attachment');
    const contents = this.#contents;
    this.#contents = [];
    this.#longNames = [];
    this.#names = [];
    this.#displayName = '';
    for (const content of contents) yield* this.#member(names, content);
  }

  *#member(names: readonly string[], content: Buffer): Generator<Unpacked> {
    if (content.length === 0 || this.#isOver) return;
    const { budget } = this.#context;
    const over = budget.takeMember();
    if (over !== undefined) {
      this.#isOver = true;
      yield { kind: 'limit', code: over };
      return;
    }
    const [first = '', ...more] = namesToGive(names);
    for (const each of giveStored(first, content, budget)) {
      yield each;
      if (each.kind === 'member') for (const name of more) yield { ...each, name };
    }
  }
}

/** Unpacks `bytes`, which begin as TNEF does. */
export function* unpackTnef(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  yield* new TnefReader(bytes, context).run();
}
