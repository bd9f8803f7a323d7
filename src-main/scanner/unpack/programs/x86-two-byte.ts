// Instructions behind 0F (Intel SDM volume 2).
import { eax, ebx, ecx, edx, type Processor } from './processor.ts';

/** An i486 that says no more than it must. */
const cpuSignature = 0x0000_0480;

export function runTwoByte(processor: Processor): void {
  const opcode = processor.fetch8();
  const { registers, size } = processor;
  if (opcode >= 0x80 && opcode < 0x90) {
    const distance = processor.fetch32();
    if (processor.condition(opcode & 15)) processor.eip = (processor.eip + distance) | 0;
    return;
  }
  if (opcode >= 0x90 && opcode < 0xa0) {
    processor.size = 1;
    processor.operands();
    processor.operand = processor.condition(opcode & 15) ? 1 : 0;
    return;
  }
  if (opcode >= 0x40 && opcode < 0x50) {
    processor.operands();
    const { operand } = processor;
    if (processor.condition(opcode & 15)) processor.setRegister(processor.middle, size, operand);
    return;
  }
  if (opcode >= 0xc8 && opcode < 0xd0) {
    const value = registers[opcode & 7] as number;
    registers[opcode & 7] =
      (value << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | ((value >> 24) & 0xff);
    return;
  }
  switch (opcode) {
    case 0x1f:
      processor.operands();
      return;
    case 0x31:
      // RDTSC: time that hardly passes.
      registers[eax] = (registers[eax] as number) + 1;
      registers[edx] = 0;
      return;
    case 0xa2:
      registers[eax] = cpuSignature;
      registers[ebx] = 0;
      registers[ecx] = 0;
      registers[edx] = 0;
      return;
    case 0xa0:
    case 0xa8:
      processor.push(0x23);
      return;
    case 0xa1:
    case 0xa9:
      processor.pop();
      return;
    case 0xa4:
    case 0xa5:
    case 0xac:
    case 0xad: {
      processor.operands();
      const { operand } = processor;
      const count = (opcode & 1) === 0 ? processor.fetch8() : (registers[ecx] as number);
      const filler = processor.register(processor.middle, size);
      processor.operand = processor.shiftDouble(opcode < 0xa8, operand, filler, count, size);
      return;
    }
    case 0xa3:
    case 0xab:
    case 0xb3:
    case 0xbb:
      processor.operands();
      testBit(processor, (opcode >> 3) & 3, processor.register(processor.middle, size), true);
      return;
    case 0xba:
      processor.operands();
      testBit(processor, processor.middle & 3, processor.fetch8(), false);
      return;
    case 0xaf: {
      processor.operands();
      const product = processor.multiply(processor.register(processor.middle, size), processor.operand, size);
      processor.setRegister(processor.middle, size, product);
      return;
    }
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf: {
      processor.size = (opcode & 1) === 0 ? 1 : 2;
      processor.operands();
      const { operand } = processor;
      const mask = processor.size === 1 ? 0xff : 0xffff;
      processor.setRegister(processor.middle, size, opcode < 0xb8 ? operand & mask : operand);
      return;
    }
    case 0xbc:
    case 0xbd: {
      processor.operands();
      const value = processor.operand >>> 0;
      processor.zf = value === 0;
      if (value === 0) return;
      const highest = 31 - Math.clz32(value);
      const lowest = 31 - Math.clz32(value & -value);
      processor.setRegister(processor.middle, size, opcode === 0xbc ? lowest : highest);
      return;
    }
    case 0xb0:
    case 0xb1: {
      if (opcode === 0xb0) processor.size = 1;
      processor.operands();
      const { operand } = processor;
      processor.combine(7, processor.register(eax, processor.size), operand, processor.size);
      if (processor.zf) processor.operand = processor.register(processor.middle, processor.size);
      else processor.setRegister(eax, processor.size, operand);
      return;
    }
    case 0xc0:
    case 0xc1: {
      if (opcode === 0xc0) processor.size = 1;
      processor.operands();
      const { operand } = processor;
      const sum = processor.combine(
        0,
        operand,
        processor.register(processor.middle, processor.size),
        processor.size,
      );
      processor.setRegister(processor.middle, processor.size, operand);
      processor.operand = sum;
      return;
    }
    default:
      processor.fault = 'illegal';
  }
}

/** BT, BTS, BTR, BTC (0 to 3). `far`: a bit outside of the operand is looked for in the memory around it. */
function testBit(processor: Processor, operation: number, index: number, far: boolean): void {
  const bits = processor.size * 8;
  if (far && !processor.isRegister)
    processor.address = (processor.address + Math.floor(index / bits) * processor.size) | 0;
  const bit = 1 << (index & (bits - 1));
  const { operand } = processor;
  processor.cf = (operand & bit) !== 0;
  if (operation === 1) processor.operand = operand | bit;
  else if (operation === 2) processor.operand = operand & ~bit;
  else if (operation === 3) processor.operand = operand ^ bit;
}
