// Small Windows programs for tests: one section that can be written and run, with given code in it.

const imageBase = 0x40_0000;
const codeAt = 0x1000;
const headerBytes = 0x200;

/** A program whose one section holds `code`, then `data` from offset 0x800 of it on; it imports nothing. */
export function programOf(code: Buffer, data: Buffer = Buffer.alloc(0)): Buffer {
  const section = Buffer.alloc(Math.ceil((0x800 + data.length) / 0x200) * 0x200);
  code.copy(section);
  data.copy(section, 0x800);
  const header = Buffer.alloc(headerBytes);
  const optional = 0x58;
  header.write('MZ', 0, 'latin1');
  header.writeUInt32LE(0x40, 0x3c);
  header.write('PE\0\0', 0x40, 'latin1');
  header.writeUInt16LE(0x14c, 0x44);
  header.writeUInt16LE(1, 0x46);
  header.writeUInt16LE(0xe0, 0x54);
  header.writeUInt16LE(0x10b, optional);
  header.writeUInt32LE(codeAt, optional + 16);
  header.writeUInt32LE(imageBase, optional + 28);
  header.writeUInt32LE(0x1000, optional + 32);
  header.writeUInt32LE(0x200, optional + 36);
  header.writeUInt32LE(codeAt + 0x1000 * Math.ceil(section.length / 0x1000), optional + 56);
  header.writeUInt32LE(headerBytes, optional + 60);
  const table = optional + 0xe0;
  header.writeUInt32LE(section.length, table + 8);
  header.writeUInt32LE(codeAt, table + 12);
  header.writeUInt32LE(section.length, table + 16);
  header.writeUInt32LE(headerBytes, table + 20);
  header.writeUInt32LE(0xe000_0020, table + 36);
  return Buffer.concat([header, section]);
}

/** A program that turns `hidden` from what is in its file into what it is, by XOR with `key`, and then runs on. */
export function packedProgram(hidden: Buffer, key = 0x5a): Buffer {
  const place = imageBase + codeAt + 0x800;
  const code = Buffer.alloc(32);
  // mov esi, place; mov ecx, length; again: xor byte [esi], key; inc esi; loop again; jmp place
  code[0] = 0xbe;
  code.writeUInt32LE(place, 1);
  code[5] = 0xb9;
  code.writeUInt32LE(hidden.length, 6);
  Buffer.from([0x80, 0x36, key, 0x46, 0xe2, 0xfa, 0xe9]).copy(code, 10);
  code.writeInt32LE(0x800 - 21, 17);
  return programOf(code, Buffer.from(hidden.map((octet) => octet ^ key)));
}
