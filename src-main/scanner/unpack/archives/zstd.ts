// Zstandard (RFC 8878): all frames of a file as one. Frames that can't be had whole give their first blocks.
import { zstdDecompressSync } from 'node:zlib';
import type { LimitCode } from '../../../contract/verdict.ts';
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { giveStored } from './give.ts';
import { codeOf, hasEngine, pieceBytes } from './inflate.ts';

const frameMagic = 0xfd2fb528;
/** §3.1.2: sixteen numbers for frames of user data. */
const skippableMagic = 0x184d2a50;

/** §3.1.1.2.4: octets of one block. */
const blockBytes = 128 * 1024;

/** Blocks of a frame that are looked at for a first piece of it. */
const piecesBlocks = pieceBytes / blockBytes;

function isFrame(bytes: Buffer, at: number): boolean {
  return at + 5 <= bytes.length && bytes.readUInt32LE(at) === frameMagic;
}

function isSkippable(bytes: Buffer, at: number): boolean {
  return at + 8 <= bytes.length && (bytes.readUInt32LE(at) & 0xfffffff0) >>> 0 === skippableMagic;
}

export function isZstd(bytes: Buffer): boolean {
  return (bytes[0] === 0x28 && isFrame(bytes, 0)) || ((bytes[0] ?? 0) >> 4 === 5 && isSkippable(bytes, 0));
}

/** Octets of the frame header behind the magic number (§3.1.1.1). */
function headerBytes(descriptor: number): number {
  const sizeFlag = descriptor >> 6;
  const isSingle = (descriptor >> 5) & 1;
  const sizeBytes = sizeFlag === 0 ? isSingle : 1 << sizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  return 1 + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes;
}

/** The whole blocks at the beginning of a frame, at most `count`, as a frame of their own; undefined: there are none. */
function cutFrame(frame: Buffer, count: number): Buffer | undefined {
  const descriptor = frame[4] ?? 0;
  const start = 4 + headerBytes(descriptor);
  let at = start;
  let last = -1;
  for (let blocks = 0; blocks < count && at + 3 <= frame.length; blocks++) {
    const header = frame.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    const end = at + 3 + (type === 1 ? 1 : header >> 3);
    if (type === 3 || end > frame.length) break;
    last = at;
    at = end;
    if (header & 1) break;
  }
  if (last === -1) return undefined;
  // A header without sizes and checksum, and with a window of 8 MiB (§3.1.1.1.2).
  const cut = Buffer.concat([Buffer.from('28b52ffd0068', 'hex'), frame.subarray(start, at)]);
  const lastAt = 6 + last - start;
  cut[lastAt] = (cut[lastAt] ?? 0) | 1;
  return cut;
}

type Frame =
  | { readonly kind: 'whole'; readonly bytes: Buffer; readonly inputBytes: number }
  | { readonly kind: 'limit'; readonly code: LimitCode; readonly bytes: Buffer };

const nothing = Buffer.alloc(0);

function pieceOf(frame: Buffer, budget: UnpackBudget): Buffer {
  // Blocks are tried in halves: the damage may be in any of them.
  for (let count = piecesBlocks; count >= 1; count >>= 1) {
    const cut = cutFrame(frame, count);
    if (!cut || !budget.takePiece()) return nothing;
    try {
      const piece = zstdDecompressSync(cut, { maxOutputLength: pieceBytes });
      return budget.takeOutput(piece.length) === undefined ? piece : nothing;
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
    }
  }
  return nothing;
}

function readFrame(bytes: Buffer, budget: UnpackBudget): Frame {
  const { octets, code } = budget.allowance(bytes.length);
  const spent = budget.takeInput(0) ?? (octets === 0 ? code : undefined);
  if (spent !== undefined) return { kind: 'limit', code: spent, bytes: nothing };
  try {
    const answer: unknown = zstdDecompressSync(bytes, { info: true, maxOutputLength: octets });
    if (!hasEngine(answer)) return { kind: 'limit', code: 'damaged-archive', bytes: nothing };
    const { buffer, engine } = answer;
    const isBomb = budget.isBomb(engine.bytesWritten, buffer.length);
    const given = isBomb ? Buffer.from(buffer.subarray(0, pieceBytes)) : buffer;
    const over = budget.takeInput(engine.bytesWritten) ?? budget.takeOutput(given.length);
    if (over !== undefined) return { kind: 'limit', code: over, bytes: nothing };
    if (isBomb) return { kind: 'limit', code: 'unpack-ratio', bytes: given };
    return { kind: 'whole', bytes: given, inputBytes: engine.bytesWritten };
  } catch (error) {
    const isTooLarge = codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
    const over = budget.takeInput(isTooLarge ? octets + Math.min(bytes.length, octets) : bytes.length);
    if (over !== undefined) return { kind: 'limit', code: over, bytes: nothing };
    // A dictionary that is elsewhere, or a window of gigabytes.
    const isForeign =
      codeOf(error) === 'ZSTD_error_dictionary_wrong' ||
      codeOf(error) === 'ZSTD_error_frameParameter_windowTooLarge';
    const why = isTooLarge ? code : isForeign ? 'unsupported-archive' : 'damaged-archive';
    return { kind: 'limit', code: why, bytes: pieceOf(bytes, budget) };
  }
}

/** Unpacks `bytes`, which begin as Zstandard does. */
export function* unpackZstd(bytes: Buffer, { name, budget }: UnpackContext): Generator<Unpacked> {
  const pieces: Buffer[] = [];
  const most = budget.allowance(bytes.length);
  let joinedBytes = 0;
  let at = 0;
  let code: LimitCode | undefined;
  while (code === undefined && (isFrame(bytes, at) || isSkippable(bytes, at))) {
    code = budget.takeMember();
    if (code !== undefined) break;
    if (isSkippable(bytes, at)) {
      const end = at + 8 + bytes.readUInt32LE(at + 4);
      const skipped = bytes.subarray(at + 8, end);
      if (skipped.length > 0) yield* giveStored('skipped', skipped, budget);
      if (end > bytes.length) code = 'damaged-archive';
      at = end;
      continue;
    }
    const frame = readFrame(bytes.subarray(at), budget);
    pieces.push(frame.bytes.subarray(0, most.octets - joinedBytes));
    joinedBytes += frame.bytes.length;
    if (joinedBytes > most.octets) code = most.code;
    else if (frame.kind === 'whole') at += frame.inputBytes;
    else code = frame.code;
  }
  const joined = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  const memberName = name?.replace(/\.tzst$/i, '.tar').replace(/\.zst$/i, '') || 'data';
  if (joined && joined.length > 0) yield { kind: 'member', name: memberName, bytes: joined };
  if (code !== undefined) yield { kind: 'limit', code };
  else if (at < bytes.length) yield* giveStored('rest', bytes.subarray(at), budget);
}
