// A processor of the 80386 kind in user mode, as far as programs that unpack themselves use it (Intel SDM volume 2). It
// runs nothing but numbers in an array.
import { eax, ebp, ebx, ecx, edx, esp, type Processor } from './processor.ts';
import { runString } from './x86-strings.ts';
import { runTwoByte } from './x86-two-byte.ts';

/** Prefix octets of one instruction; the processor takes 15 octets in all. */
const maxPrefixes = 14;

/** What a product or quotient of double size costs here, in ordinary instructions. */
const wideWork = 12;

/** Carries out one instruction. `fault` says when that was not possible; `eip` is behind it then, too. */
export function step(cpu: Processor): void {
  cpu.at = cpu.eip;
  cpu.size = 4;
  cpu.segmentBase = 0;
  cpu.repeat = 0;
  let opcode = cpu.fetch8();
  for (let prefixes = 0; prefixes < maxPrefixes; prefixes++) {
    if (opcode === 0x66) cpu.size = 2;
    else if (opcode === 0xf2 || opcode === 0xf3) cpu.repeat = opcode;
    else if (opcode === 0x64) cpu.segmentBase = cpu.threadBlock;
    else if (opcode !== 0x26 && opcode !== 0x2e && opcode !== 0x36 && opcode !== 0x3e && opcode !== 0xf0)
      break;
    opcode = cpu.fetch8();
  }
  if (!cpu.memory.fault) execute(cpu, opcode);
  if (cpu.memory.fault) {
    cpu.memory.fault = false;
    cpu.fault ??= 'access';
  }
}

function execute(cpu: Processor, opcode: number): void {
  if (opcode < 0x40 && (opcode & 7) < 6) arithmetic(cpu, opcode);
  else if (opcode >= 0x40 && opcode < 0x60) registerForms(cpu, opcode);
  else if (opcode >= 0x70 && opcode < 0x80) {
    const distance = cpu.fetchSigned8();
    if (cpu.condition(opcode & 15)) cpu.eip = (cpu.eip + distance) | 0;
  } else if (opcode >= 0x90 && opcode < 0x98) {
    const index = opcode & 7;
    const value = cpu.register(index, cpu.size);
    cpu.setRegister(index, cpu.size, cpu.register(eax, cpu.size));
    cpu.setRegister(eax, cpu.size, value);
  } else if (opcode >= 0xb0 && opcode < 0xb8) cpu.setRegister(opcode & 7, 1, cpu.fetch8());
  else if (opcode >= 0xb8 && opcode < 0xc0)
    cpu.setRegister(opcode & 7, cpu.size, cpu.fetchImmediate(cpu.size));
  else if (opcode >= 0x80 && opcode < 0x90) moves(cpu, opcode);
  else if (!runString(cpu, opcode)) others(cpu, opcode);
}

/** ADD, OR, ADC, SBB, AND, SUB, XOR, CMP in their six forms. */
function arithmetic(cpu: Processor, opcode: number): void {
  const operation = opcode >> 3;
  if ((opcode & 1) === 0) cpu.size = 1;
  if ((opcode & 7) >= 4) {
    const result = cpu.combine(
      operation,
      cpu.register(eax, cpu.size),
      cpu.fetchImmediate(cpu.size),
      cpu.size,
    );
    if (operation !== 7) cpu.setRegister(eax, cpu.size, result);
    return;
  }
  cpu.operands();
  const register = cpu.register(cpu.middle, cpu.size);
  const toRegister = (opcode & 2) !== 0;
  const { operand } = cpu;
  const result = toRegister
    ? cpu.combine(operation, register, operand, cpu.size)
    : cpu.combine(operation, operand, register, cpu.size);
  if (operation === 7) return;
  if (toRegister) cpu.setRegister(cpu.middle, cpu.size, result);
  else cpu.operand = result;
}

/** INC, DEC, PUSH, POP of a register. */
function registerForms(cpu: Processor, opcode: number): void {
  const index = opcode & 7;
  if (opcode < 0x50)
    cpu.setRegister(
      index,
      cpu.size,
      cpu.increment(cpu.register(index, cpu.size), opcode < 0x48 ? 1 : -1, cpu.size),
    );
  else if (opcode < 0x58) cpu.push(cpu.registers[index] as number);
  else cpu.registers[index] = cpu.pop();
}

