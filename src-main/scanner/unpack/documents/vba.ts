// VBA projects in compound files (MS-OVBA): the source of their modules, found by the project's own directory and by
// looking for it.

import { utf16Text } from '../../utf16.ts';
import type { UnpackBudget } from '../budget.ts';
import type { Unpacked } from '../unpacker.ts';
import { memberOf } from './members.ts';
import { decompressVba } from './vba-compression.ts';
import { vbaTraits } from './vba-words.ts';

/** Octets of one module's source, and of a directory: a hundred times what is usual. */
const maxModuleBytes = 8 * 1024 * 1024;
const maxDirectoryBytes = 1024 * 1024;
/** Characters of all modules whose words are looked at; people write some hundred thousand. */
const maxCodeCharacters = 4 * 1024 * 1024;
/** Of these, characters whose constant expressions are worked out: a second's work at worst. */
const maxFoldedCharacters = 1024 * 1024;
/** Places in one stream at which a source may begin. */
const maxPlaces = 64;
const maxModules = 2_000;

/** Source begins with this line; its first letters can't be compressed. */
const attribute = Buffer.from('\0Attribut', 'latin1');

export interface NamedStream {
  readonly name: string;
  /** Tells the streams of one storage from those of others. */
  readonly parent: number;
  readonly bytes: Buffer;
}

interface Module {
  readonly streamName: string;
  readonly offset: number;
}

/** The modules that a decompressed `dir` stream names (§2.3.4.2.3.2). */
function readDirectory(dir: Buffer): Module[] {
  const modules: Module[] = [];
  let streamName = '';
  for (let at = 0; at + 6 <= dir.length && modules.length < maxModules; ) {
    const id = dir.readUInt16LE(at);
    const size = dir.readUInt32LE(at + 2);
    const from = at + 6;
    if (id === 0x1a) streamName = dir.toString('latin1', from, from + size);
    // The Unicode form follows; stream names are Unicode.
    else if (id === 0x32) streamName = utf16Text(dir, from, from + size);
    else if (id === 0x31 && size === 4 && from + 4 <= dir.length)
      modules.push({ streamName, offset: dir.readUInt32LE(from) });
    // PROJECTVERSION (§2.3.4.2.1.11) is two octets longer than it says.
    at = from + size + (id === 9 ? 2 : 0);
  }
  return modules;
}

/** Offsets in a stream at which a compressed source begins. */
function* sourceOffsets(stream: Buffer): Generator<number> {
  let at = stream.indexOf(attribute);
  for (let places = 0; at !== -1 && places < maxPlaces; places++) {
    if (at >= 3 && stream[at - 3] === 1 && ((stream[at - 1] ?? 0) & 0x70) === 0x30) yield at - 3;
    at = stream.indexOf(attribute, at + 1);
  }
}

class Project {
  readonly #budget: UnpackBudget;
  /** By where they stand, so that what two ways find is given once. */
  readonly #found = new Map<NamedStream, Set<number>>();

  #codeLeft = maxCodeCharacters;
  #foldedLeft = maxFoldedCharacters;

  constructor(budget: UnpackBudget) {
    this.#budget = budget;
  }

  get sources(): ReadonlySet<NamedStream> {
    return new Set(this.#found.keys());
  }

  *moduleAt(stream: NamedStream, offset: number): Generator<Unpacked> {
    const known = this.#found.get(stream) ?? new Set<number>();
    if (known.has(offset)) return;
    const compressed = stream.bytes.subarray(offset);
    const { octets, code } = this.#budget.allowance(compressed.length);
    const { bytes, inputBytes, end } = decompressVba(compressed, Math.min(octets, maxModuleBytes));
    const cut = octets < maxModuleBytes ? code : 'part-size';
    const over = this.#budget.takeInput(inputBytes) ?? (end === 'cut' ? cut : undefined);
    if (over !== undefined) yield { kind: 'limit', code: over };
    // A few octets of source say nothing: the line with the module's name is longer.
    if (bytes.length < 16) return;
    this.#found.set(stream, known.add(offset));
    yield memberOf(`${stream.name}.bas`, bytes, this.#budget);
    yield* this.#words(bytes);
    if (end === 'damaged') yield { kind: 'limit', code: 'damaged-archive' };
  }

  *#words(source: Buffer): Generator<Unpacked> {
    const code = source.toString('latin1', 0, this.#codeLeft);
    for (const trait of vbaTraits(code, this.#foldedLeft)) yield { kind: 'trait', trait };
    this.#codeLeft -= code.length;
    this.#foldedLeft = Math.max(0, this.#foldedLeft - code.length);
    if (source.length > code.length) yield { kind: 'limit', code: 'part-size' };
  }

  /** A project's directory; counted as output, since it costs as much. */
  *directory(stream: NamedStream): Generator<Unpacked, readonly Module[]> {
    const { octets, code } = this.#budget.allowance(stream.bytes.length);
    const { bytes, end } = decompressVba(stream.bytes, Math.min(octets, maxDirectoryBytes));
    const cut = octets < maxDirectoryBytes ? code : 'part-size';
    const over = this.#budget.takeOutput(bytes.length) ?? (end === 'cut' ? cut : undefined);
    if (over !== undefined) yield { kind: 'limit', code: over };
    return readDirectory(bytes);
  }
}

/**
 * The modules of all projects among `streams`; answers with the streams whose source was given.
 * @param storageName of the storage around a stream
 */
export function* unpackVba<Stream extends NamedStream>(
  streams: readonly Stream[],
  storageName: (stream: Stream) => string,
  budget: UnpackBudget,
): Generator<Unpacked, ReadonlySet<NamedStream>> {
  const project = new Project(budget);
  const byPlace = new Map(streams.map((each) => [`${each.parent}/${each.name.toLowerCase()}`, each]));
  const named: Stream[] = [];
  for (const stream of streams.filter(({ name }) => name.toLowerCase() === 'dir')) {
    for (const { streamName, offset } of yield* project.directory(stream)) {
      const module = byPlace.get(`${stream.parent}/${streamName.toLowerCase()}`);
      if (!module) continue;
      named.push(module);
      yield* project.moduleAt(module, offset);
    }
  }
  for (const stream of streams)
    for (const offset of sourceOffsets(stream.bytes)) yield* project.moduleAt(stream, offset);
  // What Office wrote has source in every module; without it, what was compiled still runs.
  const isProject = (stream: Stream) =>
    stream.name === '_VBA_PROJECT' ||
    (stream.name.toLowerCase() === 'dir' && storageName(stream).toUpperCase() === 'VBA');
  const allWithoutSource = project.sources.size === 0 && streams.some(isProject);
  if (allWithoutSource || named.some((stream) => !project.sources.has(stream))) {
    yield { kind: 'trait', trait: 'vba-macros' };
    yield { kind: 'trait', trait: 'vba-stomped' };
  }
  return project.sources;
}
