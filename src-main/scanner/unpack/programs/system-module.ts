// A system library as a program finds it in memory: headers, a table of exported names, and where each of them is. Packers
// look for it by themselves, to call what they do not import.
import type { Memory } from './memory.ts';

/** Where the library seems to be, and where its functions begin in it. */
export const moduleBase = 0x7d00_0000;
export const firstFunction = moduleBase + 0x1_0000;
export const functionBytes = 16;

/** Functions that a program may ask for; all of them have a place. */
export const maxFunctions = 4_096;

const headerAt = 0x80;
const exportsAt = 0x400;
/** `push imm32` and `ret`: a copy of a function's first octets still leads to it. */
const pushImmediate = 0x68;
const nearReturn = 0xc3;

const moduleName = 'KERNEL32.dll';

/** Lays the library out with functions called `names`, in this order from `firstFunction` on. */
export function layOutModule(memory: Memory, names: readonly string[]): void {
  const sizeBytes = firstFunction - moduleBase + maxFunctions * functionBytes;
  if (!memory.map(moduleBase, sizeBytes)) return;
  const image = Buffer.alloc(firstFunction - moduleBase);
  image.write('MZ', 0, 'latin1');
  image.writeUInt32LE(headerAt, 0x3c);
  image.write('PE\0\0', headerAt, 'latin1');
  image.writeUInt16LE(0x14c, headerAt + 4);
  image.writeUInt16LE(0xe0, headerAt + 20);
  image.writeUInt16LE(0x10b, headerAt + 24);
  image.writeUInt32LE(moduleBase, headerAt + 24 + 28);
  image.writeUInt32LE(sizeBytes, headerAt + 24 + 56);
  image.writeUInt32LE(16, headerAt + 24 + 92);
  image.writeUInt32LE(exportsAt, headerAt + 24 + 96);
  // Sorted, as the loader's own search expects it (PE format, "Export Name Pointer Table").
  const sorted = names.map((name, index) => ({ name, index })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const functionsAt = exportsAt + 40;
  const namesAt = functionsAt + 4 * names.length;
  const ordinalsAt = namesAt + 4 * names.length;
  let textAt = ordinalsAt + 2 * names.length;
  image.writeUInt32LE(textAt, exportsAt + 12);
  image.writeUInt32LE(1, exportsAt + 16);
  image.writeUInt32LE(names.length, exportsAt + 20);
  image.writeUInt32LE(names.length, exportsAt + 24);
  image.writeUInt32LE(functionsAt, exportsAt + 28);
  image.writeUInt32LE(namesAt, exportsAt + 32);
  image.writeUInt32LE(ordinalsAt, exportsAt + 36);
  textAt += image.write(`${moduleName}\0`, textAt, 'latin1');
  for (const [place, { name, index }] of sorted.entries()) {
    image.writeUInt32LE(firstFunction - moduleBase + index * functionBytes, functionsAt + 4 * index);
    image.writeUInt32LE(textAt, namesAt + 4 * place);
    image.writeUInt16LE(index, ordinalsAt + 2 * place);
    textAt += image.write(`${name}\0`, textAt, 'latin1');
  }
  memory.load(moduleBase, image);
  const functions = Buffer.alloc(maxFunctions * functionBytes);
  for (let at = 0; at < functions.length; at += functionBytes) {
    functions[at] = pushImmediate;
    functions.writeUInt32LE(firstFunction + at, at + 1);
    functions[at + 5] = nearReturn;
  }
  memory.load(firstFunction, functions);
}

/** The blocks of process and loader (PEB and PEB_LDR_DATA of winternl.h), at `block`; two modules: the program first. */
export function layOutProcess(
  memory: Memory,
  block: number,
  program: { readonly base: number; readonly sizeBytes: number; readonly entry: number },
): void {
  const loader = block + 0x100;
  const entries = [block + 0x200, block + 0x300];
  const modules = [program, { base: moduleBase, sizeBytes: 0x10_0000, entry: 0 }];
  const put = (address: number, value: number) => memory.write32(address, value);
  put(block + 8, program.base);
  put(block + 12, loader);
  put(loader, 0x28);
  put(loader + 4, 1);
  // The three lists go through the same entries, at 0, 8 and 16 of each.
  for (const list of [0, 8, 16]) {
    const ring = [loader + 12 + list, ...entries.map((entry) => entry + list)];
    for (const [index, link] of ring.entries()) {
      put(link, ring[(index + 1) % ring.length] ?? link);
      put(link + 4, ring[(index + ring.length - 1) % ring.length] ?? link);
    }
  }
  const nameAt = block + 0x400;
  for (const [index, letter] of [...moduleName].entries())
    memory.write16(nameAt + 2 * index, letter.charCodeAt(0));
  for (const [index, { base, sizeBytes, entry }] of modules.entries()) {
    const at = entries[index] ?? block;
    put(at + 0x18, base);
    put(at + 0x1c, entry);
    put(at + 0x20, sizeBytes);
    put(at + 0x2c, (moduleName.length * 2) | ((moduleName.length * 2 + 2) << 16));
    put(at + 0x30, nameAt);
  }
}
