// Installation files of Symbian phones (SIS), old and new: whatever its records say, the files are zlib streams in it.
import { giveInflated } from '../archives/give.ts';
import { inflate } from '../archives/inflate.ts';
import { readPiece } from '../archives/inflate-piece.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';

/** Second and third UID of EPOC releases 3 to 6, and the first one of Symbian 9. */
const uid2 = new Set([0x1000006d, 0x10003a12]);
const uid3 = 0x10000419;
const uid9 = 0x10201a7a;

/** Places that may begin a stream and are looked at. */
const maxTries = 20_000;

export function isSis(bytes: Buffer): boolean {
  if (bytes.length < 12) return false;
  // The first look is at an octet that little else has in its place.
  if (bytes[11] === 0x10 && bytes.readUInt32LE(8) === uid3) return uid2.has(bytes.readUInt32LE(4));
  return bytes[3] === 0x10 && bytes.readUInt32LE(0) === uid9;
}

/** Octets of output that tell a stream from two octets that look like one. */
const probeBytes = 512;

/** Whether a zlib stream (RFC 1950 §2.2) with a window of 32 KiB may begin at `at`. */
function isStream(bytes: Buffer, at: number): boolean {
  if (at + 2 > bytes.length || bytes.readUInt16BE(at) % 31 !== 0 || (bytes[at + 1] ?? 0) & 0x20) return false;
  const { bytes: first, isFull, isEnd } = readPiece(bytes.subarray(at + 2), probeBytes);
  return isFull || (isEnd && first.length > 0);
}

export function* unpackSis(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  let found = 0;
  let at = bytes.indexOf(0x78);
  for (let tries = 0; at !== -1; tries++) {
    if (tries >= maxTries) return yield { kind: 'limit', code: 'archive-members' };
    let next = at + 1;
    if (isStream(bytes, at)) {
      const over = budget.takeMember();
      if (over !== undefined) return yield { kind: 'limit', code: over };
      const inflated = inflate(bytes.subarray(at + 2), budget, { statedBytes: 0 });
      yield* giveInflated(`file-${++found}`, inflated);
      if (inflated.kind === 'inflated') next = at + 2 + inflated.inputBytes;
    }
    at = bytes.indexOf(0x78, next);
  }
  // Files may be stored as they are; where they begin, only the records say.
  if (found === 0) yield { kind: 'limit', code: 'unsupported-archive' };
}
