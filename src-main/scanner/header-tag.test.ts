import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyOf, fieldsOf, formsOf, tagging } from './header-tag.fixture.ts';
import type { Tagging } from './header-tag.ts';
import { summaryOf } from './message-summary.ts';
import {
  attachment,
  base64Lines,
  eicar,
  message,
  multipart,
  multipartBody,
  part,
  textPart,
} from './test-messages.ts';

const crlf = '\r\n';

/** An infected message with such a header. */
function mail(fields: readonly string[], lineEnd = crlf): Buffer {
  return Buffer.from([...fields, '', eicar.toString('latin1'), ''].join(lineEnd), 'latin1');
}

/** What the header of an infected message with `fields` becomes. */
function tagged(fields: readonly string[], asked: Tagging = tagging): string[] {
  const original = mail(fields);
  const forms = formsOf(original, asked);
  expect(forms.tagged.length).toBe(original.length);
  expect(bodyOf(forms.tagged)).toEqual(bodyOf(forms.harmless));
  return fieldsOf(forms.tagged).map((field) => field.slice(0, -2));
}

const dkim = `DKIM-Signature: v=1; a=rsa-sha256; d=example.test;${crlf}\tb=${'x'.repeat(200)}`;
const from = 'From: a@example.test';
const mark = '[detection Postern.Test.Eicar]';
const named = 'X-Postern-Detection: Postern.Test.Eicar';

describe('the mark of an infected message', () => {
  it('stands before the subject and in a field of its own, and a signature pays for it', () => {
    const fields = tagged([from, dkim, 'Subject: Hello', 'To: b@example.test']);
    expect(fields).toEqual([
      from,
      named,
      expect.stringMatching(/^X-Postern-Fill: _+\r\n _+\r\n _+$/),
      `Subject: ${mark} Hello`,
      'To: b@example.test',
    ]);
  });

  it.each([
    ['Subject: =?utf-8?Q?J=C3=B6rg?=', `Subject: ${mark} =?utf-8?Q?J=C3=B6rg?=`],
    ['SUBJECT: one\r\n\ttwo\r\n  three', `SUBJECT: ${mark} one\r\n\ttwo\r\n  three`],
    ['Subject:one', `Subject: ${mark} one`],
    ['Subject :  one', `Subject : ${mark}  one`],
    ['Subject:\r\n one', `Subject: ${mark}\r\n one`],
    ['Subject:', `Subject: ${mark}`],
  ])('leaves the old subject as it was: %j', (before, after) => {
    expect(tagged([dkim, before])).toContain(after);
  });

  it('gives a message without a subject one', () => {
    expect(tagged([dkim, from])).toContain(`Subject: ${mark}`);
  });

  it('stands before every subject, as programs differ in which one they show', () => {
    const fields = tagged([dkim, 'Subject: one', 'Subject: two']);
    expect(fields).toEqual(expect.arrayContaining([`Subject: ${mark} one`, `Subject: ${mark} two`]));
  });

  it.each([
    [900, 1],
    [960, 2],
  ])('is folded where the line would be too long: %i characters of subject', (length, lines) => {
    const subject = tagged([dkim, `Subject: ${'s'.repeat(length)}`]).find((field) => /^Subject/.test(field));
    expect(subject?.split(crlf)).toHaveLength(lines);
    expect(subject?.split(crlf).every((line) => line.length <= 998)).toBe(true);
    expect(subject?.replace(crlf, '')).toBe(`Subject: ${mark} ${'s'.repeat(length)}`);
  });

  it('is in the line ends of the header', () => {
    const { tagged: lines } = formsOf(mail([dkim.replaceAll(crlf, '\n'), 'Subject: Hello'], '\n'));
    expect(lines.toString('latin1')).toContain(`\nSubject: ${mark} Hello\n\n`);
    expect(lines.includes('\r')).toBe(false);
  });

  it('is what was asked for', () => {
    expect(tagged([dkim, 'Subject: x'], { header: true })).toEqual([
      named,
      expect.stringContaining('X-Postern-Fill'),
      'Subject: x',
    ]);
    expect(tagged([dkim, 'Subject: x'], { subject: '!', header: false })).toEqual([
      expect.stringContaining('X-Postern-Fill'),
      'Subject: ! x',
    ]);
    for (const subject of ['', ' ', '\r\n'])
      expect(tagged([dkim], { subject, header: false })).toEqual([dkim]);
  });

  it('puts no field into the header by its text', () => {
    const fields = tagged([dkim, 'Subject: x'], { subject: 'a\r\nBcc: c@example.test\0', header: false });
    expect(fields).toContain('Subject: a Bcc: c@example.test x');
  });

  it('is also on a message that is delivered as it came', () => {
    const original = mail([dkim, 'Subject: Hello']);
    const { harmless, tagged: changed } = formsOf(original, tagging, {}, false);
    expect(harmless).toEqual(original);
    expect(bodyOf(changed)).toEqual(bodyOf(original));
    expect(fieldsOf(changed)).toContain(`Subject: ${mark} Hello\r\n`);
  });
});

