// Reads all objects of a PDF (ISO 32000), wherever they stand, and notes what they do and what they name: scripts,
// forms, files, actions.
import type { LimitCode } from '../../../contract/verdict.ts';
import type { Trait } from '../../heuristics/traits.ts';
import { isBlankOctet, type PdfDictionary, PdfReader, type PdfValue } from './pdf-tokens.ts';

/** Streams of one document, and things that it names; real ones stay below some tens of thousands. */
const maxNoted = 100_000;

/** Octets that all objects take to read, as a multiple of the file: objects that overlap are read twice. */
const readFactor = 3;
const readBaseBytes = 1024 * 1024;

/** What each object counts for at least: finding one costs as much as reading so many octets. */
const leastReadBytes = 100;

/** Octets of all object streams together, decoded; in large documents they are some MB. */
const objectStreamBytes = 32 * 1024 * 1024;

/** Actions after each other that are followed. */
const maxHops = 8;

const actingActions = new Set(['JavaScript', 'Launch', 'GoToE']);

/** When a page or the annotation on it is opened (§12.6.3); other events need people, or fill in forms. */
const openingEvents = ['O', 'PO', 'PV'];

/** Where something stands; object 0: where strings are not encrypted one by one. */
interface Owner {
  readonly object: number;
  readonly generation: number;
}

export interface PdfStream extends Owner {
  readonly start: number;
  end: number;
  readonly dictionary: PdfDictionary;
}

export interface OwnedString {
  readonly bytes: Buffer;
  readonly owner: Owner;
}

export function nameOf(value: PdfValue | undefined): string {
  return value?.kind === 'name' ? value.name : '';
}

/** One value may stand for a list of one. */
export function listOf(value: PdfValue | undefined): readonly PdfValue[] {
  if (value === undefined) return [];
  return value.kind === 'array' ? value.values : [value];
}

const isActing = ({ entries }: PdfDictionary) => actingActions.has(nameOf(entries.get('S')));

