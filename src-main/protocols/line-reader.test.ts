import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteSink, latin1, literalMark, octets } from './bytes.ts';
import { LineReader } from './line-reader.ts';

it('gives the same lines and stretches however the octets are split', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r\n') });
  fc.assert(
    fc.property(fc.array(text), (chunks) => {
      const reader = new LineReader();
      const lines: string[] = [];
      for (const chunk of chunks) {
        reader.push(octets(chunk));
        for (let line = reader.line(1000); line instanceof Uint8Array; line = reader.line(1000)) {
          lines.push(latin1(line));
        }
      }
      const all = chunks.join('');
      const complete = all.slice(0, all.lastIndexOf('\n') + 1);
      expect(lines.join('')).toBe(complete);
      expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
      expect(reader.length).toBe(all.length - complete.length);
    }),
  );
});

it('can be asked again for a line that was too long', () => {
  const reader = new LineReader();
  for (const octet of '* SEARCH 1 2 3\r\nrest') reader.push(octets(octet));
  expect(reader.line(10)).toBe('too-long');
  expect(latin1(reader.prefix(8))).toBe('* SEARCH');
  expect(reader.line(15)).toBe('too-long');
  const line = reader.line(16);
  expect(line instanceof Uint8Array && latin1(line)).toBe('* SEARCH 1 2 3\r\n');
  expect([1, 2, 3, 4, 5].map(() => latin1(reader.some(1))).join('')).toBe('rest');
});

it('takes a line in one chunk as a view of it', () => {
  const chunk = octets('one\r\ntwo\r\n');
  const reader = new LineReader();
  reader.push(chunk);
  const line = reader.line(100);
  expect(line instanceof Uint8Array && line.buffer).toBe(chunk.buffer);
});

it('collects tiny chunks without an object for each', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000)), (sizes) => {
      const sink = new ByteSink();
      const chunks = sizes.map((size, i) => new Uint8Array(size).fill(i));
      for (const chunk of chunks) sink.append(chunk);
      expect(sink.joined()).toEqual(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
      expect(sink.length).toBe(sink.joined().length);
    }),
    { numRuns: 30 },
  );
});

it.each([
  ['a {5}\r\n', { at: 2, size: 5, nonSync: false, binary: false }],
  ['{0+}\n', { at: 0, size: 0, nonSync: true, binary: false }],
  ['~{12}\r\n', { at: 0, size: 12, nonSync: false, binary: true }],
  ['{99999999999999999999}\r\n', { at: 0, size: Number.POSITIVE_INFINITY, nonSync: false, binary: false }],
  ['a {}\r\n', undefined],
  ['a {+}\r\n', undefined],
  ['a 5}\r\n', undefined],
  ['5}\n', undefined],
  ['a {5} \r\n', undefined],
  ['a {-5}\r\n', undefined],
  ['\r\n', undefined],
  ['\n', undefined],
])('reads the literal announced by %j', (line, mark) => {
  expect(literalMark(octets(line))).toEqual(mark);
});