function moves(cpu: Processor, opcode: number): void {
  if ((opcode & 1) === 0 && opcode !== 0x8e && opcode !== 0x8c) cpu.size = 1;
  cpu.operands();
  const { size } = cpu;
  if (opcode < 0x84) {
    const { operand, middle } = cpu;
    const value = opcode === 0x81 ? cpu.fetchImmediate(size) : cpu.fetchSigned8();
    const result = cpu.combine(middle, operand, value, size);
    if (middle !== 7) cpu.operand = result;
  } else if (opcode < 0x86) cpu.combine(4, cpu.operand, cpu.register(cpu.middle, size), size);
  else if (opcode < 0x88) {
    const { operand } = cpu;
    cpu.operand = cpu.register(cpu.middle, size);
    cpu.setRegister(cpu.middle, size, operand);
  } else if (opcode < 0x8a) cpu.operand = cpu.register(cpu.middle, size);
  else if (opcode < 0x8c) cpu.setRegister(cpu.middle, size, cpu.operand);
  else if (opcode === 0x8d) {
    // LEA: no segment, no memory.
    if (cpu.isRegister) cpu.fault = 'illegal';
    else cpu.setRegister(cpu.middle, size, (cpu.address - cpu.segmentBase) | 0);
  } else if (opcode === 0x8f) cpu.operand = cpu.pop();
  // Segment registers are what they are.
  else if (opcode === 0x8c) cpu.operand = 0x23;
}

function others(cpu: Processor, opcode: number): void {
  const { registers } = cpu;
  switch (opcode) {
    case 0x0f:
      runTwoByte(cpu);
      return;
    case 0x06:
    case 0x0e:
    case 0x16:
    case 0x1e:
      cpu.push(0x23);
      return;
    case 0x07:
    case 0x17:
    case 0x1f:
      cpu.pop();
      return;
    case 0x60: {
      const top = registers[esp] as number;
      for (let index = 0; index < 8; index++) cpu.push(index === esp ? top : (registers[index] as number));
      return;
    }
    case 0x61:
      for (let index = 7; index >= 0; index--) {
        const value = cpu.pop();
        if (index !== esp) registers[index] = value;
      }
      return;
    case 0x68:
      cpu.push(cpu.fetchImmediate(cpu.size));
      return;
    case 0x6a:
      cpu.push(cpu.fetchSigned8());
      return;
    case 0x69:
    case 0x6b: {
      cpu.operands();
      const { operand } = cpu;
      const factor = opcode === 0x69 ? cpu.fetchImmediate(cpu.size) : cpu.fetchSigned8();
      cpu.setRegister(cpu.middle, cpu.size, cpu.multiply(operand, factor, cpu.size));
      return;
    }
    case 0x98:
      if (cpu.size === 4) registers[eax] = cpu.register(eax, 2);
      else cpu.setRegister(eax, 2, cpu.register(eax, 1));
      return;
    case 0x99:
      cpu.setRegister(edx, cpu.size, cpu.register(eax, cpu.size) < 0 ? -1 : 0);
      return;
    case 0x9b:
      return;
    case 0x9c:
      cpu.push(cpu.flags);
      return;
    case 0x9d:
      cpu.flags = cpu.pop();
      return;
    case 0x9e:
      cpu.flags = (cpu.flags & ~0xff) | (((registers[eax] as number) >> 8) & 0xff);
      return;
    case 0x9f:
      cpu.setRegister(4, 1, cpu.flags);
      return;
    case 0xa0:
    case 0xa1: {
      if (opcode === 0xa0) cpu.size = 1;
      cpu.setRegister(eax, cpu.size, cpu.read((cpu.fetch32() + cpu.segmentBase) | 0, cpu.size));
      return;
    }
    case 0xa2:
    case 0xa3: {
      if (opcode === 0xa2) cpu.size = 1;
      cpu.write((cpu.fetch32() + cpu.segmentBase) | 0, cpu.size, cpu.register(eax, cpu.size));
      return;
    }
    case 0xa8:
    case 0xa9: {
      if (opcode === 0xa8) cpu.size = 1;
      cpu.combine(4, cpu.register(eax, cpu.size), cpu.fetchImmediate(cpu.size), cpu.size);
      return;
    }
    case 0xd7:
      cpu.setRegister(
        eax,
        1,
        cpu.memory.read8(((registers[ebx] as number) + ((registers[eax] as number) & 0xff)) | 0),
      );
      return;
    case 0xd6:
      cpu.setRegister(eax, 1, cpu.cf ? -1 : 0);
      return;
    default:
      if (opcode >= 0xc0 && opcode < 0xd4) groupC(cpu, opcode);
      else if (opcode >= 0xe0 && opcode < 0xec) jumps(cpu, opcode);
      else if (opcode >= 0xf4) groupF(cpu, opcode);
      else if (opcode >= 0xd8 && opcode < 0xe0) cpu.operands();
      else cpu.fault = 'illegal';
  }
}

