// The memory of an emulated program: pages of 4 KiB where it was given some, nothing elsewhere.

const pageBits = 12;
export const pageBytes = 1 << pageBits;
const pageMask = pageBytes - 1;

/** Octets of all pages together: an image, its stack and what it asks for. Real packed programs need some of them. */
const maxBytes = 48 * 1024 * 1024;

export class Memory {
  /** Offset in `#bytes` of each page, plus one; 0: there is none. */
  readonly #pages = new Int32Array(1 << (32 - pageBits));
  readonly #written = new Uint8Array(1 << (32 - pageBits));
  #bytes: Uint8Array;
  #used = 0;
  /** An access went to an address without memory. Whoever runs the program looks at it and takes it back. */
  fault = false;

  /** @param sizeBytes of what will surely be mapped; more comes as it is needed */
  constructor(sizeBytes: number) {
    this.#bytes = new Uint8Array(Math.min(maxBytes, sizeBytes + 64 * pageBytes));
  }

  /** Gives zeroed memory at [address, address + sizeBytes), where there is none yet; false: that would be too much. */
  map(address: number, sizeBytes: number): boolean {
    const first = address >>> pageBits;
    const last = (address + Math.max(1, sizeBytes) - 1) >>> pageBits;
    const wanted = (last - first + 1) * pageBytes;
    if (last < first || this.#used + wanted > maxBytes) return false;
    while (this.#used + wanted > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(maxBytes, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    for (let page = first; page <= last; page++) {
      if (this.#pages[page] !== 0) continue;
      this.#pages[page] = this.#used + 1;
      this.#used += pageBytes;
    }
    return true;
  }

  #offset(address: number): number {
    const page = this.#pages[address >>> pageBits] as number;
    if (page === 0) {
      this.fault = true;
      return -1;
    }
    return page - 1 + (address & pageMask);
  }

  read8(address: number): number {
    const at = this.#offset(address);
    return at < 0 ? 0 : (this.#bytes[at] as number);
  }

  read16(address: number): number {
    return this.read8(address) | (this.read8((address + 1) | 0) << 8);
  }

  /** As a signed number. */
  read32(address: number): number {
    if ((address & pageMask) > pageBytes - 4)
      return this.read16(address) | (this.read16((address + 2) | 0) << 16);
    const at = this.#offset(address);
    if (at < 0) return 0;
    const bytes = this.#bytes;
    return (
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    );
  }

  write8(address: number, value: number): void {
    const at = this.#offset(address);
    if (at < 0) return;
    this.#bytes[at] = value;
    this.#written[address >>> pageBits] = 1;
  }

  write16(address: number, value: number): void {
    this.write8(address, value);
    this.write8((address + 1) | 0, value >> 8);
  }

  write32(address: number, value: number): void {
    if ((address & pageMask) > pageBytes - 4) {
      this.write16(address, value);
      this.write16((address + 2) | 0, value >> 16);
      return;
    }
    const at = this.#offset(address);
    if (at < 0) return;
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
    this.#written[address >>> pageBits] = 1;
  }

  /** Puts octets there without counting them as written by the program. */
  load(address: number, octets: Uint8Array): void {
    for (let done = 0; done < octets.length; ) {
      const at = this.#offset((address + done) | 0);
      const here = Math.min(octets.length - done, pageBytes - ((address + done) & pageMask));
      if (at >= 0) this.#bytes.set(octets.subarray(done, done + here), at);
      done += here;
    }
    this.fault = false;
  }

  /** A copy; octets without memory are 0. */
  copy(address: number, sizeBytes: number): Buffer {
    const out = Buffer.alloc(sizeBytes);
    for (let done = 0; done < sizeBytes; ) {
      const page = this.#pages[((address + done) >>> pageBits) as number] as number;
      const within = (address + done) & pageMask;
      const here = Math.min(sizeBytes - done, pageBytes - within);
      if (page !== 0) out.set(this.#bytes.subarray(page - 1 + within, page - 1 + within + here), done);
      done += here;
    }
    return out;
  }

  /** Up to `most` octets before a zero, as Latin-1. */
  string(address: number, most: number): string {
    let text = '';
    for (let at = 0; at < most; at++) {
      const octet = this.read8((address + at) | 0);
      if (octet === 0) break;
      text += String.fromCharCode(octet);
    }
    this.fault = false;
    return text;
  }

  /** Whether the program wrote to the page with this address. */
  isWritten(address: number): boolean {
    return this.#written[address >>> pageBits] === 1;
  }
}
