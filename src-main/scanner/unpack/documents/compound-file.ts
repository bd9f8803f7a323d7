// A tolerant reader of compound files (MS-CFB). The directory is taken as a flat list, so that streams are found that
// a broken tree hides; what the file's allocation tables lost is read on in order.
import { utf16Text } from '../../utf16.ts';

const signature = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const headerBytes = 512;
const entryBytes = 128;
const miniSectorBytes = 64;
/** Streams below it are in the mini stream (MS-CFB §2.2). */
const miniCutoffBytes = 4096;
/** Sector numbers from here on say what a sector is, not which is next (§2.1). */
const firstSpecialSector = 0xfffffffa;
const endOfChain = 0xfffffffe;
const noEntry = 0xffffffff;
/** Nothing writes sectors beyond 64 KiB; §2.2 allows two sizes. */
const maxSectorShift = 16;

/** Directory entries that are looked at: far more than any program writes. */
const maxEntries = 50_000;

/** Octets of all streams for each octet of the file: streams that share sectors cost time. */
const streamFactor = 3;

export interface CompoundEntry {
  readonly kind: 'storage' | 'stream';
  readonly name: string;
  /** Of the storage around it: an index into the entries; -1: of none that could be found. */
  readonly parent: number;
  /** In hex, as the octets stand. */
  readonly clsid: string;
  /** Declared size in octets. */
  readonly sizeBytes: number;
  readonly start: number;
}

export interface StreamContent {
  readonly bytes: Buffer;
  /** It lies in the file in one piece: whoever looked at the file has seen it. */
  readonly contiguous: boolean;
  /** Less came than the directory says, or its chain is broken. */
  readonly damaged: boolean;
}

export function isCompoundFile(bytes: Buffer): boolean {
  return bytes.length >= signature.length && bytes.compare(signature, 0, 8, 0, 8) === 0;
}

/** Sector numbers of a table, four octets each. */
interface Table {
  readonly get: (sector: number) => number | undefined;
}

export class CompoundFile {
  readonly entries: readonly CompoundEntry[];
  /** The header or the directory can't be read. */
  readonly damaged: boolean;
  readonly #bytes: Buffer;
  readonly #sectorBytes: number;
  readonly #fat: Table;
  readonly #miniFat: Table;
  #mini: StreamContent | undefined;
  #leftBytes: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#leftBytes = bytes.length * streamFactor;
    this.#fat = { get: () => undefined };
    this.#miniFat = this.#fat;
    const shift = bytes.length >= headerBytes ? bytes.readUInt16LE(30) : 0;
    const isFour = bytes.length >= headerBytes && bytes.readUInt16LE(26) === 4;
    this.#sectorBytes = 1 << (shift >= 7 && shift <= maxSectorShift ? shift : isFour ? 12 : 9);
    if (bytes.length < headerBytes) {
      this.entries = [];
      this.damaged = true;
      return;
    }
    this.#fat = this.#tableOf(this.#fatSectors());
    const directory = this.#chain(bytes.readUInt32LE(48), bytes.length);
    this.#miniFat = this.#tableOf(this.#sectorsOf(bytes.readUInt32LE(60), bytes.length));
    this.entries = readEntries(directory.bytes);
    this.damaged = this.entries.length === 0;
  }

  /** What a stream holds; undefined: more was read already than so large a file can hold. */
  read({ start, sizeBytes, kind }: CompoundEntry): StreamContent | undefined {
    if (kind === 'storage' || sizeBytes === 0)
      return { bytes: Buffer.alloc(0), contiguous: true, damaged: false };
    const wanted = Math.min(sizeBytes, this.#bytes.length, this.#leftBytes);
    const content = sizeBytes < miniCutoffBytes ? this.#miniChain(start, wanted) : this.#chain(start, wanted);
    this.#leftBytes -= content.bytes.length;
    if (this.#leftBytes === 0) return undefined;
    return { ...content, damaged: content.damaged || content.bytes.length < sizeBytes };
  }

  #offsetOf(sector: number): number {
    return (sector + 1) * this.#sectorBytes;
  }

  /** The sectors in which the table of sectors stands (§2.5): the first 109 are named in the header. */
  #fatSectors(): number[] {
    const bytes = this.#bytes;
    const most = Math.ceil(bytes.length / this.#sectorBytes);
    const sectors: number[] = [];
    const add = (from: number, count: number) => {
      for (
        let at = from;
        at < from + 4 * count && at + 4 <= bytes.length && sectors.length <= most;
        at += 4
      ) {
        const sector = bytes.readUInt32LE(at);
        if (sector < firstSpecialSector) sectors.push(sector);
      }
    };
    add(76, 109);
    const each = this.#sectorBytes / 4 - 1;
    let next = bytes.readUInt32LE(68);
    for (let count = 0; next < firstSpecialSector && count <= most / each + 1; count++) {
      const at = this.#offsetOf(next);
      add(at, each);
      const link = at + 4 * each;
      if (link + 4 > bytes.length) break;
      next = bytes.readUInt32LE(link);
    }
    return sectors;
  }

  #tableOf(sectors: readonly number[]): Table {
    const each = this.#sectorBytes / 4;
    return {
      get: (sector) => {
        const place = sectors[Math.floor(sector / each)];
        if (place === undefined) return undefined;
        const at = this.#offsetOf(place) + 4 * (sector % each);
        return at + 4 <= this.#bytes.length ? this.#bytes.readUInt32LE(at) : undefined;
      },
    };
  }

  #sectorsOf(start: number, wanted: number): number[] {
    const sectors: number[] = [];
    const most = Math.min(
      Math.ceil(wanted / this.#sectorBytes),
      Math.ceil(this.#bytes.length / this.#sectorBytes),
    );
    for (let sector = start; sectors.length < most; ) {
      if (sector >= firstSpecialSector || this.#offsetOf(sector) >= this.#bytes.length) break;
      sectors.push(sector);
      sector = this.#fat.get(sector) ?? sector + 1;
    }
    return sectors;
  }

  #chain(start: number, wanted: number): StreamContent {
    const sectors = this.#sectorsOf(start, wanted);
    return this.#join(sectors, this.#bytes, this.#sectorBytes, this.#sectorBytes, wanted);
  }

  #miniChain(start: number, wanted: number): StreamContent {
    const mini = this.#miniStream();
    const sectors: number[] = [];
    for (let sector = start; sectors.length < Math.ceil(wanted / miniSectorBytes); ) {
      if (sector === endOfChain || sector * miniSectorBytes >= mini.bytes.length) break;
      sectors.push(sector);
      sector = this.#miniFat.get(sector) ?? sector + 1;
    }
    const content = this.#join(sectors, mini.bytes, miniSectorBytes, 0, wanted);
    return { ...content, contiguous: content.contiguous && mini.contiguous };
  }

  /** The stream that holds the small ones: the root's (§2.6.3). */
  #miniStream(): StreamContent {
    const { start = endOfChain, sizeBytes = 0 } = this.entries[0] ?? {};
    this.#mini ??= this.#chain(start, Math.min(sizeBytes, this.#bytes.length));
    return this.#mini;
  }

  #join(
    sectors: readonly number[],
    source: Buffer,
    unitBytes: number,
    shiftBytes: number,
    wanted: number,
  ): StreamContent {
    const first = sectors[0];
    if (first === undefined) return { bytes: Buffer.alloc(0), contiguous: true, damaged: wanted > 0 };
    const contiguous = sectors.every((sector, index) => sector === first + index);
    const damaged = sectors.length < Math.ceil(wanted / unitBytes);
    const pieceOf = (sector: number, length: number) =>
      source.subarray(sector * unitBytes + shiftBytes, sector * unitBytes + shiftBytes + length);
    const bytes = contiguous
      ? pieceOf(first, Math.min(wanted, sectors.length * unitBytes))
      : Buffer.concat(sectors.map((sector) => pieceOf(sector, unitBytes))).subarray(0, wanted);
    return { bytes, contiguous, damaged };
  }
}

