import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLines } from './lines.ts';

async function linesOf(chunks: readonly Uint8Array[], maxBytes: number): Promise<(string | undefined)[]> {
  async function* input() {
    yield* chunks;
  }
  const lines: (string | undefined)[] = [];
  for await (const line of readLines(input(), maxBytes)) {
    lines.push(line);
    if (line === undefined) break;
  }
  return lines;
}

test('lines are the same wherever the stream is cut, and what has no end is none', async () => {
  const whole = Buffer.from('one\n\nzwölf\nhalf');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(whole.length)), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((to, i) => whole.subarray(at[i], to));
      expect(await linesOf(chunks, 10)).toEqual(['one', '', 'zwölf']);
    }),
  );
});

test.each([1, 3, 100])('a line may be as long as the limit and no longer, in pieces of %i', async (size) => {
  const pieces = (text: string) =>
    Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      Buffer.from(text.slice(i * size, (i + 1) * size)),
    );
  expect(await linesOf(pieces(`${'x'.repeat(10)}\nyy\n`), 10)).toEqual(['x'.repeat(10), 'yy']);
  expect(await linesOf(pieces(`${'x'.repeat(11)}\nyy\n`), 10)).toEqual([undefined]);
  expect(await linesOf(pieces('x'.repeat(11)), 10)).toEqual([undefined]);
});
