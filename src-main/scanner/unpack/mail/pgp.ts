// OpenPGP (RFC 9580), armored or not: what is signed, compressed or plain is unpacked; what is encrypted is a limit.
// Signatures beside their content, keys, and texts signed in clear hold nothing that is not looked into anyway.
import { decodeBase64 } from '../../mime/base64.ts';
import { inflate } from '../archives/inflate.ts';
import { inflatePiece } from '../archives/inflate-piece.ts';
import { memberOf } from '../documents/members.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';

/** Octets of a text in which an armored message begins. */
const armorProbeBytes = 16 * 1024;

const armorStart = '-----BEGIN PGP MESSAGE';
const armorEnd = '-----END PGP MESSAGE';

/** Compressed packets within each other (RFC 9580 §5.6 has one). */
const maxNested = 8;

/** Packets of one message; signatures are few. */
const maxPackets = 1_000;

/** Octets of a body that show what it is. */
const peekBytes = 512;

/** Packet types (RFC 9580 §5). */
const tags = {
  publicKeySession: 1,
  signature: 2,
  symmetricSession: 3,
  onePassSignature: 4,
  compressed: 8,
  encrypted: 9,
  marker: 10,
  literal: 11,
  encryptedProtected: 18,
  encryptedAead: 20,
  padding: 21,
} as const;

/** Packets of these types are left out where they are not known (§4.3), or private (§5). */
const firstIgnored = 40;

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
  /** Offset behind it. */
  readonly next: number;
  readonly complete: boolean;
}

/** The packet at `at` (§4.2); undefined: there is none. `peek`: the beginning of its body is enough. */
function packetAt(bytes: Buffer, at: number, peek = false): Packet | undefined {
  const first = bytes[at] ?? 0;
  if ((first & 0x80) === 0) return undefined;
  if ((first & 0x40) === 0) return oldPacketAt(bytes, at, first);
  const tag = first & 0x3f;
  const pieces: Buffer[] = [];
  let size = 0;
  for (let from = at + 1; ; ) {
    const octet = bytes[from++];
    if (octet === undefined) {
      // The length of the next piece is missing.
      if (pieces.length === 0) return undefined;
      return { tag, body: Buffer.concat(pieces), next: bytes.length, complete: false };
    }
    let length = octet;
    const isPartial = octet >= 224 && octet < 255;
    if (isPartial) length = 2 ** (octet & 0x1f);
    else if (octet >= 192 && octet < 255) length = ((octet - 192) << 8) + (bytes[from++] ?? 0) + 192;
    else if (octet === 255) {
      if (from + 4 > bytes.length) return undefined;
      length = bytes.readUInt32BE(from);
      from += 4;
    }
    const piece = bytes.subarray(from, from + length);
    pieces.push(piece);
    from += length;
    size += piece.length;
    if (isPartial && piece.length === length && !(peek && size >= peekBytes)) continue;
    const body = pieces.length === 1 ? piece : Buffer.concat(pieces);
    return { tag, body, next: Math.min(from, bytes.length), complete: piece.length === length };
  }
}

function oldPacketAt(bytes: Buffer, at: number, first: number): Packet | undefined {
  const lengthBytes = [1, 2, 4, 0][first & 3] ?? 0;
  const start = at + 1 + lengthBytes;
  if (start > bytes.length) return undefined;
  const length = lengthBytes === 0 ? bytes.length - start : bytes.readUIntBE(at + 1, lengthBytes);
  const body = bytes.subarray(start, start + length);
  return { tag: (first >> 2) & 15, body, next: start + body.length, complete: body.length === length };
}

/** Public-key algorithms (§9.1), and those in use without a place there. */
function isPublicKeyAlgorithm(octet: number | undefined): boolean {
  return octet !== undefined && ((octet >= 1 && octet <= 3) || (octet >= 16 && octet <= 36));
}

