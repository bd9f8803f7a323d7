// Ways in which a part may stand in a message, such that some mail program sees it.
import { base64Lines, message, multipartBody, part, uuencodeLines } from '../test-messages.ts';
import { type Carried, crLf, cte, escaped, inLines, latin1 } from './carriers.fixture.ts';

export type Frame = (carried: Carried) => Buffer;

const type = (parameters: string): string => `Content-Type: multipart/mixed${parameters}`;
const partOf = ({ fields, body }: Carried): Buffer => part(fields, body);
const text = part(['Content-Type: text/plain'], 'hi');
const bodyOf = (boundary: string, carried: Carried, closed = true): Buffer =>
  multipartBody(boundary, [text, partOf(carried)], closed);
const simple =
  (fields: readonly string[], boundary = 'B'): Frame =>
  (carried) =>
    message(fields, bodyOf(boundary, carried));

/** A part whose header goes on behind `line`, for some. */
const inHeader =
  (line: string): Frame =>
  ({ fields, body }) =>
    message(
      [type('; boundary=B')],
      multipartBody('B', [
        Buffer.concat([
          latin1([...fields.slice(0, 1), line, ...fields.slice(1)].map((each) => `${each}${crLf}`).join('')),
          latin1(crLf),
          typeof body === 'string' ? latin1(body) : body,
        ]),
      ]),
    );

/** A part whose header ends with `end`. */
const endingWith =
  (end: string): Frame =>
  ({ fields, body }) =>
    message(
      [type('; boundary=B')],
      Buffer.concat([
        latin1(`--B${crLf}${fields.join(crLf)}${end}`),
        typeof body === 'string' ? latin1(body) : body,
        latin1(`${crLf}--B--${crLf}`),
      ]),
    );

/** The whole multipart, with its boundary lines changed. */
const boundaries =
  (change: (line: string) => string, fields: readonly string[] = [type('; boundary=B')]): Frame =>
  (carried) =>
    message(
      fields,
      latin1(
        bodyOf('B', carried)
          .toString('latin1')
          .replace(/^--B(?:--)?\r$/gm, (line) => `${change(line.slice(0, -1))}\r`),
      ),
    );

const attachedMessage =
  (fields: readonly string[], encode: (bytes: Buffer) => string | Buffer): Frame =>
  (carried) =>
    message(
      [type('; boundary=O')],
      multipartBody('O', [
        text,
        part(['Content-Type: message/rfc822', ...fields], encode(simple([type('; boundary=B')])(carried))),
      ]),
    );