function groupC(cpu: Processor, opcode: number): void {
  switch (opcode) {
    case 0xc2: {
      const target = cpu.pop();
      const octets = cpu.memory.read16(cpu.eip);
      cpu.registers[esp] = (cpu.registers[esp] as number) + octets;
      cpu.eip = target;
      return;
    }
    case 0xc3:
      cpu.eip = cpu.pop();
      return;
    case 0xc6:
    case 0xc7:
      if (opcode === 0xc6) cpu.size = 1;
      cpu.operands();
      cpu.operand = cpu.fetchImmediate(cpu.size);
      return;
    case 0xc8: {
      const octets = cpu.fetch8() | (cpu.fetch8() << 8);
      cpu.fetch8();
      cpu.push(cpu.registers[ebp] as number);
      cpu.registers[ebp] = cpu.registers[esp] as number;
      cpu.registers[esp] = (cpu.registers[esp] as number) - octets;
      return;
    }
    case 0xc9:
      cpu.registers[esp] = cpu.registers[ebp] as number;
      cpu.registers[ebp] = cpu.pop();
      return;
    case 0xcc:
      cpu.fault = 'breakpoint';
      return;
    case 0xcd:
      cpu.fault = cpu.fetch8() === 3 ? 'breakpoint' : 'access';
      return;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      if ((opcode & 1) === 0) cpu.size = 1;
      cpu.operands();
      const { operand } = cpu;
      const count = opcode < 0xd0 ? cpu.fetch8() : opcode < 0xd2 ? 1 : (cpu.registers[ecx] as number);
      cpu.operand = cpu.shift(cpu.middle, operand, count, cpu.size);
      return;
    }
    default:
      cpu.fault = 'illegal';
  }
}

function jumps(cpu: Processor, opcode: number): void {
  switch (opcode) {
    case 0xe0:
    case 0xe1:
    case 0xe2: {
      const distance = cpu.fetchSigned8();
      const left = ((cpu.registers[ecx] as number) - 1) | 0;
      cpu.registers[ecx] = left;
      if (left !== 0 && (opcode === 0xe2 || cpu.zf === (opcode === 0xe1))) cpu.eip = (cpu.eip + distance) | 0;
      return;
    }
    case 0xe3: {
      const distance = cpu.fetchSigned8();
      if (cpu.registers[ecx] === 0) cpu.eip = (cpu.eip + distance) | 0;
      return;
    }
    case 0xe8: {
      const distance = cpu.fetch32();
      cpu.push(cpu.eip);
      cpu.eip = (cpu.eip + distance) | 0;
      return;
    }
    case 0xe9: {
      const distance = cpu.fetch32();
      cpu.eip = (cpu.eip + distance) | 0;
      return;
    }
    case 0xeb: {
      const distance = cpu.fetchSigned8();
      cpu.eip = (cpu.eip + distance) | 0;
      return;
    }
    default:
      cpu.fault = 'privileged';
  }
}

function groupF(cpu: Processor, opcode: number): void {
  switch (opcode) {
    case 0xf5:
      cpu.cf = !cpu.cf;
      return;
    case 0xf6:
    case 0xf7:
      if (opcode === 0xf6) cpu.size = 1;
      cpu.operands();
      unary(cpu);
      return;
    case 0xf8:
    case 0xf9:
      cpu.cf = opcode === 0xf9;
      return;
    case 0xfc:
    case 0xfd:
      cpu.df = opcode === 0xfd;
      return;
    case 0xfe:
    case 0xff:
      if (opcode === 0xfe) cpu.size = 1;
      cpu.operands();
      indirect(cpu);
      return;
    default:
      cpu.fault = 'privileged';
  }
}

/** TEST, NOT, NEG, MUL, IMUL, DIV, IDIV. */
function unary(cpu: Processor): void {
  const { operand, size, middle } = cpu;
  if (middle < 2) cpu.combine(4, operand, cpu.fetchImmediate(size), size);
  else if (middle === 2) cpu.operand = ~operand;
  else if (middle === 3) cpu.operand = cpu.combine(5, 0, operand, size);
  else {
    cpu.extraWork += wideWork;
    if (!cpu.widely(middle, operand, size)) cpu.fault = 'divide';
  }
}

/** INC, DEC, CALL, JMP, PUSH of an operand. */
function indirect(cpu: Processor): void {
  const { operand, middle, size } = cpu;
  if (middle < 2) cpu.operand = cpu.increment(operand, middle === 0 ? 1 : -1, size);
  else if (middle === 2) {
    cpu.push(cpu.eip);
    cpu.eip = operand;
  } else if (middle === 4) cpu.eip = operand;
  else if (middle === 6) cpu.push(operand);
  else cpu.fault = 'illegal';
}
