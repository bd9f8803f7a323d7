// Files of Microsoft's COMPRESS.EXE: SZDD, its older form of QuickBASIC, and KWAJ. Formats as libmspack documents them
// (https://www.cabextract.org.uk/libmspack/doc/szdd_kwaj_format.html).
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { giveStored } from './give.ts';
import { inflate } from './inflate.ts';
import { expandLzss } from './lzss.ts';

const szdd = Buffer.from('SZDD\x88\xf0\x27\x33', 'latin1');
const quickBasic = Buffer.from('SZ \x88\xf0\x27\x33\xd1', 'latin1');
const kwaj = Buffer.from('KWAJ\x88\xf0\x27\xd1', 'latin1');

const expandStart = 4_096 - 16;
const quickBasicStart = 4_096 - 18;

/** The window of MSZIP, kept from block to block. */
const msZipWindowBytes = 32 * 1024;

function beginsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.length >= magic.length && bytes.compare(magic, 0, magic.length, 0, magic.length) === 0;
}

export function isSzdd(bytes: Buffer): boolean {
  if (bytes[0] !== 0x53 && bytes[0] !== 0x4b) return false;
  return beginsWith(bytes, szdd) || beginsWith(bytes, quickBasic) || beginsWith(bytes, kwaj);
}

function* giveExpanded(
  name: string,
  content: Buffer,
  start: number,
  budget: UnpackBudget,
): Generator<Unpacked> {
  const { octets, code } = budget.allowance(content.length);
  const expanded = expandLzss(content, start, octets);
  yield* giveStored(name, expanded.bytes, budget);
  if (expanded.isCut) yield { kind: 'limit', code };
}

/** COMPRESS puts an underscore for the last character of the name, and keeps that character in the header. */
function originalName(name: string, character: number): string {
  const isPrintable = character > 0x20 && character < 0x7f;
  return name.endsWith('_') ? name.slice(0, -1) + (isPrintable ? String.fromCharCode(character) : '') : name;
}

/** The optional fields behind the header of KWAJ: the name without and with its ending. */
function kwajName(bytes: Buffer, flags: number): string {
  let at = 14;
  if (flags & 1) at += 4;
  if (flags & 2) at += 2;
  if (flags & 4) at += 2 + (at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0);
  const text = (maxBytes: number) => {
    const zero = bytes.subarray(at, at + maxBytes).indexOf(0);
    const end = at + (zero === -1 ? maxBytes : zero);
    const piece = bytes.toString('latin1', at, end);
    at = end + (zero === -1 ? 0 : 1);
    return piece;
  };
  const name = flags & 8 ? text(9) : '';
  const ending = flags & 16 ? text(4) : '';
  return ending === '' ? name : `${name}.${ending}`;
}

function* giveMsZip(name: string, content: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  const pieces: Buffer[] = [];
  const most = budget.allowance(content.length);
  let joinedBytes = 0;
  let dictionary: Buffer | undefined;
  let why: Unpacked | undefined;
  for (let at = 0; at + 4 <= content.length && why === undefined; ) {
    const size = content.readUInt16LE(at);
    if (size === 0) break;
    const block = content.subarray(at + 2, at + 2 + size);
    at += 2 + size;
    const inflated = inflate(block.subarray(2), budget, { dictionary });
    pieces.push(inflated.bytes.subarray(0, most.octets - joinedBytes));
    joinedBytes += inflated.bytes.length;
    if (joinedBytes > most.octets) why = { kind: 'limit', code: most.code };
    else if (inflated.kind === 'limit') why = { kind: 'limit', code: inflated.code };
    else if (inflated.kind === 'damaged' || inflated.truncated || block.toString('latin1', 0, 2) !== 'CK')
      why = { kind: 'limit', code: 'damaged-archive' };
    else
      dictionary = Buffer.concat([dictionary ?? Buffer.alloc(0), inflated.bytes]).subarray(-msZipWindowBytes);
  }
  const joined = Buffer.concat(pieces);
  if (joined.length > 0) yield { kind: 'member', name, bytes: joined };
  if (why) yield why;
}

function* unpackKwaj(bytes: Buffer, name: string, budget: UnpackBudget): Generator<Unpacked> {
  if (bytes.length < 14) {
    yield { kind: 'limit', code: 'damaged-archive' };
    return;
  }
  const content = bytes.subarray(bytes.readUInt16LE(10));
  const memberName = kwajName(bytes, bytes.readUInt16LE(12)) || name;
  switch (bytes.readUInt16LE(8)) {
    case 0:
      yield* giveStored(memberName, content, budget);
      break;
    case 1:
      yield* giveStored(memberName, Buffer.from(content.map((octet) => octet ^ 0xff)), budget);
      break;
    case 2:
      yield* giveExpanded(memberName, content, quickBasicStart, budget);
      break;
    case 4:
      yield* giveMsZip(memberName, content, budget);
      break;
    default:
      yield { kind: 'limit', code: 'unsupported-archive' };
  }
}

export function* unpackSzdd(bytes: Buffer, { name = 'data', budget }: UnpackContext): Generator<Unpacked> {
  const over = budget.takeMember();
  if (over !== undefined) yield { kind: 'limit', code: over };
  else if (beginsWith(bytes, kwaj)) yield* unpackKwaj(bytes, name, budget);
  else if (beginsWith(bytes, szdd))
    yield* giveExpanded(originalName(name, bytes[9] ?? 0), bytes.subarray(14), expandStart, budget);
  else yield* giveExpanded(name, bytes.subarray(12), quickBasicStart, budget);
}