describe('a mark in other characters', () => {
  const asked = { subject: 'Skadelig vedlegg – ødelagt, %DETECTIONNAME% 🦠🦠🦠 ', header: false };

  it.each([
    'Subject: Hello',
    'Subject: =?utf-8?Q?J=C3=B6rg?= and more',
    'Subject:\r\n =?utf-8?Q?J=C3=B6rg?=',
    'Subject:',
  ])('is encoded so that people read it: %j', async (before) => {
    const [, subject] = tagged([dkim, before], asked);
    const old = (await summaryOf(Buffer.from(`${before}\r\n\r\n`))).subject;
    const now = await summaryOf(Buffer.from(`${subject}\r\n\r\n`));
    const text = 'Skadelig vedlegg – ødelagt, Postern.Test.Eicar 🦠🦠🦠';
    expect(now.subject).toBe(old === undefined ? text : `${text} ${old}`);
    for (const line of subject?.split(crlf) ?? []) expect(line.length).toBeLessThanOrEqual(76);
    for (const [word] of subject?.matchAll(/=\?.*?\?=/g) ?? []) expect(word.length).toBeLessThanOrEqual(75);
  });

  it('is encoded where it would be taken for an encoded word', async () => {
    const [, subject] = tagged([dkim, 'Subject: x'], { subject: '=?utf-8?Q?=41?=', header: false });
    expect((await summaryOf(Buffer.from(`${subject}\r\n\r\n`))).subject).toBe('=?utf-8?Q?=41?= x');
  });
});

describe('who pays for the mark', () => {
  const long = (name: string) => `${name}: ${'v'.repeat(100)}`;
  const names = (fields: readonly string[]) => fields.map((field) => field.slice(0, field.indexOf(':')));

  it.each([
    [['X-A', 'Received', 'Received', 'ARC-Seal', 'DKIM-Signature'], 'DKIM-Signature'],
    [['X-A', 'Received', 'Received', 'ARC-Message-Signature'], 'ARC-Message-Signature'],
    [['X-Spam-Status', 'X-A', 'Received', 'Received'], 'X-A'],
    [['X-Spam-Status', 'Received', 'Received'], 'X-Spam-Status'],
    [
      ['X-Mailer', 'X-Priority', 'X-GM-A', 'X-Mozilla-Status', 'X-UIDL', 'X-TUID', 'X-Postern-A', 'X-B'],
      'X-B',
    ],
  ])('of %j it is %s', (header, payer) => {
    const fields = tagged(header.map(long));
    expect(names(fields).filter((name) => header.includes(name))).toEqual(
      header.filter((name) => name !== payer),
    );
    expect(names(fields)).toContain('X-Postern-Detection');
  });

  it('of Received fields it is the oldest, and never the newest', () => {
    const received = ['newest', 'older', 'oldest'].map((id) => `Received: ${id} ${'v'.repeat(100)}`);
    expect(tagged(received).filter((field) => field.startsWith('Received'))).toEqual(received.slice(0, 2));
    expect(tagged(received.slice(0, 1))).toEqual(received.slice(0, 1));
  });

  it('are as many as it needs, each as a whole', () => {
    const short = Array.from({ length: 8 }, (_, i) => `X-${i}: ${'v'.repeat(20)}`);
    const fields = tagged([from, ...short, 'Subject: x']);
    // What is left over is too little for a fill field.
    expect(fields).toEqual([
      from,
      expect.stringMatching(/^X-Postern-Detection: {2,18}Postern\.Test\.Eicar$/),
      ...short.slice(3),
      `Subject: ${mark} x`,
    ]);
  });

  it.each([
    'Content-Type: text/plain',
    'MIME-Version: 1.0',
    'To: b',
    'Date: x',
    'Message-ID: <x>',
    'Comments: x',
  ])('is nobody where there is no room: %s', (field) => {
    expect(tagged([`${field}${'v'.repeat(200)}`])).toEqual([`${field}${'v'.repeat(200)}`]);
  });

  it('is no field whose words the structure may rest on', () => {
    const field = `X-Note: multipart/mixed; boundary=b; ${'v'.repeat(200)}`;
    expect(tagged([field])).toEqual([field]);
  });

  it('pays for the subject first where there is no room for both', () => {
    // The mark and a blank; one octet less is not enough.
    const subjectOnly = `X-A: ${'v'.repeat(mark.length + 1 - 7)}`;
    expect(tagged([subjectOnly, 'Subject: x'])).toEqual([`Subject: ${mark} x`]);
    const fieldOnly = { ...tagging, subject: '!'.repeat(150) };
    expect(tagged([long('X-A'), 'Subject: x'], fieldOnly)).toEqual([
      named,
      expect.stringMatching(/^X-Postern-Fill: _+$/),
      'Subject: x',
    ]);
    expect(tagged([subjectOnly.slice(0, -1), 'Subject: x'])).toEqual([
      subjectOnly.slice(0, -1),
      'Subject: x',
    ]);
  });

  it('leaves no octet over, whatever is left', () => {
    for (let length = 66; length < 400; length++) {
      const fields = tagged([`X-A: ${'v'.repeat(length)}`, 'Subject: x']);
      expect(fields.find((field) => /^Subject: +\[/.test(field))).toMatch(/\] x$/);
      expect(fields.join(crlf).length).toBe(length + 'X-A: \r\nSubject: x'.length);
      for (const line of fields.join(crlf).split(crlf)) expect(line).toMatch(/^[!-9;-~]+:|^ _+$/);
    }
  });
});

