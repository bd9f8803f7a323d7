// How the unpacking process goes about one archive: it looks at the listing first, then tries passwords where they are
// needed, then unpacks what is within the limits.

import { type ListedItem, type Listing, readListing } from './listing.ts';
import { Output } from './output.ts';
import type { AnswerHead, ChildLimit, RequestHead } from './protocol.ts';
import type { Run, RunResult, SevenZip } from './seven-zip-module.ts';

/** Gives an answer; `pieces` are the octets of a member. */
export type Say = (head: AnswerHead, pieces?: readonly Uint8Array[], sizeBytes?: number) => void;

/** Characters of a listing for each member that may be: beyond it come more than may be. */
const textPerMember = 512;
const leastText = 64 * 1024;

/** Names of encrypted members that are told, and their characters: for people, and to see a program among them. */
const maxNames = 64;
const nameCharacters = 255;

/** 7-Zip's names of formats, where they are not the extension. */
const formats: Readonly<Record<string, string>> = { bz2: 'bzip2', szdd: 'MsLZ', exe: 'PE', msi: 'Compound' };

/** Images with partitions or a file system in them: 7-Zip looks through as many layers as there are when it may. */
const layered: readonly string[] = ['vhd', 'vhdx', 'vmdk', 'vdi', 'qcow', 'dmg', 'gpt', 'mbr'];

/** Switches: no progress, names in UTF-8, no wildcards in names, and files in the place of links. */
const quiet = ['-bd', '-bsp0', '-sccUTF-8', '-scsUTF-8', '-spd', '-y', '-snh-', '-snl-'];

/** What a password prompt looks like: 7-Zip asks when it was given none. */
const prompt = 'Enter password';

function noFile(): never {
  throw new Error('nothing is written here');
}

function limitOf(error: string): ChildLimit {
  if (/password|encrypted/i.test(error)) return 'encrypted';
  if (/unsupported/i.test(error)) return 'unsupported-archive';
  return /volume/i.test(error) ? 'split-archive' : 'damaged-archive';
}

class Unpacking {
  readonly #sevenZip: SevenZip;
  readonly #archive: Uint8Array;
  readonly #request: RequestHead;
  readonly #say: Say;
  readonly #now: () => number;
  readonly #passwordsMs: number;
  readonly #limits = new Set<ChildLimit>();
  #encrypted: readonly ListedItem[] = [];
  /** The one that opened it. */
  #password: string | undefined;

  constructor(
    sevenZip: SevenZip,
    request: RequestHead,
    archive: Uint8Array,
    say: Say,
    clock: { now: () => number; passwordsMs: number },
  ) {
    this.#sevenZip = sevenZip;
    this.#request = request;
    this.#archive = archive;
    this.#say = say;
    this.#now = clock.now;
    this.#passwordsMs = clock.passwordsMs;
  }

