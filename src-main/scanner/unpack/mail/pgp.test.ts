import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eicar } from '../../test-messages.ts';
import { type Circumstances, contextOf } from '../contents.fixture.ts';
import { described } from '../documents/described.fixture.ts';
import { isPgp, unpackPgp } from './pgp.ts';

/** A packet in the present format, with a length of four octets (RFC 9580 §4.2.1). */
function packet(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const head = Buffer.from([0xc0 | tag, 255, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}
/** The same in the old format: lengths of one, two, four octets, or up to the end. */
function oldPacket(tag: number, lengthType: 0 | 1 | 2 | 3, body: Buffer): Buffer {
  const head = Buffer.from([0x80 | (tag << 2) | lengthType, 0, 0, 0, 0]);
  const octets = [1, 2, 4, 0][lengthType] ?? 0;
  if (octets > 0) head.writeUIntBE(body.length, 1, octets);
  return Buffer.concat([head.subarray(0, 1 + octets), body]);
}
function literalBody(name: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x62, name.length]), Buffer.from(name), Buffer.alloc(4), bytes]);
}
const literal = packet(11, literalBody('a.exe', eicar));
const onePass = packet(4, Buffer.from('030008010102030405060708 01'.replace(' ', ''), 'hex'));
const signature = packet(2, Buffer.alloc(60, 4));
const sessionKey = packet(1, Buffer.from('0301020304050607080100', 'hex'), Buffer.alloc(60, 7));
const passwordKey = packet(3, Buffer.from('04090308', 'hex'), Buffer.alloc(9, 1));
const encrypted = packet(18, Buffer.from([1]), Buffer.alloc(90, 200));
const found = `a.exe=${eicar.toString('latin1')}`;

function armor(bytes: Buffer, kind = 'MESSAGE'): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [
    `-----BEGIN PGP ${kind}-----`,
    'Comment: x',
    '',
    ...lines,
    '=AbCd',
    `-----END PGP ${kind}-----`,
    '',
  ].join('\r\n');
}
const joined = (...pieces: readonly Buffer[]) => Buffer.concat(pieces);
const contents = (bytes: Buffer | string, circumstances: Circumstances = {}) => {
  const octets = Buffer.from(bytes);
  expect(isPgp(octets)).toBe(true);
  return described(unpackPgp(octets, contextOf(circumstances)));
};

describe('OpenPGP messages', () => {
  it('give what is plain, signed or compressed', () => {
    expect(contents(literal)).toEqual([found]);
    expect(contents(joined(onePass, literal, signature))).toEqual([found]);
    expect(contents(joined(signature, literal))).toEqual([found]);
    const inner = joined(onePass, literal, signature);
    expect(contents(packet(8, Buffer.from([0]), inner))).toEqual([found]);
    expect(contents(packet(8, Buffer.from([1]), deflateRawSync(inner)))).toEqual([found]);
    expect(contents(packet(8, Buffer.from([2]), deflateSync(inner)))).toEqual([found]);
    expect(contents(packet(8, Buffer.from([3]), Buffer.from('BZh9')))).toEqual(['unsupported-archive']);
  });

  it('are read in all forms of lengths', () => {
    const body = literalBody('a.exe', eicar);
    for (const lengthType of [0, 1, 2, 3] as const)
      expect(contents(oldPacket(11, lengthType, body))).toEqual([found]);
    const partial = joined(
      Buffer.from([0xcb, 0xe0 | 6]),
      body.subarray(0, 64),
      Buffer.from([body.length - 64]),
      body.subarray(64),
    );
    expect(contents(partial)).toEqual([found]);
    const long = Buffer.alloc(300, 'x');
    const longBody = literalBody('b', long);
    const twoOctets = Buffer.from([((longBody.length - 192) >> 8) + 192, (longBody.length - 192) & 255]);
    expect(contents(joined(Buffer.from([0xcb]), twoOctets, longBody))).toEqual([`b=${long}`]);
  });

  it('are read behind packets that programs leave out', () => {
    const unknown = packet(60, Buffer.from('private'));
    const marker = packet(10, Buffer.from('PGP'));
    expect(contents(joined(unknown, literal))).toEqual([found]);
    expect(contents(joined(marker, unknown, literal))).toEqual([found]);
    expect(contents(joined(onePass, unknown, literal, signature))).toEqual([found]);
    expect(contents(joined(...Array<Buffer>(1_001).fill(marker), literal))).toEqual(['archive-members']);
  });

  it('that are encrypted are a limit', () => {
    expect(contents(joined(sessionKey, encrypted))).toEqual(['encrypted']);
    expect(contents(joined(passwordKey, encrypted))).toEqual(['encrypted']);
    expect(contents(joined(sessionKey, sessionKey, packet(9, Buffer.alloc(50, 9))))).toEqual(['encrypted']);
    expect(contents(encrypted)).toEqual(['encrypted']);
  });

  it('are found in armor, in a text, quoted, with dashes', () => {
    expect(contents(armor(literal))).toEqual([found]);
    expect(contents(`Dear Jo,\r\n\r\n${armor(literal)}\r\nBye`)).toEqual([found]);
    expect(contents(armor(literal).replace(/^/gm, '> '))).toEqual([found]);
    expect(contents(armor(literal).replace(/^-/gm, '- -'))).toEqual([found]);
    expect(contents(armor(joined(sessionKey, encrypted)))).toEqual(['encrypted']);
    expect(contents(armor(literal) + armor(joined(sessionKey, encrypted)))).toEqual([found, 'encrypted']);
    expect(contents(armor(literal).split('=AbCd')[0] ?? '')).toEqual([found]);
  });

  it('are not keys, signatures, texts signed in clear', () => {
    const key = packet(6, Buffer.alloc(100, 4));
    expect(isPgp(key)).toBe(false);
    expect(isPgp(signature)).toBe(false);
    expect(isPgp(Buffer.from(armor(key, 'PUBLIC KEY BLOCK')))).toBe(false);
    expect(
      isPgp(
        Buffer.from(
          `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHi\n${armor(signature, 'SIGNATURE')}`,
        ),
      ),
    ).toBe(false);
  });

  it('that are cut give what there is', () => {
    expect(contents(joined(onePass, literal.subarray(0, -5)))).toEqual([
      found.slice(0, -5),
      'damaged-archive',
    ]);
    const cut = packet(8, Buffer.from([1]), deflateRawSync(literal)).subarray(0, -6);
    expect(contents(cut).at(-1)).toBe('damaged-archive');
    expect(contents(cut)[0]).toMatch(/^a\.exe=X5O/);
  });
});