function readEntries(directory: Buffer): CompoundEntry[] {
  const raw: { name: string; type: number; left: number; right: number; child: number; at: number }[] = [];
  const count = Math.min(Math.floor(directory.length / entryBytes), maxEntries);
  for (let index = 0; index < count; index++) {
    const at = index * entryBytes;
    // Its length field counts a final NUL; where it lies, the NUL itself tells.
    const name = utf16Text(directory, at, at + 64).split('\0', 1)[0] ?? '';
    raw.push({
      name,
      type: directory.readUInt8(at + 66),
      left: directory.readUInt32LE(at + 68),
      right: directory.readUInt32LE(at + 72),
      child: directory.readUInt32LE(at + 76),
      at,
    });
  }
  const parents = new Int32Array(count).fill(-1);
  const seen = new Uint8Array(count);
  raw.forEach(({ type, child }, storage) => {
    if ((type !== 1 && type !== 5) || child === noEntry) return;
    const pending = [child];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      const entry = raw[index];
      if (!entry || seen[index] === 1) continue;
      seen[index] = 1;
      parents[index] = storage;
      pending.push(entry.left, entry.right);
    }
  });
  return raw.map(({ name, type, at }, index) => ({
    // Unused entries keep the last stream's data where a program only marked them.
    kind: type === 1 || type === 5 ? 'storage' : 'stream',
    name: name === '' && type !== 0 ? `stream-${index}` : name,
    parent: parents[index] ?? -1,
    clsid: directory.toString('hex', at + 80, at + 96),
    sizeBytes: directory.readUInt32LE(at + 120),
    start: directory.readUInt32LE(at + 116),
  }));
}

/** Names of `entry`, of the storage around it, and so on outward. At most as many as a path has in a sane file. */
export function ancestryOf(entries: readonly CompoundEntry[], entry: CompoundEntry): string[] {
  const names = [entry.name];
  for (let up = entries[entry.parent]; up && up.parent >= 0 && names.length < 32; up = entries[up.parent])
    names.push(up.name);
  return names;
}