export const frames: Readonly<Record<string, Frame>> = {
  'a usual multipart': simple([type('; boundary="B"')]),
  'the message itself': ({ fields, body }) => message(fields, body),
  'two types, the first counts': simple([type('; boundary=B'), type('; boundary=A')]),
  'two types, the last counts': simple([type('; boundary=A'), type('; boundary=B')]),
  'two types, one no multipart': simple(['Content-Type: text/plain', type('; boundary=B')]),
  'two types, the last no multipart': simple([type('; boundary=B'), 'Content-Type: text/plain']),
  'two boundaries, the first counts': simple([type('; boundary=B; boundary=A')]),
  'two boundaries, the last counts': simple([type('; boundary=A; boundary=B')]),
  'a boundary with blanks around the equals sign': simple([type('; boundary = B')]),
  'a boundary in single quotes': simple([type("; boundary='B'")]),
  'a boundary whose single quotes count': simple([type("; boundary='B'")], "'B'"),
  'a boundary behind a comment': simple([type('; boundary=(comment)B')]),
  'a boundary before a comment': simple([type('; boundary=B (comment)')]),
  'a boundary parameter in a comment': simple([type(' (; boundary=A); boundary=B')]),
  'a boundary with escapes': simple([type('; boundary="\\B"')]),
  'a boundary whose escapes count': simple([type('; boundary="\\B"')], '\\B'),
  'a boundary with an escaped quote': simple([type('; boundary="A\\"B"')], 'A"B'),
  'a boundary that ends at an escaped quote': simple([type('; boundary="B\\"C"')], 'B\\'),
  'a percent-encoded boundary': simple([type("; boundary*=us-ascii''%42")]),
  'a boundary in pieces': simple([type('; boundary*0=B; boundary*1=C')], 'BC'),
  'a boundary in pieces, in another order': simple([type('; boundary*1=C; boundary*0="B"')], 'BC'),
  'a folded boundary': simple([type(';\r\n\tboundary=\r\n B')]),
  'a boundary with a quote that is not closed': simple([type('; boundary="B')]),
  'a boundary with a blank in it': simple([type('; boundary=B C')], 'B C'),
  'a boundary that begins with dashes': simple([type('; boundary=--B')], '--B'),
  'a boundary of dashes': simple([type('; boundary="----"')], '----'),
  'an empty boundary': simple([type('; boundary=""')], ''),
  'no boundary parameter': simple([type('')]),
  'another boundary than it says': simple([type('; boundary=A')]),
  'a boundary of 300 octets': simple([type(`; boundary="${'B'.repeat(300)}"`)], 'B'.repeat(300)),
  'an empty type': simple(['Content-Type:']),
  'no type at all': simple([]),
  'a type with blanks in it': simple(['Content-Type: multipart / mixed ; boundary=B']),
  'a type of an unknown kind': simple(['Content-Type: multipart/x-unknown; boundary=B']),
  'a type of another name': simple(['Content-Typ: multipart/mixed; boundary=B']),
  'a type with a NUL in its name': simple(['Content\0-Type: multipart/mixed; boundary=B']),
  'no MIME-Version': (carried) =>
    Buffer.concat([latin1(`From: a@b.c${crLf}${type('; boundary=B')}${crLf}${crLf}`), bodyOf('B', carried)]),
  'no end': (carried) => message([type('; boundary=B')], bodyOf('B', carried, false)),
  'blanks behind boundaries': boundaries((line) => `${line} \t `),
  'something behind boundaries': boundaries((line) => `${line}xyz`),
  'a NUL in boundaries': boundaries((line) => line.replace('B', 'B\0')),
  'a NUL before boundaries': boundaries((line) => `\0${line}`),
  'a blank before boundaries': boundaries((line) => ` ${line}`),
  'quoting before boundaries': boundaries((line) => `> ${line}`),
  'boundaries in another case': boundaries((line) => line.toLowerCase()),
  'more dashes before boundaries': boundaries((line) => `--${line}`),
  'a part in the preamble': (carried) =>
    message(
      [type('; boundary=B')],
      Buffer.concat([latin1('--A\r\n'), partOf(carried), latin1('\r\n'), multipartBody('B', [text])]),
    ),
  'a part in the preamble without a boundary': (carried) =>
    message(
      [type('; boundary=B')],
      Buffer.concat([partOf(carried), latin1('\r\n'), multipartBody('B', [text])]),
    ),
  'a part behind the end': (carried) =>
    message(
      [type('; boundary=B')],
      Buffer.concat([multipartBody('B', [text]), multipartBody('B', [partOf(carried)])]),
    ),
  'a part behind the end, without a boundary': (carried) =>
    message([type('; boundary=B')], Buffer.concat([multipartBody('B', [text]), partOf(carried)])),
  'a multipart with the same boundary in it': (carried) =>
    message(
      [type('; boundary=B')],
      multipartBody('B', [text, part([type('; boundary=B')], bodyOf('B', carried))]),
    ),
  'two multiparts in it': (carried) =>
    message(
      [type('; boundary=B')],
      multipartBody('B', [part([type('; boundary="B1"')], bodyOf('B1', carried)), text]),
    ),
  'a double of AppleSingle and data': (carried) =>
    message(
      ['Content-Type: multipart/appledouble; boundary=B'],
      multipartBody('B', [
        part(['Content-Type: application/applefile', cte('base64')], base64Lines(Buffer.alloc(60, 1))),
        partOf(carried),
      ]),
    ),
  'an attached message': attachedMessage([], (bytes) => bytes),
  'an attached message in base64': attachedMessage([cte('base64')], base64Lines),
  'an attached message in quoted-printable': attachedMessage([cte('quoted-printable')], (bytes) =>
    escaped(bytes).replace(/.{72}/g, '$&=\r\n'),
  ),
  'an attached message in uuencode': attachedMessage([cte('x-uuencode')], (bytes) =>
    uuencodeLines(bytes, 'e'),
  ),
  'a message in a text': (carried) =>
    message(
      ['Content-Type: text/plain'],
      Buffer.concat([
        latin1('Hello\r\n\r\nFrom a@b.c Mon Jan  1 00:00:00 2024\r\n'),
        simple([type('; boundary=B')])(carried),
      ]),
    ),
  'a bounce': (carried) =>
    message(
      ['Content-Type: multipart/report; boundary=R; report-type=delivery-status'],
      multipartBody('R', [
        text,
        part(['Content-Type: message/delivery-status'], 'Action: failed\r\n'),
        part(['Content-Type: message/rfc822'], simple([type('; boundary=B')])(carried)),
      ]),
    ),
  'a multipart in base64': (carried) =>
    message([type('; boundary=B'), cte('base64')], base64Lines(bodyOf('B', carried))),
  'a multipart in base64 in lines of 9': (carried) =>
    message([type('; boundary=B'), cte('base64')], inLines(9)(bodyOf('B', carried))),
  'a multipart in quoted-printable': (carried) =>
    message([type('; boundary=B'), cte('quoted-printable')], escaped(bodyOf('B', carried))),
  'a header with a blank line in it': inHeader(' '),
  'a header with a line of tabs in it': inHeader('\t\t'),
  'a header with a long blank line in it': inHeader(' '.repeat(400)),
  'a header with something else in it': inHeader('something else'),
  'a header with a colon and blanks in it': inHeader('something else: x'),
  'a header with a line of dashes in it': inHeader('--something'),
  'a header with an empty line in it': inHeader(''),
  'a header with a line of NUL in it': inHeader('\0'),
  'a header with a folded line before its fields': inHeader(' folded'),
  'a header with two empty lines of LF in it': (carried) =>
    latin1(
      inHeader('X-Note: x')(carried).toString('latin1').replace('X-Note: x\r\n', 'X-Note: x\n\nTo: x\r\n'),
    ),
  'a header that ends with blanks': endingWith('\r\n \r\n'),
  'a header that ends with a tab': endingWith('\r\n\t\r\n'),
  'a header that ends with nothing': endingWith('\r\n'),
  'a header that ends with mere LF': endingWith('\n\n'),
  'a header that ends with mere CR': endingWith('\r\r'),
  'a header that ends with LF CR': endingWith('\n\r\n\r'),
  'a header that ends with CR CR LF': endingWith('\r\r\n\r\r\n'),
  'a header that ends with NUL': endingWith('\r\n\0\r\n'),
  'a header that a field goes on behind': endingWith('\n\nTo: x\r\n\r\n'),
  'a header that a field goes on behind CR CR LF': endingWith('\r\r\nTo: x\r\n\r\n'),
  'a header behind an empty line': ({ fields, body }) =>
    simple([type('; boundary=B')])({ fields: ['', ...fields], body }),
  'a header behind something else': ({ fields, body }) =>
    simple([type('; boundary=B')])({ fields: ['something else', ...fields], body }),
  'a header behind a blank': ({ fields, body }) =>
    simple([type('; boundary=B')])({ fields: fields.map((field) => ` ${field}`), body }),
  'a header behind a mark': ({ fields, body }) =>
    simple([type('; boundary=B')])({
      fields: fields.map((field, index) => (index === 0 ? `\xef\xbb\xbf${field}` : field)),
      body,
    }),
  'boundary lines that CR alone ends, in the content': ({ fields, body }) =>
    simple(
      [type('; boundary="..."')],
      '...',
    )({ fields, body: latin1(body.toString('latin1').replace(/^.{10}/, '$&\r--...\r')) }),
  'a boundary with a blank behind it, in the content': ({ fields, body }) =>
    simple(
      [type('; boundary="..."')],
      '...',
    )({ fields, body: latin1(body.toString('latin1').replace(/^.{10}/, '$&\r\n--... \r\n')) }),
  'a multipart that is no multipart': ({ fields, body }) =>
    message(
      [type('; boundary="..."'), ...fields],
      latin1(body.toString('latin1').replace(/^.{10}/, '$&\r\n--...\r\n')),
    ),
};
