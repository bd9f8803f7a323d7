import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinBytes, latin1, octets } from '../bytes.ts';
import { indexedBodyLines } from '../limits.ts';
import { DotStuffer, DotUnstuffer, LineCounter } from './multiline.ts';

/** Cuts a text at random places. */
const cutText = (text: string) =>
  fc.array(fc.nat(Math.max(text.length, 1)), { maxLength: 12 }).map((cuts) => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
    return at.slice(1).map((to, i) => octets(text.slice(at[i], to)));
  });

const withCuts = (texts: fc.Arbitrary<string>, wire: (text: string) => string) =>
  texts.chain((text) => fc.tuple(fc.constant(text), cutText(wire(text))));

const piece = fc.oneof(
  fc.constantFrom('.', '..', '\r\n', '\n', '\r', '.\r\n', '\r\n.', '\n.'),
  fc.stringMatching(/^[ab]{1,3}$/),
);

/** Any body that ends in CRLF, with bare CR and LF in it, but no line that ends a response: `.` CRLF behind an LF. */
const body = fc
  .array(piece, { maxLength: 14 })
  .map((pieces) => `${pieces.join('')}\r\n`)
  .filter((text) => !/(^|[^\r])\n\.\r\n/.test(text));

const stuffedForm = (text: string) => text.replace(/(^|\r\n)\./g, '$1..');

function unstuff(chunks: readonly Uint8Array[], bareLf = false) {
  const unstuffer = new DotUnstuffer(bareLf);
  let content = '';
  let rest: string | undefined;
  for (const chunk of chunks) {
    if (rest !== undefined) {
      rest += latin1(chunk);
      continue;
    }
    const pushed = unstuffer.push(chunk);
    content += latin1(pushed.content);
    if (pushed.end !== undefined) rest = latin1(chunk.subarray(pushed.end));
  }
  return { content, rest, terminator: latin1(unstuffer.terminator) };
}

function stuff(chunks: readonly Uint8Array[]): string {
  const stuffer = new DotStuffer();
  return latin1(joinBytes(chunks.flatMap((chunk) => stuffer.push(chunk))));
}

describe('dot-stuffing', () => {
  test('is done behind CRLF and at the start, at any split', () => {
    fc.assert(
      fc.property(
        withCuts(body, (text) => text),
        ([text, chunks]) => {
          expect(stuff(chunks)).toBe(stuffedForm(text));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is undone up to the end of the response, at any split', () => {
    fc.assert(
      fc.property(
        withCuts(body, (text) => `${stuffedForm(text)}.\r\nREST`),
        ([text, chunks]) => {
          expect(unstuff(chunks)).toEqual({ content: text, rest: 'REST', terminator: '.\r\n' });
        },
      ),
      { numRuns: 500 },
    );
  });

  test('leaves the octets of a server that stuffs behind a bare LF, and of one that does not, as they are', () => {
    for (const wire of ['a\n.b\r\n', 'a\n..b\r\n', 'a\n.\nb\r\n', 'a\n..\nb\r\n', 'a\n.\r\r\n', '\n.x']) {
      const { content } = unstuff([octets(wire)]);
      expect(stuff([octets(content)])).toBe(wire);
    }
  });

  test('ends at a lone dot behind a bare LF, as of a server that sends stored lines as they are', () => {
    expect(unstuff([octets('a\n.\r\nb')])).toEqual({ content: 'a\n', rest: 'b', terminator: '.\r\n' });
  });

  test('ends at a lone dot and LF only where the server ends its own lines so', () => {
    expect(unstuff([octets('a\n.\nb')], true)).toEqual({ content: 'a\n', rest: 'b', terminator: '.\n' });
    expect(unstuff([octets('a\n.\nb')], false).rest).toBeUndefined();
  });

  test('passes a chunk without stuffed dots as a view of it', () => {
    const chunk = octets('one. two.\r\nthree...\r\n');
    expect(new DotUnstuffer(false).push(chunk).content.buffer).toBe(chunk.buffer);
    expect(new DotStuffer().push(chunk)).toEqual([chunk]);
  });

  test('gives one array for a chunk, however many dots are taken out of it', () => {
    const chunk = octets('..\r\n'.repeat(1000));
    expect(new DotUnstuffer(false).push(chunk).content).toHaveLength(3000);
    expect(new DotStuffer().push(chunk)).toHaveLength(1);
  });
});

describe('the end of the wanted body lines', () => {
  const text = 'A: b\r\nC: d\r\n\r\n1\r\n\r\n3\r\n';

  test.each([
    [1, 17],
    [2, 19],
    [3, 22],
    [4, 22],
    [indexedBodyLines + 1, 22],
  ])('of %i is found at any split, whatever was asked for at first', (lines, end) => {
    fc.assert(
      fc.property(cutText(text), fc.nat(2 * indexedBodyLines), (chunks, wanted) => {
        const counter = new LineCounter(wanted);
        for (const chunk of chunks) counter.push(chunk);
        expect([counter.end(lines), counter.size]).toEqual([end, text.length]);
      }),
    );
  });

  test.each([
    ['\r\n1\r\n2\r\n', 5],
    ['A: b\n\n1\n2\n', 8],
    ['A: b\r\n\r\r\n\r\n1\r\n', 14],
    ['no empty line\r\n', 15],
    ['', 0],
  ])('of one is found in %j', (message, end) => {
    const counter = new LineCounter(0);
    counter.push(octets(message));
    expect(counter.end(1)).toBe(end);
  });

  test('of more than are remembered is known for the number asked for at first alone', () => {
    const counter = new LineCounter(indexedBodyLines + 2);
    counter.push(octets(`\r\n${'x\n'.repeat(indexedBodyLines + 5)}`));
    const ends = [0, 1, 2, 3, 9].map((more) => counter.end(indexedBodyLines + more));
    expect(ends).toEqual([
      2 + 2 * indexedBodyLines,
      undefined,
      6 + 2 * indexedBodyLines,
      undefined,
      undefined,
    ]);
  });
});
