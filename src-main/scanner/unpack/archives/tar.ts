// Tar (POSIX ustar and pax, GNU, and the older form): the members of an archive by its header blocks.
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { giveStored } from './give.ts';
import { isBlank, isTarHeader, paxRecords, readNumber, readString, tarBlockBytes } from './tar-header.ts';
import { gnuMap, paxMap, type SparseMap, spread } from './tar-sparse.ts';
import { unpackZip } from './zip.ts';
import { zipEndOf } from './zip-directory.ts';

/** Octets of a long name, or of a pax header, that are read. */
const extendedBytes = 64 * 1024;

/** Octets of a block that its end may be aligned to. */
const roundUp = (octets: number) => Math.ceil(octets / tarBlockBytes) * tarBlockBytes;

/** Blocks that something else may stand in before the first header. */
const leadingBlocks = 64;

export function isTar(bytes: Buffer): boolean {
  for (let block = 0; block < leadingBlocks; block++)
    if (isTarHeader(bytes, block * tarBlockBytes)) return true;
  return false;
}

/** What headers before a member say of it. */
interface Said {
  readonly longName?: string;
  readonly pax: ReadonlyMap<string, string>;
}

const saidNothing: Said = { pax: new Map() };

function nameOf(block: Buffer, { longName, pax }: Said): string {
  const stated = pax.get('GNU.sparse.name') ?? pax.get('path') ?? longName;
  if (stated !== undefined && stated !== '') return stated;
  // In other forms other things stand where ustar has the beginning of the path.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? readString(block, 345, 155) : '';
  const name = readString(block, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Types with no content, whatever their size says; a hard link of pax may have some. */
const withoutContent = new Set(['2', '3', '4', '5', '6']);

class Untarring {
  readonly #bytes: Buffer;
  readonly #context: UnpackContext;
  #at = 0;
  #said: Said = saidNothing;
  /** Of a zip that the octets end with; -1 where there is none, or where it is a member's. */
  #zipEnd: number;

  constructor(bytes: Buffer, context: UnpackContext) {
    this.#bytes = bytes;
    this.#context = context;
    this.#zipEnd = zipEndOf(bytes);
  }

  *run(): Generator<Unpacked> {
    let isDamaged = false;
    while (this.#at + tarBlockBytes <= this.#bytes.length) {
      const at = this.#at;
      this.#at += tarBlockBytes;
      if (isBlank(this.#bytes, at)) continue;
      if (!isTarHeader(this.#bytes, at)) {
        // GNU tar and others go on with the next header that there is.
        if (!isDamaged) yield { kind: 'limit', code: 'damaged-archive' };
        isDamaged = true;
        continue;
      }
      const over = this.#context.budget.takeMember();
      if (over !== undefined) {
        yield { kind: 'limit', code: over };
        return;
      }
      yield* this.#entry(this.#bytes.subarray(at, at + tarBlockBytes));
    }
    // In what tar takes for names, or for fill.
    if (this.#zipEnd !== -1) yield* unpackZip(this.#bytes, this.#context);
  }

  *#entry(block: Buffer): Generator<Unpacked> {
    const type = String.fromCharCode(block[156] ?? 0);
    const said = this.#said;
    let map: SparseMap | undefined;
    if (type === 'S') {
      const read = gnuMap(this.#bytes, this.#at - tarBlockBytes);
      map = read.map;
      this.#at = read.dataStart;
    }
    const sizes = this.#sizesOf(block, type);
    const size = Math.max(...sizes);
    if (Math.min(...sizes) < size) yield { kind: 'trait', trait: 'contradictory-archive' };
    const content = this.#bytes.subarray(this.#at, Math.min(this.#at + size, this.#bytes.length));
    // A size beyond the end may be a lie: what follows is searched for headers too.
    if (content.length < size) yield { kind: 'limit', code: 'damaged-archive' };
    else this.#at += roundUp(Math.min(...sizes));
    if (type === 'L') this.#said = { ...said, longName: readString(content, 0, extendedBytes) };
    else if (type === 'x' || type === 'g' || type === 'X')
      this.#said = { ...said, pax: paxRecords(content.subarray(0, extendedBytes), said.pax) };
    else if (type !== 'K') {
      this.#said = saidNothing;
      yield* this.#member(nameOf(block, said), type, content, map, said);
    }
  }

  *#member(
    name: string,
    type: string,
    content: Buffer,
    gnu: SparseMap | undefined,
    { pax }: Said,
  ): Generator<Unpacked> {
    const { budget } = this.#context;
    if (type === 'M') {
      // The end of a member that begins in another volume.
      yield { kind: 'trait', trait: 'split-archive' };
      yield { kind: 'limit', code: 'split-archive' };
    }
    const start = content.byteOffset - this.#bytes.byteOffset;
    if (this.#zipEnd >= start && this.#zipEnd < start + content.length) this.#zipEnd = -1;
    yield* giveStored(name, content, budget);
    const sparse = gnu === undefined ? paxMap(content, pax) : { map: gnu, data: content };
    if (!sparse) return;
    const { octets, code } = budget.allowance(sparse.data.length);
    const whole = spread(sparse.map, sparse.data, octets);
    if (whole === undefined || budget.takeOutput(whole.length) !== undefined) yield { kind: 'limit', code };
    else if (whole.length > 0) yield { kind: 'member', name, bytes: whole };
  }

  /** Of the content, as one reader or another takes it. */
  #sizesOf(block: Buffer, type: string): readonly number[] {
    if (withoutContent.has(type)) return [0];
    const stated = readNumber(block, 124, 12);
    const size = stated >= 0 ? stated : 0;
    const pax = this.#said.pax.get('size');
    if (pax !== undefined && /^\d{1,15}$/.test(pax)) return [size, Number(pax)];
    // Most writers give a hard link the size of what it links to, and no content.
    const next = this.#at;
    const isEnd = next + tarBlockBytes > this.#bytes.length;
    const isLink = type === '1' && (isEnd || isBlank(this.#bytes, next) || isTarHeader(this.#bytes, next));
    return [isLink ? 0 : size];
  }
}

/** Unpacks `bytes`, which tar would read. What follows the end mark is read on, as `tar -i` does. */
export function* unpackTar(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  yield* new Untarring(bytes, context).run();
}
