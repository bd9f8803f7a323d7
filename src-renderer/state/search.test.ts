import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';
import { searchSettings, splitAtMatches } from './search.ts';

function found(query: string) {
  const result = searchSettings(settingsTree, query);
  return result && Object.fromEntries([...result.pages].map(([id, rows]) => [id, [...rows]]));
}

describe('searching settings', () => {
  it('finds rows by a piece of their label', () => {
    expect(found('pop3s')).toEqual({
      'mail-transport': ['mailTransport.scanPop3s', 'mailTransport.pop3sPorts'],
    });
  });

  it('finds by label in either language, whatever the case', () => {
    const excluded = {
      'mail-transport': ['mailTransport.excludedApplications', 'mailTransport.excludedAddresses'],
    };
    expect(found('UTELUKKEDE')).toEqual(excluded);
    expect(found(' excluded ')).toEqual(excluded);
    expect(found('språk')).toEqual({ 'user-interface': ['appearance.language'] });
  });

  it('brings all rows of a page or section that matches', () => {
    expect(found('Brukergrensesnitt')).toEqual({
      'user-interface': ['appearance.language', 'appearance.theme'],
    });
    expect(found('utelukkelser')?.['mail-transport']).toHaveLength(2);
    expect(searchSettings(settingsTree, 'mail transport protection')?.count).toBe(11);
  });

  it('finds nothing for what is nowhere, and does not search for nothing', () => {
    expect(found('xyzzy')).toEqual({});
    expect(found('  ')).toBeUndefined();
  });
});

describe('marking what was found', () => {
  const marked = (text: string, query: string) =>
    splitAtMatches(text, query)
      .map((piece) => (piece.isMatch ? `[${piece.text}]` : piece.text))
      .join('');

  it('marks each match and keeps its case', () => {
    expect(marked('Scan POP3 and pop3', 'Pop')).toBe('Scan [POP]3 and [pop]3');
    expect(marked('Excluded IPs', 'ps')).toBe('Excluded I[Ps]');
    expect(marked('aaa', 'aa')).toBe('[aa]a');
    expect(marked('Excluded IPs', '')).toBe('Excluded IPs');
    expect(marked('Excluded IPs', 'xyzzy')).toBe('Excluded IPs');
  });

  it('never changes the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
        (text, query) => {
          expect(
            splitAtMatches(text, query)
              .map((piece) => piece.text)
              .join(''),
          ).toBe(text);
        },
      ),
    );
  });
});
