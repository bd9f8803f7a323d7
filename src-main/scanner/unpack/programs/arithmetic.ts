// Registers, flags and arithmetic of an emulated processor (Intel SDM volume 1 §3.4). Values of all sizes are kept as
// signed numbers.

/** Octets of an operand. */
export type Size = 1 | 2 | 4;

const carry = 0x001;
const parity = 0x004;
const zero = 0x040;
const sign = 0x080;
const direction = 0x400;
const overflow = 0x800;
/** Bit 1 is always set, and interrupts are on. */
const constant = 0x202;

function signed(value: number, size: Size): number {
  return size === 4 ? value | 0 : size === 2 ? (value << 16) >> 16 : (value << 24) >> 24;
}

function unsigned(value: number, size: Size): number {
  return size === 4 ? value >>> 0 : size === 2 ? value & 0xffff : value & 0xff;
}

export class ArithmeticUnit {
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI. */
  readonly registers = new Int32Array(8);
  cf = false;
  of = false;
  zf = false;
  sf = false;
  df = false;
  /** The octet whose parity the parity flag tells. */
  #parity = 0;

  get flags(): number {
    return (
      constant |
      (this.cf ? carry : 0) |
      (this.#isEven() ? parity : 0) |
      (this.zf ? zero : 0) |
      (this.sf ? sign : 0) |
      (this.df ? direction : 0) |
      (this.of ? overflow : 0)
    );
  }

  set flags(value: number) {
    this.cf = (value & carry) !== 0;
    this.#parity = (value & parity) !== 0 ? 0 : 1;
    this.zf = (value & zero) !== 0;
    this.sf = (value & sign) !== 0;
    this.df = (value & direction) !== 0;
    this.of = (value & overflow) !== 0;
  }

  #isEven(): boolean {
    let octet = this.#parity & 0xff;
    octet ^= octet >> 4;
    octet ^= octet >> 2;
    octet ^= octet >> 1;
    return (octet & 1) === 0;
  }

  /** The sixteen conditions of jumps, sets and moves (SDM volume 2 appendix B.1.4.7). */
  condition(code: number): boolean {
    const holds = this.#condition(code >> 1);
    return (code & 1) === 0 ? holds : !holds;
  }

