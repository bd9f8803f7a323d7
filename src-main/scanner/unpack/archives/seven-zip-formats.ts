// The formats that 7-Zip unpacks for us, by what stands in them: signatures, and a second field where a signature alone
// is short enough to stand in other files.

/** Whether the signature (Latin-1) stands at `at`; counted from the end where that is negative. */
function has(bytes: Buffer, at: number, signature: string): boolean {
  const start = at < 0 ? bytes.length + at : at;
  if (start < 0 || start + signature.length > bytes.length) return false;
  for (let i = 0; i < signature.length; i++) if (bytes[start + i] !== signature.charCodeAt(i)) return false;
  return true;
}

/** A number of two octets; -1 where there are none. */
function word(bytes: Buffer, at: number): number {
  return at + 2 <= bytes.length ? bytes.readUInt16LE(at) : -1;
}

/** 7zFormat.txt: properties below 225, a dictionary of 2^n or 2^n + 2^(n-1), a size, a first octet of zero. */
function isLzma(bytes: Buffer): boolean {
  if (bytes.length < 18 || bytes[0] !== 0x5d || bytes[13] !== 0) return false;
  const dictionary = bytes.readUInt32LE(1);
  const highest = 2 ** (31 - Math.clz32(dictionary));
  if (dictionary < 4096 || (dictionary !== highest && dictionary !== highest * 1.5)) return false;
  // Unknown, or below 1 TiB.
  const high = bytes.readUInt32LE(9);
  return high < 256 || (high === 0xffff_ffff && bytes.readUInt32LE(5) === 0xffff_ffff);
}

/** ECMA-119 §8.1 and ECMA-167 §2/9: volume descriptors from the 17th sector on, of 2,048 octets. */
function hasDescriptor(bytes: Buffer, identifiers: readonly string[]): boolean {
  for (let sector = 16; sector < 32; sector++) {
    const at = sector * 2_048 + 1;
    if (at > bytes.length) return false;
    if (identifiers.some((identifier) => has(bytes, at, identifier))) return true;
  }
  return false;
}

/** The basic header: 60 EA, its size, the size of its fixed part, versions. */
function isArj(bytes: Buffer): boolean {
  if (!has(bytes, 0, '\x60\xea')) return false;
  const size = word(bytes, 2);
  const fixedSize = bytes[4] ?? 0;
  return size >= 30 && size <= 2_600 && fixedSize >= 30 && fixedSize <= size;
}

/** A method, and behind it a header of level 0 to 3. */
function isLzh(bytes: Buffer): boolean {
  return /^-l(?:h[0-9a-z]|z[0-9s])-$/.test(bytes.toString('latin1', 2, 7)) && (bytes[20] ?? 255) <= 3;
}

/** Width of codes from 9 to 16 bits, and two bits that must be zero. */
function isCompress(bytes: Buffer): boolean {
  const flags = bytes[2] ?? 0;
  return has(bytes, 0, '\x1f\x9d') && (flags & 0x60) === 0 && (flags & 31) >= 9 && (flags & 31) <= 16;
}

/** Octets of a name that a header of cpio may say. */
const cpioNameBytes = 4_096;

/** cpio(5): old binary headers end with a name that a zero ends. */
function isBinaryCpio(bytes: Buffer): boolean {
  const isBig = has(bytes, 0, '\x71\xc7');
  if (bytes.length < 27 || !(isBig || has(bytes, 0, '\xc7\x71'))) return false;
  const nameBytes = isBig ? bytes.readUInt16BE(20) : bytes.readUInt16LE(20);
  return nameBytes > 1 && nameBytes <= cpioNameBytes && bytes[26 + nameBytes - 1] === 0;
}

function isCpio(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 14);
  return /^07070(?:[12][0-9a-f]{8}|7[0-7]{8})/i.test(start) || isBinaryCpio(bytes);
}

const bootSignature = '\x55\xaa';

function isFat(bytes: Buffer): boolean {
  if (!has(bytes, 510, bootSignature) || (bytes[0] !== 0xeb && bytes[0] !== 0xe9)) return false;
  return has(bytes, 54, 'FAT') || has(bytes, 82, 'FAT32');
}

function isNtfs(bytes: Buffer): boolean {
  return has(bytes, 3, 'NTFS    ') && has(bytes, 510, bootSignature);
}

