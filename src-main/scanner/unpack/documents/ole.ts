// Compound files (MS-CFB): Office documents, Outlook messages, installers. Every stream that may hold something is a
// member or is looked into, also those that no directory tree leads to.

import { utf16Text } from '../../utf16.ts';
import { giveInflated } from '../archives/give.ts';
import { inflate } from '../archives/inflate.ts';
import { decompressRtf } from '../mail/compressed-rtf.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { ancestryOf, type CompoundEntry, CompoundFile, isCompoundFile } from './compound-file.ts';
import { readWorkbook } from './excel-records.ts';
import { beginsLikeFile, memberOf, programsIn } from './members.ts';
import { decodeInstallerName } from './msi.ts';
import { isEquationClass, linkOf } from './object-classes.ts';
import { decryptPackage } from './office-encryption.ts';
import { unpackNative } from './ole-package.ts';
import { isWideProperty, outlookName } from './outlook.ts';
import { isEncryptedPowerPoint, unpackPowerPoint } from './powerpoint.ts';
import { type NamedStream, unpackVba } from './vba.ts';
import { hasDdeField, isEncryptedWord } from './word-records.ts';

/** "ActiveMime": a compound file, compressed, as Word puts it into web pages and XML. */
const activeMime = Buffer.from('ActiveMime', 'latin1');
/** Where its zlib stream begins; some writers have other headers. */
const activeMimePlaces = [50, 82];

/** Streams that say something of a document or of a VBA project, in a form in which nothing is opened. */
const plainStream =
  /^(?:\W?(?:Document)?SummaryInformation|dir|_VBA_PROJECT|__SRP_\w+|PROJECT(?:wm)?|EncryptionInfo|\W?CompObj|\W?ObjInfo|__properties_version1\.0)$/;

/** Streams below it hold nothing that could be opened. */
const minFileBytes = 64;
/** Pieces of a stream that is scattered over the file are joined for whoever looks for words in it, from here on. */
const minScatteredBytes = 512;

export function isOle(bytes: Buffer): boolean {
  return isCompoundFile(bytes) || bytes.compare(activeMime, 0, 10, 0, Math.min(10, bytes.length)) === 0;
}

export function* unpackOle(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  if (isCompoundFile(bytes)) yield* new Unpacking(bytes, context).run();
  else yield* unpackActiveMime(bytes, context);
}

function* unpackActiveMime(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const at = activeMimePlaces.find((place) => ((bytes[place] ?? 0) & 0x0f) === 8);
  const code = at === undefined ? 'damaged-archive' : budget.takeMember();
  if (at === undefined || code !== undefined) yield { kind: 'limit', code: code ?? 'damaged-archive' };
  else yield* giveInflated('active-mime.ole', inflate(bytes.subarray(at + 2), budget));
}

interface Stream extends NamedStream {
  readonly entry: CompoundEntry;
  readonly contiguous: boolean;
}

class Unpacking {
  readonly #context: UnpackContext;
  readonly #file: CompoundFile;
  readonly #streams: Stream[] = [];
  /** By the storage and the name. */
  readonly #byPlace = new Map<string, Stream>();

  constructor(bytes: Buffer, context: UnpackContext) {
    this.#context = context;
    this.#file = new CompoundFile(bytes);
  }

  *run(): Generator<Unpacked> {
    if (this.#file.damaged) yield { kind: 'limit', code: 'damaged-archive' };
    yield* this.#readAll();
    yield* this.#storages();
    const { budget } = this.#context;
    const storageName = ({ parent }: Stream) => this.#file.entries[parent]?.name ?? '';
    const sources = yield* unpackVba(this.#streams, storageName, budget);
    for (const stream of this.#streams) if (!sources.has(stream)) yield* this.#stream(stream);
  }

  *#readAll(): Generator<Unpacked> {
    for (const entry of this.#file.entries) {
      if (entry.kind !== 'stream' || entry.sizeBytes === 0) continue;
      const content = this.#file.read(entry);
      if (!content) {
        yield { kind: 'limit', code: 'unpacked-size' };
        return;
      }
      if (content.damaged) yield { kind: 'limit', code: 'damaged-archive' };
      if (content.bytes.length === 0) continue;
      const { name, parent } = entry;
      const stream = { name, parent, entry, bytes: content.bytes, contiguous: content.contiguous };
      this.#streams.push(stream);
      this.#byPlace.set(`${parent}/${name.toLowerCase()}`, stream);
    }
  }

  #find(name: string, parent: number): Stream | undefined {
    return this.#byPlace.get(`${parent}/${name.toLowerCase()}`);
  }

  #textOf(name: string, parent: number): string | undefined {
    const bytes = this.#find(name, parent)?.bytes.subarray(0, 2048);
    return (bytes && (isWideProperty(name) ? utf16Text(bytes) : bytes.toString('latin1')))?.replace(
      /\0+$/,
      '',
    );
  }

