import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';

const header = Buffer.from('00000001123a00101904001000000000', 'hex');
const newHeader = Buffer.from('7a1a2010000000000000000000000000', 'hex');
const hello = Buffer.from('hello, hello, hello');

describe('Symbian installation files', () => {
  it('give the streams in them', () => {
    const streams = [
      deflateSync(hello, { level: 9 }),
      Buffer.from('x\x9c x '),
      deflateSync(Buffer.from('MZ')),
    ];
    expect(contentsOf(Buffer.concat([header, Buffer.alloc(40), ...streams]))).toEqual([
      `file-1=${hello}`,
      'file-2=MZ',
    ]);
    expect(contentsOf(Buffer.concat([newHeader, ...streams]))).toHaveLength(2);
  });

  it('are a limit where there are none', () => {
    expect(contentsOf(Buffer.concat([header, hello]))).toEqual(['unsupported-archive']);
  });

  it('are tried at no more than so many places', () => {
    expect(contentsOf(Buffer.concat([header, Buffer.from('x\x9c\xff'.repeat(100_000), 'latin1')]))).toEqual([
      'archive-members',
    ]);
  });
});
