import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { skeletonOf } from './message-skeleton.ts';

const of = (text: string) => skeletonOf(Buffer.from(text, 'latin1')).toString('latin1');

describe('the skeleton of a message', () => {
  it('has the fields that people see something of, and the boundaries', () => {
    const message = [
      'Received: by somebody',
      'From: a@example.test',
      'Subject: s',
      ' folded',
      'Content-Type: multipart/mixed;',
      ' boundary=b',
      '',
      'preamble',
      '--b',
      'Content-Type: text/plain',
      'Content-Transfer-Encoding: base64',
      'Subject: of a part',
      '',
      'aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=',
      '--b',
      '',
      'text',
      '--b--',
      '',
    ];
    const kept = [
      'From: a@example.test',
      'Subject: s',
      ' folded',
      'Content-Type: multipart/mixed;',
      ' boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      '--b',
      '',
      '--b--',
      '',
      '',
    ];
    expect(of(message.join('\r\n'))).toBe(kept.join('\r\n'));
    expect(of(message.join('\n'))).toBe(kept.join('\r\n'));
  });

  it('stays small, whatever the message is', () => {
    const texts = [
      `Subject: ${'s'.repeat(1_000_000)}\r\n\r\n`,
      `From: ${'<('.repeat(500_000)}\r\n\r\n`,
      `Subject: s\r\n${' folded\r\n'.repeat(100_000)}\r\n`,
      `Subject: s\r\n\r\n${'--b\r\nContent-Type: a; name=b\r\n\r\n\r\n'.repeat(50_000)}`,
      'Content-Type: message/rfc822\r\n\r\n'.repeat(20_000),
      `${'-'.repeat(2)}${'x'.repeat(1_000_000)}\r\nContent-Type: a\r\n\r\n`,
    ];
    for (const text of texts) expect(of(text).length).toBeLessThanOrEqual(512 * 1024);
    expect(of(texts[0] ?? '').length).toBeLessThan(9_000);
  });

  it('is made of any octets', () => {
    const pieces = fc.constantFrom(
      'From: a',
      'Content-Type: b',
      '--b',
      '--',
      '\r',
      '\n',
      '\r\n',
      ' ',
      '\0',
      ':',
      'x',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (text) => {
        expect(of(text.join('')).length).toBeLessThanOrEqual(text.join('').length * 3 + 100);
      }),
    );
  });
});
