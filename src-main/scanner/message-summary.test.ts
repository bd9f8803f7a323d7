import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summarise } from './message-summary.ts';

const of = (text: string) => summarise(Buffer.from(text, 'latin1'));

describe('the summary of a message', () => {
  it('has sender and subject as people read them', async () => {
    const header =
      'X: y\r\nFrom: =?utf-8?Q?J=C3=B6rg?= <j@example.test>\r\nSubject: =?utf-8?B?w7bDpA==?=\r\n two\r\n';
    expect(await of(`${header}\r\nSubject: of the body\r\n`)).toEqual({
      sender: '"Jörg" <j@example.test>',
      subject: 'öä two',
    });
  });

  it('leaves out what is not there', async () => {
    expect(await of('')).toEqual({});
    expect(await of('Subject:\r\n\r\nFrom: body@example.test')).toEqual({});
    expect(await of('no header at all')).toEqual({});
  });

  it('reads headers with bare LF', async () => {
    expect(await of('Subject: one\n two\n\nSubject: three')).toEqual({ subject: 'one two' });
  });

  it('has no control characters, and is cut', async () => {
    const { subject } = await of(`Subject: a\x1b[31m${'b'.repeat(9_000)}\r\n\r\n`);
    expect(subject).toMatch(/^a \[31mb+$/);
    expect(subject).toHaveLength(500);
  });

  it('is made of any octets without an error', async () => {
    const pieces = fc.constantFrom(
      'From',
      'Subject',
      ':',
      '=?utf-8?Q?',
      '?=',
      '<',
      '>',
      '"',
      '(',
      ',',
      '\r\n',
      ' ',
      '\0',
      '\xff',
      '@',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 30 }), async (text) => {
        await of(text.join(''));
      }),
    );
  });

  it('is made quickly of headers that cost much', async () => {
    for (const text of [
      'From: '.concat('<('.repeat(120_000)),
      'To: '.concat('g:a@b;'.repeat(40_000)),
      'A: b\n'.repeat(50_000),
    ])
      expect(await of(`${text}\r\n`)).toBeDefined();
  });
});
