// The state of an emulated processor, and how its instructions name their operands (Intel SDM volume 2 chapter 2): flat
// 32-bit addresses.
import { ArithmeticUnit, type Size } from './arithmetic.ts';
import type { Memory } from './memory.ts';

export const eax = 0;
export const ecx = 1;
export const edx = 2;
export const ebx = 3;
export const esp = 4;
export const ebp = 5;
export const esi = 6;
export const edi = 7;

/** Why an instruction was not carried out. */
export type Fault = 'access' | 'illegal' | 'divide' | 'breakpoint' | 'privileged';

export class Processor extends ArithmeticUnit {
  readonly memory: Memory;
  /** Where the thread's block begins: what FS stands for. */
  readonly threadBlock: number;
  eip = 0;
  /** Where the instruction began that is carried out. */
  at = 0;
  fault: Fault | undefined;
  /** Work that instructions made beyond what an ordinary one makes, in ordinary ones. */
  extraWork = 0;
  /** Of the instruction that is carried out. */
  size: Size = 4;
  segmentBase = 0;
  repeat: 0 | 0xf2 | 0xf3 = 0;
  #modrm = 0;
  /** Of the operand that is in memory. */
  address = 0;

  constructor(memory: Memory, threadBlock: number) {
    super();
    this.memory = memory;
    this.threadBlock = threadBlock;
  }

  fetch8(): number {
    const octet = this.memory.read8(this.eip);
    this.eip = (this.eip + 1) | 0;
    return octet;
  }

  fetch32(): number {
    const value = this.memory.read32(this.eip);
    this.eip = (this.eip + 4) | 0;
    return value;
  }

  fetchSigned8(): number {
    return (this.fetch8() << 24) >> 24;
  }

  /** An immediate of the operand's size. */
  fetchImmediate(size: Size): number {
    if (size === 4) return this.fetch32();
    if (size === 1) return this.fetchSigned8();
    const value = this.memory.read16(this.eip);
    this.eip = (this.eip + 2) | 0;
    return (value << 16) >> 16;
  }

  read(address: number, size: Size): number {
    if (size === 4) return this.memory.read32(address);
    return size === 2 ? (this.memory.read16(address) << 16) >> 16 : (this.memory.read8(address) << 24) >> 24;
  }

  write(address: number, size: Size, value: number): void {
    if (size === 4) this.memory.write32(address, value);
    else if (size === 2) this.memory.write16(address, value);
    else this.memory.write8(address, value);
  }

  register(index: number, size: Size): number {
    const registers = this.registers;
    if (size === 4) return registers[index] as number;
    if (size === 2) return ((registers[index] as number) << 16) >> 16;
    return index < 4
      ? ((registers[index] as number) << 24) >> 24
      : ((registers[index - 4] as number) << 16) >> 24;
  }

  setRegister(index: number, size: Size, value: number): void {
    const registers = this.registers;
    if (size === 4) registers[index] = value;
    else if (size === 2) registers[index] = ((registers[index] as number) & ~0xffff) | (value & 0xffff);
    else if (index < 4) registers[index] = ((registers[index] as number) & ~0xff) | (value & 0xff);
    else registers[index - 4] = ((registers[index - 4] as number) & ~0xff00) | ((value & 0xff) << 8);
  }

  push(value: number): void {
    const top = ((this.registers[esp] as number) - 4) | 0;
    this.memory.write32(top, value);
    this.registers[esp] = top;
  }

  pop(): number {
    const top = this.registers[esp] as number;
    const value = this.memory.read32(top);
    this.registers[esp] = top + 4;
    return value;
  }

  /** Reads the ModRM octet and what belongs to it (SDM volume 2 §2.1.5). */
  operands(): void {
    const modrm = this.fetch8();
    this.#modrm = modrm;
    const mode = modrm >> 6;
    const rm = modrm & 7;
    if (mode === 3) return;
    let address = 0;
    if (rm === 4) {
      const sib = this.fetch8();
      const index = (sib >> 3) & 7;
      const base = sib & 7;
      address = base === 5 && mode === 0 ? this.fetch32() : (this.registers[base] as number);
      if (index !== 4) address += (this.registers[index] as number) << (sib >> 6);
    } else address = rm === 5 && mode === 0 ? this.fetch32() : (this.registers[rm] as number);
    if (mode === 1) address += this.fetchSigned8();
    else if (mode === 2) address += this.fetch32();
    this.address = (address + this.segmentBase) | 0;
  }

  /** The middle three bits of ModRM: a register, or more of the operation. */
  get middle(): number {
    return (this.#modrm >> 3) & 7;
  }

  get isRegister(): boolean {
    return this.#modrm >= 0xc0;
  }

  get operand(): number {
    return this.isRegister ? this.register(this.#modrm & 7, this.size) : this.read(this.address, this.size);
  }

  set operand(value: number) {
    if (this.isRegister) this.setRegister(this.#modrm & 7, this.size, value);
    else this.write(this.address, this.size, value);
  }
}
