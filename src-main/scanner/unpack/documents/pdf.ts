// PDF (ISO 32000): its scripts, forms, attached files, and whatever else in it begins like a program. Cross references
// are not trusted: every object in the file counts, whether a reader would reach it or not.
import type { LimitCode } from '../../../contract/verdict.ts';
import { utf16Text } from '../../utf16.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { beginsLikeFile } from './members.ts';
import { openPdf, type PdfCipher } from './pdf-encryption.ts';
import { listOf, nameOf, type OwnedString, PdfObjects, type PdfStream } from './pdf-objects.ts';
import { beginningOf, decodeStream, type Filter } from './pdf-streams.ts';
import type { PdfDictionary, PdfValue } from './pdf-tokens.ts';

/** ISO 32000-2 §7.5.2 wants the header at the very beginning; readers look this far. */
const headerBytes = 1_024;

/** Octets of a stream that show what it is. */
const beginningBytes = 1_024;

/** Octets that all streams take to decode, as a multiple of the file: some are looked at twice; none overlap. */
const encodedFactor = 2;
const encodedBaseBytes = 1024 * 1024;

/** Filters of pictures: no program is in them. */
const pictureFilters = new Set(['DCTDecode', 'DCT', 'JPXDecode', 'CCITTFaxDecode', 'CCF', 'JBIG2Decode']);

/** Types of streams that are looked into already, or hold words about the document. */
const ownTypes = new Set(['ObjStm', 'XRef', 'Metadata']);

/** What readers take for one, too (PDF 1.7, implementation note 14). */
const otherHeader = /%!PS-Adobe-\d\.\d PDF-\d/;

/** Octets of the end that tell a document to readers who do without a header. */
const trailerBytes = 1_024;

export function isPdf(bytes: Buffer): boolean {
  const head = bytes.subarray(0, headerBytes);
  if (head.includes('%PDF-')) return true;
  if (head.includes(0x25) && otherHeader.test(head.toString('latin1'))) return true;
  const tail = bytes.subarray(Math.max(0, bytes.length - trailerBytes));
  return tail.includes('startxref') && bytes.includes('endobj');
}

/** A text string (§7.9.2.2) in UTF-8, where it is in UTF-16. */
function textOf(bytes: Buffer): Buffer {
  if (bytes[0] !== 0xfe || bytes[1] !== 0xff) return bytes;
  const even = Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)));
  return Buffer.from(utf16Text(even.swap16()), 'utf8');
}

function numberIn(value: PdfValue | undefined, name: string, otherwise: number): number {
  const found = value?.kind === 'dictionary' ? value.entries.get(name) : undefined;
  return found?.kind === 'number' ? found.value : otherwise;
}

function filtersOf({ entries }: PdfDictionary, objects: PdfObjects): Filter[] {
  const listed = (value: PdfValue | undefined) =>
    listOf(objects.resolved(value)).map((each) => objects.resolved(each));
  const parameters = listed(entries.get('DecodeParms') ?? entries.get('DP'));
  return listed(entries.get('Filter')).flatMap((filter, i) => {
    if (filter?.kind !== 'name') return [];
    const own = parameters[i];
    const bits =
      numberIn(own, 'Columns', 1) * numberIn(own, 'Colors', 1) * numberIn(own, 'BitsPerComponent', 8);
    const isPredicted = numberIn(own, 'Predictor', 1) >= 10 && bits > 0 && bits < 2 ** 24;
    return [{ name: filter.name, predictorBytes: isPredicted ? Math.ceil(bits / 8) : 0 }];
  });
}

class Document {
  readonly #bytes: Buffer;
  readonly #context: UnpackContext;
  readonly #objects: PdfObjects;
  readonly #limits: Set<LimitCode>;
  #cipher: PdfCipher | undefined;
  #encodedLeft: number;

  constructor(bytes: Buffer, context: UnpackContext) {
    this.#bytes = bytes;
    this.#context = context;
    this.#objects = new PdfObjects(bytes);
    this.#limits = this.#objects.limits;
    this.#encodedLeft = bytes.length * encodedFactor + encodedBaseBytes;
  }

