// The string instructions: MOVS, CMPS, STOS, LODS, SCAS, alone and repeated (Intel SDM volume 2).
import type { Size } from './arithmetic.ts';
import { eax, ecx, edi, esi, type Processor } from './processor.ts';

/** Rounds of one repeated instruction that are done at once; the rest is done when it is carried out again. */
const roundsAtOnce = 4_096;

function runOnce(processor: Processor, opcode: number, size: Size): void {
  const { registers } = processor;
  const step = processor.df ? -size : size;
  const from = registers[esi] as number;
  const to = registers[edi] as number;
  const source = (from + processor.segmentBase) | 0;
  switch (opcode & ~1) {
    case 0xa4:
      processor.write(to, size, processor.read(source, size));
      registers[esi] = from + step;
      registers[edi] = to + step;
      return;
    case 0xa6:
      processor.combine(7, processor.read(source, size), processor.read(to, size), size);
      registers[esi] = from + step;
      registers[edi] = to + step;
      return;
    case 0xaa:
      processor.write(to, size, registers[eax] as number);
      registers[edi] = to + step;
      return;
    case 0xac:
      processor.setRegister(eax, size, processor.read(source, size));
      registers[esi] = from + step;
      return;
    default:
      processor.combine(7, processor.register(eax, size), processor.read(to, size), size);
      registers[edi] = to + step;
  }
}

/** Carries out `opcode`; false: it is no string instruction. */
export function runString(processor: Processor, opcode: number): boolean {
  const isString = (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
  if (!isString) return false;
  const size = (opcode & 1) === 0 ? 1 : processor.size;
  if (processor.repeat === 0) {
    runOnce(processor, opcode, size);
    return true;
  }
  const { registers, memory } = processor;
  const compares = (opcode & ~1) === 0xa6 || (opcode & ~1) === 0xae;
  for (let round = 0; round < roundsAtOnce; round++) {
    if (registers[ecx] === 0) return true;
    runOnce(processor, opcode, size);
    if (memory.fault) return true;
    registers[ecx] = (registers[ecx] as number) - 1;
    processor.extraWork++;
    if (compares && processor.zf !== (processor.repeat === 0xf3)) return true;
  }
  processor.eip = processor.at;
  return true;
}
