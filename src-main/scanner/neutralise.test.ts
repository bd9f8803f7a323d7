import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHarmful } from './findings.ts';
import { testInspector } from './inspector.fixture.ts';
import { defaultLimits } from './limits.ts';
import { walk } from './mime/walker.ts';
import { differences, neutralise } from './neutralise.ts';
import { type Inspector, inspect } from './pipeline.ts';
import {
  attachment,
  base64Lines,
  eicar,
  infectedMessages,
  message,
  multipart,
  part,
  quotedPrintableLines,
  textPart,
  uuencodeLines,
  zip,
} from './test-messages.ts';

const inspector = testInspector();

function neutralised(original: Buffer, changes: Partial<Inspector> = {}): Buffer {
  const tools = { ...inspector, ...changes };
  const changed = Buffer.from(original);
  for (const { offset, bytes } of neutralise(original, inspect(original, tools, 1), tools, 1))
    changed.set(bytes, offset);
  return changed;
}

function detectionsIn(bytes: Buffer): number {
  return inspect(bytes, inspector, 1).detections.filter(isHarmful).length;
}

function lineEnds(bytes: Buffer): number[] {
  return [...bytes.keys()].filter((at) => bytes[at] === 10 || bytes[at] === 13);
}

/** The header blocks and boundary lines of a message. */
function structureOf(original: Buffer, bytes: Buffer): string[] {
  const { spans } = walk(original, defaultLimits);
  return spans.map(({ start, end }) => bytes.toString('latin1', start, end));
}

describe('an infected message', () => {
  it.each(Object.entries(infectedMessages))('is harmless and keeps its size and lines: %s', (_, original) => {
    const changed = neutralised(original);
    expect(detectionsIn(original)).toBeGreaterThan(0);
    expect(detectionsIn(changed)).toBe(0);
    expect(changed.length).toBe(original.length);
    expect(lineEnds(changed)).toEqual(lineEnds(original));
  });

  const { 'a header field': _, ...inContent } = infectedMessages;
  it.each(Object.entries(inContent))('keeps its headers and boundaries: %s', (_name, original) => {
    expect(structureOf(original, neutralised(original))).toEqual(structureOf(original, original));
  });

  it('keeps its clean parts', () => {
    const original = multipart('b', [
      textPart,
      attachment('eicar.com', eicar),
      attachment('a', Buffer.from('clean')),
    ]);
    const changed = neutralised(original).toString('latin1');
    expect(changed).toContain('See attachment.');
    expect(changed).toContain(base64Lines(Buffer.from('clean')));
  });

  it('keeps the clean parts of a message within it', () => {
    const inner = multipart('c', [part([], eicar), textPart]);
    const changed = neutralised(multipart('b', [part(['Content-Type: message/rfc822'], inner), textPart]));
    expect(changed.toString('latin1').match(/See attachment\./g)).toHaveLength(2);
  });

  it('says in the encoding of the part what was removed', () => {
    const notice = '[Removed by Postern: Postern.Test.Eicar]';
    const base64 = neutralised(multipart('b', [attachment('eicar.com', eicar)]));
    const encoded = /\r\n\r\n([A-Za-z0-9+/=\r\n]{80,})--b--/.exec(base64.toString('latin1'))?.[1] ?? '';
    const decoded = Buffer.from(encoded, 'base64').toString('latin1');
    expect(decoded).toBe(notice.padEnd(eicar.length, ' '));
    expect(neutralised(message([], eicar)).toString('latin1')).toContain(notice);
    const quoted = neutralised(
      message(['Content-Transfer-Encoding: quoted-printable'], quotedPrintableLines(eicar)),
    ).toString('latin1');
    const shown = quoted
      .slice(quoted.indexOf('\r\n\r\n') + 4)
      .replaceAll('=\r\n', '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    expect(shown).toBe(notice.padEnd(eicar.length, '_'));
  });

  it('keeps the decoded size of uuencoded lines', () => {
    const original = message([], `Hello\r\n${uuencodeLines(eicar, 'e')}\r\n`);
    const changed = neutralised(original);
    const counts = (bytes: Buffer) =>
      bytes
        .toString('latin1')
        .split('\r\n')
        .map((line) => line[0]);
    expect(counts(changed)).toEqual(counts(original));
    expect(changed.toString('latin1')).toContain('Hello\r\nbegin 644 e\r\n');
  });

  it('loses the value of an infected header field, not the field', () => {
    const original = message([`X-Note: ${eicar.toString('latin1')}`, 'X-Other: kept'], 'kept\r\n');
    const text = neutralised(original).toString('latin1');
    expect(text).toMatch(
      /\r\nX-Note: \[Removed by Postern: Postern\.Test\.Eicar\]_*\r\nX-Other: kept\r\n\r\nkept\r\n$/,
    );
  });

  it('loses every infected part, however many an engine names', () => {
    const parts = Array.from({ length: 40 }, () => part(['Content-Type: text/plain'], eicar));
    const changed = neutralised(multipart('b', [...parts, textPart]));
    expect(detectionsIn(changed)).toBe(0);
    expect(changed.toString('latin1')).toContain('See attachment.');
  });

  it('is harmless also where the place of the detection cannot be changed', () => {
    const boundary = eicar.toString('latin1').replaceAll('"', '');
    const original = message(
      ['Content-Type: multipart/mixed'],
      `--${boundary}\r\nContent-Type: text/plain\r\n\r\nx\r\n--${boundary}--\r\n`,
    );
    const changed = neutralised(original);
    expect(detectionsIn(changed)).toBe(0);
    expect(lineEnds(changed)).toEqual(lineEnds(original));
  });

  it('is overwritten as a whole when there is no time left to prove anything', () => {
    const original = multipart('b', [textPart, attachment('eicar.com', eicar)]);
    let calls = 0;
    const found = inspect(original, inspector, 1);
    const changed = Buffer.from(original);
    for (const { offset, bytes } of neutralise(original, found, { ...inspector, now: () => calls++ }, 1))
      changed.set(bytes, offset);
    expect(changed.toString('latin1')).not.toContain('See attachment.');
    expect(lineEnds(changed)).toEqual(lineEnds(original));
  });
});

const anyPart = fc.oneof(
  fc.constant(textPart),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => attachment('a.bin', Buffer.from(bytes))),
  fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 })).chain(([before, after]) => {
    const content = Buffer.concat([before, eicar, after]);
    return fc.constantFrom(
      attachment('e.com', content),
      attachment('e.zip', zip([{ name: 'e.com', bytes: content }])),
      part(['Content-Transfer-Encoding: quoted-printable'], quotedPrintableLines(content)),
      part(['Content-Transfer-Encoding: 8bit'], content),
      part([], uuencodeLines(content, 'e.com')),
      part(['Content-Type: message/rfc822'], multipart('inner', [attachment('e', content), textPart])),
      part(
        ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'],
        base64Lines(multipart('inner', [attachment('e', content)])),
      ),
    );
  }),
);

