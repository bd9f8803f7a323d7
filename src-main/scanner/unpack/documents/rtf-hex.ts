// Puts the hexadecimal digits of RTF together, in the two ways that programs do: leaving out what stands in groups and
// escapes that a strict reader skips, and taking every digit.

const hexValues = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value++) {
  hexValues[value.toString(16).charCodeAt(0)] = value;
  hexValues[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** Octets from pairs of digits, in a buffer that grows and is used again. */
class Octets {
  #bytes = Buffer.alloc(4096);
  #length = 0;
  #high = -1;

  digit(value: number): void {
    if (this.#high === -1) this.#high = value;
    else {
      this.#reserve(1);
      this.#bytes[this.#length++] = (this.#high << 4) | value;
      this.#high = -1;
    }
  }

  append(bytes: Buffer): void {
    this.#reserve(bytes.length);
    bytes.copy(this.#bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Becomes what `other` is now. */
  follow(other: Octets): void {
    this.#length = 0;
    this.append(other.#bytes.subarray(0, other.#length));
    this.#high = other.#high;
  }

  /** A copy of all that came; begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    this.#high = -1;
    return taken;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

export interface HexReadings {
  /** The strict one first; the other one where it differs. */
  readonly readings: readonly Buffer[];
  readonly isHidden: boolean;
}

export class HexSink {
  readonly #strict = new Octets();
  readonly #loose = new Octets();
  #differs = false;
  #isHidden = false;

  /** A character of the data; `isSkipped`: one that strict readers leave out. */
  digit(octet: number, isSkipped: boolean): void {
    const value = hexValues[octet] ?? -1;
    if (value === -1) {
      // Blanks are everyday; other characters are not.
      if (octet > 0x20) this.#isHidden = true;
      return;
    }
    if (isSkipped && !this.#differs) {
      this.#differs = true;
      this.#isHidden = true;
      this.#loose.follow(this.#strict);
    }
    if (!isSkipped) this.#strict.digit(value);
    if (this.#differs) this.#loose.digit(value);
  }

  /** Octets as they are, from `\bin`. */
  raw(bytes: Buffer): void {
    this.#strict.append(bytes);
    if (this.#differs) this.#loose.append(bytes);
  }

  /** Something stands among the digits that nobody writes there who does not hide them. */
  hide(): void {
    this.#isHidden = true;
  }

  /** What came since the last time. */
  take(): HexReadings {
    const readings = this.#differs ? [this.#strict.take(), this.#loose.take()] : [this.#strict.take()];
    const isHidden = this.#isHidden;
    this.#differs = false;
    this.#isHidden = false;
    return { readings, isHidden };
  }
}
