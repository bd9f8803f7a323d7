import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.ts';
import { literalEngine } from './engines/literal.ts';
import { loadEngines } from './engines/load-engines.ts';
import { testInspector } from './inspector.fixture.ts';
import { defaultLimits } from './limits.ts';
import { decodeRegion, regionsOf } from './mime/regions.ts';
import { walk } from './mime/walker.ts';
import { neutralise } from './neutralise.ts';
import { type Inspector, inspect } from './pipeline.ts';
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
  textPart,
  uuencodeLines,
  yencLines,
  zip,
} from './test-messages.ts';

const literal = literalEngine();
const loaded = loadEngines({
  rulesDirectory: fileURLToPath(new URL('./rules/', import.meta.url)),
  isFirst: true,
  now: () => performance.now(),
});
const [yara] = loaded.engines;

function toolsOf(engine: Engine): Inspector {
  return testInspector({ engines: [engine] });
}

/** What a client is given for `original`, and its proof by another scan. */
function delivered(original: Buffer, engine: Engine): { changed: Buffer; namesLeft: readonly string[] } {
  const tools = toolsOf(engine);
  const found = inspect(original, tools, 1);
  expect(found.detections.length).toBeGreaterThan(0);
  const changed = Buffer.from(original);
  for (const { offset, bytes } of neutralise(original, found, tools, 1)) changed.set(bytes, offset);
  return { changed, namesLeft: inspect(changed, tools, 1).detections.map(({ name }) => name) };
}

function lineEnds(bytes: Buffer): number[] {
  return [...bytes.keys()].filter((at) => bytes[at] === 10 || bytes[at] === 13);
}

/** Header blocks and boundary lines where the walker finds them in `bytes` itself. */
function structureOf(bytes: Buffer): (number | string)[][] {
  return walk(bytes, defaultLimits).spans.map(({ start, end }) => [
    start,
    bytes.toString('latin1', start, end),
  ]);
}

/** The decoded size of each place of content: as it stands, and as its header or its `begin` line says. */
function leafSizes(bytes: Buffer, original: Buffer): number[][] {
  const walked = walk(original, defaultLimits);
  const regions = walked.starts.flatMap((start) => {
    const { writing } = start;
    if (writing.kind === 'base64-shape') return [];
    const isQuoted = writing.kind === 'declared' && writing.quotedPrintable;
    const readings = regionsOf(original, { ...walked, starts: [start] }).regions;
    return readings.filter(({ encoding }) => encoding !== 'quoted-printable' || isQuoted);
  });
  return regions.map((region) =>
    decodeRegion(bytes, region, defaultLimits.partBytes).variants.map((variant) => variant.length),
  );
}

/** The attachments as another program reads them. */
async function attachmentsOf(bytes: Buffer): Promise<unknown[]> {
  const { attachments } = await simpleParser(bytes, { skipTextToHtml: true });
  return attachments.map(({ filename, contentType, size }) => [filename, contentType, size]);
}

async function expectSameForm(original: Buffer, changed: Buffer): Promise<void> {
  expect(changed.length).toBe(original.length);
  expect(changed.equals(original)).toBe(false);
  expect(lineEnds(changed)).toEqual(lineEnds(original));
  expect(structureOf(changed)).toEqual(structureOf(original));
  expect(leafSizes(changed, original)).toEqual(leafSizes(original, original));
  expect(await attachmentsOf(changed)).toEqual(await attachmentsOf(original));
}

const attached = (encoding: string, body: string | Buffer) =>
  multipart('b', [
    textPart,
    part(
      [
        'Content-Type: application/octet-stream',
        `Content-Transfer-Encoding: ${encoding}`,
        'Content-Disposition: attachment; filename="a"',
      ],
      body,
    ),
    textPart,
  ]);

const around = (before: string, after: string) =>
  Buffer.concat([Buffer.from(before, 'latin1'), eicar, Buffer.from(after, 'latin1')]);

/** Text with soft breaks, plain and escaped characters, and blanks that count and that don't. */
const quotedText = `Caf=C3=A9 = =ZZ ${'x'.repeat(40)}=\r\n${eicar.toString('latin1')}=\r\n and more  \r\na =3D b=20\r\n`;

const oneByOne = Array.from({ length: 3 }, (_, i) => [`${i} octets of padding`, eicar.length + i] as const);

const cases: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(
    oneByOne.map(([name, size]) => [
      `base64 with ${name}`,
      multipart('b', [textPart, attachment('e', Buffer.concat([eicar, Buffer.alloc(size - eicar.length)]))]),
    ]),
  ),
  'base64 in one line': attached('base64', eicar.toString('base64')),
  'base64 with blanks behind its lines': attached('base64', base64Lines(eicar).replaceAll('\r\n', ' \t\r\n')),
  'base64 of a zip': multipart('b', [attachment('e.zip', zip([{ name: 'e', bytes: eicar }]))]),
  'base64 that is the whole message': message(['Content-Transfer-Encoding: base64'], base64Lines(eicar)),
  'quoted-printable, all escaped': attached('quoted-printable', quotedPrintableLines(eicar)),
  'quoted-printable text': attached('quoted-printable', quotedText),
  '7bit': attached('7bit', around('one\r\n', '\r\ntwo\r\n')),
  '8bit': attached('8bit', around('\xe6\xf8\r\n', '\xff\r\n')),
  binary: attached('binary', around('\0\x01\r\n\n\r', '\0\xff\xfe')),
  uuencode: message([], `Hello\r\n${uuencodeLines(around('\0'.repeat(50), 'xyz'), 'e')}\r\nBye\r\n`),
  yEnc: message([], yencLines(around('\xd6=\x13', 'xyz'), 'e')),
  'x-uuencode': attached('x-uuencode', uuencodeLines(eicar, 'e')),
  'a message in a message': infectedMessages['a nested message'] ?? Buffer.alloc(0),
  'an unterminated multipart': multipart('b', [textPart, attachment('e', eicar)], false),
  'an unterminated multipart in another': multipart('b', [
    part(
      ['Content-Type: multipart/alternative; boundary=c'],
      multipartBody('c', [textPart, attachment('e', eicar)], false),
    ),
    textPart,
  ]),
  'what stands before the first part': message(
    ['Content-Type: multipart/mixed; boundary=b'],
    Buffer.concat([
      around('This is MIME\r\n', '\r\n'),
      multipartBody('b', [textPart, attachment('a', Buffer.from('x'))]),
    ]),
  ),
  'what stands behind the last part': Buffer.concat([
    multipart('b', [textPart, textPart]),
    around('', '\r\n'),
  ]),
};

