// BinHex 4.0 (RFC 1741): a Macintosh file with both its forks, as text.
import { giveStored } from '../archives/give.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';

const marker = '(This file must be converted with BinHex';

/** Octets of text before it; mail that only speaks of BinHex further behind is not looked at. */
const markerWithinBytes = 64 * 1024;

/** Octets between the marker and the colon that begins the data. */
const colonWithinBytes = 1_024;

/** A first line of data without a marker before it: lines have 64 characters. */
const bareStart = /^\s{0,8}:[!-,\-0-689@A-NP-VX-Z[`a-fh-mp-r]{40,80}[\r\n:]/;

/** Octets of output that are allocated at first. */
const firstBytes = 64 * 1024;

/** Files within one text. */
const maxFiles = 100;

const alphabet = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';
const invalid = 64;
const blank = 65;
const sextets = new Uint8Array(256).fill(invalid);
for (const [index, character] of [...alphabet].entries()) sextets[character.charCodeAt(0)] = index;
for (const character of '\r\n\t ') sextets[character.charCodeAt(0)] = blank;

const repeat = 0x90;

function markerIn(bytes: Buffer): number {
  return bytes.subarray(0, markerWithinBytes + marker.length).indexOf(marker, 0, 'latin1');
}

export function isBinHex(bytes: Buffer): boolean {
  if (bytes[0] === 0x3a || (bytes[0] ?? 0x21) <= 0x20) {
    if (bareStart.test(bytes.toString('latin1', 0, 100))) return true;
  }
  return markerIn(bytes) !== -1;
}

interface Decoded {
  readonly bytes: Buffer;
  /** Offset behind the text. */
  readonly end: number;
  readonly isCut: boolean;
}

/** The octets of the text from `start` on, up to its colon or the first character that is none of its own. */
function decode(text: Buffer, start: number, maxBytes: number): Decoded {
  let output = Buffer.allocUnsafe(Math.min(maxBytes, firstBytes));
  let written = 0;
  let held = 0;
  let heldBits = 0;
  let last = 0;
  let isRepeating = false;
  let at = start;
  for (; at < text.length; at++) {
    const sextet = sextets[text[at] as number] as number;
    if (sextet === blank) continue;
    if (sextet === invalid) break;
    held = ((held << 6) | sextet) & 0xffff;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    const octet = (held >> heldBits) & 0xff;
    if (octet === repeat && !isRepeating) {
      isRepeating = true;
      continue;
    }
    // §"Run-length encoding": the count includes the octet that stands already; 0 stands for the mark itself.
    const count = !isRepeating ? 1 : octet === 0 ? 1 : octet - 1;
    last = !isRepeating ? octet : octet === 0 ? repeat : last;
    isRepeating = false;
    if (written + count > output.length) {
      if (output.length >= maxBytes) return { bytes: output.subarray(0, written), end: at, isCut: true };
      output = Buffer.concat([output], Math.min(maxBytes, Math.max(output.length * 2, written + count)));
      if (written + count > output.length)
        return { bytes: output.subarray(0, written), end: at, isCut: true };
    }
    if (count === 1) output[written] = last;
    else output.fill(last, written, written + count);
    written += count;
  }
  return { bytes: output.subarray(0, written), end: at, isCut: false };
}

/** The forks of one file (§"The format of the data"): name, type, creator, flags, two lengths, then the data. */
function* giveFile({ bytes, isCut }: Decoded, context: UnpackContext): Generator<Unpacked> {
  const { budget } = context;
  const nameBytes = bytes[0] ?? 0;
  const lengths = nameBytes + 12;
  const dataStart = lengths + 10;
  if (nameBytes === 0 || nameBytes > 63 || bytes.length < dataStart) {
    if (bytes.length > 0) yield* giveStored('data', bytes, budget);
    yield { kind: 'limit', code: 'damaged-archive' };
    return;
  }
  const name = bytes.toString('latin1', 1, 1 + nameBytes);
  const dataBytes = bytes.readUInt32BE(lengths);
  const resourceBytes = bytes.readUInt32BE(lengths + 4);
  const dataEnd = dataStart + dataBytes;
  // Each fork is followed by its CRC.
  const resourceEnd = dataEnd + 2 + resourceBytes;
  yield* giveStored(name, bytes.subarray(dataStart, dataEnd), budget);
  if (resourceBytes > 0) yield* giveStored(`${name}.rsrc`, bytes.subarray(dataEnd + 2, resourceEnd), budget);
  if (!isCut && resourceEnd > bytes.length) yield { kind: 'limit', code: 'damaged-archive' };
}

/** Where the data begin behind a marker at `at`; -1: nowhere near. */
function startBehind(text: Buffer, at: number): number {
  const colon = text.subarray(at, at + colonWithinBytes).indexOf(':');
  return colon === -1 ? -1 : at + colon + 1;
}

export function* unpackBinHex(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  const { budget } = context;
  const first = markerIn(bytes);
  let start = first === -1 ? startBehind(bytes, 0) : startBehind(bytes, first);
  for (let files = 0; start !== -1; files++) {
    const over = files >= maxFiles ? 'archive-members' : budget.takeMember();
    if (over !== undefined) {
      yield { kind: 'limit', code: over };
      return;
    }
    const { octets, code } = budget.allowance(bytes.length);
    const decoded = decode(bytes, start, octets);
    yield* giveFile(decoded, context);
    if (decoded.isCut) {
      yield { kind: 'limit', code };
      return;
    }
    const next = bytes.indexOf(marker, decoded.end, 'latin1');
    start = next === -1 ? -1 : startBehind(bytes, next);
  }
}