/** Whether the body of a packet begins as its type says: two such in a row are no accident. */
function isPlausible({ tag, body }: Packet): boolean {
  const [first = -1, second = -1] = body;
  switch (tag) {
    case tags.publicKeySession:
      return (first === 3 && isPublicKeyAlgorithm(body[9])) || (first === 6 && body.length > 22);
    case tags.symmetricSession:
      return (
        (first === 4 && second <= 13 && (body[2] ?? 255) <= 4) ||
        ((first === 5 || first === 6) && second <= 40)
      );
    case tags.onePassSignature:
      return (first === 3 && body.length === 13) || (first === 6 && body.length > 38);
    case tags.signature:
      return first >= 3 && first <= 6 && body.length > 16;
    case tags.compressed:
      return first >= 0 && first <= 3;
    case tags.marker:
      return body.toString('latin1') === 'PGP';
    case tags.literal: {
      const name = body.subarray(2, 2 + second);
      const isFormat = 'btulm1'.includes(String.fromCharCode(first));
      return isFormat && body.length >= 6 + second && name.every((octet) => octet >= 0x20);
    }
    case tags.encrypted:
      return body.length > 10;
    case tags.encryptedProtected:
      return first === 1 || (first === 2 && second <= 13);
    case tags.encryptedAead:
      return first === 1 && second <= 13;
    case tags.padding:
      return true;
    default:
      return tag >= firstIgnored;
  }
}

/** Packets that programs leave out, before one that tells what follows. */
const maxSkipped = 16;

function isSkipped({ tag, complete }: Packet): boolean {
  return complete && (tag === tags.marker || tag === tags.padding || tag >= firstIgnored);
}

/** Types that a message begins with, and what may follow them. */
const beginnings: readonly number[] = [
  tags.publicKeySession,
  tags.symmetricSession,
  tags.onePassSignature,
  tags.signature,
  tags.marker,
  tags.compressed,
  tags.literal,
  tags.encryptedProtected,
];

/**
 * Whether `bytes` are packets of a message: two that fit, or one that holds everything and can be read.
 * @param depth compressed packets around them; deeper ones are taken for what they say
 */
function isBinary(bytes: Buffer, depth = 0): boolean {
  let at = 0;
  let first = packetAt(bytes, at, true);
  for (let skipped = 0; skipped < maxSkipped && first && isSkipped(first); skipped++) {
    at = first.next;
    first = packetAt(bytes, at, true);
  }
  if (!first || !beginnings.includes(first.tag) || !isPlausible(first)) return false;
  const { tag, body, complete, next } = first;
  if (tag === tags.compressed) return depth >= maxNested || holdsMessage(body, depth + 1);
  if (tag === tags.encryptedProtected) return complete && next === bytes.length && body.length > 30;
  if (tag === tags.literal) {
    // What is cut is plain, and was looked into as it stands.
    const whole = packetAt(bytes, at);
    return whole?.complete === true && whole.next === bytes.length;
  }
  const second = packetAt(bytes, next, true);
  // A signature alone is one beside its content.
  return complete && second !== undefined && isPlausible(second);
}

/** Octets of a compressed packet that show what is in it. */
const compressedProbeBytes = 256;

/** Whether a compressed packet begins with another packet; bzip2 shows itself. */
function holdsMessage(body: Buffer, depth: number): boolean {
  const algorithm = body[0];
  if (algorithm === 3) return body.toString('latin1', 1, 5).startsWith('BZh');
  if (algorithm === 0) return isBinary(body.subarray(1), depth);
  const start = algorithm === 2 ? 3 : 1;
  if (algorithm === 2 && ((body[1] ?? 0) & 15) !== 8) return false;
  const beginning = inflatePiece(body.subarray(start), compressedProbeBytes);
  const packet = packetAt(beginning, 0, true);
  return packet !== undefined && beginnings.includes(packet.tag) && isPlausible(packet);
}

/** The armored message in a text: its octets; undefined: there is none. */
function* armored(bytes: Buffer): Generator<Buffer> {
  for (let start = bytes.indexOf(armorStart); start !== -1; start = bytes.indexOf(armorStart, start + 1)) {
    const found = bytes.indexOf(armorEnd, start);
    const end = found === -1 ? bytes.length : found;
    // Quotes of answers stand before the lines, and dashes of texts signed in clear around it (§7.2).
    const lines = bytes.toString('latin1', start, end).split(/\r?\n|\r/);
    const text = lines.map((line) => line.replace(/^[> \t]+|[ \t]+$/g, '')).slice(1);
    const body = text.filter((line) => !/^[A-Za-z-]+: /.test(line) && !/^=[A-Za-z0-9+/]{4}$/.test(line));
    yield* decodeBase64(Buffer.from(body.join('\n'), 'latin1')).slice(0, 1);
    start = end;
  }
}