describe.each([
  ['literal', literal],
  ['yara-x', yara],
])('what is delivered, by the engine %s', (_id, engine) => {
  it.each(Object.entries(cases))('has the same form, and nothing harmful: %s', async (_name, original) => {
    if (!engine) throw new Error('no engine');
    const { changed, namesLeft } = delivered(original, engine);
    expect(namesLeft).toEqual([]);
    await expectSameForm(original, changed);
  });
});

/** Finds something in messages, never in parts of them. */
function engineOf(scan: (bytes: Buffer) => ReturnType<Engine['scan']>): Engine {
  return { id: 'test', version: '1', rules: 1, scan: (bytes) => scan(Buffer.from(bytes)) };
}

const finding = { name: 'Test.Found', category: 'malware' } as const;

describe('a message that is harmful as a whole', () => {
  const original = multipart('b', [textPart, attachment('a', Buffer.alloc(100, 'x')), textPart]);
  const { length } = original;

  it.each([
    ['of no place', []],
    ['of all of it', [{ offset: 0, length }]],
  ])('keeps its form, and loses all its content: found by a rule %s', async (_, matches) => {
    const engine = engineOf((bytes) => (bytes.equals(original) ? [{ ...finding, matches }] : []));
    const { changed, namesLeft } = delivered(original, engine);
    expect(namesLeft).toEqual([]);
    await expectSameForm(original, changed);
    expect(changed.toString('latin1')).not.toContain('See attachment.');
  });
});

describe('a place that reaches from a header into content', () => {
  it('is lost in both, and no other field is', () => {
    const original = message(['X-Note: needle-'], `point\r\nmore\r\n`);
    const needle = '-\r\n\r\npoint';
    const engine = engineOf((bytes) => {
      const offset = bytes.indexOf(needle);
      return offset === -1 ? [] : [{ ...finding, matches: [{ offset, length: needle.length }] }];
    });
    const { changed, namesLeft } = delivered(original, engine);
    expect(namesLeft).toEqual([]);
    expect(lineEnds(changed)).toEqual(lineEnds(original));
    const head = original.toString('latin1', 0, original.indexOf('X-Note'));
    expect(changed.toString('latin1')).toMatch(/X-Note: \[Remove\r\n\r\n/);
    expect(changed.toString('latin1').startsWith(head)).toBe(true);
  });
});

describe('a message that is still harmful without the places that were named', () => {
  // Names the first of all places, as engines with a limit of matches do.
  const needle = 'needle-in-the-text';
  const engine = engineOf((bytes) => {
    const offset = bytes.indexOf(needle);
    return offset === -1 ? [] : [{ ...finding, matches: [{ offset, length: needle.length }] }];
  });
  const original = multipart('b', [
    ...Array.from({ length: 3 }, () => part(['Content-Type: text/plain'], `${needle}\r\n`)),
    attachment('a', Buffer.from('clean content')),
    textPart,
  ]);

  it('loses all its leaves, and keeps its form', async () => {
    const shallow = engineOf((bytes) => (bytes.length < original.length ? [] : engine.scan(bytes)));
    const { changed, namesLeft } = delivered(original, shallow);
    expect(namesLeft).toEqual([]);
    await expectSameForm(original, changed);
    expect(changed.toString('latin1')).not.toContain('See attachment.');
    expect(changed.toString('latin1')).not.toContain(base64Lines(Buffer.from('clean content')));
  });
});

const content = fc
  .tuple(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }))
  .map(([before, after]) => Buffer.concat([before, eicar, after]));
const leaf = content.chain((bytes) =>
  fc.constantFrom(
    textPart,
    attachment('e', bytes),
    attachment('e.zip', zip([{ name: 'e', bytes }])),
    part(['Content-Transfer-Encoding: quoted-printable'], quotedPrintableLines(bytes)),
    part([], uuencodeLines(bytes, 'e')),
    part(['Content-Type: message/rfc822'], multipart('inner', [textPart, attachment('e', bytes)])),
  ),
);

describe('any message', () => {
  it('keeps its structure and the decoded size of each of its leaves', () => {
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 5 }), fc.boolean(), (leaves, closed) => {
        const original = multipart('outer', [attachment('e', eicar), ...leaves], closed);
        const { changed, namesLeft } = delivered(original, literal);
        expect(namesLeft).toEqual([]);
        expect(structureOf(changed)).toEqual(structureOf(original));
        expect(leafSizes(changed, original)).toEqual(leafSizes(original, original));
      }),
      { numRuns: 200 },
    );
  });
});
