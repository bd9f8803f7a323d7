import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArithmeticUnit, type Size } from './arithmetic.ts';

const operand = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const size = fc.constantFrom<Size>(1, 2, 4);

const narrow = (value: bigint, of: Size) => BigInt.asIntN(of * 8, value);
const wide = (value: bigint, of: Size) => BigInt.asUintN(of * 8, value);

describe('arithmetic is that of the processor', () => {
  it.each([
    [0, (a: bigint, b: bigint) => a + b],
    [5, (a: bigint, b: bigint) => a - b],
  ])('operation %i with carry, overflow, zero and sign', (operation, exact) => {
    fc.assert(
      fc.property(operand, operand, size, (a, b, of) => {
        const unit = new ArithmeticUnit();
        const [x, y] = [narrow(BigInt(a), of), narrow(BigInt(b), of)];
        const result = BigInt(unit.combine(operation, Number(x), Number(y), of));
        expect(result).toBe(narrow(exact(x, y), of));
        expect(unit.of).toBe(exact(x, y) !== result);
        expect(unit.cf).toBe(exact(wide(x, of), wide(y, of)) !== wide(result, of));
        expect([unit.zf, unit.sf]).toEqual([result === 0n, result < 0n]);
      }),
    );
  });

  it('products and quotients of double size undo each other', () => {
    fc.assert(
      fc.property(operand, operand, (a, b) => {
        fc.pre(b !== 0);
        const unit = new ArithmeticUnit();
        unit.registers[0] = a;
        expect(unit.widely(4, b, 4)).toBe(true);
        expect(unit.widely(6, b, 4)).toBe(true);
        expect([unit.registers[0], unit.registers[2]]).toEqual([a, 0]);
      }),
    );
  });

  it('says that a quotient does not fit', () => {
    const unit = new ArithmeticUnit();
    unit.registers[2] = 1;
    expect([unit.widely(6, 1, 4), unit.widely(6, 0, 4)]).toEqual([false, false]);
  });

  it('rotates through any count and back', () => {
    fc.assert(
      fc.property(operand, fc.nat(31), size, (value, count, of) => {
        const unit = new ArithmeticUnit();
        const start = Number(narrow(BigInt(value), of));
        expect(unit.shift(1, unit.shift(0, start, count, of), count, of)).toBe(start);
      }),
    );
  });

  it('shifts as JavaScript does, and keeps what falls out in the carry', () => {
    fc.assert(
      fc.property(operand, fc.integer({ min: 1, max: 31 }), (value, count) => {
        const unit = new ArithmeticUnit();
        expect(unit.shift(4, value, count, 4)).toBe(value << count);
        expect(unit.cf).toBe(((value >>> (32 - count)) & 1) === 1);
        expect(unit.shift(5, value, count, 4)).toBe((value >>> count) | 0);
        expect(unit.cf).toBe(((value >>> (count - 1)) & 1) === 1);
        expect(unit.shift(7, value, count, 4)).toBe(value >> count);
      }),
    );
  });

  it('gives its flags as one word and takes them back', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), (word) => {
        const unit = new ArithmeticUnit();
        unit.flags = word;
        expect(unit.flags & 0xcc5).toBe(word & 0xcc5);
      }),
    );
  });
});
