import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyOf, fieldsOf, formsOf, tagging } from './header-tag.fixture.ts';
import { defaultLimits } from './limits.ts';
import { eicar } from './test-messages.ts';

const room = `DKIM-Signature: ${'x'.repeat(200)}`;

function mail(header: string): Buffer {
  return Buffer.concat([Buffer.from(header, 'latin1'), eicar, Buffer.from('\r\n')]);
}

describe('a header that is not marked', () => {
  it.each([
    ['none', ''],
    ['only an empty line', '\r\n'],
    ['an empty line first', `\r\n${room}\r\n\r\n`],
    ['the separator of an mbox', `From a@example.test Mon Jan 1\r\n${room}\r\n\r\n`],
    ['octets above ASCII', `Subject: J\xf6rg\r\n${room}\r\n\r\n`],
    ['a NUL', `Subject: a\0b\r\n${room}\r\n\r\n`],
    ['an escape', `Subject: a\x1b[31m\r\n${room}\r\n\r\n`],
    ['a bare CR', `Subject: a\rX: b\r\n${room}\r\n\r\n`],
    ['a bare LF among CR LF', `Subject: a\n${room}\r\n\r\n`],
    ['a CR LF among bare LF', `Subject: a\n${room}\r\n\n`],
    ['only bare CR', `Subject: a\r${room}\r\r`],
    ['a line that is no field', `Subject: a\r\nno field\r\n${room}\r\n\r\n`],
    ['a name that is none', `Subject: a\r\n: x\r\n${room}\r\n\r\n`],
    ['a folded line at its beginning', ` x\r\n${room}\r\n\r\n`],
    ['a line of blanks', `Subject: a\r\n \r\n${room}\r\n\r\n`],
    ['what may be a boundary', `--x: y\r\nContent-Type: a/b\r\n${room}\r\n\r\n`],
    ['a name without end', `${'n'.repeat(200)}: y\r\n${room}\r\n\r\n`],
    ['the infected place itself', `X-Note: ${eicar.toString('latin1')}\r\n${room}\r\n\r\n`],
  ])('has %s', (_, header) => {
    const { harmless, tagged, tags } = formsOf(mail(header));
    expect(tags).toBe(0);
    expect(tagged).toEqual(harmless);
  });

  it('has no end', () => {
    const { tags } = formsOf(Buffer.from(`${room}\r\nX-Note: ${eicar.toString('latin1')}\r\n`, 'latin1'));
    expect(tags).toBe(0);
  });

  it('is as large as a header may be; one octet less is marked', () => {
    const header = (size: number) => {
      const rest = size - room.length - 'To: \r\n\r\n\r\n'.length;
      return `${room}\r\nTo: ${'x'.repeat(rest)}\r\n\r\n`;
    };
    expect(formsOf(mail(header(defaultLimits.headerBytes))).tags).toBeGreaterThan(0);
    expect(formsOf(mail(header(defaultLimits.headerBytes + 1))).tags).toBe(0);
  });

  it('is of a message for whose proof there is no time', () => {
    expect(formsOf(mail(`${room}\r\n\r\n`), tagging, { now: () => 1 }).tags).toBe(0);
  });

  it('would be read differently with the mark in it', () => {
    const asked = { subject: 'boundary=x; multipart/mixed', header: false };
    expect(formsOf(mail(`${room}\r\nContent-Type: text/plain\r\n\r\n`), asked).tags).toBe(0);
  });

  it('would hold something harmful with the mark in it', () => {
    const asked = { subject: eicar.toString('latin1'), header: false };
    expect(formsOf(mail(`${room}\r\n\r\n`), asked).tags).toBe(0);
  });
});

describe('damaged headers', () => {
  it('never throw, and never move a body', () => {
    const original = mail(`To: a\r\n${room}\r\nSubject: one\r\n two\r\nReceived: a\r\nReceived: b\r\n\r\n`);
    const damage = fc.array(
      fc.tuple(
        fc.nat(original.length - eicar.length - 3),
        fc.constantFrom(0, 9, 10, 13, 32, 45, 58, 65, 255),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(damage, (changes) => {
        const damaged = Buffer.from(original);
        for (const [at, octet] of changes) damaged[at] = octet;
        const { harmless, tagged, tags } = formsOf(damaged);
        expect(tagged.length).toBe(damaged.length);
        if (tags === 0) expect(tagged).toEqual(harmless);
        else {
          expect(bodyOf(tagged)).toEqual(bodyOf(harmless));
          expect(fieldsOf(tagged).join('').length).toBe(fieldsOf(damaged).join('').length);
        }
      }),
      { numRuns: 500 },
    );
  });
});
