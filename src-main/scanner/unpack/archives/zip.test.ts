import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Sandbox, SandboxReply } from '../../sandbox/sandbox.ts';
import { zip } from '../../test-messages.ts';
import { type Circumstances, contentsOf } from '../contents.fixture.ts';
import { unpackersOf } from '../unpack.ts';
import { deflatedEntry, extraField, storedEntry, writeZip } from './zip.fixture.ts';

const hello = Buffer.from('hello, hello, hello');
const one = [{ name: 'a', bytes: hello }];
const found = [`a=${hello}`];
const a = deflatedEntry('a', hello);
const b = storedEntry('b', Buffer.from('bb'));

describe('zip', () => {
  it('gives deflated and stored members', () => {
    const members = [...one, { name: 'b', bytes: hello, stored: true }];
    expect(contentsOf(zip(members))).toEqual([...found, `b=${hello}`]);
  });

  it('is found behind other octets', () => {
    expect(contentsOf(Buffer.concat([Buffer.from('MZ a program in front'), zip(one)]))).toEqual(found);
    expect(contentsOf(Buffer.concat([gzipSync('x'), zip(one)]))).toContain(`a=${hello}`);
  });

  it('gives members that only local headers name, and says what is missing', () => {
    expect(contentsOf(zip(one, { central: true }))).toEqual(['damaged-archive', ...found]);
  });

  it('reads sizes that come behind the data', () => {
    const streamed = (stored: boolean) => [{ name: 'a', bytes: hello, stored, local: { flags: 8, size: 0 } }];
    expect(contentsOf(zip(streamed(false)))).toEqual(found);
    expect(contentsOf(zip(streamed(true)))).toContain(found[0]);
  });

  it('does not take members of a member for its own', () => {
    const inner = zip(one);
    const given = [`z=${inner.toString('latin1')}`];
    expect(contentsOf(zip([{ name: 'z', bytes: inner, stored: true }]))).toEqual(given);
    expect(contentsOf(writeZip([storedEntry('z', inner)], { comment: Buffer.from('hi') }))).toEqual(given);
  });

  it('reads sizes and offsets of Zip64', () => {
    expect(contentsOf(writeZip([a, b], { zip64: true }))).toEqual([...found, 'b=bb']);
    const prefix = Buffer.alloc(100, 'x');
    const hidden = { ...b, local: { signature: 'xxxx' } };
    expect(contentsOf(writeZip([a, hidden], { zip64: true, prefix }))).toContain('b=bb');
  });

  it('finds its end before a comment, and the last of several ends', () => {
    expect(contentsOf(writeZip([a], { comment: Buffer.alloc(60_000, 'c') }))).toEqual(found);
    expect(contentsOf(Buffer.concat([writeZip([a]), writeZip([b])]))).toEqual([...found, 'b=bb']);
  });

  it('gives a name in Unicode instead of the other, and both when they say different kinds', () => {
    const unicode = (name: string) =>
      extraField(0x7075, Buffer.concat([Buffer.alloc(5), Buffer.from(name, 'utf8')]));
    expect(contentsOf(writeZip([{ ...a, name: '\x81.txt', extra: unicode('ü.txt') }]))).toEqual([
      `ü.txt=${hello}`,
    ]);
    expect(contentsOf(writeZip([{ ...a, name: 'a.txt', extra: unicode('a.exe') }]))).toEqual([
      `a.exe=${hello}`,
      `a.txt=${hello}`,
    ]);
  });

  it('is found behind whatever looks like its beginning', () => {
    const signatures = Buffer.from(`x${`PK\x03\x04${'\xff'.repeat(40)}`.repeat(70)}`, 'latin1');
    expect(contentsOf(Buffer.concat([signatures, writeZip([a])]))).toContain(`a=${hello}`);
  });

  it('is not seen in text', () => {
    expect(unpackersOf(Buffer.from('PK, BZh, Rar!'))).toEqual([]);
  });
});