/** A partition table: each entry active or not, and one that lies within. */
function isPartitioned(bytes: Buffer): boolean {
  if (bytes.length < 1_024 || !has(bytes, 510, bootSignature) || isFat(bytes) || isNtfs(bytes)) return false;
  const entries = [446, 462, 478, 494].map((at) => ({
    status: bytes[at] ?? 0,
    type: bytes[at + 4] ?? 0,
    first: bytes.readUInt32LE(at + 8),
  }));
  const isWithin = ({ type, first }: { type: number; first: number }) =>
    type !== 0 && first > 0 && first * 512 < bytes.length;
  return entries.every(({ status }) => status === 0 || status === 0x80) && entries.some(isWithin);
}

/** Ext2 and later: the magic number, and a block size of at most 64 KiB. */
function isExt(bytes: Buffer): boolean {
  return word(bytes, 1_080) === 0xef53 && bytes.readUInt32LE(1_048) <= 6;
}

interface Format {
  /** By which the sandbox knows it. */
  readonly extension: string;
  /** It holds one stream, which has no name of its own. */
  readonly isStream?: true;
  readonly is: (bytes: Buffer) => boolean;
}

const begins = (extension: string, ...signatures: readonly string[]): Format => ({
  extension,
  is: (bytes) => signatures.some((signature) => has(bytes, 0, signature)),
});

const stream = (format: Format): Format => ({ ...format, isStream: true });

const formats: readonly Format[] = [
  begins('7z', '7z\xbc\xaf\x27\x1c'),
  begins('rar', 'Rar!\x1a\x07\x00'),
  begins('rar5', 'Rar!\x1a\x07\x01\x00'),
  stream(begins('xz', '\xfd7zXZ\x00')),
  stream({
    extension: 'bz2',
    // A block, or the end of a file without any.
    is: (bytes) => has(bytes, 0, 'BZh') && (has(bytes, 4, '1AY&SY') || has(bytes, 4, '\x17rE8P\x90')),
  }),
  stream({ extension: 'lzma', is: isLzma }),
  stream({ extension: 'z', is: isCompress }),
  begins('cab', 'MSCF\0\0\0\0'),
  { extension: 'iso', is: (bytes) => hasDescriptor(bytes, ['CD001']) },
  { extension: 'udf', is: (bytes) => hasDescriptor(bytes, ['NSR02', 'NSR03']) },
  { extension: 'arj', is: isArj },
  { extension: 'lzh', is: isLzh },
  { extension: 'cpio', is: isCpio },
  begins('ar', '!<arch>\n'),
  begins('rpm', '\xed\xab\xee\xdb\x03', '\xed\xab\xee\xdb\x04'),
  begins('wim', 'MSWIM\0\0\0'),
  begins('chm', 'ITSF\x03\0\0\0'),
  begins('hxs', 'ITOLITLS\x01\0\0\0'),
  begins('squashfs', 'hsqs', 'sqsh', 'shsq', 'qshs'),
  begins('cramfs', '\x45\x3d\xcd\x28'),
  begins('xar', 'xar!\0'),
  { extension: 'vhd', is: (bytes) => has(bytes, 0, 'conectix') || has(bytes, -512, 'conectix') },
  begins('vhdx', 'vhdxfile'),
  begins('vmdk', 'KDMV'),
  begins('qcow', 'QFI\xfb'),
  { extension: 'vdi', is: (bytes) => has(bytes, 64, '\x7f\x10\xda\xbe') },
  { extension: 'dmg', is: (bytes) => has(bytes, -512, 'koly\0\0\0\x04\0\0\x02\0') },
  { extension: 'gpt', is: (bytes) => has(bytes, 512, 'EFI PART\0\0\x01\0') },
  { extension: 'mbr', is: (bytes) => !has(bytes, 512, 'EFI PART') && isPartitioned(bytes) },
  { extension: 'fat', is: isFat },
  { extension: 'ntfs', is: isNtfs },
  { extension: 'ext', is: isExt },
  { extension: 'hfs', is: (bytes) => has(bytes, 1_024, 'H+\0\x04') || has(bytes, 1_024, 'HX\0\x05') },
];

/** All formats that `bytes` may be, by the sandbox's names: a CD image is often one by two standards. */
export function sevenZipFormatsOf(bytes: Buffer): readonly Pick<Format, 'extension' | 'isStream'>[] {
  return formats.filter(({ is }) => is(bytes));
}

export function isSevenZip(bytes: Buffer): boolean {
  return formats.some(({ is }) => is(bytes));
}
