import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinBytes, latin1, octets } from '../bytes.ts';
import { DotStuffer, DotUnstuffer, LineCounter } from './multiline.ts';

/** Cuts a text at random places. */
const cutText = (text: string) =>
  fc.array(fc.nat(Math.max(text.length, 1)), { maxLength: 12 }).map((cuts) => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
    return at.slice(1).map((to, i) => octets(text.slice(at[i], to)));
  });

const body = fc
  .array(fc.oneof(fc.constantFrom('', '.', '..', '.a', 'a.', '\r'), fc.stringMatching(/^[.ab]{0,6}$/)), {
    maxLength: 10,
  })
  .map((lines) => lines.map((line) => `${line}\r\n`).join(''));

describe('dot-stuffing', () => {
  test('undone and done again gives the same octets, at any split', () => {
    fc.assert(
      fc.property(
        body.chain((text) => fc.tuple(fc.constant(text), cutText(text))),
        ([text, chunks]) => {
          const stuffer = new DotStuffer();
          const stuffed = latin1(joinBytes(chunks.flatMap((chunk) => stuffer.push(chunk))));
          expect(stuffed).toBe(text.replace(/(^|\n)\./g, '$1..'));
        },
      ),
    );
    fc.assert(
      fc.property(
        body.chain((text) =>
          fc.tuple(fc.constant(text), cutText(`${text.replace(/(^|\n)\./g, '$1..')}.\r\nREST`)),
        ),
        ([text, chunks]) => {
          const unstuffer = new DotUnstuffer();
          let content = '';
          let rest: string | undefined;
          for (const chunk of chunks) {
            if (rest !== undefined) {
              rest += latin1(chunk);
              continue;
            }
            const { content: parts, end } = unstuffer.push(chunk);
            content += parts.map((part) => latin1(part)).join('');
            if (end !== undefined) rest = latin1(chunk.subarray(end));
          }
          expect(content).toBe(text);
          expect(rest).toBe('REST');
          expect(latin1(unstuffer.terminator)).toBe('.\r\n');
        },
      ),
    );
  });

  test('a line end of LF alone ends it too, and comes back as it was', () => {
    const unstuffer = new DotUnstuffer();
    expect(unstuffer.push(octets('a\n.\nb')).end).toBe(4);
    expect(latin1(unstuffer.terminator)).toBe('.\n');
  });
});

test('the end of the header and of the wanted lines is found at any split', () => {
  const text = 'A: b\r\nC: d\r\n\r\n1\r\n2\r\n3\r\n';
  fc.assert(
    fc.property(cutText(text), (chunks) => {
      const counter = new LineCounter(2);
      for (const chunk of chunks) counter.push(chunk);
      expect([counter.headerEnd, counter.end, counter.size]).toEqual([14, 20, text.length]);
    }),
  );
});
