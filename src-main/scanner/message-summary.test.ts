import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summaryOf } from './message-summary.ts';

/** A message with files of these names. */
function mixed(...names: readonly string[]): string {
  const parts = names.map((name) => `--b\r\nContent-Type: application/x; name="${name}"\r\n\r\nx\r\n`);
  return `Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`;
}

const of = (text: string) => summaryOf(Buffer.from(text, 'latin1'));

describe('the summary of a message', () => {
  it('has sender, subject and date as people read them', async () => {
    const header = [
      'X: y',
      'From: =?utf-8?Q?J=C3=B6rg?= <j@example.test>',
      'Subject: =?utf-8?B?w7bDpA==?=\r\n two',
      'Date: Tue, 24 Nov 2026 10:52:37 +0200 (EET)',
      '',
    ].join('\r\n');
    expect(await of(`${header}\r\nSubject: of the body\r\n`)).toEqual({
      sender: '"Jörg" <j@example.test>',
      subject: 'öä two',
      date: '2026-11-24T08:52:37.000Z',
      attachments: [],
    });
  });

  it('leaves out what is not there', async () => {
    for (const text of [
      '',
      'Subject:\r\n\r\nFrom: body@example.test',
      'no header at all',
      'Date: tomorrow\r\n\r\n',
    ])
      expect(await of(text)).toEqual({ attachments: [] });
  });

  it.each([
    ['bare LF', 'Subject: one\n two\n\nSubject: three'],
    ['bare CR', 'Subject: one\r two\r\rSubject: three'],
    ['empty lines before it', '\r\n\nSubject: one\r\n two\r\n\r\n'],
    ['a second subject', 'Subject: one\r\n two\r\nSubject: three\r\n\r\n'],
  ])('reads headers with %s', async (_, text) => {
    expect(await of(text)).toMatchObject({ subject: 'one two' });
  });

  it('has no control and bidirectional characters, and is cut between characters', async () => {
    const { subject } = await of(`Subject: a\x1b[31m${'b'.repeat(9_000)}\r\n\r\n`);
    expect(subject).toMatch(/^a \[31mb+$/);
    expect(subject).toHaveLength(500);
    const name = Buffer.from('invoice\u202efdp.exe').toString('base64');
    const long = Buffer.from(`${'n'.repeat(254)}\u{1f4a3}`).toString('base64');
    const { attachments } = await of(mixed(`=?utf-8?B?${name}?=`, `=?utf-8?B?${long}?=`));
    expect(attachments).toEqual(['invoice fdp.exe', 'n'.repeat(254)]);
  });

  it('names what is attached, in whatever form its name stands, at most 20', async () => {
    const header = 'Content-Type: multipart/mixed; boundary=b\r\nSubject: s\r\n\r\npreamble\r\n';
    const part = (fields: string, body = 'x') => `--b\r\n${fields}\r\n\r\n${body}\r\n`;
    const message = [
      header,
      part('Content-Type: text/plain', 'the text'),
      part('Content-Disposition: attachment;\r\n filename="a b.pdf"', 'JVBERi0='.repeat(10_000)),
      part("Content-Type: image/png; name*=utf-8''%e2%82%ac.png\r\nContent-Disposition: attachment"),
      part(
        'Content-Type: application/zip; name="=?utf-8?Q?=C3=A4.zip?="\r\nContent-Transfer-Encoding: base64',
      ),
      '--b\r\n\r\nno header\r\n',
      part('Content-Type: application/x; name=last.bin'),
      '--b--\r\n',
    ].join('');
    expect(await of(message)).toMatchObject({
      subject: 's',
      attachments: ['a b.pdf', '€.png', 'ä.zip', 'last.bin'],
    });
    const many = mixed(...Array.from({ length: 50 }, (_, each) => `${each}.bin`));
    expect((await of(many)).attachments).toHaveLength(20);
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
