// Gzip (RFC 1952): all members of a file as one, and what follows them.
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { giveStored } from './give.ts';
import { inflate } from './inflate.ts';

const headerBytes = 10;
const trailerBytes = 8;

export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** Offset behind a zero-terminated string, or the end. */
function afterString(bytes: Buffer, at: number): number {
  const zero = bytes.indexOf(0, at);
  return zero === -1 ? bytes.length : zero + 1;
}

/** Where the deflate stream of a member begins, and the name that the header holds (RFC 1952 §2.3). */
function readHeader(bytes: Buffer): { dataStart: number; name: string | undefined } {
  const flags = bytes[3] ?? 0;
  let at = headerBytes;
  let name: string | undefined;
  if (flags & 4 && at + 2 <= bytes.length) at += 2 + bytes.readUInt16LE(at);
  if (flags & 8) {
    const end = afterString(bytes, at);
    name = bytes.toString('latin1', at, Math.max(at, end - 1));
    at = end;
  }
  if (flags & 16) at = afterString(bytes, at);
  if (flags & 2) at += 2;
  return { dataStart: at, name };
}

/** The name that `gunzip` would give the output. */
function strippedName(name: string | undefined): string {
  return name?.replace(/\.tgz$/i, '.tar').replace(/\.gz$/i, '') || 'data';
}

/** Unpacks `bytes`, which begin as gzip does. */
export function* unpackGzip(bytes: Buffer, { name, budget }: UnpackContext): Generator<Unpacked> {
  const pieces: Buffer[] = [];
  const most = budget.allowance(bytes.length);
  let joinedBytes = 0;
  let memberName: string | undefined;
  let at = 0;
  let isWhole = true;
  while (isWhole && isGzip(bytes.subarray(at, at + headerBytes))) {
    const overMembers = budget.takeMember();
    if (overMembers !== undefined) {
      yield { kind: 'limit', code: overMembers };
      isWhole = false;
      break;
    }
    const header = readHeader(bytes.subarray(at));
    memberName ??= header.name;
    const inflated = inflate(bytes.subarray(at + header.dataStart), budget);
    pieces.push(inflated.bytes.subarray(0, most.octets - joinedBytes));
    joinedBytes += inflated.bytes.length;
    if (joinedBytes > most.octets) {
      yield { kind: 'limit', code: most.code };
      isWhole = false;
    } else if (inflated.kind === 'inflated' && !inflated.truncated) {
      // The CRC and the size follow, then perhaps another member.
      at += header.dataStart + inflated.inputBytes + trailerBytes;
    } else {
      yield { kind: 'limit', code: inflated.kind === 'limit' ? inflated.code : 'damaged-archive' };
      isWhole = false;
    }
  }
  const [first, ...more] = pieces;
  const joined = first === undefined || more.length === 0 ? first : Buffer.concat(pieces);
  if (joined && joined.length > 0)
    yield { kind: 'member', name: memberName || strippedName(name), bytes: joined };
  if (!isWhole) return;
  // Some writers fill the last block with zeros; anything else is an object of its own to programs that search for it.
  let end = at;
  while (end < bytes.length && bytes[end] === 0) end++;
  if (end < bytes.length) yield* giveStored('rest', bytes.subarray(at), budget);
}