describe('contradictions', () => {
  const said = '[contradictory-archive]';

  it('give what either header says of a member', () => {
    const stored = [{ name: 'a', bytes: hello, stored: true, local: { method: 8 } }];
    expect(contentsOf(zip(stored))).toEqual(expect.arrayContaining([said, `a=${hello}`]));
    const short = [{ name: 'a', bytes: hello, stored: true, local: { size: 3 } }];
    expect(contentsOf(zip(short))).toEqual([said, 'a=hel', ...found]);
  });

  it('give a member by both its names', () => {
    const entry = { ...a, local: { name: 'a.txt' }, central: { name: 'a.exe' } };
    expect(contentsOf(writeZip([entry]))).toEqual([said, `a.txt=${hello}`, `a.exe=${hello}`]);
  });

  it('try members whose encryption only one header claims', () => {
    expect(contentsOf(zip([{ name: 'a', bytes: hello, central: { flags: 1 } }]))).toEqual([said, ...found]);
  });

  it('are members that the directory leaves out', () => {
    expect(contentsOf(writeZip([a, { ...b, central: false }, deflatedEntry('c', hello)]))).toEqual([
      ...found,
      said,
      'b=bb',
      `c=${hello}`,
    ]);
  });

  it('are members within the data of others', () => {
    const inner = writeZip([b], { end: false }).subarray(0, 33);
    const outer = storedEntry('z', inner);
    const pointed = { ...b, data: Buffer.alloc(0), packed: 2, central: { offset: 31 } };
    expect(contentsOf(writeZip([outer, pointed]))).toEqual(expect.arrayContaining([said, 'b=bb']));
  });

  it('are one name for two contents', () => {
    expect(contentsOf(writeZip([a, { ...b, name: 'a' }]))).toEqual([...found, said, 'a=bb']);
  });

  it('are data behind the end of a deflate stream', () => {
    const inner = writeZip([b], { end: false }).subarray(0, 33);
    const hiding = { ...a, data: Buffer.concat([a.data, inner]) };
    expect(contentsOf(writeZip([hiding]))).toEqual([...found, said, 'b=bb']);
  });

  it('are not seen in what writers really do', () => {
    const streamed = { ...a, local: { flags: 8, packed: 0, unpacked: 0, crc: 0 }, central: { flags: 8 } };
    expect(contentsOf(writeZip([streamed, b, storedEntry('d/', Buffer.alloc(0))]))).toEqual([
      ...found,
      'b=bb',
    ]);
  });
});

describe('damage', () => {
  it('gives members whose local header has lost its signature', () => {
    const entry = { ...a, local: { signature: 'PK\x03\x05' } };
    expect(contentsOf(writeZip([entry, b]))).toEqual(['damaged-archive', 'b=bb', ...found]);
  });

  it('gives what came before the damage', () => {
    const text = Buffer.from(Array.from({ length: 5_000 }, (_, i) => `${(i * 7_919) % 10_007}`).join(' '));
    const entry = deflatedEntry('a', text);
    const data = Buffer.from(entry.data).fill(0xff, entry.data.length / 2, entry.data.length / 2 + 50);
    const members = contentsOf(writeZip([{ ...entry, data }]));
    expect(members.slice(1)).toContain('damaged-archive');
    expect(members[0]?.slice(0, 10_000)).toBe(`a=${text}`.slice(0, 10_000));
  });
});

describe('split archives', () => {
  const said = ['[split-archive]', 'split-archive'];

  it('are known by their end record', () => {
    expect(contentsOf(writeZip([a], { disk: 1 }))).toEqual([...said, ...found]);
  });

  it('are known by their first octets', () => {
    const whole = writeZip([a, b], { prefix: Buffer.from('PK\x07\x08', 'latin1') });
    expect(contentsOf(whole.subarray(0, 45))).toEqual([...said, expect.stringMatching(/^a=/)]);
    // One that fitted into a single piece after all.
    expect(contentsOf(whole)).toEqual([...found, 'b=bb']);
  });
});

describe('methods that are not ours', () => {
  const lzma = { ...a, name: 'l', method: 14 };

  it('are a limit without the sandbox', () => {
    expect(contentsOf(writeZip([lzma, b]))).toEqual(['b=bb', 'unsupported-archive']);
  });

  function sandboxed(reply: Partial<SandboxReply>): Circumstances {
    const sandbox: Sandbox = {
      unpack: ({ extension }) => {
        expect(extension).toBe('zip');
        return { members: [], limits: [], encryptedNames: [], openedByPassword: false, ...reply };
      },
      stop: () => undefined,
    };
    return { sandbox };
  }

  it('are unpacked in the sandbox, once for the archive', () => {
    const members = [
      { name: 'l', bytes: hello },
      { name: 'm', bytes: hello },
    ];
    expect(contentsOf(writeZip([lzma, b, { ...lzma, name: 'm' }]), sandboxed({ members }))).toEqual([
      'b=bb',
      `l=${hello}`,
      `m=${hello}`,
    ]);
  });

  it('give what the sandbox could not do', () => {
    expect(contentsOf(writeZip([lzma]), sandboxed({}))).toEqual(['unsupported-archive']);
    expect(contentsOf(writeZip([lzma]), sandboxed({ limits: ['unpacker-failed'] }))).toEqual([
      'unpacker-failed',
    ]);
    expect(
      contentsOf(writeZip([lzma]), sandboxed({ encryptedNames: ['a.exe'], limits: ['encrypted'] })),
    ).toEqual(['encrypted', '[encrypted-archive]', '[encrypted-program-name]']);
  });

  it('are a limit where only a local header names them', () => {
    expect(contentsOf(writeZip([{ ...a, local: { method: 14 } }]), sandboxed({}))).toEqual([
      '[contradictory-archive]',
      'unsupported-archive',
      `a=${hello}`,
    ]);
  });
});