  #condition(which: number): boolean {
    switch (which) {
      case 0:
        return this.of;
      case 1:
        return this.cf;
      case 2:
        return this.zf;
      case 3:
        return this.cf || this.zf;
      case 4:
        return this.sf;
      case 5:
        return this.#isEven();
      case 6:
        return this.sf !== this.of;
      default:
        return this.zf || this.sf !== this.of;
    }
  }

  #conclude(result: number): number {
    this.zf = result === 0;
    this.sf = result < 0;
    this.#parity = result;
    return result;
  }

  /** `operation`: ADD, OR, ADC, SBB, AND, SUB, XOR, CMP as 0 to 7. */
  combine(operation: number, a: number, b: number, size: Size): number {
    switch (operation) {
      case 0:
      case 2: {
        const sum = unsigned(a, size) + unsigned(b, size) + (operation === 2 && this.cf ? 1 : 0);
        const result = signed(sum, size);
        this.cf = sum > unsigned(-1, size);
        this.of = ((a ^ result) & (b ^ result)) < 0;
        return this.#conclude(result);
      }
      case 3:
      case 5:
      case 7: {
        const difference = unsigned(a, size) - unsigned(b, size) - (operation === 3 && this.cf ? 1 : 0);
        const result = signed(difference, size);
        this.cf = difference < 0;
        this.of = ((a ^ b) & (a ^ result)) < 0;
        return this.#conclude(result);
      }
      default: {
        this.cf = false;
        this.of = false;
        return this.#conclude(signed(operation === 1 ? a | b : operation === 4 ? a & b : a ^ b, size));
      }
    }
  }

  /** INC and DEC leave the carry as it is. */
  increment(value: number, by: 1 | -1, size: Size): number {
    const { cf } = this;
    const result = this.combine(by === 1 ? 0 : 5, value, 1, size);
    this.cf = cf;
    return result;
  }

  /** The signed product, cut to the size. */
  multiply(a: number, b: number, size: Size): number {
    const result = size === 4 ? Math.imul(a, b) : signed(a * b, size);
    // Inexact far from what fits alone.
    this.cf = a * b !== result;
    this.of = this.cf;
    return result;
  }

  /** MUL, IMUL, DIV, IDIV (4 to 7) of the accumulator and its extension; false: the quotient does not fit. */
  widely(operation: number, operand: number, size: Size): boolean {
    const bits = BigInt(size * 8);
    const low = this.#accumulator(size);
    const isSigned = (operation & 1) === 1;
    const wide = (value: number) => BigInt(isSigned ? signed(value, size) : unsigned(value, size));
    if (operation < 6) {
      const product = wide(low) * wide(operand);
      this.#setWide(product, size);
      const half = isSigned ? BigInt.asIntN(Number(bits), product) : BigInt.asUintN(Number(bits), product);
      this.cf = half !== product;
      this.of = this.cf;
      return true;
    }
    const divisor = wide(operand);
    if (divisor === 0n) return false;
    const all = (BigInt(unsigned(this.#extension(size), size)) << bits) | BigInt(unsigned(low, size));
    const dividend = isSigned ? BigInt.asIntN(size * 16, all) : all;
    const quotient = dividend / divisor;
    const fits = isSigned
      ? BigInt.asIntN(Number(bits), quotient) === quotient
      : BigInt.asUintN(Number(bits), quotient) === quotient;
    if (!fits) return false;
    const mask = (1n << bits) - 1n;
    this.#setWide((((dividend % divisor) & mask) << bits) | (quotient & mask), size);
    return true;
  }

  #accumulator(size: Size): number {
    return signed(this.registers[0] as number, size);
  }

  /** AH for octets, else DX or EDX. */
  #extension(size: Size): number {
    return size === 1 ? (this.registers[0] as number) >> 8 : (this.registers[2] as number);
  }

  #setWide(value: bigint, size: Size): void {
    const low = Number(BigInt.asIntN(32, value));
    if (size === 1) this.registers[0] = ((this.registers[0] as number) & ~0xffff) | (low & 0xffff);
    else if (size === 2) {
      this.registers[0] = ((this.registers[0] as number) & ~0xffff) | (low & 0xffff);
      this.registers[2] = ((this.registers[2] as number) & ~0xffff) | ((low >> 16) & 0xffff);
    } else {
      this.registers[0] = low;
      this.registers[2] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }

  /** ROL, ROR, RCL, RCR, SHL, SHR, SAL, SAR (0 to 7). */
  shift(operation: number, value: number, by: number, size: Size): number {
    const bits = size * 8;
    const count = by & 31;
    if (count === 0) return value;
    if (operation < 4) return this.#rotate(operation, value, count, size);
    const from = unsigned(value, size);
    let result: number;
    if (operation === 5) {
      this.cf = count <= bits && ((from >>> (count - 1)) & 1) === 1;
      result = count >= bits ? 0 : signed(from >>> count, size);
      this.of = signed(value, size) < 0;
    } else if (operation === 7) {
      const source = signed(value, size);
      this.cf = ((source >> Math.min(count - 1, 31)) & 1) === 1;
      result = source >> Math.min(count, 31);
      this.of = false;
    } else {
      this.cf = count <= bits && ((from >>> (bits - count)) & 1) === 1;
      result = count >= bits ? 0 : signed(from << count, size);
      this.of = this.cf !== result < 0;
    }
    return this.#conclude(result);
  }

  #rotate(operation: number, value: number, by: number, size: Size): number {
    const bits = size * 8;
    const left = (operation & 1) === 0;
    const throughCarry = operation >= 2;
    let result = unsigned(value, size);
    const rounds = by % (throughCarry ? bits + 1 : bits);
    for (let round = 0; round < rounds; round++) {
      const out = left ? (result >>> (bits - 1)) & 1 : result & 1;
      const into = throughCarry ? (this.cf ? 1 : 0) : out;
      result = left ? (result << 1) | into : (result >>> 1) | (into << (bits - 1));
      result = unsigned(result, size);
      this.cf = out === 1;
    }
    const top = (result >>> (bits - 1)) & 1;
    if (!throughCarry && rounds === 0) this.cf = (left ? result & 1 : top) === 1;
    this.of = left ? (top === 1) !== this.cf : top !== ((result >>> (bits - 2)) & 1);
    return signed(result, size);
  }

  /** SHLD and SHRD. */
  shiftDouble(left: boolean, value: number, filler: number, by: number, size: Size): number {
    const bits = size * 8;
    const count = by & 31;
    if (count === 0 || count > bits) return value;
    const a = unsigned(value, size);
    const b = unsigned(filler, size);
    this.cf = ((left ? a >>> (bits - count) : a >>> (count - 1)) & 1) === 1;
    const rest =
      count === bits
        ? b
        : left
          ? (a << count) | (b >>> (bits - count))
          : (a >>> count) | (b << (bits - count));
    const result = signed(rest, size);
    this.of = result < 0 !== signed(value, size) < 0;
    return this.#conclude(result);
  }
}
