// Writes tar archives for tests, header by header.

export interface TarFields {
  readonly name?: string;
  readonly type?: string;
  readonly content?: Buffer;
  /** As the size field says it; absent: the content's. */
  readonly size?: number;
  readonly prefix?: string;
  /** `ustar\0` with its version, GNU's, or none of the old form. */
  readonly magic?: string;
  /** Octets over the header at offsets, before the checksum. */
  readonly over?: readonly (readonly [at: number, octets: Buffer])[];
}

export function tarEntry({
  name = 'a',
  type = '0',
  content = Buffer.alloc(0),
  size = content.length,
  prefix = '',
  magic = 'ustar\x0000',
  over = [],
}: TarFields): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(`        ${type}`, 148);
  header.write(magic, 257, 'latin1');
  header.write(prefix, 345);
  for (const [at, octets] of over) octets.copy(header, at);
  const sum = header.reduce((total, octet) => total + octet, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

export function paxEntry(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = Buffer.byteLength(rest);
    const length = bytes + `${bytes + 3}`.length;
    return `${bytes + `${length}`.length}${rest}`;
  });
  return tarEntry({ name: 'PaxHeader', type: 'x', content: Buffer.from(lines.join('')) });
}

export const tarEnd: Buffer = Buffer.alloc(1_024);
