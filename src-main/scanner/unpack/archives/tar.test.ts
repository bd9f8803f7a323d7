import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tar, zip } from '../../test-messages.ts';
import { contentsOf } from '../contents.fixture.ts';
import { paxEntry, tarEnd, tarEntry } from './tar.fixture.ts';
import { storedEntry, writeZip } from './zip.fixture.ts';

const hello = Buffer.from('hello, hello, hello');
const found = [`a=${hello}`];
const contents = (...pieces: Buffer[]) => contentsOf(Buffer.concat([...pieces, tarEnd]));
const entry = tarEntry({ content: hello });

describe('tar', () => {
  it('gives its members, also behind the end mark', () => {
    expect(contents(tar('a', hello), tar('b', hello))).toEqual([...found, `b=${hello}`]);
  });

  it('gives what there is of a member that says it is longer', () => {
    const [limit, member] = contentsOf(tar('a', hello, 10 ** 9));
    expect(limit).toBe('damaged-archive');
    expect(member).toContain('a=hello');
  });

  it('finds members behind a size that lies', () => {
    const lying = tarEntry({ name: 'l', size: 10 ** 9 });
    expect(contents(lying, entry)).toEqual(expect.arrayContaining(['damaged-archive', ...found]));
  });

  it('goes on behind damaged blocks', () => {
    expect(contents(tarEntry({ name: 'b', content: hello }), Buffer.alloc(1_024, 'x'), entry)).toEqual([
      `b=${hello}`,
      'damaged-archive',
      ...found,
    ]);
  });

  it('goes on behind damage at the beginning, as tar does', () => {
    expect(contents(Buffer.alloc(1_024, 'x'), entry)).toEqual(['damaged-archive', ...found]);
    expect(contents(Buffer.alloc(64 * 512, 'x'), entry)).toEqual([]);
  });

  it('shows a zip that stands in a name, in fill, or in a header of tar', () => {
    const archive = zip([{ name: 'z', bytes: hello }]);
    const named = [tarEntry({ type: 'K', content: archive }), entry];
    expect(contents(entry, ...named)).toEqual(expect.arrayContaining([...found, `z=${hello}`]));
    const filled = Buffer.concat([tarEntry({ content: Buffer.from('a') }), Buffer.alloc(0)]);
    archive.copy(filled, 600);
    expect(contentsOf(filled)).toEqual(expect.arrayContaining(['a=a', `z=${hello}`]));
  });

  it('leaves a zip that is a member to who unpacks that', () => {
    const archive = zip([{ name: 'z', bytes: hello }]);
    expect(contents(tarEntry({ content: archive }))).toEqual([`a=${archive.toString('latin1')}`]);
  });

  it('is read where it begins as a zip, too', () => {
    const member = storedEntry('m', Buffer.from('shown'));
    const both = writeZip([{ ...member, extra: Buffer.alloc(2_000) }]);
    const name = both.toString('latin1', 0, 30);
    tarEntry({ name: '', content: hello, over: [[0, Buffer.from(name, 'latin1')]] }).copy(both);
    expect(contentsOf(both)).toEqual(expect.arrayContaining(['m=shown']));
    expect(contentsOf(both).join()).toContain(hello.toString());
  });

  it('takes the beginning of a path from ustar alone', () => {
    expect(contents(tarEntry({ content: hello, prefix: 'p' }))).toEqual([`p/a=${hello}`]);
    expect(contents(tarEntry({ content: hello, prefix: 'p', magic: 'ustar  \0' }))).toEqual(found);
    expect(contents(tarEntry({ content: hello, magic: '' }))).toEqual(found);
  });

  it('reads long names, of GNU and of pax', () => {
    const name = `${'n'.repeat(300)}.exe`;
    const long = tarEntry({ type: 'L', content: Buffer.from(`${name}\0`) });
    const link = tarEntry({ type: 'K', content: Buffer.from('elsewhere\0') });
    expect(contents(long, link, entry)).toEqual([`${name}=${hello}`]);
    expect(contents(paxEntry({ mtime: '1', path: name }), entry, entry)).toEqual([
      `${name}=${hello}`,
      ...found,
    ]);
  });

  it('reads sizes of pax, and of GNU in base 256', () => {
    const unsized = tarEntry({ content: hello, size: 0 });
    expect(contents(paxEntry({ size: `${hello.length}` }), unsized)).toEqual(
      expect.arrayContaining(['[contradictory-archive]', ...found]),
    );
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = hello.length;
    expect(contents(tarEntry({ content: hello, over: [[124, size]] }))).toEqual(found);
  });

  it('knows links from members', () => {
    const symbolic = tarEntry({ name: 's', type: '2', size: 100 });
    const hard = tarEntry({ name: 'h', type: '1', size: 100 });
    expect(contents(symbolic, hard, entry)).toEqual(found);
    expect(contents(tarEntry({ name: 'h', type: '1', content: hello }), entry)).toEqual([
      `h=${hello}`,
      ...found,
    ]);
  });

  it('says that a member begins in another volume', () => {
    expect(
      contents(tarEntry({ type: 'M', content: hello }), tarEntry({ name: 'b', content: hello })),
    ).toEqual(['[split-archive]', 'split-archive', ...found, `b=${hello}`]);
  });

  it('gives sparse members with their holes, and without', () => {
    const octal = (value: number) => Buffer.from(`${value.toString(8).padStart(11, '0')}\0`);
    const map = Buffer.concat([octal(0), octal(2), octal(4), octal(1)]);
    const whole = ['a=MZx', 'a=MZ\0\0x'];
    const content = Buffer.from('MZx');
    expect(contents(tarEntry({ type: 'S', content, over: [[386, map]] }))).toEqual(whole);
    const pax01 = paxEntry({ 'GNU.sparse.map': '0,2,4,1', 'GNU.sparse.name': 'a' });
    expect(contents(pax01, tarEntry({ name: 'x', content }))).toEqual(whole);
    const pax10 = paxEntry({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'a' });
    const block = Buffer.alloc(512);
    block.write('2\n0\n2\n4\n1\n');
    const [condensed, spread] = contents(
      pax10,
      tarEntry({ name: 'x', content: Buffer.concat([block, content]) }),
    );
    expect([condensed?.slice(-3), spread]).toEqual(['MZx', whole[1]]);
  });

  it('gives a sparse member no more than the limits allow', () => {
    const map = paxEntry({ 'GNU.sparse.map': '0,1,900000000000,1' });
    expect(contents(map, tarEntry({ content: Buffer.from('MZ') }))).toEqual(['a=MZ', 'unpack-ratio']);
    const none = paxEntry({ 'GNU.sparse.map': '0,x,-5,1.5' });
    expect(contents(none, tarEntry({ content: Buffer.from('MZ') }))).toEqual(['a=MZ', 'unpack-ratio']);
  });
});

const isHere = spawnSync('tar', ['--version'], { stdio: 'ignore' }).error === undefined;

describe.each(['v7', 'oldgnu', 'gnu', 'ustar', 'posix'])('what tar writes as %s', (format) => {
  it.skipIf(!isHere)(`is read${isHere ? '' : ' (SKIPPED: no tar on this machine)'}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-tar-'));
    try {
      writeFileSync(join(folder, 'a'), hello);
      const options = ['-c', '--format', format, '-C', folder, 'a'];
      expect(contentsOf(execFileSync('tar', options))).toEqual(found);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
