// What comes out of an archive, counted while it comes: the files that the unpacker writes, cut off at the limits.
import type { ChildLimit, RequestHead } from './protocol.ts';

/** Ends the unpacker from within: a limit is reached. */
export class Cut extends Error {}

/** Octets that are set aside at once; most members are smaller. */
const blockBytes = 64 * 1024;

export interface OutputFile {
  /** `octets` are copied. Throws Cut. */
  write(octets: Uint8Array): void;
  close(): void;
}

/** Octets of one member, in pieces. */
class Pieces {
  readonly #full: Uint8Array[] = [];
  #block = new Uint8Array(0);
  #used = 0;
  sizeBytes = 0;

  add(octets: Uint8Array): void {
    if (octets.length > this.#block.length - this.#used) {
      this.#full.push(this.#block.subarray(0, this.#used));
      this.#block = new Uint8Array(Math.max(blockBytes, octets.length));
      this.#used = 0;
    }
    this.#block.set(octets, this.#used);
    this.#used += octets.length;
    this.sizeBytes += octets.length;
  }

  all(): readonly Uint8Array[] {
    return [...this.#full, this.#block.subarray(0, this.#used)];
  }
}

type Give = (name: string, pieces: readonly Uint8Array[], sizeBytes: number) => void;
type OutputLimits = Pick<RequestHead, 'maxMembers' | 'maxMemberBytes' | 'maxOutputBytes'>;

export class Output {
  readonly #bounds: OutputLimits;
  readonly #give: Give;
  readonly #open = new Set<OutputFile>();
  #members = 0;
  #octets = 0;
  readonly limits = new Set<ChildLimit>();

  /** Each member is given when it is complete, or as far as it came. */
  constructor(bounds: OutputLimits, give: Give) {
    this.#bounds = bounds;
    this.#give = give;
  }

  /** Throws Cut when there are too many. */
  open(name: string): OutputFile {
    if (this.#members >= this.#bounds.maxMembers) this.#cut('archive-members');
    this.#members++;
    const pieces = new Pieces();
    const file: OutputFile = {
      write: (octets) => this.#write(pieces, octets),
      close: () => {
        if (this.#open.delete(file)) this.#give(name, pieces.all(), pieces.sizeBytes);
      },
    };
    this.#open.add(file);
    return file;
  }

  /** Gives what was not closed. */
  finish(): void {
    for (const file of this.#open) file.close();
  }

  #write(pieces: Pieces, octets: Uint8Array): void {
    const { maxMemberBytes, maxOutputBytes } = this.#bounds;
    const room = Math.max(0, Math.min(maxMemberBytes - pieces.sizeBytes, maxOutputBytes - this.#octets));
    if (room > 0) pieces.add(octets.subarray(0, room));
    // What is too much of one member costs time too.
    this.#octets += octets.length;
    if (this.#octets > maxOutputBytes) this.#cut('unpacked-size');
    if (pieces.sizeBytes >= maxMemberBytes && octets.length > room) this.limits.add('part-size');
  }

  #cut(code: ChildLimit): never {
    this.limits.add(code);
    throw new Cut(code);
  }
}
