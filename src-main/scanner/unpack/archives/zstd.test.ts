import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contentsOf, contextOf, unpackAll } from '../contents.fixture.ts';
import { isZstd, unpackZstd } from './zstd.ts';

const hello = Buffer.from('hello, hello, hello');
const frame = zstdCompressSync(hello);
const skippable = Buffer.concat([Buffer.from('552a4d1802000000', 'hex'), Buffer.from('MZ')]);

function contents(bytes: Buffer): string[] {
  return [...unpackZstd(bytes, contextOf({ name: 'a.zst' }))].map((each) =>
    each.kind === 'member' ? `${each.name}=${each.bytes}` : each.kind === 'limit' ? each.code : each.trait,
  );
}

/** Text that doesn't compress to next to nothing. */
const text = Buffer.from(Array.from({ length: 100_000 }, (_, i) => `${(i * 7_919) % 100_003}`).join(' '));

describe('zstd', () => {
  it('gives its frames as one', () => {
    expect(contentsOf(frame, { name: 'a.zst' })).toContain(`a=${hello}`);
    expect(contents(Buffer.concat([frame, frame]))).toEqual([`a=${hello}${hello}`]);
    expect(isZstd(Buffer.from('\x28\xb5\x2f', 'latin1'))).toBe(false);
  });

  it('gives what skippable frames hold, and what follows', () => {
    expect(isZstd(skippable)).toBe(true);
    expect(contents(Buffer.concat([skippable, frame, Buffer.from('rest')]))).toEqual([
      'skipped=MZ',
      `a=${hello}`,
      'rest=rest',
    ]);
  });

  it('gives the first blocks of a cut or damaged frame', () => {
    const whole = zstdCompressSync(text);
    const [first = '', second] = contents(whole.subarray(0, whole.length - 100));
    expect(second).toBe('damaged-archive');
    expect(first.length).toBeGreaterThan(100_000);
    expect(`a=${text}`.startsWith(first)).toBe(true);
    whole.fill(0xff, whole.length - 1_000, whole.length - 900);
    const [before = '', limit] = contents(whole);
    expect(limit).toBe('damaged-archive');
    expect(`a=${text}`.startsWith(before)).toBe(true);
  });

  it('says what it needs a dictionary for, or more memory than anybody has', () => {
    expect(contents(Buffer.from('28b52ffd2177010b0100000068656c6c6f', 'hex'))).toContain(
      'unsupported-archive',
    );
    expect(contents(Buffer.from('28b52ffd00f8090000aa', 'hex'))).toContain('unsupported-archive');
  });

  it('stops bombs early, with a first piece', () => {
    const bomb = zstdCompressSync(Buffer.alloc(60_000_000));
    const given = unpackAll(bomb, { name: 'a.zst' });
    expect(given.find(({ kind }) => kind === 'limit')).toEqual({ kind: 'limit', code: 'unpack-ratio' });
    expect(given.find((each) => each.kind === 'member' && each.bytes.length === 1_048_576)).toBeDefined();
  });
});
