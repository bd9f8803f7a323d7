import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defaultLimits, type ScanLimits } from '../limits.ts';
import { tar, zip } from '../test-messages.ts';
import { UnpackBudget } from './budget.ts';
import { archiveKinds, unpack } from './unpack.ts';

const hello = Buffer.from('hello, hello, hello');

/** Members as `name=text`, limits as their codes. */
function contents(bytes: Buffer, limits: Partial<ScanLimits> = {}, name = 'archive'): string[] {
  const budget = new UnpackBudget({ ...defaultLimits, ...limits });
  return archiveKinds(bytes).flatMap((kind) =>
    [...unpack(bytes, kind, name, budget)].map((each) =>
      each.kind === 'limit' ? each.code : `${each.name}=${each.bytes.toString('latin1')}`,
    ),
  );
}

const one = [{ name: 'a', bytes: hello }];
const found = [`a=${hello}`];

describe('zip', () => {
  it('gives deflated and stored members', () => {
    const members = [...one, { name: 'b', bytes: hello, stored: true }];
    expect(contents(zip(members))).toEqual([...found, `b=${hello}`]);
  });

  it('is found behind other octets', () => {
    expect(contents(Buffer.concat([Buffer.from('MZ a program in front'), zip(one)]))).toEqual(found);
    expect(contents(Buffer.concat([gzipSync('x'), zip(one)]))).toContain(`a=${hello}`);
  });

  it('gives members that only local headers name, and says what is missing', () => {
    expect(contents(zip(one, { central: true }))).toEqual(['damaged-archive', ...found]);
  });

  it('gives what either header says of a member, where they differ', () => {
    const stored = [{ name: 'a', bytes: hello, stored: true, local: { method: 8 } }];
    expect(contents(zip(stored))).toContain(`a=${hello}`);
    const short = [{ name: 'a', bytes: hello, stored: true, local: { size: 3 } }];
    expect(contents(zip(short))).toEqual(['a=hel', ...found]);
  });

  it('tries members whose encryption only one header claims', () => {
    expect(contents(zip([{ name: 'a', bytes: hello, central: { flags: 1 } }]))).toEqual(found);
    const both = { name: 'a', bytes: hello, local: { flags: 1 }, central: { flags: 1 } };
    expect(contents(zip([both]))).toEqual(['encrypted']);
  });

  it('reads sizes that come behind the data', () => {
    const streamed = (stored: boolean) => [{ name: 'a', bytes: hello, stored, local: { flags: 8, size: 0 } }];
    expect(contents(zip(streamed(false)))).toEqual(found);
    expect(contents(zip(streamed(true)))[0]).toBe(found[0]);
  });

  it('does not take members of a member for its own', () => {
    const inner = zip(one);
    expect(contents(zip([{ name: 'z', bytes: inner, stored: true }]))).toEqual([
      `z=${inner.toString('latin1')}`,
    ]);
  });

  it('says which methods it cannot unpack', () => {
    const lzma = { name: 'a', bytes: hello, local: { method: 14 }, central: { method: 14 } };
    expect(contents(zip([lzma]))).toEqual(['unsupported-archive']);
  });
});

describe('gzip', () => {
  it('gives its content, by the name without the ending', () => {
    expect(contents(gzipSync(hello), {}, 'a.gz')).toEqual(found);
    expect(contents(gzipSync(hello), {}, 'a.tgz')).toEqual([`a.tar=${hello}`]);
  });

  it('joins its members and leaves alone what follows them', () => {
    const two = Buffer.concat([gzipSync('hello, '), gzipSync('hello'), Buffer.from('rest')]);
    expect(contents(two, {}, 'a.gz')).toEqual(['a=hello, hello']);
  });
});

describe('tar', () => {
  it('gives its members, also behind the end mark', () => {
    const two = Buffer.concat([tar('a', hello), tar('b', hello)]);
    expect(contents(two)).toEqual([...found, `b=${hello}`]);
  });

  it('gives what there is of a member that says it is longer', () => {
    expect(contents(tar('a', hello, 10 ** 9))[0]).toBe('damaged-archive');
    expect(contents(tar('a', hello, 10 ** 9))[1]).toContain('a=hello');
  });
});

describe('other archives', () => {
  it.each([
    '7z\xbc\xaf\x27\x1c',
    'Rar!\x1a\x07\x00',
    'Rar!\x1a\x07\x01\x00',
    '\xfd7zXZ\x00',
    'BZh91AY&SY',
    'MSCF\0\0\0\0',
    '\x28\xb5\x2f\xfd',
    `${'\0'.repeat(0x8001)}CD001`,
  ])('are known by their first octets and not unpacked', (magic) => {
    expect(contents(Buffer.from(`${magic}and more`, 'latin1'))).toEqual(['unsupported-archive']);
  });

  it('are not seen in text', () => {
    expect(archiveKinds(Buffer.from('PK, BZh, Rar!'))).toEqual([]);
    expect(archiveKinds(Buffer.alloc(0))).toEqual([]);
  });
});
