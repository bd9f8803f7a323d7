// Lists of MAPI properties as TNEF carries them (MS-OXTNEF 2.1.3.4), with the values that hold files or names.
import { utf16Text } from '../../utf16.ts';

/** Properties of one list that are read; real ones have up to 200. */
const maxProperties = 4_096;

/** Values of one property that are read. */
const maxValues = 1_024;

export interface Property {
  readonly id: number;
  readonly type: number;
  readonly value: Buffer;
}

/** Property types (MS-OXCDATA 2.11.1) of values that say their own length. */
const variable = new Set([0x0d, 0x1e, 0x1f, 0x102]);

/** Octets of a value of another type, padded to four. */
const fixedBytes: Readonly<Record<number, number>> = {
  0: 4,
  1: 4,
  2: 4,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 4,
  20: 8,
  64: 8,
  72: 16,
};

const multiple = 0x1000;
const firstNamed = 0x8000;
const guidBytes = 16;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** undefined: there are not so many octets. */
  number(): number | undefined {
    this.#at += 4;
    return this.#at <= this.#bytes.length ? this.#bytes.readUInt32LE(this.#at - 4) : undefined;
  }

  /** So many octets, or what is left of them; what follows is aligned to four. */
  octets(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, Math.min(this.#at + count, this.#bytes.length));
    this.#at += Math.ceil(count / 4) * 4;
    return taken;
  }

  /** Past the name of a named property; false when it is cut. */
  name(): boolean {
    this.octets(guidBytes);
    const kind = this.number();
    const value = this.number();
    if (kind === undefined || value === undefined) return false;
    if (kind === 1) this.octets(value);
    return true;
  }
}

/** @returns the properties before the end or the damage, and whether all are whole */
export function readProperties(bytes: Buffer): {
  readonly properties: readonly Property[];
  readonly isWhole: boolean;
} {
  const properties: Property[] = [];
  const reader = new Reader(bytes);
  const cut = { properties, isWhole: false };
  const count = reader.number();
  if (count === undefined) return cut;
  for (let index = 0; index < count; index++) {
    if (index >= maxProperties) return cut;
    const tag = reader.number();
    if (tag === undefined) return cut;
    const id = tag >>> 16;
    const type = tag & 0x0fff;
    const isMultiple = (tag & multiple) !== 0;
    if (id >= firstNamed && !reader.name()) return cut;
    const values = isMultiple || variable.has(type) ? reader.number() : 1;
    if (values === undefined || values > maxValues) return cut;
    for (let each = 0; each < values; each++) {
      const size = variable.has(type) ? reader.number() : fixedBytes[type];
      if (size === undefined || reader.isAtEnd) {
        if (size === 0) continue;
        return cut;
      }
      const value = reader.octets(size);
      properties.push({ id, type, value });
      if (value.length < size) return cut;
    }
  }
  return { properties, isWhole: true };
}

/** The text of a value (MS-OXCDATA 2.11.1): UTF-16, or 8-bit. */
export function textOf({ type, value }: Property): string {
  return (type === 0x1f ? utf16Text(value) : value.toString('latin1')).replace(/\0[\s\S]*$/, '');
}
