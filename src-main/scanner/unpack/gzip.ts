// Gzip (RFC 1952): all members of a file, each as one, and joined where there are several.
import type { UnpackBudget, Unpacked } from './budget.ts';
import { inflate } from './inflate.ts';

const headerBytes = 10;

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

/** Unpacks `bytes`, which begin as gzip does. `name`: of the archive itself, when known. */
export function* unpackGzip(
  bytes: Buffer,
  name: string | undefined,
  budget: UnpackBudget,
): Generator<Unpacked> {
  const members: Buffer[] = [];
  let memberName: string | undefined;
  for (let at = 0; isGzip(bytes.subarray(at)); ) {
    const overMembers = budget.takeMember();
    if (overMembers !== undefined) {
      yield { kind: 'limit', code: overMembers };
      break;
    }
    const header = readHeader(bytes.subarray(at));
    memberName ??= header.name;
    const inflated = inflate(bytes.subarray(at + header.dataStart), budget);
    if (inflated.kind !== 'inflated') {
      yield { kind: 'limit', code: inflated.kind === 'limit' ? inflated.code : 'damaged-archive' };
      break;
    }
    members.push(inflated.bytes);
    if (inflated.truncated) yield { kind: 'limit', code: 'damaged-archive' };
    // The CRC and the size follow (8 octets), then perhaps another member.
    at += header.dataStart + inflated.inputBytes + 8;
  }
  const [first, ...more] = members;
  if (first === undefined) return;
  const joined = more.length === 0 ? first : Buffer.concat(members);
  yield { kind: 'member', name: memberName ?? strippedName(name), bytes: joined };
}
