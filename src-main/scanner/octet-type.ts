// What octets are by what stands at known places in them: the formats that are no text, and those that say what they
// are in their first line.
import type { FileType } from './file-types.ts';

interface Magic {
  readonly octets: Buffer;
  readonly at: number;
  readonly type: FileType;
  /** What else must be true of the octets: a short magic stands in other content too. */
  readonly also?: (bytes: Buffer) => boolean;
}

const magic = (octets: string, type: FileType, also?: Magic['also'], at = 0): Magic => ({
  octets: Buffer.from(octets, 'latin1'),
  at,
  type,
  ...(also && { also }),
});

function has(bytes: Buffer, octets: Buffer, at: number): boolean {
  const end = at + octets.length;
  return at >= 0 && end <= bytes.length && bytes.compare(octets, 0, octets.length, at, end) === 0;
}

/** A DOS header that a loader would take (MS-DOS EXE: pages of 512 octets), and what it points at if it is there. */
function isMz(bytes: Buffer): boolean {
  // What linkers write, and what is left of a program that was cut short.
  if (bytes[2] === 0x90 && bytes[3] === 0) return true;
  if (bytes.length < 0x20) return false;
  if (bytes.length >= 0x40) {
    const at = bytes.readUInt32LE(0x3c);
    if (/^(?:PE\0\0|NE|LE|LX)/.test(bytes.toString('latin1', at, at + 4))) return true;
  }
  const lastPageBytes = bytes.readUInt16LE(2);
  const pages = bytes.readUInt16LE(4);
  const headerParagraphs = bytes.readUInt16LE(8);
  return lastPageBytes <= 512 && pages > 0 && headerParagraphs > 0 && headerParagraphs <= 0x1000;
}

/** Mach-O for several processors and Java classes begin alike: with a small number of them, or a version from 45 on. */
const javaVersionFrom = 43;

const isFat = (bytes: Buffer) => bytes.length >= 8 && bytes.readUInt32BE(4) < javaVersionFrom;

/** Octets at both ends of a zip in which the names that tell its kind are looked for. */
const zipNameAt = 30;
const zipHeadBytes = 2 * 1024;
const zipTailBytes = 16 * 1024;

function zipTypeOf(bytes: Buffer): FileType {
  const head = bytes.subarray(0, zipHeadBytes);
  const tail = bytes.subarray(Math.max(head.length, bytes.length - zipTailBytes));
  const name = '[Content_Types].xml';
  if (head.includes(name, 0, 'latin1') || tail.includes(name, 0, 'latin1')) return 'office-xml';
  if (head.includes('mimetypeapplication/vnd.', 0, 'latin1')) return 'office-xml';
  // The JAR specification has it first; what has it elsewhere may be the sources of one.
  return head.toString('latin1', zipNameAt, zipNameAt + 9) === 'META-INF/' ? 'java-archive' : 'zip';
}

/** MS-CFB §2.6.4: the class of the root entry says what an OLE file is. MSI, its patches and its transforms; mail. */
const rootClasses: readonly Magic[] = [
  magic('\x84\x10\x0c\0', 'installer'),
  magic('\x86\x10\x0c\0', 'installer'),
  magic('\x82\x10\x0c\0', 'installer'),
  magic('\x0b\x0d\x02\0', 'outlook-message'),
];
const classEnd = Buffer.from('00000000c000000000000046', 'hex');
const messageStream = Buffer.from('__properties_version1.0', 'utf16le');

function oleTypeOf(bytes: Buffer): FileType {
  if (bytes.length < 512) return 'ole';
  const shift = bytes.readUInt16LE(0x1e);
  const sector = bytes.readUInt32LE(0x30);
  const at = shift === 9 || shift === 12 ? (sector + 1) * 2 ** shift : bytes.length;
  const known = rootClasses.find(({ octets }) => has(bytes, octets, at + 80));
  if (known && has(bytes, classEnd, at + 84)) return known.type;
  return bytes.subarray(at, at + 4096).includes(messageStream) ? 'outlook-message' : 'ole';
}

/** RFC 5652 §3 in DER or BER: a SEQUENCE that begins with an object identifier of PKCS #7. */
const pkcs7 = Buffer.from('06092a864886f70d0107', 'hex');
const isCms = (bytes: Buffer) => bytes.subarray(0, 16).includes(pkcs7);

/** RFC 9580 §5.1, §5.3: an encrypted message begins with a key packet of version 3 to 6, of some length. */
function isPgp(bytes: Buffer): boolean {
  if (bytes.length <= 32) return false;
  const tag = bytes[0] ?? 0;
  const lengthOctets = tag & 0x40 ? 1 : 1 << (tag & 3);
  const version = bytes[1 + lengthOctets] ?? 0;
  const isLong = lengthOctets === 2 && bytes.readUInt16BE(1) > 64 && bytes.readUInt16BE(1) < 2048;
  const isShort = lengthOctets === 1 && (bytes[1] ?? 0) >= 13 && (bytes[1] ?? 0) < 192;
  return version >= 3 && version <= 6 && (isLong || isShort);
}

