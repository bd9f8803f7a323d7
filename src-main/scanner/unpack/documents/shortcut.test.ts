import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { described } from './described.fixture.ts';
import { isShortcut, unpackShortcut } from './shortcut.ts';

interface Parts {
  /** ANSI. */
  readonly path?: string;
  readonly relativePath?: string;
  readonly arguments?: string;
  /** Of the shell items, each an ANSI name. */
  readonly items?: readonly string[];
  readonly environment?: string;
  readonly appended?: Buffer;
}

const sized = (bytes: Buffer, extra = 0) => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length + 4 + extra);
  return Buffer.concat([size, bytes]);
};

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf16le');
  const count = Buffer.alloc(2);
  count.writeUInt16LE(text.length);
  return Buffer.concat([count, bytes]);
}

/** A shortcut (MS-SHLLINK) with what is given. */
function shortcut(parts: Parts): Buffer {
  const header = Buffer.alloc(76);
  header.write('4c0000000114020000000000c000000000000046', 'hex');
  const pieces: Buffer[] = [header];
  let flags = 1 << 7;
  if (parts.items) {
    flags |= 1;
    const items = parts.items.map((name) => {
      const item = Buffer.from(`..\x31${name}\0`, 'latin1');
      item.writeUInt16LE(item.length);
      return item;
    });
    const list = Buffer.concat([...items, Buffer.alloc(2)]);
    const size = Buffer.alloc(2);
    size.writeUInt16LE(list.length);
    pieces.push(size, list);
  }
  if (parts.path !== undefined) {
    flags |= 2;
    const info = Buffer.alloc(24);
    info.writeUInt32LE(28, 0);
    info.writeUInt32LE(1, 4);
    info.writeUInt32LE(28, 12);
    info.writeUInt32LE(28 + parts.path.length, 20);
    pieces.push(sized(Buffer.concat([info, Buffer.from(`${parts.path}\0`)])));
  }
  if (parts.relativePath !== undefined) {
    flags |= 1 << 3;
    pieces.push(counted(parts.relativePath));
  }
  if (parts.arguments !== undefined) {
    flags |= 1 << 5;
    pieces.push(counted(parts.arguments));
  }
  if (parts.environment !== undefined) {
    const block = Buffer.alloc(784);
    block.writeUInt32LE(0xa0000001);
    block.write(parts.environment, 264, 'utf16le');
    pieces.push(sized(block));
  }
  pieces.push(Buffer.alloc(4), parts.appended ?? Buffer.alloc(0));
  header.writeUInt32LE(flags, 20);
  return Buffer.concat(pieces);
}

const contents = (bytes: Buffer) => described(unpackShortcut(bytes, contextOf()));

describe('shortcuts', () => {
  it('are known by their header', () => {
    expect(isShortcut(shortcut({}))).toBe(true);
    expect(isShortcut(Buffer.from('L\0\0\0'))).toBe(false);
    expect(isShortcut(Buffer.from('[InternetShortcut]\r\nURL=http://host.example/'))).toBe(false);
  });

  it('give the command that they start', () => {
    const bytes = shortcut({ path: 'C:\\Docs\\letter.doc', relativePath: '..\\letter.doc' });
    expect(contents(bytes)).toEqual(['command.txt=C:\\Docs\\letter.doc \n..\\letter.doc ']);
  });

  it.each<[string, Parts]>([
    ['a path', { path: 'C:\\Windows\\System32\\cmd.exe', arguments: '/c start' }],
    [
      'a relative path',
      { relativePath: '..\\..\\WindowsPowerShell\\v1.0\\powershell.exe', arguments: '-w hidden' },
    ],
    ['shell items', { items: ['C:\\', 'Windows', 'mshta.exe'], arguments: 'http://host.example/' }],
    ['a variable', { environment: '%SystemRoot%\\System32\\rundll32.exe', arguments: 'a.dll,b' }],
    ['an argument', { path: 'C:\\x.exe', arguments: '/c "powershell -enc AAAA"' }],
    ['explorer with an address', { path: 'C:\\Windows\\explorer.exe', arguments: '\\\\host\\share\\a' }],
  ])('to interpreters are noticed: by %s', (_, parts) => {
    expect(contents(shortcut(parts))).toContain('[shortcut-to-interpreter]');
  });

  it.each<Parts>([
    { path: 'C:\\Program Files\\App\\app.exe', arguments: '--open cmdline' },
    { path: 'C:\\Windows\\explorer.exe', arguments: 'C:\\Docs' },
    { path: 'C:\\Docs\\my cmd notes.txt' },
  ])('to others are not: %j', (parts) => {
    expect(contents(shortcut(parts)).filter((each) => each.startsWith('['))).toEqual([]);
  });

  it('that hide their arguments are noticed, from 250 blanks on', () => {
    const hidden = (count: number) =>
      contents(shortcut({ path: 'C:\\x.exe', arguments: `a${' \t'.repeat(count / 2)}b` }));
    expect(hidden(250)).toContain('[shortcut-with-hidden-arguments]');
    expect(hidden(248)).not.toContain('[shortcut-with-hidden-arguments]');
  });

  it('give what is appended to them', () => {
    const appended = Buffer.from('MZ and the rest of a program');
    expect(contents(shortcut({ path: 'C:\\x', appended }))).toContain(`appended=${appended}`);
    expect(contents(shortcut({ path: 'C:\\x', appended: Buffer.alloc(16) }))).toHaveLength(1);
  });

  it('that are cut are a limit, after what there is', () => {
    const bytes = shortcut({ path: 'C:\\cmd.exe', arguments: '/c x' });
    expect(contents(bytes.subarray(0, -6))).toEqual([
      expect.stringContaining('C:\\cmd.exe'),
      '[shortcut-to-interpreter]',
      'damaged-archive',
    ]);
  });

  it('end in members or limits, whatever is changed or cut', () => {
    const whole = shortcut({ items: ['a', 'b'], path: 'C:\\x', arguments: 'y', environment: '%z%' });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
        fc.nat(whole.length),
        (changes, length) => {
          const bytes = Buffer.from(whole.subarray(0, length + 1));
          for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
          contents(bytes);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
