import { describe, expect, it } from 'vitest';
import {
  attachment,
  base64Lines,
  message,
  multipart,
  multipartBody,
  part,
  textPart,
  uuencodeLines,
} from '../test-messages.ts';
import { walk } from './walker.ts';

const limits = { mimeDepth: 50, mimeParts: 1_000, headerBytes: 256 * 1024 };

function anomalies(bytes: Buffer): string[] {
  return [...walk(bytes, limits).anomalies].sort();
}

const mixed = (parameters = '; boundary=b'): string => `Content-Type: multipart/mixed${parameters}`;
const encoding = (value: string): string => `Content-Transfer-Encoding: ${value}`;
const data = Buffer.alloc(200, 'data that is no text');
const joined = (...pieces: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)));
const changed = (bytes: Buffer, from: string, to: string): Buffer =>
  Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');

const usual = multipart('b', [textPart, attachment('a.bin', data)]);

describe('what is wrong with a message', () => {
  it.each([
    [
      'two types',
      message(['Content-Type: text/plain', 'Content-Type: text/html'], 'x'),
      ['duplicate-content-type'],
    ],
    [
      'two multipart types of two boundaries',
      message([mixed('; boundary=a'), mixed()], multipartBody('b', [textPart])),
      ['duplicate-boundary'],
    ],
    [
      'two boundaries',
      message([mixed('; boundary=a; boundary=b')], multipartBody('b', [textPart])),
      ['duplicate-boundary'],
    ],
    [
      'two encodings',
      message([encoding('7bit'), encoding('base64')], base64Lines(data)),
      ['duplicate-encoding'],
    ],
    [
      'an encoding that nobody knows',
      message([encoding('base-64')], base64Lines(data)),
      ['unknown-encoding'],
    ],
    [
      'a multipart in base64',
      message([mixed(), encoding('base64')], base64Lines(data)),
      ['data-before-first-part', 'encoded-multipart'],
    ],
    [
      'a multipart without a boundary parameter',
      message([mixed('')], multipartBody('b', [textPart])),
      ['missing-boundary'],
    ],
    [
      'another boundary than the header says',
      message([mixed('; boundary=a')], multipartBody('b', [textPart])),
      ['mismatched-boundary'],
    ],
    ['a multipart that does not end', multipart('b', [textPart], false), ['unterminated-multipart']],
    [
      'a part before the first',
      message([mixed()], joined(attachment('a', data), '\r\n', multipartBody('b', [textPart]))),
      ['data-before-first-part'],
    ],
    [
      'uuencode before the first part',
      message([mixed()], joined(uuencodeLines(data, 'a'), '\r\n', multipartBody('b', [textPart]))),
      ['data-before-first-part'],
    ],
    [
      'a part behind the last',
      joined(multipart('b', [textPart]), attachment('a', data)),
      ['data-after-last-part'],
    ],
    [
      'base64 behind the last part',
      joined(multipart('b', [textPart]), '\r\n', base64Lines(data)),
      ['data-after-last-part'],
    ],
    ['a NUL in a header', changed(usual, 'Content-Type', 'Content\0-Type'), ['nul-in-header']],
    ['a header line that CR alone ends', changed(usual, 'a.bin"\r\n', 'a.bin"\r'), ['bare-cr']],
    ['a blank line in a header', changed(usual, 'a.bin"\r\n', 'a.bin"\r\n \r\n'), ['malformed-header']],
    [
      'a line in a header that is no field',
      changed(usual, 'a.bin"\r\n', 'a.bin"\r\nno field\r\n'),
      ['malformed-header'],
    ],
    ['padding within base64', changed(usual, 'ZGF0YSB0', 'ZGF0YS=B0'), ['malformed-base64']],
    ['other octets within base64', changed(usual, 'ZGF0YSB0', 'ZGF0YS*B0'), ['malformed-base64']],
  ])('is noticed: %s', (_, bytes, expected) => {
    expect(anomalies(bytes)).toEqual(expected);
  });

  it.each([
    ['a usual message', usual],
    ['a text', message(['Content-Type: text/plain'], 'Hello\r\n')],
    ['a message without MIME', message([], 'Hello: x\r\nno field\r\n\r\nContent\r\n')],
    ['the same field twice', message(['Content-Type: text/plain', 'Content-Type: text/plain'], 'x')],
    ['the same encoding twice, in another case', message([encoding('7bit'), encoding('7BIT')], 'x')],
    ['a comment at an encoding', message([encoding('base64 (comment)')], base64Lines(data))],
    [
      'a text before the first part',
      message(
        [mixed()],
        joined('This is a multi-part message in MIME format.\r\n\r\n', multipartBody('b', [textPart])),
      ),
    ],
    [
      'a footer behind the last part',
      joined(
        usual,
        '\r\n_______________________________\r\nlist mailing list\r\n================================================================================\r\n',
      ),
    ],
    ['blanks at the end of base64', joined(message([encoding('base64')], base64Lines(data)), ' \r\n\r\n')],
    ['the first line of a mailbox', joined('From a@b.c Mon Jan  1 00:00:00 2024\r\n', usual)],
    ['lines that LF ends', Buffer.from(usual.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')],
    [
      'a bounce of a message that was cut',
      multipart('r', [
        textPart,
        part(['Content-Type: text/rfc822-headers'], 'Subject: x\r\nContent-Type: text/plain\r\n'),
      ]),
    ],
    ['a text about CR and NUL', message(['Content-Type: text/plain'], 'a\rb\rc\0d\r\n')],
  ])('is nothing: %s', (_, bytes) => {
    expect(anomalies(bytes)).toEqual([]);
  });
});
