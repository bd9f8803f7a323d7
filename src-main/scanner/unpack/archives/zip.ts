// Zip (PKWARE APPNOTE 6.3.10) as a union of what readers see: those that trust the central directory, and those that
// go from one local header to the next. Declared sizes are hints; output is counted.
import type { LimitCode } from '../../../contract/verdict.ts';
import type { Trait } from '../../heuristics/traits.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { giveInflated, giveStored, namesToGive } from './give.ts';
import { inflate } from './inflate.ts';
import { isProgramName } from './program-names.ts';
import { type Locked, PasswordOpener } from './zip-crypto.ts';
import { type Directory, isLikely, readDirectory } from './zip-directory.ts';
import { contradict, deflated, fits, sizesOf, stored, storedEnd, type Way, waysOf } from './zip-readings.ts';
import {
  type Central,
  dataStartOf,
  type Local,
  localSignature,
  readLocal,
  winZipAes,
} from './zip-records.ts';
import { unpackZipInSandbox } from './zip-sandbox.ts';

/** Records looked at for each member that may be unpacked: local and central ones, and some that are neither. */
const recordsPerMember = 8;

/** Different readings of one member; a directory that gives more of them is made to hide something. */
const maxReadings = 4;

class Unzipping {
  readonly #bytes: Buffer;
  readonly #context: UnpackContext;
  readonly #maxRecords: number;
  readonly #directory: Directory;
  readonly #opener: PasswordOpener;
  readonly #noticed = new Set<string>();
  /** Names in the directory, with the checksum of what they name. */
  readonly #named = new Map<string, number>();
  /** Where the data of the members so far end that the directory names. */
  #directoryEnd = 0;
  /** Members that only others can unpack. */
  #foreign = 0;

  constructor(bytes: Buffer, context: UnpackContext) {
    this.#bytes = bytes;
    this.#context = context;
    this.#maxRecords = context.budget.maxMembers * recordsPerMember;
    this.#directory = readDirectory(bytes, this.#maxRecords);
    this.#opener = new PasswordOpener(context.passwords, context.budget);
  }

