// Compressed containers of VBA projects (MS-OVBA §2.4.1).

const chunkBytes = 4096;
const containerSignature = 1;

export interface Decompressed {
  readonly bytes: Buffer;
  /** Octets that were read. */
  readonly inputBytes: number;
  /** Why it ended: the container did; a token points at nothing; more would be too much. */
  readonly end: 'complete' | 'damaged' | 'cut';
}

/** Decompresses the container at the beginning of `bytes`, up to `maxBytes`; what came before damage is kept. */
export function decompressVba(bytes: Buffer, maxBytes: number): Decompressed {
  const chunks: Buffer[] = [];
  let total = 0;
  let at = 1;
  let end: Decompressed['end'] = bytes[0] === containerSignature ? 'complete' : 'damaged';
  while (end === 'complete' && at + 2 < bytes.length) {
    const header = bytes.readUInt16LE(at);
    // §2.4.1.1.5: three bits that are always 3. Where they are not, the container is over.
    if (((header >> 12) & 7) !== 3) break;
    const next = at + 3 + (header & 0xfff);
    const data = bytes.subarray(at + 2, next);
    const chunk = (header & 0x8000) === 0 ? data.subarray(0, chunkBytes) : decompressChunk(data);
    if (total + chunkBytes > maxBytes) end = 'cut';
    else if (!chunk) end = 'damaged';
    else {
      chunks.push(chunk);
      total += chunk.length;
      at = next;
    }
  }
  return { bytes: Buffer.concat(chunks), inputBytes: Math.min(at, bytes.length), end };
}

/** §2.4.1.3.2; undefined: a token points before the beginning. */
function decompressChunk(data: Buffer): Buffer | undefined {
  const out = Buffer.allocUnsafe(chunkBytes);
  let length = 0;
  for (let at = 0; at < data.length; ) {
    const flags = data[at++] ?? 0;
    for (let bit = 0; bit < 8 && at < data.length && length < chunkBytes; bit++) {
      if (((flags >> bit) & 1) === 0) {
        out[length++] = data[at++] ?? 0;
        continue;
      }
      if (at + 2 > data.length) return out.subarray(0, length);
      const token = data.readUInt16LE(at);
      at += 2;
      // §2.4.1.3.19.1: as many bits for the offset as the place needs, four at least.
      const offsetBits = Math.max(4, 32 - Math.clz32(Math.max(0, length - 1)));
      const offset = (token >> (16 - offsetBits)) + 1;
      if (offset > length) return undefined;
      const end = Math.min(length + (token & (0xffff >> offsetBits)) + 3, chunkBytes);
      for (; length < end; length++) out[length] = out[length - offset] ?? 0;
    }
    if (length >= chunkBytes) break;
  }
  return out.subarray(0, length);
}
