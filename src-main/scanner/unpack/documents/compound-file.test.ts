import cfb, { type CFB$Container } from 'cfb';
import { describe, expect, it } from 'vitest';
import { compoundFile } from './compound-file.fixture.ts';
import { ancestryOf, CompoundFile } from './compound-file.ts';

const large = Buffer.from(Array.from({ length: 9_000 }, (_, index) => (index * 7) & 0xff));
const streams = { 'One/Two/small': 'a few octets', 'One/large': large, empty: '', other: 'b'.repeat(700) };

function contentsOf(bytes: Buffer): Record<string, string> {
  const file = new CompoundFile(bytes);
  const found: Record<string, string> = {};
  for (const entry of file.entries)
    if (entry.kind === 'stream' && entry.name !== '')
      found[ancestryOf(file.entries, entry).reverse().join('/')] =
        file.read(entry)?.bytes.toString('latin1') ?? '?';
  return found;
}

const expected = Object.fromEntries(
  Object.entries(streams).map(([path, content]) => [path, content.toString('latin1')]),
);

describe('CompoundFile', () => {
  it.each([
    ['version 3', {}],
    ['version 4', { sectorShift: 12 }],
    ['scattered sectors', { scattered: true }],
  ] as const)('reads all streams: %s', (_, options) => {
    expect(contentsOf(compoundFile(streams, options))).toEqual(expected);
  });

  it('reads what another program wrote, as that reads what the tests write', () => {
    const container: CFB$Container = cfb.utils.cfb_new();
    for (const [path, content] of Object.entries(streams))
      cfb.utils.cfb_add(container, `/${path}`, Buffer.from(content));
    const written: unknown = cfb.write(container, { type: 'buffer' });
    if (!Buffer.isBuffer(written)) throw new Error('no buffer');
    expect(contentsOf(written)).toMatchObject(expected);
    const ours = cfb.read(compoundFile(streams, { scattered: true }), { type: 'buffer' });
    expect(Buffer.from(cfb.find(ours, '/One/large')?.content ?? []).equals(large)).toBe(true);
  });

  it('reads files whose table of sectors does not fit into the header', () => {
    const content = Buffer.from(Array.from({ length: 9_000_000 }, (_, index) => (index * index) & 0xff));
    const container: CFB$Container = cfb.utils.cfb_new();
    cfb.utils.cfb_add(container, '/huge', content);
    const written: unknown = cfb.write(container, { type: 'buffer' });
    if (!Buffer.isBuffer(written)) throw new Error('no buffer');
    const file = new CompoundFile(written);
    const entry = file.entries.find(({ name }) => name === 'huge');
    expect(entry && file.read(entry)?.bytes.equals(content)).toBe(true);
  });

  it('finds streams that no tree leads to', () => {
    const found = contentsOf(compoundFile(streams, { orphaned: true }));
    expect(found).toEqual({
      small: 'a few octets',
      large: large.toString('latin1'),
      empty: '',
      other: 'b'.repeat(700),
    });
  });

  it('says whether a stream lies in one piece', () => {
    const isWhole = (bytes: Buffer) => {
      const file = new CompoundFile(bytes);
      const entry = file.entries.find(({ name }) => name === 'large');
      return entry && file.read(entry)?.contiguous;
    };
    expect(isWhole(compoundFile(streams))).toBe(true);
    expect(isWhole(compoundFile(streams, { scattered: true }))).toBe(false);
  });

  it('gives what is left of a stream that was cut off, and says so', () => {
    const whole = compoundFile({ large });
    const file = new CompoundFile(whole.subarray(0, 512 + 4_000));
    expect(file.damaged).toBe(true);
    const cut = compoundFile({ first: Buffer.alloc(5_000, 'x'), large });
    cut.writeUInt32LE(0xfffffffe, cut.length - 512);
    const broken = new CompoundFile(cut);
    const entry = broken.entries.find(({ name }) => name === 'first');
    expect(entry && broken.read(entry)).toMatchObject({ damaged: true, bytes: { length: 512 } });
  });

  it('knows which classes its storages have', () => {
    const clsid = '02ce020000000000c000000000000046';
    const file = new CompoundFile(compoundFile(streams, { classes: { One: clsid } }));
    expect(file.entries.find(({ name }) => name === 'One')?.clsid).toBe(clsid);
  });
});
