// Tar (POSIX ustar, GNU and the older form): the members of an archive by its header blocks.
import type { UnpackBudget, Unpacked } from './budget.ts';

const blockBytes = 512;

/** Octets of a GNU long name that are read. */
const longNameBytes = 4_096;

/** An octal field, or GNU's base-256 with the high bit set; NaN for anything else. */
function readNumber(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (block[at + i] ?? 0);
    return value;
  }
  const text = block
    .toString('latin1', at, at + length)
    .replace(/\0[\s\S]*$/, '')
    .trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : Number.NaN;
}

function readString(block: Buffer, at: number, length: number): string {
  return block.toString('utf8', at, at + length).replace(/\0[\s\S]*$/, '');
}

/** The sum of all octets with blanks for the checksum itself, as signed or unsigned octets. */
function hasChecksum(block: Buffer): boolean {
  const stated = readNumber(block, 148, 8);
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < blockBytes; i++) {
    const octet = i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
    unsigned += octet;
    signed += octet > 127 ? octet - 256 : octet;
  }
  return stated > 0 && (stated === unsigned || stated === signed);
}

export function isTar(bytes: Buffer): boolean {
  return bytes.length >= blockBytes && hasChecksum(bytes.subarray(0, blockBytes));
}

/** Unpacks `bytes`, which begin as tar does. What follows the end mark is read on, as `tar -i` does. */
export function* unpackTar(bytes: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  let longName: string | undefined;
  for (let at = 0; at + blockBytes <= bytes.length; ) {
    const block = bytes.subarray(at, at + blockBytes);
    at += blockBytes;
    if (block[0] === 0 && block.every((octet) => octet === 0)) continue;
    const size = readNumber(block, 124, 12);
    if (!hasChecksum(block) || !(size >= 0)) {
      yield { kind: 'limit', code: 'damaged-archive' };
      return;
    }
    const over = budget.takeMember();
    if (over !== undefined) {
      yield { kind: 'limit', code: over };
      return;
    }
    const content = bytes.subarray(at, Math.min(at + size, bytes.length));
    if (content.length < size) yield { kind: 'limit', code: 'damaged-archive' };
    at += Math.ceil(size / blockBytes) * blockBytes;
    const type = String.fromCharCode(block[156] ?? 0);
    const prefix = readString(block, 345, 155);
    const shortName = readString(block, 0, 100);
    const name = longName ?? (prefix === '' ? shortName : `${prefix}/${shortName}`);
    longName = type === 'L' ? readString(content, 0, longNameBytes) : undefined;
    if (size > 0 && type !== 'L') yield { kind: 'member', name, bytes: content };
  }
}