export class PdfObjects {
  readonly traits = new Set<Trait>();
  readonly limits = new Set<LimitCode>();
  readonly streams: PdfStream[] = [];
  /** Objects that are a string and nothing else. */
  readonly strings = new Map<number, OwnedString>();
  /** Objects that are a name, a list, a number, or a dictionary without a stream. */
  readonly #values = new Map<number, PdfValue>();
  /** Those that stand where they are used. */
  readonly scripts: OwnedString[] = [];
  readonly forms: OwnedString[] = [];
  /** Objects by what they are used as. */
  readonly scriptObjects = new Set<number>();
  readonly formObjects = new Set<number>();
  /** Attached files, with their names. */
  readonly fileObjects = new Map<number, OwnedString>();
  encryption: PdfDictionary | undefined;
  isEncrypted = false;
  id: Buffer = Buffer.alloc(0);
  readonly #bytes: Buffer;
  /** Lists of the streams of one file each, by their objects. */
  readonly #fileLists = new Map<number, OwnedString>();
  readonly #openingObjects = new Set<number>();
  readonly #actingObjects = new Set<number>();
  readonly #eventObjects = new Map<number, readonly PdfValue[]>();
  readonly #nextObjects = new Map<number, number>();
  #readLeft: number;
  #objectStreamLeft = objectStreamBytes;
  #endStream = -1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#readLeft = bytes.length * readFactor + readBaseBytes;
  }

  readAll(): void {
    for (const word of ['obj', 'trailer'] as const)
      for (let at = this.#bytes.indexOf(word); at !== -1; at = this.#bytes.indexOf(word, at + word.length)) {
        const owner = word === 'obj' ? this.#ownerAt(at) : { object: 0, generation: 0 };
        if (owner === undefined) continue;
        if (this.limits.has('archive-members')) return;
        if (this.#readLeft < 0) {
          this.limits.add('unpacked-size');
          return;
        }
        this.#readObject(at + word.length, owner);
      }
  }

  /** The value that a reference leads to; undefined: it is not known. */
  resolved(value: PdfValue | undefined): PdfValue | undefined {
    return value?.kind === 'reference' ? this.#values.get(value.object) : value;
  }

  /** Reads the objects of an object stream (§7.5.7): pairs of number and offset, then the objects in that order. */
  readObjectStream(decoded: Buffer, first: number): void {
    this.#objectStreamLeft -= decoded.length;
    if (this.#objectStreamLeft < 0) {
      this.limits.add('unpacked-size');
      return;
    }
    const start = Math.max(0, Math.min(first, decoded.length));
    const owner = { object: 0, generation: 0 };
    const reader = new PdfReader(decoded, start, (dictionary) => this.#dictionary(dictionary, owner));
    const { values } = reader.read();
    const numbers = decoded.toString('latin1', 0, start).match(/\d+/g) ?? [];
    for (const [i, value] of values.entries()) this.#outermost(Number(numbers[i * 2] ?? 0), value, owner);
  }

  /** Whether something is done when the document, a page or an annotation is opened. */
  get actsByItself(): boolean {
    return (
      this.traits.has('pdf-open-action') || [...this.#openingObjects].some((object) => this.#acts(object))
    );
  }

  /** The numbers before an `obj`; undefined: it is none, as in `endobj`. */
  #ownerAt(at: number): Owner | undefined {
    const before = this.#bytes.toString('latin1', Math.max(0, at - 32), at);
    const numbers = /(\d{1,10})[\0\s]+(\d{1,5})[\0\s]*$/.exec(before);
    return numbers ? { object: Number(numbers[1]), generation: Number(numbers[2]) } : undefined;
  }

  #readObject(start: number, owner: Owner): void {
    const reader = new PdfReader(this.#bytes, start, (dictionary) => this.#dictionary(dictionary, owner));
    const { values, word } = reader.read();
    this.#readLeft -= Math.max(leastReadBytes, reader.at - start);
    this.#outermost(owner.object, values[0], owner);
    const dictionary = values.at(-1);
    if (word === 'stream' && dictionary?.kind === 'dictionary') this.#addStream(reader.at, dictionary, owner);
  }

  #addStream(after: number, dictionary: PdfDictionary, owner: Owner): void {
    if (this.streams.length >= maxNoted) {
      this.limits.add('archive-members');
      return;
    }
    let start = after;
    if (this.#bytes[start] === 0x0d) start++;
    if (this.#bytes[start] === 0x0a) start++;
    const end = this.#streamEnd(start, dictionary.entries.get('Length'));
    this.streams.push({ ...owner, start, end, dictionary });
  }

  /** Where the length says, if it ends there; else at the next word that ends a stream. */
  #streamEnd(start: number, length: PdfValue | undefined): number {
    const bytes = this.#bytes;
    const stated = this.#statedEnd(start, length);
    if (stated !== undefined) return stated;
    // Kept, so that many streams before one end cost one search.
    if (this.#endStream < start) {
      const found = bytes.indexOf('endstream', start);
      this.#endStream = found === -1 ? bytes.length : found;
    }
    return this.#endStream;
  }

  #statedEnd(start: number, length: PdfValue | undefined): number | undefined {
    if (length?.kind !== 'number' || length.value < 0) return undefined;
    let at = start + length.value;
    for (let blanks = 0; blanks < 4 && isBlankOctet(this.#bytes[at]); blanks++) at++;
    return this.#bytes.toString('latin1', at, at + 9) === 'endstream' ? start + length.value : undefined;
  }

  #dictionary(dictionary: PdfDictionary, owner: Owner): void {
    const { entries } = dictionary;
    const action = nameOf(entries.get('S'));
    if (action === 'Launch') this.traits.add('pdf-launch');
    const script = entries.get('JS');
    if (action === 'JavaScript' || script !== undefined) this.traits.add('pdf-javascript');
    if (script !== undefined) this.#use(script, owner, this.scripts, this.scriptObjects);
    for (const value of listOf(entries.get('XFA'))) this.#use(value, owner, this.forms, this.formObjects);
    if (nameOf(entries.get('Type')) === 'EmbeddedFile') this.traits.add('pdf-embedded-file');
    this.#fileSpecification(entries, owner);
    this.#opening(entries.get('OpenAction'));
    const events = entries.get('AA');
    if (events?.kind === 'dictionary')
      for (const event of openingEvents) this.#opening(events.entries.get(event));
    else this.#opening(events);
    if (entries.has('Encrypt')) {
      this.isEncrypted = true;
      const [id] = listOf(entries.get('ID'));
      if (id?.kind === 'string') this.id = id.bytes;
    }
    if (entries.has('Filter') && entries.has('V') && (entries.has('O') || entries.has('Recipients')))
      this.encryption = dictionary;
  }

  #use(value: PdfValue, owner: Owner, strings: OwnedString[], objects: Set<number>): void {
    if (value.kind === 'reference') this.#note(objects, value.object);
    else if (value.kind === 'string') {
      if (strings.length < maxNoted) strings.push({ bytes: value.bytes, owner });
      else this.limits.add('archive-members');
    }
  }

  #note(objects: Set<number>, object: number): void {
    if (objects.size < maxNoted) objects.add(object);
    else this.limits.add('archive-members');
  }

  /** §7.11.3: the name of a file, and the stream that it is. */
  #fileSpecification(entries: ReadonlyMap<string, PdfValue>, owner: Owner): void {
    const files = entries.get('EF');
    if (files?.kind !== 'dictionary' && files?.kind !== 'reference') return;
    this.traits.add('pdf-embedded-file');
    const written = entries.get('UF') ?? entries.get('F');
    const name = { bytes: written?.kind === 'string' ? written.bytes : Buffer.alloc(0), owner };
    if (files.kind === 'dictionary') this.#files(files, name);
    else if (this.#fileLists.size < maxNoted) this.#fileLists.set(files.object, name);
    else this.limits.add('archive-members');
  }

  #files(files: PdfDictionary, name: OwnedString): void {
    for (const file of files.entries.values()) {
      if (file.kind !== 'reference') continue;
      if (this.fileObjects.size < maxNoted) this.fileObjects.set(file.object, name);
      else this.limits.add('archive-members');
    }
  }

  /** To be called when all is read: what stands elsewhere than where it is used. */
  followReferences(): void {
    for (const [object, name] of this.#fileLists) {
      const files = this.#values.get(object);
      if (files?.kind === 'dictionary') this.#files(files, name);
    }
    this.#fileLists.clear();
    for (const stream of this.streams) {
      const length = stream.dictionary.entries.get('Length');
      if (length?.kind !== 'reference') continue;
      const end = this.#statedEnd(stream.start, this.resolved(length));
      if (end !== undefined) stream.end = end;
    }
  }

  #opening(value: PdfValue | undefined): void {
    if (value?.kind === 'reference') this.#note(this.#openingObjects, value.object);
    if (value?.kind !== 'dictionary') return;
    if (isActing(value)) this.traits.add('pdf-open-action');
    for (const next of listOf(value.entries.get('Next'))) this.#opening(next);
  }

  #outermost(object: number, value: PdfValue | undefined, owner: Owner): void {
    if (value?.kind === 'string' && this.strings.size < maxNoted)
      this.strings.set(object, { bytes: value.bytes, owner });
    else if (value !== undefined && this.#values.size < maxNoted) this.#values.set(object, value);
    if (value?.kind !== 'dictionary') return;
    const { entries } = value;
    const [next] = listOf(entries.get('Next'));
    if (isActing(value) || (next?.kind === 'dictionary' && isActing(next)))
      this.#note(this.#actingObjects, object);
    const events = openingEvents.flatMap((event) => listOf(entries.get(event)));
    if (events.length > 0 && this.#eventObjects.size < maxNoted) this.#eventObjects.set(object, events);
    if (next?.kind === 'reference' && this.#nextObjects.size < maxNoted)
      this.#nextObjects.set(object, next.object);
  }

  /** Whether an object does something by itself, as an action or as a list of events. */
  #acts(object: number): boolean {
    const starts = [object];
    for (const event of this.#eventObjects.get(object) ?? []) {
      if (event.kind === 'reference') starts.push(event.object);
      if (event.kind === 'dictionary' && isActing(event)) return true;
    }
    return starts.some((start) => {
      let at: number | undefined = start;
      for (let hop = 0; at !== undefined && hop < maxHops; hop++) {
        if (this.#actingObjects.has(at)) return true;
        at = this.#nextObjects.get(at);
      }
      return false;
    });
  }
}
