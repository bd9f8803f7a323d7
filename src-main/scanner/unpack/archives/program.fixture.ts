// Makes Windows programs for tests: headers and one section, and what may stand behind it.

export interface Program {
  readonly section?: Buffer;
  readonly overlay?: Buffer;
  readonly certificates?: Buffer;
  /** Octets of its second signature: PE32 or PE32+. */
  readonly magic?: 0x10b | 0x20b;
}

const headerBytes = 0x400;

export function makeProgram({
  section = Buffer.from('code'),
  overlay = Buffer.alloc(0),
  certificates = Buffer.alloc(0),
  magic = 0x10b,
}: Program = {}): Buffer {
  const header = Buffer.alloc(headerBytes);
  const pe = 0x80;
  const optional = pe + 24;
  const directories = optional + (magic === 0x10b ? 96 : 112);
  header.write('MZ');
  header.writeUInt32LE(pe, 0x3c);
  header.write('PE\0\0', pe, 'latin1');
  header.writeUInt16LE(1, pe + 6);
  header.writeUInt16LE(directories + 128 - optional, pe + 20);
  header.writeUInt16LE(magic, optional);
  header.writeUInt32LE(16, directories - 4);
  if (certificates.length > 0) {
    header.writeUInt32LE(headerBytes + section.length + overlay.length, directories + 32);
    header.writeUInt32LE(certificates.length, directories + 36);
  }
  const table = directories + 128;
  header.write('.text', table);
  header.writeUInt32LE(section.length, table + 8);
  header.writeUInt32LE(0x1000, table + 12);
  header.writeUInt32LE(section.length, table + 16);
  header.writeUInt32LE(headerBytes, table + 20);
  return Buffer.concat([header, section, overlay, certificates]);
}