/** Words at the beginning stand in texts too. */
const isBinary = (bytes: Buffer) => bytes.subarray(0, 64).includes(0);

/** cpio(5): fields of octal or hexadecimal digits. */
const isCpio = (bytes: Buffer) => /^[0-9a-fA-F]{70}/.test(bytes.toString('latin1', 0, 70));

const zeros = (from: number, to: number) => (bytes: Buffer) =>
  bytes.length >= to && bytes.subarray(from, to).every((octet) => octet === 0);

const riffKind =
  (...kinds: string[]) =>
  (bytes: Buffer) =>
    kinds.includes(bytes.toString('latin1', 8, 12));

const magics: readonly Magic[] = [
  magic('MZ', 'program', isMz),
  magic('\x7fELF', 'elf'),
  magic('\xfe\xed\xfa\xce', 'mach-o'),
  magic('\xfe\xed\xfa\xcf', 'mach-o'),
  magic('\xce\xfa\xed\xfe', 'mach-o'),
  magic('\xcf\xfa\xed\xfe', 'mach-o'),
  magic('\xca\xfe\xba\xbe', 'mach-o', isFat),
  magic('\xca\xfe\xba\xbf', 'mach-o', isFat),
  magic('\xca\xfe\xba\xbe', 'java-class'),
  // MS-SHLLINK §2.1: the header's size and class.
  magic('L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46', 'shortcut'),
  magic('ITSF', 'help', isBinary),
  magic('?_\x03\0', 'help'),
  magic('{\\rt', 'rtf'),
  magic('\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d', 'one-note'),
  magic('7z\xbc\xaf\x27\x1c', '7z'),
  magic('Rar!\x1a\x07', 'rar'),
  magic('RE\x7e\x5e', 'rar'),
  magic('MSCF\0\0\0\0', 'cab'),
  magic('ISc(', 'cab', isBinary),
  magic('\x1f\x8b', 'gzip'),
  magic('BZh', 'bzip2', (bytes) => /^[1-9](?:1AY&SY|.rE8P)/s.test(bytes.toString('latin1', 3, 10))),
  magic('\xfd7zXZ\0', 'xz'),
  magic('\x28\xb5\x2f\xfd', 'zstd'),
  magic('vhdxfile', 'disk-image', isBinary),
  magic('conectix', 'disk-image', isBinary),
  magic('KDMV', 'disk-image', isBinary),
  magic('QFI\xfb', 'disk-image'),
  magic('hsqs', 'disk-image', isBinary),
  magic('\xeb', 'disk-image', (bytes) => bytes[2] === 0x90 && bytes[510] === 0x55 && bytes[511] === 0xaa),
  magic('\x60\xea', 'archive'),
  magic('\x1f\x9d', 'archive'),
  magic('\x1f\xa0', 'archive'),
  magic('LZIP\x01', 'archive'),
  magic('\x5d\0\0', 'archive', (bytes) => bytes.length > 13 && (bytes[12] === 0 || bytes[12] === 0xff)),
  magic('SZDD\x88\xf0\x27\x33', 'archive'),
  magic('MSWIM\0\0\0', 'archive'),
  magic('070701', 'archive', isCpio),
  magic('070702', 'archive', isCpio),
  magic('070707', 'archive', isCpio),
  magic('\xc7\x71', 'archive'),
  magic('\x71\xc7', 'archive'),
  magic('\xed\xab\xee\xdb', 'archive'),
  magic('!<arch>\n', 'archive'),
  magic('xar!', 'archive', isBinary),
  magic('ALZ\x01', 'archive'),
  magic('EGGA', 'archive', zeros(12, 14)),
  magic('SIT!', 'archive', isBinary),
  magic('StuffIt ', 'archive', isBinary),
  magic('\x78\x9f\x3e\x22', 'tnef'),
  magic('\x89PNG', 'image'),
  magic('\xff\xd8\xff', 'image'),
  magic('GIF8', 'image'),
  magic('II*\0', 'image'),
  magic('MM\0*', 'image'),
  magic('BM', 'image', zeros(6, 10)),
  magic('\0\0\x01\0', 'image', (bytes) => bytes[4] !== 0 && bytes[5] === 0),
  magic('8BPS\0', 'image'),
  magic('\xd7\xcd\xc6\x9a', 'image'),
  magic('\x01\0\0\0', 'image', (bytes) => bytes.toString('latin1', 40, 44) === ' EMF'),
  magic('RIFF', 'image', riffKind('WEBP', 'ACON')),
  magic('RIFF', 'audio-video', riffKind('WAVE', 'AVI ', 'RMID')),
  magic('ID3', 'audio-video', (bytes) => (bytes[3] ?? 255) < 8),
  magic('OggS\0', 'audio-video'),
  magic('fLaC\0', 'audio-video'),
  magic('MThd\0', 'audio-video'),
  magic('#!AMR\n', 'audio-video'),
  magic('FLV\x01', 'audio-video'),
  magic('\x1a\x45\xdf\xa3', 'audio-video'),
  magic('\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'audio-video'),
  magic('\0\0\x01\xba', 'audio-video'),
  magic('\0\0\x01\xb3', 'audio-video'),
  magic('\xff\xfb', 'audio-video'),
  magic('\xff\xf3', 'audio-video'),
  magic('\xff\xf1', 'audio-video'),
  magic('-----BEGIN PGP MESSAGE', 'pgp'),
  magic('\x84', 'pgp', isPgp),
  magic('\x85', 'pgp', isPgp),
  magic('\x8c', 'pgp', isPgp),
  magic('\xc1', 'pgp', isPgp),
  magic('\xc3', 'pgp', isPgp),
  magic('\x30', 'cms', isCms),
];

/** The same by their first octet: all but a few parts end with one look. */
const byFirstOctet: readonly (readonly Magic[])[] = Array.from({ length: 256 }, (_, octet) =>
  magics.filter(({ octets }) => octets[0] === octet),
);

/** A picture or a film in an ISO base media file (ISO/IEC 14496-12 §4.3), by its brand. */
function mediaTypeOf(bytes: Buffer): FileType | undefined {
  if (bytes.toString('latin1', 4, 8) !== 'ftyp') return undefined;
  return /^(?:hei[cfmsx]|hevc|mif1|msf1|avi[fs])/.test(bytes.toString('latin1', 8, 12))
    ? 'image'
    : 'audio-video';
}

/** ECMA-119 §8.1 and ECMA-167 §2/9.1: volume descriptors stand from octet 32,768 on, also in raw sectors. */
const firstVolume = 0x8001;
const volumeOffsets = [firstVolume, 0x8801, 0x9001, 0x9311];
const volumes = /^(?:CD001|BEA01|NSR0[23]|TEA01|CDROM)/;

/** Where the last sector of fixed VHD and of DMG images begins, from their end. */
const trailerBytes = 512;

/** Formats with a mark that is not at the beginning. */
const furtherMagics: readonly Magic[] = [
  magic('ustar', 'tar', undefined, 257),
  magic('-l', 'archive', (bytes) => /^-l[hz][0-9sdx]-/.test(bytes.toString('latin1', 2, 7)), 2),
  magic('**ACE**', 'archive', undefined, 7),
];

function furtherTypeOf(bytes: Buffer): FileType | undefined {
  const found = furtherMagics.find(
    ({ octets, at, also }) => bytes[at] === octets[0] && has(bytes, octets, at) && (also?.(bytes) ?? true),
  );
  if (found) return found.type;
  if (bytes[4] === 0x66) return mediaTypeOf(bytes);
  if (bytes.length < firstVolume + trailerBytes) return undefined;
  const isVolume = volumeOffsets.some((at) => volumes.test(bytes.toString('latin1', at, at + 5)));
  const trailer = bytes.toString('latin1', bytes.length - trailerBytes, bytes.length - trailerBytes + 8);
  return isVolume || trailer === 'conectix' || trailer.startsWith('koly') ? 'disk-image' : undefined;
}

/** APPNOTE §4.3: a local header, an empty archive, a split one, and one that was split for a while. */
const zipStarts = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08', 'PK00'];
const oleStart = Buffer.from('d0cf11e0a1b11ae1', 'hex');

/** Readers find `%PDF-` anywhere in the first 1,024 octets (PDF 1.7, implementation note 13). */
const pdfStart = Buffer.from('%PDF-');
const pdfProbeBytes = 1024;

/** The type of `bytes` by their octets; undefined: text, or nothing that is known. */
export function binaryTypeOf(bytes: Buffer): FileType | undefined {
  const first = bytes[0];
  if (first === undefined) return undefined;
  if (first === 0x50 && zipStarts.includes(bytes.toString('latin1', 0, 4))) return zipTypeOf(bytes);
  if (first === oleStart[0] && has(bytes, oleStart, 0)) return oleTypeOf(bytes);
  const found = byFirstOctet[first]?.find(
    ({ octets, also }) => has(bytes, octets, 0) && (also?.(bytes) ?? true),
  );
  if (found) return found.type;
  const further = furtherTypeOf(bytes);
  if (further !== undefined) return further;
  return bytes.subarray(0, pdfProbeBytes).includes(pdfStart) ? 'pdf' : undefined;
}
