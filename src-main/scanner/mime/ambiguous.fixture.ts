// Messages that mail programs read differently, each with something in it that some program would open. Built of a
// carrier (how the content is encoded), a frame (how the part stands in the message) and changes of the whole.
import { base64Lines, message, uuencodeLines } from '../test-messages.ts';
import { carriers, crLf, cte, escaped, latin1 } from './carriers.fixture.ts';
import { frames } from './frames.fixture.ts';

export type Change = (bytes: Buffer) => Buffer;

const toUtf16 = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(bytes.toString('latin1'), 'utf16le')]);

const asMessage =
  (fields: readonly string[], encode: (bytes: Buffer) => string): Change =>
  (bytes) =>
    message(['Content-Type: message/rfc822', ...fields], encode(bytes));

export const changes: Readonly<Record<string, Change>> = {
  none: (bytes) => bytes,
  'lines that LF ends': (bytes) => latin1(bytes.toString('latin1').replaceAll('\r\n', '\n')),
  'lines that CR ends': (bytes) => latin1(bytes.toString('latin1').replaceAll('\r\n', '\r')),
  'lines that CR CR LF ends': (bytes) => latin1(bytes.toString('latin1').replaceAll('\r\n', '\r\r\n')),
  'a mark before it': (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
  'an empty line before it': (bytes) => Buffer.concat([latin1(crLf), bytes]),
  'something before it': (bytes) => Buffer.concat([latin1(`something else${crLf}`), bytes]),
  'the first line of a mailbox before it': (bytes) =>
    Buffer.concat([latin1(`From a@b.c Mon Jan  1 00:00:00 2024${crLf}`), bytes]),
  'NUL in its field names': (bytes) => latin1(bytes.toString('latin1').replaceAll('Content-', 'Cont\0ent-')),
  'NUL behind each of its line ends': (bytes) =>
    latin1(bytes.toString('latin1').replaceAll('\r\nContent-', '\r\n\0Content-')),
  'all of it in UTF-16': toUtf16,
  'all of it in UTF-16, big-endian, without a mark': (bytes) => toUtf16(bytes).subarray(2).swap16(),
  'all of it attached in base64': asMessage([cte('base64')], base64Lines),
  'all of it attached in quoted-printable': asMessage([cte('quoted-printable')], (bytes) =>
    escaped(bytes).replace(/.{72}/g, '$&=\r\n'),
  ),
  'all of it attached in uuencode': asMessage([cte('x-uuencode')], (bytes) => uuencodeLines(bytes, 'e')),
  'all of it in base64': (bytes) => message([cte('base64')], base64Lines(bytes)),
};

/** A message of each kind, by the names of its carrier, its frame and its changes. */
export function ambiguous(
  content: Buffer,
  carrier: string,
  frame: string,
  ...changed: readonly string[]
): Buffer {
  const carry = carriers[carrier];
  const put = frames[frame];
  if (!carry || !put) throw new Error(`${carrier} or ${frame}?`);
  let bytes = put(carry(content));
  for (const name of changed) bytes = changes[name]?.(bytes) ?? bytes;
  return bytes;
}
