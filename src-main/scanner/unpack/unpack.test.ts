import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tar, zip } from '../test-messages.ts';
import { contextOf } from './contents.fixture.ts';
import { unpackersOf } from './unpack.ts';

const hello = Buffer.from('hello');
const kindsOf = (bytes: Buffer) => unpackersOf(bytes).map(({ kind }) => kind);

describe('ways to unpack', () => {
  it.each([
    ['zip', zip([{ name: 'a', bytes: hello }])],
    ['zip', Buffer.concat([Buffer.from('x'), zip([{ name: 'a', bytes: hello }])])],
    ['tar', tar('a', hello)],
    ['gzip', gzipSync(hello)],
    ['zstd', zstdCompressSync(hello)],
    ['szdd', Buffer.from('SZDD\x88\xf0\x27\x33A', 'latin1')],
    ['7-zip', Buffer.from('7z\xbc\xaf\x27\x1c\0\x04', 'latin1')],
    ['tnef', Buffer.from('789f3e220100', 'hex')],
    ['binhex', Buffer.from('(This file must be converted with BinHex 4.0)\r\n:')],
    ['sis', Buffer.from('00000001123a001019040010', 'hex')],
  ])('are known by the first octets: %s', (kind, bytes) => {
    expect(kindsOf(bytes)).toContain(kind);
  });

  it('are not seen in text, nor in nothing', () => {
    for (const text of ['PK, BZh, Rar!', '', 'P', 'SZ', 'x', ':', '\0', '(\x50'])
      expect(kindsOf(Buffer.from(text, 'latin1'))).toEqual([]);
  });

  it('are one for a tar with a zip in it', () => {
    const kinds = kindsOf(tar('a.zip', zip([{ name: 'a', bytes: hello }])));
    expect(kinds).toContain('tar');
    expect(kinds).not.toContain('zip');
  });
});

const samples = '/usr/share/clamav-testfiles';
const isHere = existsSync(samples);

describe('test files of ClamAV', () => {
  it
    .skipIf(!isHere)
    .each(['clam.zip', 'clam.tar.gz', 'clam.tnef', 'clam.exe.binhex', 'clam.exe.szdd', 'clam.sis'])(
    `give the program in them: %s${isHere ? '' : ' (SKIPPED: no clamav-testfiles)'}`,
    (file) => {
      const hashes: string[] = [];
      const unpack = (bytes: Buffer, name: string): void => {
        const hash = createHash('md5').update(bytes).digest('hex');
        hashes.push(hash);
        const context = contextOf({ name });
        const unpackers = unpackersOf(bytes).filter(({ object }) => object === 'archives' || name === file);
        for (const unpacker of unpackers)
          for (const each of unpacker.unpack(bytes, context))
            if (each.kind === 'member') unpack(each.bytes, each.name);
      };
      unpack(readFileSync(join(samples, file)), file);
      expect(hashes).toContain('aa15bcf478d165efd2065190eb473bcb');
    },
  );
});
