import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testInspector } from '../inspector.fixture.ts';
import { neutralise } from '../neutralise.ts';
import { type Inspection, inspect } from '../pipeline.ts';
import { base64Lines, eicar, message, multipart, part, textPart } from '../test-messages.ts';
import { ambiguous, changes } from './ambiguous.fixture.ts';
import { carriers } from './carriers.fixture.ts';
import { frames } from './frames.fixture.ts';

const inspector = testInspector();

const look = (bytes: Buffer): Inspection => inspect(bytes, inspector, 1);

function isFound(bytes: Buffer): boolean {
  return look(bytes).detections.some(({ name }) => name === 'Postern.Test.Eicar');
}

const usualCarrier = 'base64 by its usual field';
const usualFrame = 'a usual multipart';

describe('what some mail program would open', () => {
  it.each(Object.keys(carriers))('is found: %s', (carrier) => {
    expect(isFound(ambiguous(eicar, carrier, usualFrame))).toBe(true);
  });

  it.each(Object.keys(frames))('is found: %s', (frame) => {
    expect(isFound(ambiguous(eicar, usualCarrier, frame))).toBe(true);
  });

  it.each(Object.keys(changes))('is found with %s', (change) => {
    expect(isFound(ambiguous(eicar, usualCarrier, usualFrame, change))).toBe(true);
  });

  /** Lines of the content that look like boundaries: base64 goes on behind them, other encodings have them in what they give. */
  const within = new Set([
    'boundary lines that CR alone ends, in the content',
    'a boundary with a blank behind it, in the content',
    'a multipart that is no multipart',
  ]);
  /** A header has to say base64, where it is in no whole lines; and a line that stands for itself must stay whole. */
  const needsWholeLines = /without a field|7bit|stand for themselves|quoted-printable of|of the base64 kind/;

  /** Why nobody finds anything there; undefined: somebody does. */
  function whyAbsent(carrier: string, frame: string, changed: readonly string[]): string | undefined {
    if (within.has(frame)) {
      if (!carrier.startsWith('base64') || needsWholeLines.test(carrier)) return 'the content is cut up';
      if (changed.includes('lines that CR ends')) return 'the boundary in the content is one for everybody';
    }
    const isWide = changed.some((name) => name.includes('UTF-16'));
    if (isWide && /UTF-16|UTF-7|yEnc|8 bits|ÿ/.test(carrier)) return 'octets of 8 bits are no text any more';
    // The mark alone tells it from text behind a header of which each program sees another end.
    if (carrier === 'UTF-16 without a mark') return 'its beginning is seen by its octets alone';
    return undefined;
  }

  it('is found in any carrier, frame and change, all three', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(carriers)),
        fc.constantFrom(...Object.keys(frames)),
        fc.constantFrom(...Object.keys(changes)),
        (carrier, frame, change) => {
          fc.pre(whyAbsent(carrier, frame, [change]) === undefined);
          expect(isFound(ambiguous(eicar, carrier, frame, change))).toBe(true);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it.each([
    ...Object.keys(carriers).map((carrier) => [carrier, usualFrame, 'none'] as const),
    ...Object.keys(frames).map((frame) => [usualCarrier, frame, 'none'] as const),
    ...Object.keys(changes).map((change) => [usualCarrier, usualFrame, change] as const),
  ])('can be made harmless without a change of size or lines: %s, %s, %s', (carrier, frame, change) => {
    const original = ambiguous(eicar, carrier, frame, change);
    const changed = Buffer.from(original);
    for (const { offset, bytes } of neutralise(original, look(original), inspector, 1))
      changed.set(bytes, offset);
    expect(isFound(changed)).toBe(false);
    expect(changed.equals(original)).toBe(false);
    const lineEnds = (bytes: Buffer) =>
      [...bytes.keys()].filter((at) => bytes[at] === 10 || bytes[at] === 13);
    expect(lineEnds(changed)).toEqual(lineEnds(original));
  });

  const corpus = new URL('../../../../shared/corpus/made-ambiguous/', import.meta.url);
  const numbered = existsSync(corpus) ? readdirSync(corpus).filter((name) => /^\d\d-/.test(name)) : [];
  it.runIf(numbered.length > 0)('is found in each message that was made to be ambiguous', () => {
    const missed = numbered.filter((name) => !isFound(readFileSync(new URL(name, corpus))));
    // A piece of a message: the other piece holds the rest of the content.
    expect(missed).toEqual(['44-partial.eml']);
    expect([...look(readFileSync(new URL('44-partial.eml', corpus))).limits]).toEqual(['partial-message']);
  });
});

describe('a piece of a message', () => {
  it('is called incomplete, and what it holds as a whole is found', () => {
    const field = 'Content-Type: message/partial; id="x"; number=1; total=2';
    expect([...look(message([field], 'Subject: x\r\n\r\nhi')).limits]).toEqual(['partial-message']);
    const inner = message(
      [field],
      multipart('B', [textPart, part(['Content-Type: text/plain'], eicar)], false),
    );
    expect(isFound(inner)).toBe(true);
    const other = message(['Content-Type: message/rfc822'], message([], 'about message/partial'));
    expect([...look(other).limits]).toEqual([]);
  });

  it('is called so within a part that is encoded', () => {
    const piece = message(['Content-Type: MESSAGE/Partial (first); number=1'], 'x');
    const encoded = ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'];
    expect([...look(message(encoded, base64Lines(piece))).limits]).toEqual(['partial-message']);
  });
});
