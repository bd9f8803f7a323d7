import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.ts';
import { testInspector } from './inspector.fixture.ts';
import { defaultLimits, maxDetections } from './limits.ts';
import { type Inspector, inspect, reportOf } from './pipeline.ts';
import {
  attachment,
  base64Lines,
  eicar,
  infectedMessages,
  message,
  multipart,
  multipartBody,
  part,
  quotedPrintableLines,
  suspiciousMarker,
  tar,
  textPart,
  zip,
} from './test-messages.ts';

const inspector = testInspector();

function scan(bytes: Buffer, changes: Partial<Inspector> = {}) {
  return reportOf(inspect(bytes, { ...inspector, ...changes }, 1), bytes.length, 0);
}

function partsOf(bytes: Buffer): string[] {
  return scan(bytes).detections.map(({ name, part: where }) => `${name} in ${where}`);
}

describe('what it finds', () => {
  it.each(Object.entries(infectedMessages))('finds the test file in %s', (_, bytes) => {
    expect(scan(bytes).detections.map(({ name }) => name)).toContain('Postern.Test.Eicar');
  });

  it('names the place of a detection as people look for it', () => {
    const inZip = multipart('b', [textPart, attachment('a.zip', zip([{ name: 'eicar.com', bytes: eicar }]))]);
    expect(partsOf(inZip)).toEqual(['Postern.Test.Eicar in 2/a.zip/eicar.com']);
    expect(partsOf(message([], eicar))).toEqual(['Postern.Test.Eicar in 1']);
    expect(partsOf(eicar)).toEqual(['Postern.Test.Eicar in ']);
  });

  it('names the octets in which it was found by their SHA-256', () => {
    const [detection] = scan(multipart('b', [attachment('eicar.com', eicar)])).detections;
    expect(detection?.sha256).toBe('275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f');
  });

  it('calls an ordinary message clean and complete', () => {
    const bytes = multipart('b', [textPart, attachment('a.bin', Buffer.alloc(5_000, 7)), textPart]);
    expect(scan(bytes)).toMatchObject({ complete: true, detections: [], limits: [], parts: 3 });
  });

  it('takes text with NULs for the message that it is', () => {
    const inner = multipart('c', [attachment('a.gz', gzipSync(eicar))]);
    const received = Buffer.from('Received: from a by b\0 with c\r\n'.repeat(200));
    const bytes = multipart('b', [attachment('a.eml', Buffer.concat([received, inner]))]);
    expect(scan(bytes).detections.map(({ name }) => name)).toEqual(['Postern.Test.Eicar']);
  });

  it('calls a tar of messages complete: what it begins with is no part that is cut off', () => {
    const inner = multipart('c', [
      textPart,
      attachment('a.zip', zip([{ name: 'a', bytes: Buffer.from('a') }])),
    ]);
    const bytes = multipart('b', [textPart, attachment('a.tar', tar('a.eml', inner))]);
    expect(scan(bytes)).toMatchObject({ complete: true, limits: [] });
  });

  it('tells a suspicious mark from an infection', () => {
    expect(scan(message([], suspiciousMarker)).detections).toMatchObject([{ category: 'suspicious' }]);
  });

  it('misses no kind of detection behind very many of another kind', () => {
    const marks = Array.from({ length: maxDetections + 1 }, () => part([], suspiciousMarker));
    const { detections } = scan(multipart('b', [...marks, attachment('eicar.com', eicar)]));
    expect(detections).toHaveLength(maxDetections);
    expect(detections.at(-1)?.name).toBe('Postern.Test.Eicar');
  });

  it('looks into files that are no mail', () => {
    for (const bytes of [
      eicar,
      zip([{ name: 'e', bytes: eicar }]),
      gzipSync(eicar),
      gzipSync(tar('e', eicar)),
      tar('e', eicar),
      gzipSync(zip([{ name: 'z', bytes: gzipSync(zip([{ name: 'e', bytes: eicar }])) }])),
      zip([{ name: 'mail.eml', bytes: multipart('b', [attachment('eicar.com', eicar)]) }]),
    ])
      expect(scan(bytes)).toMatchObject({ complete: true, detections: [{ name: 'Postern.Test.Eicar' }] });
  });

  it('finds the same attachment at each of its places', () => {
    const twice = multipart('b', [attachment('a', eicar), textPart, attachment('b', eicar)]);
    expect(inspect(twice, inspector, 1).hits.map(({ region }) => region.names[0])).toEqual(['a', 'b']);
  });
});