export function isPgp(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 0x80) !== 0
    ? isBinary(bytes)
    : bytes.subarray(0, armorProbeBytes).includes(armorStart);
}

/** Unpacks the packets in `bytes`, one of which may hold others. */
function* unpackPackets(bytes: Buffer, context: UnpackContext, depth: number): Generator<Unpacked> {
  for (let at = 0, count = 0; at < bytes.length; count++) {
    if (count >= maxPackets) {
      yield { kind: 'limit', code: 'archive-members' };
      return;
    }
    const packet = packetAt(bytes, at);
    if (!packet) return;
    at = packet.next;
    switch (packet.tag) {
      case tags.encrypted:
      case tags.encryptedProtected:
      case tags.encryptedAead:
        yield { kind: 'limit', code: 'encrypted' };
        return;
      case tags.literal:
        yield* unpackLiteral(packet, context);
        break;
      case tags.compressed:
        if (depth >= maxNested) yield { kind: 'limit', code: 'archive-depth' };
        else yield* unpackCompressed(packet.body, context, depth);
        break;
    }
    if (!packet.complete) yield { kind: 'limit', code: 'damaged-archive' };
  }
}

/** §5.9: format, name, date, octets. */
function* unpackLiteral({ body }: Packet, { budget }: UnpackContext): Generator<Unpacked> {
  const nameLength = body[1] ?? 0;
  const bytes = body.subarray(6 + nameLength);
  yield memberOf(body.toString('utf8', 2, 2 + nameLength), bytes, budget);
}

function* unpackCompressed(body: Buffer, context: UnpackContext, depth: number): Generator<Unpacked> {
  const algorithm = body[0] ?? 0;
  if (algorithm === 0) {
    yield* unpackPackets(body.subarray(1), context, depth + 1);
    return;
  }
  if (algorithm === 3) {
    yield* unpackBzip2(body.subarray(1), context, depth);
    return;
  }
  const inflated = inflate(body.subarray(algorithm === 2 ? 3 : 1), context.budget);
  yield* unpackPackets(inflated.bytes, context, depth + 1);
  if (inflated.kind === 'limit') yield { kind: 'limit', code: inflated.code };
  else if (inflated.kind === 'damaged' || inflated.truncated)
    yield { kind: 'limit', code: 'damaged-archive' };
}

function* unpackBzip2(bytes: Buffer, context: UnpackContext, depth: number): Generator<Unpacked> {
  if (!context.sandbox) {
    yield { kind: 'limit', code: 'unsupported-archive' };
    return;
  }
  if (!context.budget.takeRequest()) {
    yield { kind: 'limit', code: 'archive-members' };
    return;
  }
  const { octets } = context.budget.allowance(bytes.length);
  const request = { bytes, extension: 'bz2', passwords: [], maxMembers: 1 };
  const reply = context.sandbox.unpack({ ...request, maxMemberBytes: octets, maxOutputBytes: octets });
  for (const member of reply.members) {
    const over = context.budget.takeOutput(member.bytes.length);
    if (over !== undefined) {
      yield { kind: 'limit', code: over };
      return;
    }
    yield* unpackPackets(member.bytes, context, depth + 1);
  }
  for (const code of reply.limits) yield { kind: 'limit', code };
}

/** Unpacks `bytes`, as `isPgp` knows them. */
export function* unpackPgp(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  if (((bytes[0] ?? 0) & 0x80) !== 0) {
    yield* unpackPackets(bytes, context, 0);
    return;
  }
  for (const message of armored(bytes)) {
    const over = context.budget.takeInput(message.length);
    if (over !== undefined) {
      yield { kind: 'limit', code: over };
      return;
    }
    yield* unpackPackets(message, context, 0);
  }
}
