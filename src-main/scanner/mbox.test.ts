import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMailbox, type MailboxItem, messagesOf } from './mbox.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function split(text: string, size = 1_000, maxBytes = 1_000): Promise<(string | number)[]> {
  const items: MailboxItem[] = [];
  for await (const item of messagesOf(inPieces(Buffer.from(text), size), maxBytes)) items.push(item);
  return items.map((item) => (item.kind === 'message' ? item.bytes.toString() : item.sizeBytes));
}

const first = 'Subject: one\n\nFrom here it is text\nFrom there, too\n\n';
const second = 'Subject: two\r\n\r\ntext\r\n\r\n';
const third = 'Subject: three\n\n>From quoted\n';
const mailbox = `From a@b Mon Jan  1 00:00:00 2024\n${first}From c@d Tue\r\n${second}From e@f Wed\n${third}`;
// Behind an empty line even text that begins so is a separator: that is the format.
const messages = ['Subject: one\n\n', 'From there, too\n\n', second, third];

describe('a mailbox', () => {
  it('is known by its first lines', () => {
    expect(isMailbox(Buffer.from(mailbox))).toBe(true);
    expect(isMailbox(Buffer.from('From a@b\r\nX-Y: z\r\n'))).toBe(true);
    for (const text of ['From: a@b\nSubject: x\n', 'From here on\nit is a text', 'From', '', 'Subject: x'])
      expect(isMailbox(Buffer.from(text))).toBe(false);
  });

  it('gives its messages without their separator lines, whatever pieces it comes in', async () => {
    for (let size = 1; size <= mailbox.length; size++) expect(await split(mailbox, size)).toEqual(messages);
  });

  it('gives what is left when it ends in the middle', async () => {
    expect(await split('From a\nSubject: x\n\nhalf a li')).toEqual(['Subject: x\n\nhalf a li']);
    expect(await split('From a')).toEqual([]);
    expect(await split('')).toEqual([]);
  });

  it('tells the size of a message that is too large, and goes on', async () => {
    const large = `From x\n${'y'.repeat(5_000)}\n\n`;
    for (const size of [1, 7, 100_000])
      expect(await split(`From a\n1\n\n${large}From b\n2\n`, size)).toEqual(['1\n\n', large.length, '2\n']);
  });

  it('loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('F', 'r', 'o', 'm', ' ', '\n', '\r', 'From ', '\n\n') })),
        fc.integer({ min: 1, max: 9 }),
        async (bodies, size) => {
          const text = bodies.map((body) => `From x\n${body}\n\n`).join('');
          expect(await split(text, size, 1e6)).toEqual(await split(text, 1e6, 1e6));
        },
      ),
    );
  });
});
