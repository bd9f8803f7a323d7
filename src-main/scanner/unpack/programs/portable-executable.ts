// The headers of a Windows program (Microsoft PE format), as its loader reads them: leniently.
import { programHeadersAt, sectionBytes } from '../archives/program-extent.ts';

export interface Section {
  /** Addresses relative to the image's base. */
  readonly address: number;
  readonly sizeBytes: number;
  readonly rawStart: number;
  readonly rawBytes: number;
  readonly isWritable: boolean;
}

export interface PortableExecutable {
  readonly imageBase: number;
  readonly imageBytes: number;
  readonly headerBytes: number;
  /** Relative to the image's base. */
  readonly entryPoint: number;
  readonly entryPointAt: number;
  readonly sections: readonly Section[];
  /** Relative address of the import directory, or 0. */
  readonly imports: number;
}

/** IMAGE_FILE_MACHINE_I386 and PE32 (not PE32+). */
const i386 = 0x14c;
const pe32 = 0x10b;

/** IMAGE_SCN_MEM_WRITE. */
const writable = 0x8000_0000;

/** Raw data begin at whole sectors, whatever the header says. */
const sectorBytes = 512;
const pageBytes = 4096;

/** The headers of a 32-bit program; undefined: `bytes` are none. */
export function readPortableExecutable(bytes: Buffer): PortableExecutable | undefined {
  const headers = programHeadersAt(bytes, 0);
  if (!headers || headers.magic !== pe32 || headers.optional + 96 > bytes.length) return undefined;
  const { pe, optional, sectionTable: first, sectionCount: count } = headers;
  if (bytes.readUInt16LE(pe + 4) !== i386) return undefined;
  const sections: Section[] = [];
  for (let at = first; sections.length < count && at + sectionBytes <= bytes.length; at += sectionBytes) {
    const rawBytes = bytes.readUInt32LE(at + 16);
    const virtual = bytes.readUInt32LE(at + 8);
    const pointer = bytes.readUInt32LE(at + 20);
    sections.push({
      address: bytes.readUInt32LE(at + 12),
      sizeBytes: virtual === 0 ? rawBytes : virtual,
      rawStart: pointer - (pointer % sectorBytes),
      rawBytes,
      isWritable: (bytes.readUInt32LE(at + 36) & writable) !== 0,
    });
  }
  const directories = bytes.readUInt32LE(optional + 92);
  return {
    imageBase: bytes.readUInt32LE(optional + 28),
    imageBytes: bytes.readUInt32LE(optional + 56),
    headerBytes: Math.min(pageBytes, bytes.readUInt32LE(optional + 60), bytes.length),
    entryPoint: bytes.readUInt32LE(optional + 16),
    entryPointAt: optional + 16,
    sections,
    imports: directories > 1 && optional + 108 <= bytes.length ? bytes.readUInt32LE(optional + 104) : 0,
  };
}

/** The section at a relative address. */
export function sectionAt({ sections }: PortableExecutable, address: number): Section | undefined {
  return sections.find((section) => {
    const sizeBytes = Math.max(section.sizeBytes, section.rawBytes);
    return address >= section.address && address < section.address + sizeBytes;
  });
}
