// Small helpers on octets: text of protocol lines, and a collector that neither copies large chunks nor keeps one
// object for every tiny one. Message bodies never go through the string helpers.

const blockOctets = 8192;

/** One character per octet (ISO 8859-1), so that `octets(latin1(x))` is `x`. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = '';
  for (let at = from; at < to; at += blockOctets) {
    // Spreading a typed array is four times slower.
    const block: string = Reflect.apply(
      String.fromCharCode,
      undefined,
      bytes.subarray(at, Math.min(to, at + blockOctets)),
    );
    text += block;
  }
  return text;
}

/** The octets of a text whose characters are all below 256. */
export function octets(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Both as one view, where `second` lies right behind `first` in the same memory. */
export function adjoined(first: Uint8Array, second: Uint8Array): Uint8Array | undefined {
  const follows = first.buffer === second.buffer && first.byteOffset + first.length === second.byteOffset;
  return follows ? new Uint8Array(first.buffer, first.byteOffset, first.length + second.length) : undefined;
}

/** Index at which the line's ending (CRLF or LF) begins. */
export function lineEnd(line: Uint8Array): number {
  const lf = line.length - 1;
  return line[lf - 1] === 13 ? lf - 1 : lf;
}

export interface LiteralMark {
  /** Where `{` or `~{` begins in the line. */
  readonly at: number;
  /** Announced octets; Infinity where the number is past what can be counted. */
  readonly size: number;
  /** `{n+}`: its octets follow without a continuation (RFC 7888). */
  readonly nonSync: boolean;
  /** `~{n}`: literal8 (RFC 3516). */
  readonly binary: boolean;
}

/** The literal that a line (with its ending) announces at its end, if it does. Quotes are the caller's business. */
export function literalMark(line: Uint8Array): LiteralMark | undefined {
  let at = lineEnd(line) - 1;
  if (line[at] !== 125) return undefined;
  at--;
  const nonSync = line[at] === 43;
  if (nonSync) at--;
  const lastDigit = at;
  let size = 0;
  let weight = 1;
  for (; at >= 0; at--) {
    const digit = (line[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    size += digit * weight;
    weight *= 10;
  }
  if (at === lastDigit || line[at] !== 123) return undefined;
  const binary = line[at - 1] === 126;
  return {
    at: binary ? at - 1 : at,
    size: Number.isSafeInteger(size) ? size : Number.POSITIVE_INFINITY,
    nonSync,
    binary,
  };
}

/** Whether a quoted string is still open at `to` (RFC 9051 §4.3: none may cross a line). */
export function quoteOpenAt(line: Uint8Array, to: number): boolean {
  let open = false;
  for (let i = line.indexOf(34); i !== -1 && i < to; i++) {
    const octet = line[i];
    if (octet === 34) open = !open;
    else if (octet === 92 && open) i++;
  }
  return open;
}

const tinyOctets = 1024;

/** Collects chunks: large ones as they are, tiny ones copied together (a chunk of one octet costs a hundred). */
export class ByteSink {
  #chunks: Uint8Array[] = [];
  #tail: Uint8Array | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#length += bytes.length;
    const last = this.#chunks.at(-1);
    if (last && bytes.length < tinyOctets) {
      if (this.#tail && last.length + bytes.length <= this.#tail.length) {
        this.#tail.set(bytes, last.length);
        this.#chunks[this.#chunks.length - 1] = this.#tail.subarray(0, last.length + bytes.length);
        return;
      }
      if (!this.#tail && last.length < tinyOctets) {
        this.#tail = new Uint8Array(4 * tinyOctets);
        this.#tail.set(last);
        this.#tail.set(bytes, last.length);
        this.#chunks[this.#chunks.length - 1] = this.#tail.subarray(0, last.length + bytes.length);
        return;
      }
    }
    this.#chunks.push(bytes);
    this.#tail = undefined;
  }

  /** What was collected, as one array; a view where it is one chunk. */
  joined(): Uint8Array {
    const [first] = this.#chunks;
    if (!first) return new Uint8Array(0);
    return this.#chunks.length === 1 ? first : joinBytes(this.#chunks, this.#length);
  }
}

export function joinBytes(
  chunks: readonly Uint8Array[],
  length = chunks.reduce((sum, chunk) => sum + chunk.length, 0),
): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
