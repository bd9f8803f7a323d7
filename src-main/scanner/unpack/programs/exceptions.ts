// Structured exceptions of 32-bit Windows: packers raise them on purpose, to find their way in the handler.
import { eax, ebp, ebx, ecx, edi, edx, esi, esp, type Fault, type Processor } from './processor.ts';

/** EXCEPTION_RECORD and CONTEXT of winnt.h, with their sizes. */
const recordBytes = 80;
const contextBytes = 0x2cc;

/** Offsets in CONTEXT. */
const places: readonly (readonly [register: number, offset: number])[] = [
  [edi, 0x9c],
  [esi, 0xa0],
  [ebx, 0xa4],
  [edx, 0xa8],
  [ecx, 0xac],
  [eax, 0xb0],
  [ebp, 0xb4],
  [esp, 0xc4],
];
const eipOffset = 0xb8;
const flagsOffset = 0xc0;

const codes: Readonly<Record<Fault, number>> = {
  access: 0xc000_0005,
  illegal: 0xc000_001d,
  divide: 0xc000_0094,
  breakpoint: 0x8000_0003,
  privileged: 0xc000_0096,
};

/** No real code is there: a handler that returns to it is done. */
export const handlerReturn = 0x7e00_0000;

/** Handlers end where there is none (EXCEPTION_CHAIN_END). */
const chainEnd = -1;

export class Exceptions {
  readonly #processor: Processor;
  #context = 0;

  constructor(processor: Processor) {
    this.#processor = processor;
  }

  /** Goes on in the handler; false: the program has none, or its stack is gone. */
  raise(fault: Fault): boolean {
    const { memory, registers, threadBlock, at } = this.#processor;
    const frame = memory.read32(threadBlock);
    if (frame === chainEnd || frame === 0) return false;
    const handler = memory.read32((frame + 4) | 0);
    const context = ((registers[esp] as number) - contextBytes) & ~15;
    const record = (context - recordBytes) & ~15;
    memory.write32(record, codes[fault]);
    memory.write32(record + 4, 0);
    memory.write32(record + 12, at);
    memory.write32(record + 16, 0);
    for (let offset = 0; offset < contextBytes; offset += 4) memory.write32(context + offset, 0);
    memory.write32(context, 0x1_003f);
    for (const [register, offset] of places) memory.write32(context + offset, registers[register] as number);
    memory.write32(context + eipOffset, at);
    memory.write32(context + flagsOffset, this.#processor.flags);
    this.#context = context;
    registers[esp] = record;
    for (const argument of [0, context, frame, record, handlerReturn]) this.#processor.push(argument);
    this.#processor.eip = handler;
    const isWhole = !memory.fault;
    memory.fault = false;
    return isWhole;
  }

  /** A handler has returned: goes on as it left the context; false: it did not handle the exception. */
  resume(): boolean {
    const { memory, registers } = this.#processor;
    if (registers[eax] !== 0 || this.#context === 0) return false;
    for (const [register, offset] of places) registers[register] = memory.read32(this.#context + offset);
    this.#processor.eip = memory.read32(this.#context + eipOffset);
    this.#processor.flags = memory.read32(this.#context + flagsOffset);
    return !memory.fault;
  }
}
