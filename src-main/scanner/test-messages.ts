// Messages for the tests of this room: the shapes in which real mail carries attachments, and the known test strings.
import { crc32, deflateRawSync } from 'node:zlib';

/** Assembled, so that no scanner takes this file for the thing itself. */
export const eicar: Buffer = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-', 'ANTIVIRUS-TEST-FILE!', '$H+H*'].join(''),
  'latin1',
);

export const gtube: Buffer = Buffer.from(
  ['XJS*C4JDBQADN1.NSBN3*2IDNEN*', 'GTUBE-STANDARD-ANTI-UBE-', 'TEST-EMAIL*C.34X'].join(''),
  'latin1',
);

export const suspiciousMarker: Buffer = Buffer.from(
  ['POSTERN-SIMULATION-', 'SUSPICIOUS-8e61d3a5720b'].join(''),
  'latin1',
);

/** Base64 in lines of 76 characters. */
export function base64Lines(bytes: Buffer): string {
  return bytes
    .toString('base64')
    .replace(/.{1,76}/g, '$&\r\n')
    .trimEnd();
}

/** Every octet as `=XX`, in soft-broken lines. */
export function quotedPrintableLines(bytes: Buffer): string {
  const escaped = [...bytes].map((octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`);
  return escaped.join('').replace(/(?:=..){24}(?=.)/g, '$&=\r\n');
}

/** The lines from `begin` to `end`. */
export function uuencodeLines(bytes: Buffer, name: string): string {
  const lines = [`begin 644 ${name}`];
  const character = (sextet: number) => (sextet === 0 ? '`' : String.fromCharCode(sextet + 32));
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45);
    let text = character(line.length);
    for (let i = 0; i < line.length; i += 3) {
      const bits = ((line[i] ?? 0) << 16) | ((line[i + 1] ?? 0) << 8) | (line[i + 2] ?? 0);
      for (const shift of [18, 12, 6, 0]) text += character((bits >> shift) & 63);
    }
    lines.push(text);
  }
  return [...lines, '`', 'end'].join('\r\n');
}

/** The lines from `=ybegin` to `=yend`. */
export function yencLines(bytes: Buffer, name: string): Buffer {
  const encoded = [...bytes].flatMap((octet) => {
    const shifted = (octet + 42) & 255;
    return [0, 10, 13, 61].includes(shifted) ? [61, (shifted + 64) & 255] : [shifted];
  });
  return Buffer.concat([
    Buffer.from(`=ybegin line=128 size=${bytes.length} name=${name}\r\n`),
    Buffer.from(encoded),
    Buffer.from('\r\n=yend\r\n'),
  ]);
}

const headerLines = ['From: a@example.test', 'To: b@example.test', 'Subject: t', 'MIME-Version: 1.0'];

/** A message: the usual header, `fields` after it, and a body. */
export function message(fields: readonly string[], body: string | Buffer): Buffer {
  const header = Buffer.from(`${[...headerLines, ...fields].join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([header, typeof body === 'string' ? Buffer.from(body, 'latin1') : body]);
}

export function part(fields: readonly string[], body: string | Buffer): Buffer {
  const header = Buffer.from(fields.map((field) => `${field}\r\n`).join(''), 'latin1');
  return Buffer.concat([
    header,
    Buffer.from('\r\n'),
    typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
  ]);
}

/** A multipart body. `closed: false` leaves the closing boundary out. */
export function multipartBody(boundary: string, parts: readonly Buffer[], closed = true): Buffer {
  const pieces = parts.flatMap((each) => [Buffer.from(`--${boundary}\r\n`), each, Buffer.from('\r\n')]);
  return Buffer.concat([...pieces, Buffer.from(closed ? `--${boundary}--\r\n` : '')]);
}

export function multipart(boundary: string, parts: readonly Buffer[], closed = true): Buffer {
  return message(
    [`Content-Type: multipart/mixed; boundary="${boundary}"`],
    multipartBody(boundary, parts, closed),
  );
}

export function attachment(name: string, content: Buffer): Buffer {
  return part(
    [
      `Content-Type: application/octet-stream; name="${name}"`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="${name}"`,
    ],
    base64Lines(content),
  );
}