  async run(): Promise<void> {
    const listing = await this.#list();
    if (listing) await this.#unpack(listing);
    const opened = this.#password !== undefined;
    this.#say({
      kind: 'done',
      limits: [...this.#limits],
      encryptedNames: opened ? [] : this.#names(),
      openedByPassword: opened,
    });
  }

  #names(): string[] {
    return this.#encrypted.slice(0, maxNames).map(({ path }) => path.slice(0, nameCharacters));
  }

  #run(args: readonly string[], more: Partial<Run> = {}): Promise<RunResult> {
    const { extension, maxMembers } = this.#request;
    const format = layered.includes(extension) ? [] : [`-t${formats[extension] ?? extension}`];
    const input = `data.${extension}`;
    const [command, ...switches] = args;
    return this.#sevenZip({
      args: [command ?? 'l', ...quiet, ...format, ...switches, '--', `/in/${input}`],
      open: noFile,
      maxText: Math.max(leastText, maxMembers * textPerMember),
      ...more,
      files: { ...more.files, [input]: this.#archive },
    });
  }

  async #list(): Promise<Listing | undefined> {
    let result = await this.#run(['l', '-slt']);
    if (result.text.includes(prompt)) {
      // Its very names are encrypted.
      const opened = await this.#tryPasswords((password) => this.#run(['l', '-slt', `-p${password}`]));
      if (!opened) return undefined;
      result = opened;
    }
    const listing = readListing(result.text);
    if (result.end === 'cut') this.#limits.add('archive-members');
    if (result.isOutOfMemory) this.#limits.add('unpacker-failed');
    if (listing.isSplit) this.#limits.add('split-archive');
    if (result.end === 'failed' && listing.items.length === 0 && !listing.isSplit) {
      if (!result.isOutOfMemory) this.#limits.add('unsupported-archive');
      return undefined;
    }
    this.#encrypted = listing.items.filter(({ isEncrypted }) => isEncrypted);
    return listing;
  }

  /** What the first password that opens it gives. */
  async #tryPasswords(attempt: (password: string) => Promise<RunResult>): Promise<RunResult | undefined> {
    const deadline = this.#now() + this.#passwordsMs;
    this.#say({ kind: 'trying', encryptedNames: this.#names() });
    for (const password of this.#request.passwords) {
      if (this.#now() >= deadline) break;
      const result = await attempt(password);
      if (result.end === 'failed') continue;
      this.#password = password;
      this.#say({ kind: 'tried' });
      return result;
    }
    this.#say({ kind: 'tried' });
    this.#limits.add('encrypted');
    return undefined;
  }

  async #unpack({ items, isSolid }: Listing): Promise<void> {
    const [first, ...others] = this.#encrypted;
    if (first && this.#password === undefined) {
      const sizeOf = ({ sizeBytes = Number.POSITIVE_INFINITY }: ListedItem) => sizeBytes || 1;
      const least = others.reduce((one, other) => (sizeOf(other) < sizeOf(one) ? other : one), first);
      const files = { include: Buffer.from(least.path) };
      await this.#tryPasswords((password) => this.#run(['t', '-i@/in/include', `-p${password}`], { files }));
    }
    const isClosed = this.#password === undefined;
    const closed = isClosed ? this.#encrypted : [];
    if (closed.length > 0 && closed.length === items.length) return;
    const output = new Output(this.#request, (name, pieces, sizeBytes) =>
      this.#say({ kind: 'member', name }, pieces, sizeBytes),
    );
    const { maxMemberBytes } = this.#request;
    const isLarge = ({ sizeBytes }: ListedItem) => sizeBytes !== undefined && sizeBytes > maxMemberBytes;
    // What will be cut off comes last, where it can be had apart.
    const large = isSolid ? [] : items.filter((item) => isLarge(item) && !closed.includes(item));
    const left = [...closed, ...large];
    const isCut =
      left.length < items.length || items.length === 0
        ? await this.#extract('-x@/in/names', left, output)
        : false;
    if (!isCut && large.length > 0) await this.#extract('-i@/in/names', large, output);
    for (const code of output.limits) this.#limits.add(code);
  }

  /** Whether it was cut off. */
  async #extract(selection: string, named: readonly ListedItem[], output: Output): Promise<boolean> {
    const password = this.#password === undefined ? [] : [`-p${this.#password}`];
    const selected = named.length === 0 ? [] : [selection];
    const result = await this.#run(['e', '-aoa', '-o/out', ...selected, ...password], {
      open: (name) => output.open(name),
      files: { names: Buffer.from(named.map(({ path }) => path).join('\n')) },
    });
    output.finish();
    if (result.end !== 'failed') return result.end === 'cut';
    const errors = result.errors.split('\n').filter((line) => line.startsWith('ERROR'));
    for (const error of errors) this.#limits.add(limitOf(error));
    if (result.text.includes(prompt)) this.#limits.add('encrypted');
    else if (result.isOutOfMemory) this.#limits.add('unpacker-failed');
    else if (errors.length === 0) this.#limits.add('damaged-archive');
    return false;
  }
}

/** Unpacks `archive`, as far as it can be, and says all of it; `done` comes last. */
export function unpackArchive(
  sevenZip: SevenZip,
  request: RequestHead,
  archive: Uint8Array,
  say: Say,
  clock: { now: () => number; passwordsMs: number },
): Promise<void> {
  return new Unpacking(sevenZip, request, archive, say, clock).run();
}