describe('any message', () => {
  it('keeps its size and its line ends, and holds nothing harmful afterwards', () => {
    fc.assert(
      fc.property(fc.array(anyPart, { maxLength: 5 }), fc.boolean(), (parts, closed) => {
        const original = multipart('outer', parts, closed);
        const changed = neutralised(original);
        expect(detectionsIn(changed)).toBe(0);
        expect(lineEnds(changed)).toEqual(lineEnds(original));
        expect(structureOf(original, changed)[0]).toBe(structureOf(original, original)[0]);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps its size and its line ends when its octets are damaged', () => {
    const originals = fc.constantFrom(...Object.values(infectedMessages));
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 10, 13, 32, 45, 61, 255)), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(originals, damage, (original, changes) => {
        const damaged = Buffer.from(original);
        for (const [at, octet] of changes) damaged[at % damaged.length] = octet;
        const changed = neutralised(damaged);
        expect(detectionsIn(changed)).toBe(0);
        expect(lineEnds(changed)).toEqual(lineEnds(damaged));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the differences of two messages', () => {
  it('are the changed octets, with small gaps between them', () => {
    const original = Buffer.alloc(10_000, 1);
    const changed = Buffer.from(original);
    for (const at of [0, 40, 5_000, 9_999]) changed[at] = 2;
    const found = differences(original, changed).map(({ offset, bytes }) => [offset, bytes.length]);
    expect(found).toEqual([
      [0, 41],
      [5_000, 1],
      [9_999, 1],
    ]);
  });

  it('are none between equal messages, and a bug between sizes', () => {
    expect(differences(Buffer.from('a'), Buffer.from('a'))).toEqual([]);
    expect(() => differences(Buffer.from('a'), Buffer.from('ab'))).toThrow();
  });
});
