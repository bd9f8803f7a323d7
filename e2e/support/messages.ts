// Mail for the tests, in wire form (CRLF): clean messages of many shapes, and infected ones. The harmless test virus is
// put together at run time, so that no file of the project holds it.
import { crc32, deflateRawSync } from 'node:zlib';

export const eicar = [
  'X5O!P%@AP[4\\PZX54(P^)7CC)7}',
  '$EICAR-STANDARD-',
  'ANTIVIRUS-TEST-FILE!',
  '$H+H*',
].join('');

export interface TestMessage {
  readonly name: string;
  /** Octets as a server sends them. */
  readonly wire: Buffer;
  readonly infected: boolean;
}

/** A zip archive with one deflated member. */
function zip(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed]);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02'),
    Buffer.from([20, 0]),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

function base64(content: Buffer): string {
  return `${content.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`;
}

/** Deterministic noise: a small linear congruential generator. */
function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function header(
  name: string,
  subject: string,
  type = 'text/plain; charset=us-ascii',
  encoding = '7bit',
  extra = '',
): string {
  return [
    'Return-Path: <sender@example.test>',
    'Received: from mx.example.test (mx.example.test [192.0.2.1])\r\n\tby mail.example.test; Mon, 01 Jan 2024 10:00:00 +0000',
    'Date: Mon, 01 Jan 2024 10:00:00 +0000',
    'From: Sender <sender@example.test>',
    'To: Alice <alice@example.test>',
    `Subject: ${subject}`,
    `Message-ID: <${name}@example.test>`,
    'MIME-Version: 1.0',
    `${extra}Content-Type: ${type}`,
    `Content-Transfer-Encoding: ${encoding}`,
    '\r\n',
  ].join('\r\n');
}

function part(type: string, body: string, encoding = '7bit', disposition = ''): string {
  const line = disposition === '' ? '' : `Content-Disposition: ${disposition}\r\n`;
  return `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n${line}\r\n${body}`;
}

function multipart(boundary: string, parts: readonly string[]): string {
  return `${parts.map((each) => `--${boundary}\r\n${each}\r\n`).join('')}--${boundary}--\r\n`;
}

const mixed = (boundary: string) => `multipart/mixed; boundary="${boundary}"`;

function attached(
  name: string,
  subject: string,
  file: string,
  content: Buffer,
  type = 'application/octet-stream',
): string {
  return (
    header(name, subject, mixed(`b-${name}`)) +
    multipart(`b-${name}`, [
      part('text/plain; charset=us-ascii', 'See the attachment.\r\n'),
      part(`${type}; name="${file}"`, base64(content), 'base64', `attachment; filename="${file}"`),
      part(
        'text/plain; name="note.txt"',
        'A clean note behind it.\r\n',
        '7bit',
        'attachment; filename="note.txt"',
      ),
    ])
  );
}

function uuencode(content: Buffer): string {
  let text = '';
  for (let at = 0; at < content.length; at += 45) {
    const line = content.subarray(at, at + 45);
    text += String.fromCharCode(32 + line.length);
    for (let i = 0; i < line.length; i += 3) {
      const bits = ((line[i] ?? 0) << 16) | ((line[i + 1] ?? 0) << 8) | (line[i + 2] ?? 0);
      for (const shift of [18, 12, 6, 0]) text += String.fromCharCode(32 + ((bits >> shift) & 63 || 64));
    }
    text += '\r\n';
  }
  return text;
}