  *run(): Generator<Unpacked> {
    const { hasEnd, isSplit, isCut, lost } = this.#directory;
    if (isSplit) {
      yield* this.#trait('split-archive');
      yield* this.#limit('split-archive');
    } else if (!hasEnd || lost.length > 0) yield* this.#limit('damaged-archive');
    if (isCut) yield* this.#limit('archive-members');
    if (!(yield* this.#records())) return;
    for (const central of lost) {
      const dataStart = dataStartOf(this.#bytes, central.localOffset);
      if (dataStart === undefined) continue;
      if (!(yield* this.#takeMember())) return;
      yield* this.#member(undefined, [central], dataStart);
    }
    if (this.#foreign > 0)
      for (const each of unpackZipInSandbox(this.#bytes, this.#context, this.#foreign))
        yield* this.#pass(each);
  }

  /** All local headers, those that the directory names and those that stand somewhere; false when that is too much. */
  *#records(): Generator<Unpacked, boolean> {
    const { members, start } = this.#directory;
    const places = [...members.keys()].sort((a, b) => a - b);
    let scanned = this.#bytes.indexOf(localSignature);
    for (let index = 0, records = 0; scanned !== -1 || index < places.length; records++) {
      const place = places[index] ?? this.#bytes.length;
      const at = scanned === -1 ? place : Math.min(scanned, place);
      if (at === place) index++;
      let next = at + localSignature.length;
      const local = readLocal(this.#bytes, at);
      const centrals = members.get(at) ?? [];
      if (local !== undefined && (centrals.length > 0 || isLikely(local))) {
        if (!(yield* this.#takeMember())) return false;
        // Within the archive proper all members have a record.
        if (centrals.length === 0 && index > 0 && at < start) yield* this.#trait('contradictory-archive');
        next = (yield* this.#localMember(at, local, centrals)) ?? next;
      } else if (centrals.length > 0) yield* this.#limit('damaged-archive');
      if (at === scanned) scanned = this.#bytes.indexOf(localSignature, next);
      if (records >= this.#maxRecords) {
        yield* this.#limit('archive-members');
        return false;
      }
    }
    return true;
  }

  /** Answers with the end of the member's data, where all readers agree on it: what lies within is the member's own. */
  *#localMember(
    at: number,
    local: Local,
    centrals: readonly Central[],
  ): Generator<Unpacked, number | undefined> {
    const { dataStart } = local;
    const sizes = sizesOf([local, ...centrals]);
    if (centrals.length > 0) {
      const isOverlapping = at < this.#directoryEnd;
      this.#directoryEnd = Math.max(this.#directoryEnd, dataStart + Math.max(0, ...sizes));
      if (isOverlapping || contradict(local, centrals) || this.#isNamedTwice(centrals))
        yield* this.#trait('contradictory-archive');
    }
    const consumed = yield* this.#member(local, centrals, dataStart);
    const [size, other] = sizes;
    if (other !== undefined) return undefined;
    if (consumed === undefined) {
      const isStated = size !== undefined && centrals.length > 0 && local.size !== undefined;
      const isDeflated = local.method === deflated && !local.isEncrypted;
      return isStated && !isDeflated ? dataStart + size : undefined;
    }
    if (size === undefined || size === consumed) return dataStart + consumed;
    yield* this.#trait('contradictory-archive');
    return undefined;
  }

  #isNamedTwice(centrals: readonly Central[]): boolean {
    return centrals.some(({ names, crc, size }) => {
      const name = names[0] ?? '';
      const earlier = this.#named.get(name);
      if (earlier === undefined) this.#named.set(name, crc);
      return earlier !== undefined && earlier !== crc && size !== 0;
    });
  }

  /** In all ways; answers with the octets that its deflate stream took, when there is one and no other way. */
  *#member(
    local: Local | undefined,
    centrals: readonly Central[],
    dataStart: number,
  ): Generator<Unpacked, number | undefined> {
    const ways = waysOf(local, centrals);
    if (ways.length > maxReadings) {
      yield* this.#trait('contradictory-archive');
      yield* this.#limit('archive-members');
    }
    // What is fine as it stands is not encrypted, whatever a header says.
    ways.sort((a, b) => Number(a.reading.isEncrypted) - Number(b.reading.isEncrypted));
    let consumed: number | undefined;
    for (const way of ways.slice(0, maxReadings)) {
      if (way.reading.isEncrypted) {
        if (consumed !== undefined) continue;
        yield* this.#encrypted(
          way,
          dataStart,
          sizesOf([way.reading, ...(local ? [local] : []), ...centrals]),
        );
      } else consumed = (yield* this.#plain(way, dataStart)) ?? consumed;
    }
    return ways.length === 1 ? consumed : undefined;
  }

  *#plain(way: Way, dataStart: number): Generator<Unpacked, number | undefined> {
    const { method, size } = way.reading;
    if (dataStart > this.#bytes.length) {
      yield* this.#limit('damaged-archive');
      return undefined;
    }
    if (method === stored) {
      const end = size === undefined ? storedEnd(this.#bytes, dataStart) : dataStart + size;
      yield* this.#stored(way.names, this.#bytes.subarray(dataStart, Math.min(end, this.#bytes.length)));
      if (end > this.#bytes.length) yield* this.#limit('damaged-archive');
      return undefined;
    }
    if (method === deflated) return yield* this.#deflated(way.names, this.#bytes.subarray(dataStart), size);
    yield* this.#others(way);
    return undefined;
  }

  *#encrypted(way: Way, dataStart: number, sizes: ReadonlySet<number>): Generator<Unpacked> {
    const { reading, names } = way;
    const { aes, isStrong, crc, time } = reading;
    const method = reading.method === winZipAes ? aes?.method : reading.method;
    const isOurs = (method === stored || method === deflated) && !isStrong;
    if (!isOurs && method !== undefined && !isStrong) {
      yield* this.#others(way);
      return;
    }
    const [size = storedEnd(this.#bytes, dataStart) - dataStart] = sizes;
    const data = this.#bytes.subarray(dataStart, dataStart + (reading.size ?? size));
    const locked: Locked = {
      data,
      aes: reading.method === winZipAes ? aes : undefined,
      checks: [crc >>> 24, time >>> 8],
    };
    const plain =
      isOurs && method !== undefined
        ? this.#opener.open(locked, (piece, isWhole) => fits(piece, isWhole, method, crc))
        : undefined;
    if (plain === undefined) {
      yield* this.#trait('encrypted-archive');
      if (names.some(isProgramName)) yield* this.#trait('encrypted-program-name');
      yield* this.#limit('encrypted');
      return;
    }
    yield* this.#trait('opened-by-password');
    if (method === stored) yield* this.#stored(names, plain);
    else yield* this.#deflated(names, plain, plain.length);
  }

  *#stored(names: readonly string[], content: Buffer): Generator<Unpacked> {
    for (const each of giveStored('', content, this.#context.budget)) yield* this.#pass(each, names);
  }

  *#deflated(
    names: readonly string[],
    data: Buffer,
    statedBytes: number | undefined,
  ): Generator<Unpacked, number | undefined> {
    const inflated = inflate(data, this.#context.budget, { statedBytes: statedBytes ?? 0 });
    for (const each of giveInflated('', inflated)) yield* this.#pass(each, names);
    return inflated.kind === 'inflated' && !inflated.truncated ? inflated.inputBytes : undefined;
  }

  /** A method that only others know; they go by the central directory. */
  *#others({ isCentral }: Way): Generator<Unpacked> {
    if (isCentral) this.#foreign++;
    else yield* this.#limit('unsupported-archive');
  }

  *#takeMember(): Generator<Unpacked, boolean> {
    const over = this.#context.budget.takeMember();
    if (over !== undefined) yield* this.#limit(over);
    return over === undefined;
  }

  /** A member by each of its names; the rest once. */
  *#pass(unpacked: Unpacked, names: readonly string[] = []): Generator<Unpacked> {
    if (unpacked.kind === 'limit') yield* this.#limit(unpacked.code);
    else if (unpacked.kind === 'trait') yield* this.#trait(unpacked.trait);
    else if (names.length === 0) yield unpacked;
    else for (const name of namesToGive(names)) yield { ...unpacked, name };
  }

  *#limit(code: LimitCode): Generator<Unpacked> {
    // What is missing is in another piece.
    const why = this.#directory.isSplit && code === 'damaged-archive' ? 'split-archive' : code;
    if (this.#noticed.has(why)) return;
    this.#noticed.add(why);
    yield { kind: 'limit', code: why };
  }

  *#trait(trait: Trait): Generator<Unpacked> {
    const key = `trait:${trait}`;
    if (this.#noticed.has(key)) return;
    this.#noticed.add(key);
    yield { kind: 'trait', trait };
  }
}

/** Unpacks all members that any reader would find. */
export function* unpackZip(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  yield* new Unzipping(bytes, context).run();
}
