import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64Lines, message, multipart, multipartBody, part } from '../test-messages.ts';
import { decodeRegion, type Region, regionsOf } from './regions.ts';
import { walk } from './walker.ts';

const limits = { mimeDepth: 50, mimeParts: 1_000, headerBytes: 256 * 1024 };

/** What is found, as `path encoding: octets`. */
function found(bytes: Buffer): string[] {
  return regionsOf(bytes, walk(bytes, limits)).regions.map(
    ({ path, encoding, start, end }) => `${path} ${encoding}: ${bytes.toString('latin1', start, end)}`,
  );
}

describe('the regions of a message', () => {
  it('are its body', () => {
    expect(found(message([], 'Hello\r\n'))).toEqual(['1 identity: Hello\r\n']);
  });

  it('are its parts, without the line end before a boundary', () => {
    const bytes = multipart('b', [part(['Content-Type: text/plain'], 'one\r\n'), part([], 'two')]);
    expect(found(bytes)).toEqual(['1 identity: one\r\n', '2 identity: two']);
  });

  it('are numbered as IMAP numbers parts', () => {
    const inner = part(
      ['Content-Type: multipart/alternative; boundary=c'],
      multipartBody('c', [part([], 'x'), part([], 'y')]),
    );
    expect(found(multipart('b', [part([], 'one'), inner, part([], 'three')]))).toEqual([
      '1 identity: one',
      '2.1 identity: x',
      '2.2 identity: y',
      '3 identity: three',
    ]);
  });

  it('end with the message where a boundary is missing', () => {
    expect(found(multipart('b', [part([], 'one')], false))).toEqual(['1 identity: one\r\n']);
  });

  it('are decoded once where header and shape say base64', () => {
    const text = base64Lines(Buffer.alloc(100, 1));
    const bytes = multipart('b', [part(['Content-Transfer-Encoding: base64'], text)]);
    expect(found(bytes)).toEqual([`1 identity: ${text}`, `1 base64: ${text}`]);
  });

  it('are also what only the shape says', () => {
    const text = base64Lines(Buffer.alloc(30, 1));
    expect(found(message([], `Hello\r\n${text}\r\nBye, bye\r\n`))).toContain(`1 base64: ${text}`);
  });

  it('end where any program may see the end, when the boundary is ambiguous', () => {
    const fields = ['Content-Type: multipart/mixed; boundary=A; boundary=B'];
    const bytes = message(
      fields,
      '--B\r\nContent-Type: text/plain\r\n\r\none\r\n--A\r\n\r\ntwo\r\n--B--\r\n',
    );
    const all = found(bytes);
    expect(all).toContain('1 identity: one');
    expect(all).toContain('1 identity: one\r\n--A\r\n\r\ntwo');
  });

  it('do not end at text that only looks like a boundary', () => {
    const fields = ['Content-Type: multipart/mixed; boundary=B'];
    const bytes = message(fields, '--B\r\nContent-Type: a/b\r\n\r\none\r\n-- \r\n--x\r\ntext\r\n--B--\r\n');
    expect(found(bytes)).toContain('1 identity: one\r\n-- \r\n--x\r\ntext');
  });

  it('carry the name of the part', () => {
    const names = [
      ['Content-Type: a/b; name="plain.txt"', 'plain.txt'],
      ["Content-Disposition: attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.txt", 'grüße.txt'],
      ['Content-Disposition: attachment; filename*0="long"; filename*1=".txt"', 'long.txt'],
      ['Content-Type: a/b; name="a\u0007b"', 'a_b'],
    ] as const;
    for (const [field, name] of names) {
      const walked = walk(multipart('b', [part([field], 'x')]), limits);
      expect(walked.starts.at(-1)?.names[0]).toBe(name);
    }
  });
});

describe('the structure of a message', () => {
  it('is all that is no content', () => {
    const bytes = multipart('b', [part(['Content-Type: text/plain'], 'one'), part([], 'two')]);
    const spans = walk(bytes, limits).spans;
    const rest = Buffer.from(bytes);
    for (const { start, end } of spans) rest.fill(0x2e, start, end);
    expect(rest.toString('latin1').replace(/\.+/g, '|')).toBe('|one\r\n|\r\ntwo\r\n|');
  });

  it('lies in the message in order, for any octets', () => {
    const pieces = fc.constantFrom(
      '--b',
      '--b--',
      '\r\n',
      '\n',
      '\r',
      'Content-Type: ',
      'boundary=b',
      'QUJD',
      ' ',
      ':',
      '\0',
      'begin 644 x',
      'end',
      '=',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (text) => {
        const bytes = Buffer.from(text.join(''), 'latin1');
        const { spans, starts } = walk(bytes, limits);
        let last = 0;
        for (const { start, end } of spans) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThanOrEqual(start);
          last = end;
        }
        expect(last).toBeLessThanOrEqual(bytes.length);
        for (const { start, ends } of starts) {
          expect(ends.length).toBeGreaterThan(0);
          for (const end of ends) expect(end).toBeGreaterThanOrEqual(start);
          for (const end of ends) expect(end <= bytes.length || end === start).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('lines that begin with two hyphens', () => {
  it('are no boundaries in a plain text', () => {
    const chapter = '--------\nHeading: with a colon\n\n-- quoted\n\ntext\n';
    expect(walk(message([], Buffer.from(chapter.repeat(500))), limits).parts).toBe(0);
  });

  it('are boundaries that no header names, where a field of a part follows or they come again', () => {
    const part = '--token\nContent-Type: text/plain\n\none\n';
    expect(walk(message([], Buffer.from(part)), limits).parts).toBe(1);
    expect(walk(message([], Buffer.from('--token\n\none\n--token\n\ntwo\n')), limits).parts).toBe(1);
  });
});

describe('decoding a region', () => {
  it('cuts it to its limit and says so', () => {
    const bytes = Buffer.from(base64Lines(Buffer.alloc(100, 1)));
    const region: Region = {
      path: '1',
      names: [],
      start: 0,
      end: bytes.length,
      encoding: 'base64',
      isUnlikely: false,
    };
    expect(decodeRegion(bytes, region, 100)).toMatchObject({ cut: false });
    const { variants, cut } = decodeRegion(bytes, region, 99);
    expect([variants[0]?.length, cut]).toEqual([99, true]);
  });
});