describe('hostile messages', () => {
  it('are no accidents: random octets are not taken for them', () => {
    let state = 1;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state >> 16;
    };
    let hits = 0;
    for (let i = 0; i < 50_000; i++) {
      const bytes = Buffer.from(Array.from({ length: 64 }, random));
      bytes[0] = 0x80 | (i & 0x7f);
      if (isPgp(bytes)) hits++;
    }
    expect(hits).toBeLessThan(5);
  });

  it('end within bounds', () => {
    const repeated = (bytes: Buffer, count: number) => Buffer.concat(Array<Buffer>(count).fill(bytes));
    expect(contents(joined(onePass, literal, repeated(packet(2), 200_000))).slice(0, 1)).toEqual([found]);
    let nested = literal;
    for (let depth = 0; depth < 12; depth++) nested = packet(8, Buffer.from([1]), deflateRawSync(nested));
    expect(contents(nested)).toEqual(['archive-depth']);
    const bomb = packet(
      8,
      Buffer.from([1]),
      deflateRawSync(packet(11, literalBody('a', Buffer.alloc(60_000_000)))),
    );
    expect(contents(bomb).at(-1)).toBe('unpack-ratio');
    const pieces = joined(
      Buffer.from([0xc4, 13]),
      onePass.subarray(6),
      Buffer.from([0xcb]),
      repeated(Buffer.from([0xe0, 0x62]), 500_000),
    );
    expect(contents(pieces).at(-1)).toBe('damaged-archive');
    // A compressed packet of old length within the next, each up to the end, without compression.
    expect(contents(repeated(Buffer.from('c8ff7fffffff00', 'hex'), 200_000))).toContain('archive-depth');
    const begins = Buffer.from('-----BEGIN PGP MESSAGE\n'.repeat(100_000));
    expect(contents(begins)).toEqual([]);
    expect(contents(joined(onePass, literal), { limits: { archiveMembers: 0 } })).toEqual([
      'archive-members',
    ]);
  });

  it('end in members or limits, whatever is changed or cut', () => {
    const samples = [
      joined(onePass, literal, signature),
      packet(8, Buffer.from([2]), deflateSync(literal)),
      joined(sessionKey, encrypted),
      Buffer.from(armor(literal)),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        fc.nat(400),
        (sample, changes, length) => {
          const bytes = Buffer.from(sample.subarray(0, length));
          for (const [at, octet] of changes) if (bytes.length > 0) bytes[at % bytes.length] = octet;
          isPgp(bytes);
          described(unpackPgp(bytes, contextOf()));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

const hasGpg = spawnSync('gpg', ['--version']).status === 0;
if (!hasGpg) console.warn('skipped: gpg is not on this machine');
describe.skipIf(!hasGpg)('what GnuPG writes', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'pgp-'));
    writeFileSync(join(dir, 'a.exe'), eicar);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    ['--store', [found]],
    ['--store --armor', [found]],
    ['--store --compress-algo zlib -z 6', [found]],
    ['--symmetric --s2k-count 1024 --passphrase x --pinentry-mode loopback', ['encrypted']],
    ['--symmetric --armor --s2k-count 1024 --passphrase x --pinentry-mode loopback', ['encrypted']],
  ])('is read: %s', (line, expected) => {
    // An agent would outlive the test: none is needed for these but to ask for a password, which is given.
    execFileSync('gpg', ['--homedir', dir, '--batch', '--yes', '-o', 'o', ...line.split(' '), 'a.exe'], {
      cwd: dir,
      stdio: 'pipe',
    });
    spawnSync('gpgconf', ['--homedir', dir, '--kill', 'all']);
    expect(contents(readFileSync(join(dir, 'o')))).toEqual(expected);
  });
});
