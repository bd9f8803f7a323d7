// Small writers of what stands in Office documents, for tests: VBA projects, packages, records, objects.

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** MS-OVBA §2.4.1.3.6, the slow way: each chunk's longest matches. */
export function compressVba(text: Buffer | string): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const chunks: Buffer[] = [Buffer.from([1])];
  for (let at = 0; at < bytes.length; at += 4096) {
    const data = compressChunk(bytes.subarray(at, at + 4096));
    chunks.push(int16(0xb000 | (data.length - 1)), data);
  }
  return Buffer.concat(chunks);
}

function compressChunk(chunk: Buffer): Buffer {
  const out: number[] = [];
  for (let at = 0; at < chunk.length; ) {
    const flagsAt = out.push(0) - 1;
    for (let bit = 0; bit < 8 && at < chunk.length; bit++) {
      const offsetBits = Math.max(4, Math.ceil(Math.log2(Math.max(1, at))));
      const mostLength = (0xffff >> offsetBits) + 3;
      let best = { length: 0, offset: 0 };
      for (let offset = 1; offset <= at && offset <= 1 << offsetBits; offset++) {
        let length = 0;
        while (
          length < mostLength &&
          at + length < chunk.length &&
          chunk[at + length] === chunk[at + length - offset]
        )
          length++;
        if (length > best.length) best = { length, offset };
      }
      if (best.length >= 3) {
        const token = ((best.offset - 1) << (16 - offsetBits)) | (best.length - 3);
        out.push(token & 0xff, token >> 8);
        out[flagsAt] = (out[flagsAt] ?? 0) | (1 << bit);
        at += best.length;
      } else out.push(chunk[at++] ?? 0);
    }
  }
  return Buffer.from(out);
}

const attribute = (name: string) => `Attribute VB_Name = "${name}"\r\n`;

/** The streams of a VBA project below `storage`; compiled code stands before each module's source. */
export function vbaProject(
  modules: Readonly<Record<string, string>>,
  storage = 'Macros',
): Record<string, Buffer> {
  const compiled = Buffer.alloc(40, 0x91);
  const record = (id: number, data: Buffer) => Buffer.concat([int16(id), int32(data.length), data]);
  const directory = [record(1, int32(3)), Buffer.concat([int16(9), int32(4), int32(1), int16(1)])];
  const streams: Record<string, Buffer> = {
    [`${storage}/VBA/_VBA_PROJECT`]: Buffer.from('cc61ffff0000', 'hex'),
  };
  for (const [name, code] of Object.entries(modules)) {
    const latin1 = Buffer.from(name, 'latin1');
    directory.push(record(0x19, latin1), record(0x1a, latin1), record(0x32, Buffer.from(name, 'utf16le')));
    directory.push(record(0x31, int32(compiled.length)), record(0x2b, Buffer.alloc(0)));
    streams[`${storage}/VBA/${name}`] = Buffer.concat([compiled, compressVba(attribute(name) + code)]);
  }
  streams[`${storage}/VBA/dir`] = compressVba(Buffer.concat(directory));
  return streams;
}

const zeroEnded = (text: string) => Buffer.from(`${text}\0`, 'latin1');

/** What the Packager writes for a file. */
export function packageOf(label: string, path: string, content: Buffer): Buffer {
  return Buffer.concat([
    int16(2),
    zeroEnded(label),
    zeroEnded(path),
    int32(0x00030000),
    int32(path.length + 1),
    zeroEnded(path),
    int32(content.length),
    content,
  ]);
}

/** `\x01Ole10Native`. */
export function nativeOf(data: Buffer): Buffer {
  return Buffer.concat([int32(data.length), data]);
}

/** An OLE 1 object (MS-OLEDS §2.2.5). */
export function ole1Of(className: string, data: Buffer): Buffer {
  const name = zeroEnded(className);
  return Buffer.concat([
    int32(0x501),
    int32(2),
    int32(name.length),
    name,
    int32(0),
    int32(0),
    int32(data.length),
    data,
  ]);
}

/** A record of a Workbook stream. */
export function biff(type: number, ...data: readonly Buffer[]): Buffer {
  const content = Buffer.concat(data);
  return Buffer.concat([int16(type), int16(content.length), content]);
}

/** A formula's record in a macro sheet or a sheet (MS-XLS §2.4.127). */
function biffFormula(tokens: Buffer): Buffer {
  return biff(0x06, Buffer.alloc(20), int16(tokens.length), tokens);
}

/** A text, then a call of one argument: `EXEC("calc")`. */
export function callTokens(text: string, functionCode: number): Buffer {
  return Buffer.concat([
    Buffer.from([0x17, text.length, 0]),
    Buffer.from(text, 'latin1'),
    Buffer.from([0x42, 1]),
    int16(functionCode),
  ]);
}

/** A workbook with one macro sheet, hidden or not, and a name. */
export function macroWorkbook(
  tokens: Buffer,
  name: { builtIn: number } | { text: string },
  hidden = 2,
): Buffer {
  const text = 'builtIn' in name ? String.fromCharCode(name.builtIn) : name.text;
  const flags = 'builtIn' in name ? 0x21 : 0x01;
  return Buffer.concat([
    biff(0x809, int16(0x600), int16(5), Buffer.alloc(12)),
    biff(0x85, int32(200), Buffer.from([hidden, 1, 6, 0]), Buffer.from('Macro1')),
    biff(
      0x18,
      int16(flags),
      Buffer.from([0, text.length]),
      int16(0),
      Buffer.alloc(9),
      Buffer.from(text, 'latin1'),
    ),
    biff(0x0a),
    biff(0x809, int16(0x600), int16(0x40), Buffer.alloc(12)),
    biffFormula(tokens),
    biff(0x0a),
  ]);
}
