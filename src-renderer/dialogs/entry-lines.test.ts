import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddressEntry } from '../../src-main/contract/address-list.ts';
import { checkEntries, joinEntries, splitEntries } from './entry-lines.ts';

describe('many entries in one text', () => {
  it('are split by newline, comma and semicolon', () => {
    expect(
      splitEntries('10.0.0.1, 10.0.0.2;10.0.0.3\r\n\n 10.0.0.4 \r10.0.0.5,,;').map((each) => each.text),
    ).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5']);
  });

  it('take what follows a # as the note of their line', () => {
    expect(splitEntries('10.0.0.1, 10.0.0.2 # office, first floor\n# nothing\n10.0.0.3 #')).toEqual([
      { text: '10.0.0.1', note: 'office, first floor' },
      { text: '10.0.0.2', note: 'office, first floor' },
      { text: '10.0.0.3' },
    ]);
  });

  it('come back from an export as they were', () => {
    const word = fc.stringMatching(/^[a-z0-9./:]{1,20}$/);
    const entry = fc.oneof(
      word.map((text) => ({ text })),
      fc.tuple(word, fc.stringMatching(/^[a-z]([a-z ,;#]{0,20}[a-z])?$/)).map(([text, note]) => ({
        text,
        note: note.replace(/\s+/g, ' '),
      })),
    );
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(splitEntries(joinEntries(entries))).toEqual(entries);
      }),
    );
  });

  it('keep to their line when a note holds a line break', () => {
    expect(splitEntries(joinEntries([{ text: '10.0.0.1', note: 'one\n10.9.9.9' }]))).toEqual([
      { text: '10.0.0.1', note: 'one 10.9.9.9' },
    ]);
  });
});

describe('checking many entries', () => {
  const check = (text: string, present: readonly string[] = []) =>
    checkEntries(
      text,
      present,
      (typed) => {
        const parsed = parseAddressEntry(typed.text);
        return parsed.ok
          ? { ok: true, entry: typed.text }
          : { ok: false, text: typed.text, problem: parsed.problem.kind };
      },
      (entry) => entry,
    );

  it('says which of them are wrong', () => {
    expect(check('10.0.0.1, foo; 10.0.0.0/40')).toEqual({
      entries: ['10.0.0.1'],
      wrong: [
        { text: 'foo', problem: 'not-an-address' },
        { text: '10.0.0.0/40', problem: 'bad-prefix' },
      ],
    });
  });

  it('leaves out what is there already or came before', () => {
    expect(check('10.0.0.1, 10.0.0.2, 10.0.0.1', ['10.0.0.2']).entries).toEqual(['10.0.0.1']);
  });

  it('says each wrong one once', () => {
    expect(check('foo, foo').wrong).toHaveLength(1);
  });
});
