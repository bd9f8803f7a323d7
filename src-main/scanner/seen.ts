// What was looked into already, so that octets which come up again (in another reading, or inside themselves) cost one
// look. Small ones are known by their SHA-256; large ones are kept and compared, which costs a tenth of hashing them.
import { hash } from 'node:crypto';
import type { FileType } from './file-type.ts';
import type { Trait } from './heuristics/traits.ts';

/** What was found in octets; filled in while they are looked into. */
export interface Look {
  /** Of what is harmful in them. */
  names: readonly string[];
  type: FileType;
  readonly traits: Set<Trait>;
  /** All that came out of them, and out of that. */
  readonly holds: Set<FileType>;
}

export const newLook = (): Look => ({ names: [], type: 'unknown', traits: new Set(), holds: new Set() });

/** From here on comparing pays. */
const largeBytes = 1024 * 1024;

/** Octets that are kept alive for it; what is above is hashed. */
const maxKeptBytes = 64 * 1024 * 1024;

export class Seen {
  readonly #byHash = new Map<string, Look>();
  readonly #large: { readonly bytes: Buffer; readonly look: Look }[] = [];
  #keptBytes = 0;

  /** The look at these octets, and whether it is still to be taken. `sha256` of them in hex, where it is known. */
  claim(bytes: Buffer, sha256?: string): { readonly look: Look; readonly isNew: boolean } {
    if (bytes.length >= largeBytes) {
      const found = this.#large.find((other) => other.bytes.equals(bytes));
      if (found) return { look: found.look, isNew: false };
      if (this.#keptBytes + bytes.length <= maxKeptBytes) {
        const look = newLook();
        this.#keptBytes += bytes.length;
        this.#large.push({ bytes, look });
        return { look, isNew: true };
      }
    }
    const key = sha256 ?? hash('sha256', bytes);
    const known = this.#byHash.get(key);
    if (known) return { look: known, isNew: false };
    const look = newLook();
    this.#byHash.set(key, look);
    return { look, isNew: true };
  }
}
