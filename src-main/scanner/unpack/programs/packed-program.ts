// Programs that unpack themselves: their own unpacking code is run in an emulated processor, step by step and within
// limits, until it calls for something that only a program at work needs. What is in its memory then is looked into.
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { Exceptions, handlerReturn } from './exceptions.ts';
import { Memory, pageBytes } from './memory.ts';
import { type PortableExecutable, readPortableExecutable, sectionAt } from './portable-executable.ts';
import { ebp, edi, esi, esp, Processor } from './processor.ts';
import { layOutProcess, moduleBase } from './system-module.ts';
import { Windows } from './windows.ts';
import { step } from './x86.ts';

/** Larger files are hardly packed to be mailed, and would take long. */
const maxFileBytes = 8 * 1024 * 1024;
const maxImageBytes = 24 * 1024 * 1024;

/** Instructions of one program: some dozen for each octet of a megabyte, in less than a second. */
const maxSteps = 15_000_000;

/** Exceptions of one program; packers raise a handful. */
const maxExceptions = 2_000;

const stackTop = 0x0018_0000;
const stackBytes = 256 * 1024;
/** Of the thread (TEB) and, a page behind it, of the process (PEB). */
const threadBlock = 0x7ffd_e000;
const processBlock = threadBlock + pageBytes;
/** Where the program returns to at its end: into the system, whose beginning packers look for from there. */
const processEnd = moduleBase + 0x8000;

/** Import descriptors, and functions of one of them. */
const maxImports = 512;
const importBytes = 20;

/** Whether the headers look as if the program had to write its code before it runs it. */
function looksPacked(program: PortableExecutable): boolean {
  const { sections, entryPoint } = program;
  const entry = sectionAt(program, entryPoint);
  if (!entry) return sections.length > 0;
  return entry.isWritable || sections.indexOf(entry) > 0 || sections.some(({ rawBytes }) => rawBytes === 0);
}

function packedProgramOf(bytes: Buffer): PortableExecutable | undefined {
  if (bytes.length > maxFileBytes) return undefined;
  const program = readPortableExecutable(bytes);
  if (!program || program.entryPoint === 0 || program.imageBytes > maxImageBytes) return undefined;
  return looksPacked(program) ? program : undefined;
}

export function isPackedProgram(bytes: Buffer): boolean {
  return bytes[0] === 0x4d && bytes[1] === 0x5a && packedProgramOf(bytes) !== undefined;
}

/** The image as the loader lays it out; false: it is too large. */
function loadImage(memory: Memory, bytes: Buffer, program: PortableExecutable): boolean {
  const { imageBase, imageBytes, headerBytes, sections } = program;
  if (!memory.map(imageBase, imageBytes + pageBytes)) return false;
  memory.load(imageBase, bytes.subarray(0, headerBytes));
  for (const { address, sizeBytes, rawStart, rawBytes } of sections) {
    if (address >= imageBytes) continue;
    const length = Math.min(rawBytes, Math.ceil(sizeBytes / pageBytes) * pageBytes, imageBytes - address);
    memory.load(imageBase + address, bytes.subarray(rawStart, rawStart + length));
  }
  return true;
}

/** Fills the import address tables. */
function bindImports(memory: Memory, windows: Windows, { imageBase, imports }: PortableExecutable): void {
  if (imports === 0) return;
  let left = maxImports;
  for (let at = imageBase + imports; left > 0; at += importBytes, left--) {
    const lookups = memory.read32(at);
    const names = memory.read32(at + 12);
    const addresses = memory.read32(at + 16);
    if (addresses === 0 || names === 0 || memory.fault) break;
    for (let index = 0; left > 0; index++, left--) {
      const entry = memory.read32(imageBase + (lookups === 0 ? addresses : lookups) + 4 * index);
      if (entry === 0 || memory.fault) break;
      const name = entry < 0 ? `#${entry & 0xffff}` : memory.string(imageBase + entry + 2, 128);
      memory.write32(imageBase + addresses + 4 * index, windows.addressOf(name));
    }
  }
  memory.fault = false;
}

/** Runs the program; answers with its image when it came to run what it had written there. */
function run(bytes: Buffer, program: PortableExecutable): Buffer | undefined {
  const { imageBase, imageBytes, entryPoint } = program;
  const memory = new Memory(imageBytes + stackBytes);
  if (!loadImage(memory, bytes, program)) return undefined;
  memory.map(stackTop - stackBytes, stackBytes + pageBytes);
  memory.map(threadBlock, 2 * pageBytes);
  const processor = new Processor(memory, threadBlock);
  const windows = new Windows(processor, imageBase, bytes);
  const exceptions = new Exceptions(processor);
  bindImports(memory, windows, program);
  memory.write32(threadBlock, -1);
  memory.write32(threadBlock + 4, stackTop);
  memory.write32(threadBlock + 8, stackTop - stackBytes);
  memory.write32(threadBlock + 0x18, threadBlock);
  memory.write32(threadBlock + 0x30, processBlock);
  layOutProcess(memory, processBlock, {
    base: imageBase,
    sizeBytes: imageBytes,
    entry: imageBase + entryPoint,
  });
  processor.registers[esp] = stackTop - 0x100;
  processor.registers[ebp] = stackTop - 0x80;
  processor.registers[esi] = imageBase + entryPoint;
  processor.registers[edi] = imageBase + entryPoint;
  processor.push(processEnd);
  processor.eip = (imageBase + entryPoint) | 0;
  let isUnpacking = false;
  for (let steps = 0, raised = 0; steps + processor.extraWork < maxSteps; steps++) {
    const { eip } = processor;
    if (windows.isFunction(eip)) {
      if (!windows.call()) break;
      continue;
    }
    if (eip === processEnd) break;
    if (eip === handlerReturn) {
      if (!exceptions.resume()) break;
      continue;
    }
    isUnpacking ||= memory.isWritten(eip);
    step(processor);
    const { fault } = processor;
    if (fault === undefined) continue;
    processor.fault = undefined;
    if (++raised > maxExceptions || !exceptions.raise(fault)) break;
  }
  if (!isUnpacking) return undefined;
  const image = memory.copy(imageBase, imageBytes);
  // So that it is not run again: it is unpacked.
  if (program.entryPointAt + 4 <= image.length) image.writeUInt32LE(0, program.entryPointAt);
  return image;
}

/** Yields the unpacked image of a program that unpacks itself, as it lies in memory. */
export function* unpackPackedProgram(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const program = packedProgramOf(bytes);
  if (!program) return;
  // Nothing is compressed that could be out of proportion: an image has the size that its headers say.
  const room = budget.allowance(Number.MAX_SAFE_INTEGER);
  const tooLarge = program.imageBytes > room.octets ? room.code : undefined;
  const over =
    budget.takeMember() ?? tooLarge ?? budget.takeSteps(maxSteps) ?? budget.takeOutput(program.imageBytes);
  if (over !== undefined) {
    yield { kind: 'limit', code: over };
    return;
  }
  const image = run(bytes, program);
  if (image) yield { kind: 'member', name: 'unpacked', bytes: image };
}