describe('a signed message', () => {
  const inner = multipart('inner', [textPart, attachment('eicar.com', eicar), textPart]);
  const pgp = part(
    ['Content-Type: application/pgp-signature; name="signature.asc"'],
    `-----BEGIN PGP SIGNATURE-----\r\n\r\n${'iQEzBAEBCgAdFiEE'.repeat(4)}\r\n-----END PGP SIGNATURE-----\r\n`,
  );
  const smime = attachment('smime.p7s', Buffer.alloc(300, 0x30));
  const leaf = base64Lines(eicar);

  it.each([
    ['multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256', pgp],
    ['multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256', smime],
  ])('changes in its outer header and its infected leaf alone: %s', (type, signature) => {
    const signed = part(
      [`Content-Type: multipart/mixed; boundary=inner`],
      inner.subarray(inner.indexOf('\r\n\r\n') + 4),
    );
    const original = message(
      [dkim, `Content-Type: ${type}; boundary=b`],
      multipartBody('b', [signed, signature]),
    );
    const { tagged: changed, tags } = formsOf(original);
    expect(tags).toBeGreaterThan(0);
    expect(changed.length).toBe(original.length);
    const header = original.indexOf('\r\n\r\n');
    const at = original.indexOf(leaf);
    expect(changed.subarray(header, at)).toEqual(original.subarray(header, at));
    expect(changed.subarray(at, at + leaf.length)).not.toEqual(Buffer.from(leaf));
    expect(changed.subarray(at + leaf.length)).toEqual(original.subarray(at + leaf.length));
    const kept = fieldsOf(original).filter((each) => !/^(?:DKIM|Subject)/.test(each));
    expect(fieldsOf(changed)).toEqual(expect.arrayContaining([...kept, `Subject: ${mark} t\r\n`]));
  });

  it('changes in its text alone where it is signed in line', () => {
    const text = `-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n${eicar.toString('latin1')}\r\n`;
    const original = message([dkim, 'Content-Type: text/plain'], text);
    const { harmless, tagged: changed, tags } = formsOf(original);
    expect(tags).toBeGreaterThan(0);
    expect(bodyOf(changed)).toEqual(bodyOf(harmless));
  });
});

const fieldValue = fc
  .array(fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/), { minLength: 1, maxLength: 4 })
  .map((lines) => lines.join('\r\n '));
const fieldName = fc.constantFrom(
  ...['From', 'To', 'Date', 'Message-ID', 'Received', 'Subject', 'X-Mailer', 'X-A', 'X-Spam-Flag'],
  ...['DKIM-Signature', 'ARC-Seal', 'Authentication-Results', 'Content-Type', 'List-Id'],
);
const field = fc.tuple(fieldName, fieldValue).map(([name, value]) => `${name}: ${value}`);
const paying = /^(?:DKIM-Signature|ARC-Seal|X-A|X-Spam-Flag|Received):/;

describe('any header', () => {
  it('keeps its size, its body and its fields but the ones that pay', () => {
    let count = 0;
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 14 }),
        fc.constantFrom('\r\n', '\n'),
        fc.option(fc.string({ maxLength: 40, unit: 'grapheme' }), { nil: undefined }),
        fc.boolean(),
        (lines, lineEnd, subject, header) => {
          const original = mail(
            lines.map((line) => line.replaceAll('\r\n', lineEnd)),
            lineEnd,
          );
          const asked = subject === undefined ? { header } : { header, subject };
          const { harmless, tagged: changed, tags } = formsOf(original, asked);
          expect(changed.length).toBe(original.length);
          expect(bodyOf(changed)).toEqual(bodyOf(harmless));
          if (tags === 0) return;
          count++;
          const before = fieldsOf(original);
          const after = fieldsOf(changed);
          const stays = (each: string) => !/^(?:Subject|X-Postern-\w+):/.test(each);
          const lost = before.filter((each) => stays(each) && !after.includes(each));
          for (const each of lost) expect(each).toMatch(paying);
          expect(after.filter(stays)).toEqual(before.filter((each) => stays(each) && !lost.includes(each)));
          const subjects = before.filter((each) => each.startsWith('Subject:'));
          const marked = after.filter((each) => each.startsWith('Subject:'));
          if (subjects.length > 0) expect(marked.length).toBe(subjects.length);
          for (const [at, old] of subjects.entries())
            expect(marked[at]?.endsWith(old.slice('Subject: '.length))).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
    expect(count).toBeGreaterThan(100);
  });
});
