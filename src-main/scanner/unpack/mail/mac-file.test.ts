import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';

type Fork = readonly [id: number, text: string];

function single(magic: number, forks: readonly Fork[], cutBytes = 0): Buffer {
  const head = Buffer.alloc(26 + 12 * forks.length);
  head.writeUInt32BE(magic, 0);
  head.writeUInt32BE(0x20000, 4);
  head.writeUInt16BE(forks.length, 24);
  let at = head.length;
  forks.forEach(([id, text], index) => {
    head.writeUInt32BE(id, 26 + 12 * index);
    head.writeUInt32BE(at, 30 + 12 * index);
    head.writeUInt32BE(text.length, 34 + 12 * index);
    at += text.length;
  });
  const all = Buffer.concat([head, ...forks.map(([, text]) => Buffer.from(text))]);
  return all.subarray(0, all.length - cutBytes);
}

function macBinary(data: string, resource: string, version = 129): Buffer {
  const head = Buffer.alloc(128);
  head[1] = 5;
  head.write('a.txt', 2);
  head.writeUInt32BE(data.length, 83);
  head.writeUInt32BE(resource.length, 87);
  head[123] = version;
  return Buffer.concat([head, Buffer.from(data), Buffer.alloc(128 - data.length), Buffer.from(resource)]);
}

describe('files of a Macintosh', () => {
  it('give both forks of AppleSingle under the name of the file', () => {
    const forks: readonly Fork[] = [
      [3, 'a.txt'],
      [9, 'finder'],
      [1, 'data'],
      [2, 'resource'],
    ];
    expect(contentsOf(single(0x51600, forks))).toEqual(['a.txt=data', 'a.txt.rsrc=resource']);
  });

  it('give the fork of AppleDouble', () => {
    expect(contentsOf(single(0x51607, [[2, 'resource']]))).toEqual(['data.rsrc=resource']);
  });

  it('say where something is missing', () => {
    expect(contentsOf(single(0x51600, [[1, 'data']], 2))).toEqual(['damaged-archive', 'data=da']);
    expect(contentsOf(single(0x51600, [[1, 'data']], 12))).toEqual(['damaged-archive']);
  });

  it('give both forks of MacBinary, old and new', () => {
    for (const version of [0, 129, 130])
      expect(contentsOf(macBinary('data', 'resource', version))).toEqual([
        'a.txt=data',
        'a.txt.rsrc=resource',
      ]);
  });

  it('are told from other content', () => {
    expect(contentsOf(macBinary('data', 'resource', 7))).toEqual([]);
    expect(contentsOf(Buffer.alloc(300))).toEqual([]);
  });
});
