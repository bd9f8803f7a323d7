import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';

const hello = Buffer.from('hello, hello, hello');
const found = [`a=${hello}`];
const contents = (bytes: Buffer, name = 'a.gz') => contentsOf(bytes, { name });

describe('gzip', () => {
  it('gives its content, by the name without the ending', () => {
    expect(contents(gzipSync(hello))).toEqual(found);
    expect(contents(gzipSync(hello), 'a.tgz')).toEqual([`a.tar=${hello}`]);
  });

  it('reads all optional fields of the header', () => {
    const header = Buffer.from('1f8b081e000000000003', 'hex');
    const fields = Buffer.concat([
      Buffer.from([2, 0, 9, 9]),
      Buffer.from('n.exe\0comment\0'),
      Buffer.from([0, 0]),
    ]);
    const bytes = Buffer.concat([header, fields, deflateRawSync(hello), Buffer.alloc(8)]);
    expect(contents(bytes)).toEqual([`n.exe=${hello}`]);
  });

  it('joins its members, and gives what follows them by itself', () => {
    const two = Buffer.concat([gzipSync('hello, '), gzipSync('hello')]);
    expect(contents(two)).toEqual(['a=hello, hello']);
    expect(contents(Buffer.concat([two, Buffer.from('MZ')]))).toEqual(['a=hello, hello', 'rest=MZ']);
    expect(contents(Buffer.concat([two, Buffer.alloc(1_000)]))).toEqual(['a=hello, hello']);
  });

  it('gives what there is of a cut one', () => {
    const whole = gzipSync(hello);
    expect(contents(whole.subarray(0, -12))).toEqual(['damaged-archive', expect.stringMatching(/^a=hello/)]);
  });

  it('gives what came before damage', () => {
    const text = Array.from({ length: 5_000 }, (_, i) => `${(i * 7_919) % 10_007}`).join(' ');
    const whole = gzipSync(text);
    whole.fill(0xff, whole.length / 2, whole.length / 2 + 50);
    const [limit, member = ''] = contents(whole);
    expect(limit).toBe('damaged-archive');
    expect(member.slice(0, 10_000)).toBe(`a=${text}`.slice(0, 10_000));
  });
});