  *#storages(): Generator<Unpacked> {
    for (const { kind, clsid } of this.#file.entries)
      if (kind === 'storage' && isEquationClass(clsid)) yield { kind: 'trait', trait: 'equation-object' };
  }

  *#stream(stream: Stream): Generator<Unpacked> {
    const { name, parent, bytes } = stream;
    const { budget } = this.#context;
    switch (name.toLowerCase()) {
      case 'worddocument':
        if (isEncryptedWord(bytes)) yield* encrypted();
        if (hasDdeField(bytes)) yield { kind: 'trait', trait: 'dde-link' };
        break;
      case 'workbook':
      case 'book':
        yield* this.#workbook(bytes);
        break;
      case 'powerpoint document':
        yield* unpackPowerPoint(bytes, budget);
        break;
      case 'current user':
        if (isEncryptedPowerPoint(bytes)) yield* encrypted();
        break;
      case 'encryptedpackage':
        yield* this.#encryptedPackage(bytes, parent);
        return;
      case '\x01ole10native':
        yield* unpackNative(bytes, budget);
        return;
      case 'equation native':
        yield { kind: 'trait', trait: 'equation-object' };
        yield memberOf(name, bytes, budget);
        return;
      case '\x01ole':
        if (linkOf(bytes) !== undefined) yield { kind: 'trait', trait: 'remote-object' };
        return;
      case '\x03ocxname':
      case '\x03ocxdata':
        yield { kind: 'trait', trait: 'activex-object' };
        break;
      case 'contents':
      case 'package':
      case 'embeddedodf':
        yield memberOf(name, bytes, budget);
        return;
    }
    yield* this.#generic(stream);
  }

  *#workbook(bytes: Buffer): Generator<Unpacked> {
    const { traits, encrypted: isEncrypted, macroText } = readWorkbook(bytes);
    if (isEncrypted) yield* encrypted();
    for (const trait of traits) yield { kind: 'trait', trait };
    if (macroText !== '') yield memberOf('macro-sheets.txt', Buffer.from(macroText), this.#context.budget);
  }

  *#encryptedPackage(bytes: Buffer, parent: number): Generator<Unpacked> {
    yield { kind: 'trait', trait: 'encrypted-document' };
    const info = this.#find('EncryptionInfo', parent)?.bytes ?? Buffer.alloc(0);
    const opened = decryptPackage(info, bytes, this.#context);
    if (opened.kind === 'closed') {
      yield { kind: 'limit', code: 'encrypted' };
      return;
    }
    if (!opened.isDefaultPassword) yield { kind: 'trait', trait: 'opened-by-password' };
    yield memberOf('decrypted.zip', opened.bytes, this.#context.budget);
  }

  /** Property streams of messages, files of installers, and whatever begins like a file. */
  *#generic(stream: Stream): Generator<Unpacked> {
    const { name, bytes, contiguous } = stream;
    const { budget } = this.#context;
    const property = outlookName(stream, (id, parent) => this.#textOf(id, parent));
    if (property !== undefined) {
      yield* this.#property(property, stream);
      return;
    }
    const installerName = decodeInstallerName(name);
    if (installerName !== undefined) {
      const isText = installerName === '!_StringData';
      if (isText || !installerName.startsWith('!'))
        yield memberOf(isText ? 'strings.txt' : installerName, bytes, budget);
      return;
    }
    if (bytes.length < minFileBytes) return;
    const isScattered = !contiguous && bytes.length >= minScatteredBytes && !plainStream.test(name);
    if (beginsLikeFile(bytes) || isScattered) yield memberOf(this.#pathOf(stream), bytes, budget);
    for (const program of programsIn(bytes))
      yield memberOf(`${this.#pathOf(stream)}.program`, program, budget);
  }

  *#property(as: string, { name, bytes }: Stream): Generator<Unpacked> {
    const { budget } = this.#context;
    const { octets } = budget.allowance(bytes.length);
    let content = bytes;
    if (isWideProperty(name)) content = Buffer.from(utf16Text(bytes));
    else if (as === 'body.rtf') content = decompressRtf(bytes, octets) ?? bytes;
    yield memberOf(as, content, budget);
  }

  #pathOf({ entry }: Stream): string {
    return ancestryOf(this.#file.entries, entry).reverse().join('/');
  }
}

function* encrypted(): Generator<Unpacked> {
  yield { kind: 'trait', trait: 'encrypted-document' };
  yield { kind: 'limit', code: 'encrypted' };
}