/** A message whose parts only some mail programs see. */
const readings: Readonly<Record<string, Buffer>> = {
  'two Content-Type fields, the first counts': message(
    ['Content-Type: multipart/mixed; boundary="B"', 'Content-Type: multipart/mixed; boundary="A"'],
    multipartBody('B', [attachment('e', eicar)]),
  ),
  'two boundary parameters, the last counts': message(
    ['Content-Type: multipart/mixed; boundary="A"; boundary="B"'],
    multipartBody('B', [attachment('e', eicar)]),
  ),
  'no boundary parameter': message(
    ['Content-Type: multipart/mixed'],
    multipartBody('B', [attachment('e', eicar)]),
  ),
  'a boundary in single quotes': message(
    ["Content-Type: multipart/mixed; boundary='B'"],
    multipartBody('B', [attachment('e', eicar)]),
  ),
  'a boundary in RFC 2231 pieces': message(
    ['Content-Type: multipart/mixed; boundary*0="long-"; boundary*1="boundary"'],
    multipartBody('long-boundary', [attachment('e', eicar)]),
  ),
  'two encodings': message(
    ['Content-Transfer-Encoding: 7bit', 'Content-Transfer-Encoding: base64'],
    base64Lines(eicar),
  ),
  'an encoding behind a comment': message(['Content-Transfer-Encoding: (c) base64'], base64Lines(eicar)),
  'a NUL in the field name': message(['Content-Transfer-Enc\0oding: base64'], base64Lines(eicar)),
  'no encoding at all': message([], base64Lines(eicar)),
  'base64 in short lines': message(
    ['Content-Transfer-Encoding: base64'],
    eicar.toString('base64').replace(/.{4}/g, '$&\r\n'),
  ),
  'base64 that is padded line by line': message(
    ['Content-Transfer-Encoding: base64'],
    [0, 10, 20, 30, 40, 50, 60].map((at) => `${eicar.subarray(at, at + 10).toString('base64')}\r\n`).join(''),
  ),
  'base64 with other characters in it': message(
    ['Content-Transfer-Encoding: base64'],
    eicar.toString('base64').replace(/.{20}/g, '$&-_ *\r\n'),
  ),
  'a base64 multipart': message(
    ['Content-Type: multipart/mixed; boundary=B', 'Content-Transfer-Encoding: base64'],
    base64Lines(multipartBody('B', [attachment('e', eicar)])),
  ),
  'a base64 message': message(
    ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'],
    base64Lines(multipart('B', [attachment('e', eicar)])),
  ),
  'a part before the first boundary': message(
    ['Content-Type: multipart/mixed; boundary=B'],
    Buffer.concat([attachment('e', eicar), Buffer.from('\r\n--B\r\n\r\nhi\r\n--B--\r\n')]),
  ),
  'a part behind the closing boundary': message(
    ['Content-Type: multipart/mixed; boundary=B'],
    Buffer.concat([Buffer.from('--B\r\n\r\nhi\r\n--B--\r\n--B\r\n'), attachment('e', eicar)]),
  ),
  'a boundary with more behind it': message(
    ['Content-Type: multipart/mixed; boundary=B'],
    Buffer.concat([Buffer.from('--Bxyz\r\n'), attachment('e', eicar)]),
  ),
  'only bare CR': Buffer.from(
    multipart('B', [textPart, attachment('e', eicar)])
      .toString('latin1')
      .replaceAll('\r\n', '\r'),
    'latin1',
  ),
  'only bare LF': Buffer.from(
    multipart('B', [textPart, attachment('e', eicar)])
      .toString('latin1')
      .replaceAll('\r\n', '\n'),
    'latin1',
  ),
  'a line of blanks for the empty line': message(
    [`Content-Transfer-Encoding: base64\r\n \t\r\n${base64Lines(eicar)}`],
    '',
  ),
  'quoted-printable with blanks behind the soft break': message(
    ['Content-Transfer-Encoding: quoted-printable'],
    quotedPrintableLines(eicar).replaceAll('=\r\n', '= \t\r\n'),
  ),
  'quoted-printable without saying so': message(['Content-Type: text/plain'], quotedPrintableLines(eicar)),
  'a zip split by what looks like a boundary': multipart('B', [
    part(
      ['Content-Transfer-Encoding: binary'],
      zip([
        { name: 'a', bytes: Buffer.from('\r\n--fake\r\n\r\n'), stored: true },
        { name: 'e', bytes: eicar },
      ]),
    ),
  ]),
};