  *unpack(): Generator<Unpacked> {
    const { traits, streams } = this.#objects;
    this.#objects.readAll();
    if (this.#objects.isEncrypted) this.#open();
    this.#objects.followReferences();
    for (const stream of streams) this.#readObjectStream(stream);
    // Of what stands in object streams.
    this.#objects.followReferences();
    yield* this.#strings();
    for (const stream of streams) {
      if (this.#limits.has('archive-members') || this.#limits.has('unpacked-size')) break;
      yield* this.#stream(stream);
    }
    if (this.#objects.actsByItself) traits.add('pdf-open-action');
    for (const trait of traits) yield { kind: 'trait', trait };
    for (const code of this.#limits) yield { kind: 'limit', code };
  }

  #open(): void {
    const { encryption, id, traits } = this.#objects;
    this.#cipher = encryption && openPdf(encryption, id, this.#context);
    if (this.#cipher?.byPassword) traits.add('opened-by-password');
    if (this.#cipher) return;
    traits.add('encrypted-document');
    this.#limits.add('encrypted');
  }

  get #isLocked(): boolean {
    return this.#objects.isEncrypted && !this.#cipher;
  }

  #readObjectStream(stream: PdfStream): void {
    if (nameOf(stream.dictionary.entries.get('Type')) !== 'ObjStm') return;
    const decoded = this.#decode(stream, 'stream', false);
    if (decoded) this.#objects.readObjectStream(decoded, numberIn(stream.dictionary, 'First', 0));
  }

  *#strings(): Generator<Unpacked> {
    const { scripts, forms, scriptObjects, strings } = this.#objects;
    for (const script of scripts) yield* this.#giveString('script.js', this.#text(script));
    for (const form of forms) yield* this.#giveString('form.xml', this.#text(form));
    for (const object of scriptObjects) {
      const script = strings.get(object);
      if (script) yield* this.#giveString('script.js', this.#text(script));
    }
  }

  #text({ bytes, owner: { object, generation } }: OwnedString): Buffer {
    const cipher = object === 0 ? undefined : this.#cipher;
    return textOf(cipher?.decrypt('string', bytes, object, generation) ?? bytes);
  }

  *#stream(stream: PdfStream): Generator<Unpacked> {
    const { object, dictionary } = stream;
    const { fileObjects, scriptObjects, formObjects } = this.#objects;
    const type = nameOf(dictionary.entries.get('Type'));
    if (ownTypes.has(type) || this.#isLocked) return;
    const name = fileObjects.get(object);
    if (name || type === 'EmbeddedFile')
      yield* this.#giveStream(name ? this.#text(name).toString('utf8') : '', stream, 'file');
    else if (scriptObjects.has(object)) yield* this.#giveStream('script.js', stream, 'stream');
    else if (formObjects.has(object)) yield* this.#giveStream('form.xml', stream, 'stream');
    else if (this.#looksLikeFile(stream)) yield* this.#giveStream('', stream, 'stream');
  }

  #looksLikeFile(stream: PdfStream): boolean {
    const filters = filtersOf(stream.dictionary, this.#objects);
    if (filters.some(({ name }) => pictureFilters.has(name))) return false;
    const { object, generation, start, end } = stream;
    const encrypted = this.#bytes.subarray(start, Math.min(end, start + beginningBytes));
    const plain = this.#cipher?.decrypt('stream', encrypted, object, generation) ?? encrypted;
    const beginning = beginningOf(plain, filters) ?? this.#decode(stream, 'stream', false);
    return beginning !== undefined && beginsLikeFile(beginning);
  }

  #decode(stream: PdfStream, what: 'stream' | 'file', pieces: boolean): Buffer | undefined {
    if (this.#isLocked) return undefined;
    const { object, generation, start, end, dictionary } = stream;
    const bytes = this.#bytes.subarray(start, end);
    this.#encodedLeft -= bytes.length;
    if (this.#encodedLeft < 0) {
      this.#limits.add('unpacked-size');
      return undefined;
    }
    const plain = this.#cipher?.decrypt(what, bytes, object, generation) ?? bytes;
    const decoded = decodeStream(plain, filtersOf(dictionary, this.#objects), this.#context.budget, pieces);
    if (decoded.kind !== 'decoded') return undefined;
    if (decoded.limit !== undefined) this.#limits.add(decoded.limit);
    return decoded.bytes;
  }

  *#giveStream(name: string, stream: PdfStream, what: 'stream' | 'file'): Generator<Unpacked> {
    if (!this.#takeMember()) return;
    const bytes = this.#decode(stream, what, true);
    if (bytes && bytes.length > 0) yield { kind: 'member', name, bytes };
  }

  *#giveString(name: string, bytes: Buffer): Generator<Unpacked> {
    if (bytes.length > 0 && !this.#isLocked && this.#takeMember()) yield { kind: 'member', name, bytes };
  }

  #takeMember(): boolean {
    const over = this.#context.budget.takeMember();
    if (over !== undefined) this.#limits.add(over);
    return over === undefined;
  }
}

export function* unpackPdf(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  yield* new Document(bytes, context).unpack();
}
