import { describe, expect, it } from 'vitest';
import { Cut, Output } from './output.ts';

function outputOf(bounds: Partial<ConstructorParameters<typeof Output>[0]> = {}) {
  const given: string[] = [];
  const output = new Output(
    { maxMembers: 3, maxMemberBytes: 10, maxOutputBytes: 25, ...bounds },
    (name, pieces, sizeBytes) => {
      const text = Buffer.concat(pieces).toString();
      expect(text.length).toBe(sizeBytes);
      given.push(`${name}=${text}`);
    },
  );
  const write = (name: string, ...texts: string[]) => {
    const file = output.open(name);
    for (const text of texts) file.write(Buffer.from(text));
    file.close();
  };
  return { output, given, write };
}

describe('output', () => {
  it('is given when a file is closed, once', () => {
    const { output, given, write } = outputOf();
    write('a', 'one ', 'two');
    write('empty');
    output.finish();
    expect(given).toEqual(['a=one two', 'empty=']);
    expect([...output.limits]).toEqual([]);
  });

  it('keeps what it was given, whatever becomes of the memory that it came in', () => {
    const { output, given } = outputOf();
    const memory = Buffer.from('first');
    const file = output.open('a');
    file.write(memory);
    memory.fill('x');
    file.close();
    expect(given).toEqual(['a=first']);
  });

  it('is one piece however large its writes are', () => {
    const { given, write } = outputOf({ maxMemberBytes: 1_000_000, maxOutputBytes: 1_000_000 });
    const texts = ['a'.repeat(70_000), 'b', 'c'.repeat(65_536), 'd'.repeat(10)];
    write('a', ...texts);
    expect(given).toEqual([`a=${texts.join('')}`]);
  });

  it('is cut at the size of a member, and goes on', () => {
    const { output, given, write } = outputOf();
    write('whole', '0123456789');
    expect([...output.limits]).toEqual([]);
    write('cut', '0123456789', 'a');
    write('next', 'b');
    expect(given).toEqual(['whole=0123456789', 'cut=0123456789', 'next=b']);
    expect([...output.limits]).toEqual(['part-size']);
  });

  it('ends at the size of all, what is thrown away included', () => {
    const { output, given, write } = outputOf();
    write('a', '0123456789', 'thrown');
    const file = output.open('b');
    file.write(Buffer.from('012345678'));
    expect(() => file.write(Buffer.from('9'))).toThrow(Cut);
    output.finish();
    expect(given).toEqual(['a=0123456789', 'b=012345678']);
    expect([...output.limits]).toEqual(['part-size', 'unpacked-size']);
  });

  it('ends at the number of members', () => {
    const { output, given, write } = outputOf();
    for (const name of ['a', 'b', 'c']) write(name);
    expect(() => output.open('d')).toThrow(Cut);
    expect(given).toHaveLength(3);
    expect([...output.limits]).toEqual(['archive-members']);
  });
});
