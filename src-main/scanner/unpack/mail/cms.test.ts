import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eicar } from '../../test-messages.ts';
import { type Circumstances, contextOf } from '../contents.fixture.ts';
import { described } from '../documents/described.fixture.ts';
import { isCms, unpackCms } from './cms.ts';

/** An element with a definite length. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const length = content.length < 128 ? Buffer.from([content.length]) : Buffer.alloc(5, 0x84);
  if (content.length >= 128) length.writeUInt32BE(content.length, 1);
  return Buffer.concat([Buffer.from([tag]), length, content]);
}
/** An element with an indefinite length. */
function ber(tag: number, ...contents: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.alloc(2)]);
}
const oid = (hex: string) => der(6, Buffer.from(hex, 'hex'));
const types = {
  data: oid('2a864886f70d010701'),
  signed: oid('2a864886f70d010702'),
  enveloped: oid('2a864886f70d010703'),
  encrypted: oid('2a864886f70d010706'),
  compressed: oid('2a864886f70d0109100109'),
  authEnveloped: oid('2a864886f70d0109100117'),
} as const;
const version = der(2, Buffer.from([1]));
const algorithm = der(0x30, oid('2a864886f70d0109100308'));

type Writer = (tag: number, ...contents: readonly Buffer[]) => Buffer;
const wrapped = (type: Buffer, content: Buffer, write: Writer = der) =>
  write(0x30, type, write(0xa0, content));
const signedData = (content: Buffer, write: Writer = der, type = types.data) =>
  write(0x30, version, der(0x31, algorithm), write(0x30, type, write(0xa0, content)), der(0x31));
const signed = (content: Buffer, write: Writer = der) =>
  wrapped(types.signed, signedData(content, write), write);
const compressedData = (bytes: Buffer) =>
  der(0x30, version, algorithm, der(0x30, types.data, der(0xa0, der(4, bytes))));

const contents = (bytes: Buffer, circumstances: Circumstances = {}) => {
  expect(isCms(bytes)).toBe(true);
  return described(unpackCms(bytes, contextOf(circumstances)));
};
const text = Buffer.concat([Buffer.from('Content-Type: text/plain\r\n\r\n'), eicar]);
const found = `smime.eml=${text.toString('latin1')}`;

describe('CMS', () => {
  it('is known by its type', () => {
    expect(isCms(signed(der(4, text)))).toBe(true);
    expect(isCms(der(0x30, oid('550403')))).toBe(false);
    expect(isCms(der(0x31, types.data))).toBe(false);
    expect(isCms(Buffer.from('0'))).toBe(false);
    expect(isCms(Buffer.alloc(0))).toBe(false);
  });

  it('gives what is signed, in definite and indefinite lengths, whole and in pieces', () => {
    const pieces = [text.subarray(0, 10), text.subarray(10, 30), text.subarray(30)].map((each) =>
      der(4, each),
    );
    expect(contents(signed(der(4, text)))).toEqual([found]);
    expect(contents(signed(der(0x24, ...pieces)))).toEqual([found]);
    expect(contents(signed(ber(0x24, ...pieces), ber))).toEqual([found]);
    const [first = text, ...others] = pieces;
    expect(contents(signed(ber(0x24, ber(0x24, first), ber(0x24, ...others)), ber))).toEqual([found]);
    // PKCS #7 before CMS had the content itself there.
    expect(contents(signed(der(0x13, text)))).toEqual([found]);
    expect(contents(wrapped(types.data, der(4, text)))).toEqual([found]);
  });

  it('gives what is compressed, also within something signed', () => {
    const compressed = compressedData(deflateSync(text));
    expect(contents(wrapped(types.compressed, compressed))).toEqual([found]);
    const both = wrapped(types.signed, signedData(der(4, compressed), der, types.compressed));
    expect(contents(both)).toEqual([found]);
  });

  it('gives nothing of signatures beside their content, and of certificates', () => {
    const detached = der(0x30, version, der(0x31, algorithm), der(0x30, types.data), der(0x31));
    expect(contents(wrapped(types.signed, detached))).toEqual([]);
    expect(
      contents(wrapped(types.signed, der(0x30, version, der(0x31), der(0x30, types.data), der(0xa0, text)))),
    ).toEqual([]);
  });

  it('says what is encrypted', () => {
    for (const type of [types.enveloped, types.encrypted, types.authEnveloped])
      for (const write of [der, ber])
        expect(contents(wrapped(type, write(0x30, version, der(0x31)), write))).toEqual(['encrypted']);
    const within = wrapped(types.signed, signedData(der(4, der(0x30)), der, types.enveloped));
    expect(contents(within)).toEqual(['encrypted']);
  });

  it('says what is missing, after what there is', () => {
    const whole = signed(ber(0x24, der(4, text.subarray(0, 60)), der(4, text.subarray(60))), ber);
    const [member, limit] = contents(whole.subarray(0, whole.indexOf(text.subarray(70))));
    expect(member).toBe('damaged-archive');
    expect(limit).toMatch(/^smime\.eml=Content-Type/);
  });
});

