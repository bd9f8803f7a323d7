// Files of a Macintosh with both their forks in one: AppleSingle and AppleDouble (RFC 1740), and MacBinary.
import { giveStored } from '../archives/give.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';

const singleMagic = 0x00051600;
const doubleMagic = 0x00051607;
/** RFC 1740, appendix A: magic, version, filler, number of entries; each has an id, a place and a size. */
const singleHeaderBytes = 26;
const entryBytes = 12;
const dataFork = 1;
const resourceFork = 2;
const realName = 3;

/** MacBinary: a header of one block, and each fork filled up to a block. */
const blockBytes = 128;
/** Octets of a name. */
const maxNameBytes = 63;

function isSingle(bytes: Buffer): boolean {
  if (bytes.length < singleHeaderBytes || bytes[1] !== 5) return false;
  const magic = bytes.readUInt32BE(0);
  return magic === singleMagic || magic === doubleMagic;
}

/** Versions I (zeros from octet 99 on), II and III (the version that is needed to read it). */
function isMacBinary(bytes: Buffer): boolean {
  const nameBytes = bytes[1] ?? 0;
  if (bytes[0] !== 0 || nameBytes === 0 || nameBytes > maxNameBytes || bytes.length <= blockBytes)
    return false;
  if (bytes[74] !== 0 || bytes[82] !== 0) return false;
  const isVersioned = (bytes[123] ?? 0) >= 129 && (bytes[123] ?? 0) <= 130;
  if (!isVersioned && !bytes.subarray(99, blockBytes).every((octet) => octet === 0)) return false;
  if (bytes.subarray(2, 2 + nameBytes).some((octet) => octet < 0x20)) return false;
  const dataBytes = bytes.readUInt32BE(83);
  const allBytes = dataBytes + bytes.readUInt32BE(87);
  return allBytes > 0 && dataBytes <= bytes.length;
}

export function isMacFile(bytes: Buffer): boolean {
  return bytes[0] === 0 && (isSingle(bytes) || isMacBinary(bytes));
}

function* fork(name: string, bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  if (bytes.length === 0) return;
  const over = budget.takeMember();
  if (over !== undefined) yield { kind: 'limit', code: over };
  else yield* giveStored(name, bytes, budget);
}

function* unpackSingle(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  const count = bytes.readUInt16BE(24);
  let name = 'data';
  for (let index = 0; index < count; index++) {
    const at = singleHeaderBytes + index * entryBytes;
    const isThere = at + entryBytes <= bytes.length;
    const start = isThere ? bytes.readUInt32BE(at + 4) : 0;
    const end = isThere ? start + bytes.readUInt32BE(at + 8) : 0;
    if (!isThere || end > bytes.length) yield { kind: 'limit', code: 'damaged-archive' };
    if (!isThere) return;
    const id = bytes.readUInt32BE(at);
    const content = bytes.subarray(start, end);
    if (id === realName) name = content.toString('latin1', 0, 255) || name;
    else if (id === dataFork) yield* fork(name, content, context);
    else if (id === resourceFork) yield* fork(`${name}.rsrc`, content, context);
  }
}

function* unpackMacBinary(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  const name = bytes.toString('latin1', 2, 2 + (bytes[1] ?? 0));
  const dataEnd = blockBytes + bytes.readUInt32BE(83);
  const resourceStart = Math.ceil(dataEnd / blockBytes) * blockBytes;
  const resourceEnd = resourceStart + bytes.readUInt32BE(87);
  yield* fork(name, bytes.subarray(blockBytes, dataEnd), context);
  yield* fork(`${name}.rsrc`, bytes.subarray(resourceStart, resourceEnd), context);
  if (dataEnd > bytes.length) yield { kind: 'limit', code: 'damaged-archive' };
}

/** Unpacks `bytes`, as `isMacFile` knows them. */
export function* unpackMacFile(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  if (isSingle(bytes)) yield* unpackSingle(bytes, context);
  else yield* unpackMacBinary(bytes, context);
}