/** The mailbox of the tests: one message a shape. `bytes` are latin1 text in wire form. */
export function testMessages(): TestMessage[] {
  const virus = Buffer.from(eicar);
  const inner = attached('inner', 'inner message', 'eicar.com', virus);
  const clean: Record<string, string> = {
    plain: `${header('plain', 'plain text')}Hello world.\r\nSecond line.\r\n`,
    attach: attached('attach', 'a clean attachment', 'data.bin', noise(30_000)),
    nested:
      header('nested', 'nested clean', mixed('n1')) +
      multipart('n1', [part('message/rfc822', `${header('nested-inner', 'inner clean')}inner text\r\n`)]),
    eightbit: `${header('eightbit', 'raw 8-bit \xe4\xf6\xfc', 'text/plain; charset=iso-8859-1', '8bit')}r\xe4w b\xf6dy\r\n`,
    longline: `${header('longline', 'long lines')}${'y'.repeat(6_000)}\r\nend\r\n`,
    dots: `${header('dots', 'dot stuffing')}.\r\n..\r\n.leading dot\r\nmiddle\r\n.\r\nlast line is a dot\r\n.\r\n`,
    from: `${header('from', 'From lines')}From the start\r\n>From quoted\r\n`,
    noeol: `${header('noeol', 'no newline at the end')}last line without newline`,
    empty: header('empty', 'empty body'),
    imapish: `${header('imapish', '"quoted" {10}', undefined, undefined, 'X-Lit: {42}\r\n')}* 1 FETCH (UID 1 BODY[] {5}\r\nhello)\r\na1 OK done\r\n+OK fake\r\n`,
  };
  const infected: Record<string, string> = {
    'eicar-base64': attached('eicar-base64', 'virus in an attachment', 'eicar.com', virus),
    'eicar-zip': attached(
      'eicar-zip',
      'virus in a zip',
      'eicar.zip',
      zip('eicar.com', virus),
      'application/zip',
    ),
    'eicar-inline': `${header('eicar-inline', 'virus as the body')}${eicar}\r\n`,
    'eicar-nested':
      header('eicar-nested', 'virus in a nested message', mixed('n2')) +
      multipart('n2', [
        part('text/plain', 'forwarded:\r\n'),
        part('message/rfc822', inner, '7bit', 'attachment; filename="fwd.eml"'),
      ]),
    'eicar-unterminated':
      `${header('eicar-unterminated', 'never closed', mixed('n3'))}--n3\r\n${part('text/plain', 'open\r\n')}\r\n` +
      `--n3\r\n${part('application/octet-stream', base64(virus), 'base64')}`,
    'eicar-uuencode': `${header('eicar-uuencode', 'virus uuencoded')}begin 644 eicar.com\r\n${uuencode(virus)}\`\r\nend\r\n`,
  };
  const list = (messages: Record<string, string>, isInfected: boolean) =>
    Object.entries(messages).map(([name, text]) => ({
      name,
      wire: Buffer.from(text, 'latin1'),
      infected: isInfected,
    }));
  return [...list(clean, false), ...list(infected, true)];
}

/** A message with one random attachment, so that it is about `sizeBytes` in wire form. */
export function bigMessage(name: string, sizeBytes: number): TestMessage {
  const content = noise(Math.floor((sizeBytes * 57) / 78), 7);
  return {
    name,
    wire: Buffer.from(attached(name, 'a big one', 'big.bin', content), 'latin1'),
    infected: false,
  };
}

/** The virus behind a clean attachment, so that it lies near the end of about `sizeBytes`. */
export function bigInfectedMessage(name: string, sizeBytes: number): TestMessage {
  const content = noise(Math.floor((sizeBytes * 57) / 78), 11);
  const wire =
    header(name, 'a virus behind a big one', mixed(`b-${name}`)) +
    multipart(`b-${name}`, [
      part('application/octet-stream; name="big.bin"', base64(content), 'base64', 'attachment'),
      part('application/octet-stream; name="eicar.com"', base64(Buffer.from(eicar)), 'base64', 'attachment'),
    ]);
  return { name, wire: Buffer.from(wire, 'latin1'), infected: true };
}

/** What must not be found in anything that reached a client: the virus raw or inside base64 in its three alignments. */
export function containsVirus(stored: Buffer): boolean {
  if (stored.includes(eicar)) return true;
  const joined = Buffer.from(stored.toString('latin1').replace(/[\r\n]/g, ''), 'latin1');
  for (let shift = 0; shift < 3; shift++) {
    const encoded = Buffer.from('x'.repeat(shift) + eicar).toString('base64');
    // Whole groups of four that depend on the virus alone.
    if (joined.includes(encoded.slice(shift === 0 ? 0 : 4, 80))) return true;
  }
  return false;
}

/** Messages of about 7 KB, each with a text and a small attachment. */
export function smallMessages(count: number): TestMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `small-${i}`;
    const text = `${`Line ${i} of ordinary text, as mail has it.\r\n`.repeat(50)}`;
    const wire =
      header(name, `message ${i}`, mixed(`s-${i}`)) +
      multipart(`s-${i}`, [
        part('text/plain; charset=utf-8', text),
        part(
          'application/octet-stream; name="a.bin"',
          base64(noise(3_000, i + 1)),
          'base64',
          'attachment; filename="a.bin"',
        ),
      ]);
    return { name, wire: Buffer.from(wire, 'latin1'), infected: false };
  });
}