describe('hostile CMS', () => {
  it('is read in bounded depth', () => {
    const depths = Buffer.concat(Array<Buffer>(500_000).fill(Buffer.from([0x24, 0x80])));
    expect(contents(signed(depths, ber))).toEqual(['damaged-archive']);
    const sequences = Buffer.concat(Array<Buffer>(500_000).fill(Buffer.from([0x30, 0x80])));
    expect(
      contents(wrapped(types.signed, Buffer.concat([Buffer.from([0x30, 0x80]), sequences]), ber)),
    ).toEqual([]);
    let nested: Buffer = der(0x30);
    for (let depth = 0; depth < 12; depth++) nested = signedData(der(4, nested), der, types.signed);
    expect(contents(wrapped(types.signed, nested))).toEqual(['archive-depth']);
  });

  it('is stopped where it unpacks to too much', () => {
    const bomb = compressedData(deflateSync(Buffer.alloc(60_000_000)));
    expect(contents(wrapped(types.compressed, bomb))[0]).toBe('unpack-ratio');
    expect(contents(signed(der(4, text)), { limits: { unpackedBytes: 10 } })).toEqual(['unpacked-size']);
  });

  it('ends in members or limits, whatever is changed or cut', () => {
    const samples = [
      signed(ber(0x24, der(4, text.subarray(0, 60)), der(4, text.subarray(60))), ber),
      wrapped(types.compressed, compressedData(deflateSync(text))),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        fc.nat(300),
        (sample, changes, length) => {
          const bytes = Buffer.from(sample.subarray(0, length));
          for (const [at, octet] of changes) if (bytes.length > 0) bytes[at % bytes.length] = octet;
          isCms(bytes);
          described(unpackCms(bytes, contextOf()));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('skipped: openssl is not on this machine');
describe.skipIf(!hasOpenssl)('what OpenSSL writes', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'cms-'));
    writeFileSync(join(dir, 'm'), text);
    openssl(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -days 2 -subj /CN=t',
    );
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const openssl = (line: string) => execFileSync('openssl', line.split(' '), { cwd: dir, stdio: 'pipe' });

  it.each([
    ['-sign -nodetach -binary -signer c -inkey k', [found]],
    ['-sign -nodetach -binary -stream -signer c -inkey k', [found]],
    ['-sign -binary -signer c -inkey k', []],
    ['-encrypt -binary -recip c', ['encrypted']],
    ['-encrypt -aes-256-gcm -binary -recip c', ['encrypted']],
  ])('is read: %s', (line, expected) => {
    openssl(`cms ${line} -in m -outform DER -out o`);
    expect(contents(readFileSync(join(dir, 'o')))).toEqual(expected);
  });
});