describe('malformed mail that some program can read', () => {
  it.each(Object.entries(readings))('finds the test file with %s', (_name, bytes) => {
    expect(scan(bytes).detections.map(({ name }) => name)).toContain('Postern.Test.Eicar');
  });

  const corpus = new URL('../../../shared/corpus/made-ambiguous/', import.meta.url);
  it.runIf(existsSync(corpus))('finds it in the whole collection of ambiguous messages', () => {
    // 44 is the first piece of a message/partial, which does not hold all of the string.
    const files = readdirSync(corpus).filter((file) => /^\d/.test(file) && !file.startsWith('44'));
    const missed = files.filter((file) => scan(readFileSync(new URL(file, corpus))).detections.length === 0);
    expect(missed).toEqual([]);
  });
});

describe('what it could not look into', () => {
  it('says so of encrypted and unknown archives', () => {
    const encrypted = zip([{ name: 'e', bytes: eicar, local: { flags: 1 }, central: { flags: 1 } }]);
    expect(scan(encrypted)).toMatchObject({ complete: false, limits: ['encrypted'], detections: [] });
    const sevenZip = Buffer.from('7z\xbc\xaf\x27\x1c and more', 'latin1');
    expect(scan(multipart('b', [attachment('a.7z', sevenZip)]))).toMatchObject({
      complete: false,
      limits: ['unsupported-archive'],
    });
  });

  it('looks for the fixed strings where the engine gives up or fails', () => {
    for (const [failure, limit] of [
      ['timeout', 'engine-timeout'],
      ['failed', 'engine-failed'],
    ] as const) {
      const broken: Engine = { id: 'broken', version: '0', rules: 0, scan: () => failure };
      expect(scan(message([], eicar), { engines: [broken] })).toMatchObject({
        complete: false,
        limits: [limit],
        detections: [{ name: 'Postern.Test.Eicar', engine: 'literal' }],
      });
    }
  });

  it('begins nothing new after the deadline', () => {
    let time = 0;
    const report = scan(multipart('b', [textPart, attachment('eicar.com', eicar)]), { now: () => time++ });
    expect(report).toMatchObject({ complete: false, limits: ['scan-time'] });
  });

  const twoMembers = zip(['a', 'b'].map((name) => ({ name, bytes: eicar })));
  const zipInZip = zip([{ name: 'z', bytes: zip([{ name: 'e', bytes: eicar }]) }]);
  const mail = message([], 'text');
  it.each([
    ['archive-depth', 'archiveDepth', 2, zipInZip],
    ['archive-members', 'archiveMembers', 2, twoMembers],
    ['part-size', 'partBytes', 68, message(['Content-Transfer-Encoding: base64'], base64Lines(eicar))],
    ['mime-parts', 'mimeParts', 3, multipart('b', [textPart, textPart, textPart])],
    ['mime-depth', 'mimeDepth', 2, multipart('b', [multipart('c', [textPart])])],
    ['header-size', 'headerBytes', mail.indexOf('\r\n\r\n') + 2, mail],
    ['unpacked-size', 'unpackedBytes', 2 * eicar.length, twoMembers],
  ] as const)('reaches %s one past the limit, not at it', (code, limit, exact, bytes) => {
    const withLimit = (value: number) => scan(bytes, { limits: { ...defaultLimits, [limit]: value } }).limits;
    expect(withLimit(exact)).toEqual([]);
    expect(withLimit(exact - 1)).toContain(code);
  });
});