export const textPart: Buffer = part(['Content-Type: text/plain; charset=us-ascii'], 'See attachment.\r\n');

export interface ZipMember {
  readonly name: string;
  readonly bytes: Buffer;
  readonly stored?: boolean;
  /** Overrides for headers that lie. */
  readonly local?: { readonly flags?: number; readonly method?: number; readonly size?: number };
  readonly central?: { readonly flags?: number; readonly method?: number; readonly size?: number };
}

/** A zip file with all its records; `parts` to leave some of them out. */
export function zip(
  members: readonly ZipMember[],
  leaveOut: { readonly local?: boolean; readonly central?: boolean } = {},
): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, stored = false, local = {}, central = {} } of members) {
    const data = stored ? bytes : deflateRawSync(bytes);
    const record = (size: number, header: typeof local): Buffer => {
      const buffer = Buffer.alloc(size);
      const at = size === 30 ? 4 : 6;
      buffer.write(size === 30 ? 'PK\x03\x04' : 'PK\x01\x02', 'latin1');
      buffer.writeUInt16LE(20, at);
      buffer.writeUInt16LE(header.flags ?? 0, at + 2);
      buffer.writeUInt16LE(header.method ?? (stored ? 0 : 8), at + 4);
      buffer.writeUInt32LE(crc32(bytes), at + 10);
      buffer.writeUInt32LE(header.size ?? data.length, at + 14);
      buffer.writeUInt32LE(bytes.length, at + 18);
      buffer.writeUInt16LE(Buffer.byteLength(name), at + 22);
      if (size === 46) buffer.writeUInt32LE(offset, 42);
      return buffer;
    };
    if (leaveOut.central !== true) centrals.push(record(46, central), Buffer.from(name));
    const pieces = leaveOut.local === true ? [] : [record(30, local), Buffer.from(name), data];
    locals.push(...pieces);
    offset += pieces.reduce((sum, piece) => sum + piece.length, 0);
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat(leaveOut.central === true ? locals : [...locals, directory, end]);
}

/** A tar file in ustar form. `size`: overrides the size field. */
export function tar(name: string, bytes: Buffer, size = bytes.length): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, octet) => total + octet, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
  return Buffer.concat([header, bytes, padding, Buffer.alloc(1024)]);
}

/** The cases that any scanner of mail must find and make harmless, by name. */
export const infectedMessages: Readonly<Record<string, Buffer>> = {
  'a base64 attachment': multipart('b1', [textPart, attachment('eicar.com', eicar), textPart]),
  'a zip attachment': multipart('b2', [
    textPart,
    attachment('eicar.zip', zip([{ name: 'eicar.com', bytes: eicar }])),
  ]),
  'the plain body': message(['Content-Type: text/plain'], `${eicar.toString('latin1')}\r\n`),
  'a quoted-printable part': multipart('b3', [
    part(
      ['Content-Type: text/plain', 'Content-Transfer-Encoding: quoted-printable'],
      quotedPrintableLines(eicar),
    ),
    textPart,
  ]),
  'a nested message': multipart('b4', [
    textPart,
    part(
      ['Content-Type: message/rfc822', 'Content-Disposition: attachment; filename="forwarded.eml"'],
      multipart('b5', [textPart, attachment('eicar.com', eicar)]),
    ),
  ]),
  'an unterminated multipart': multipart('b6', [textPart, attachment('eicar.com', eicar)], false),
  'a uuencoded text': message(
    ['Content-Type: text/plain'],
    `Hello\r\n${uuencodeLines(eicar, 'eicar.com')}\r\nBye\r\n`,
  ),
  'a yEnc text': message([], yencLines(eicar, 'eicar.com')),
  'a binary zip part': multipart('b7', [
    textPart,
    part(
      ['Content-Type: application/zip; name="e.zip"', 'Content-Transfer-Encoding: binary'],
      zip([{ name: 'eicar.com', bytes: eicar }]),
    ),
  ]),
  'a header field': message([`X-Note: ${eicar.toString('latin1')}`], 'Hello\r\n'),
};
