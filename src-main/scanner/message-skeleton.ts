// What is left of a message without its content: the header fields that people see something of, and the boundaries.
// Small whatever the message is, and enough to know its sender, its subject and what is attached.
import { type Span, type WalkLimits, walk } from './mime/walker.ts';

/** What nobody reads needs no more: 20 names are shown. */
const limits: WalkLimits = { mimeDepth: 20, mimeParts: 200, headerBytes: 64 * 1024 };

/** Octets of one field, unfolded lines together: the time that it takes to be read grows with them. */
const fieldBytes = 8 * 1024;

/** Octets of a boundary line; RFC 2046 §5.1.1 allows 70 of boundary. */
const boundaryBytes = 250;

/** Octets of all; a message has a few KiB. */
const skeletonBytes = 512 * 1024;

/** A field with its folded lines. */
const fields = /^([!-9;-~]+)[ \t]*:.*(?:\r?\n[ \t].*)*/gm;

const ofMessage = ['from', 'subject', 'date'];
const ofParts = ['content-type', 'content-disposition'];

/** Whether a date can be read: mailparser takes the time of now for one that can't. */
function isDate(field: string): boolean {
  return !Number.isNaN(Date.parse(field.slice(field.indexOf(':') + 1).replace(/\s+/g, ' ')));
}

/** The first of each field that counts, in lines that end in CRLF, and the empty line. */
function fieldsOf(block: string, wanted: readonly string[]): string {
  const found = new Map<string, string>();
  // A bare CR ends a line for some.
  for (const [field, name = ''] of block.replace(/\r(?!\n)/g, '\r\n').matchAll(fields)) {
    const key = name.toLowerCase();
    if (!wanted.includes(key) || found.has(key) || (key === 'date' && !isDate(field))) continue;
    found.set(key, field.slice(0, fieldBytes).replace(/\r?\n/g, '\r\n'));
  }
  return [...found.values(), '', ''].join('\r\n');
}

function textOf(bytes: Buffer, span: Span, next: Span | undefined): string {
  const text = bytes.toString('latin1', span.start, span.end);
  if (span.kind === 'header')
    return fieldsOf(text.replace(/^[\r\n]+/, ''), span.start === 0 ? [...ofMessage, ...ofParts] : ofParts);
  const line = `${text.slice(0, boundaryBytes).trim()}\r\n`;
  const isBeforeHeader = next?.kind === 'header' && next.start === span.end;
  return isBeforeHeader ? line : `${line}\r\n`;
}

/** The skeleton of `message`, as a message. */
export function skeletonOf(message: Buffer): Buffer {
  const start = message
    .subarray(0, limits.headerBytes)
    .findIndex((octet) => octet !== 0x0a && octet !== 0x0d);
  const bytes = message.subarray(Math.max(0, start));
  const { spans } = walk(bytes, limits);
  const pieces: string[] = [];
  let left = skeletonBytes;
  for (const [at, span] of spans.entries()) {
    const text = textOf(bytes, span, spans[at + 1]);
    left -= text.length;
    if (left < 0) break;
    pieces.push(text);
  }
  return Buffer.from(pieces.join(''), 'latin1');
}
