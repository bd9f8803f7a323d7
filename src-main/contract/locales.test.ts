import { describe, expect, it } from 'vitest';
import { relayReasons } from './connection.ts';
import { errorCodes } from './error-codes.ts';
import { pagesOf, rowsOf } from './layout-nodes.ts';
import { type Language, languageOf, languages, translate, words } from './locales.ts';
import { settingsTree } from './settings-layout.ts';
import { notScannedReasons } from './state.ts';
import { limitCodes, outcomeSchema } from './verdict.ts';

const codeKeys = [
  ...errorCodes.map((code) => `error.${code}`),
  ...limitCodes.map((code) => `limit.${code}`),
  ...notScannedReasons.map((code) => `limit.${code}`),
  ...outcomeSchema.options.map((outcome) => `outcome.${outcome}`),
  ...relayReasons.map((reason) => `relay.${reason}`),
];

const entries = (language: Language): [string, string][] => Object.entries(words[language]);
const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).toSorted();

describe.each(languages)('words in %s', (language) => {
  const known = new Map(entries(language));

  it('exist for every code', () => {
    expect(codeKeys.filter((key) => !known.get(key))).toEqual([]);
  });

  it('exist for no code that there is not', () => {
    const coded = [...known.keys()].filter((key) => /^(error|limit|outcome|relay)\./.test(key));
    expect(coded.filter((key) => !codeKeys.includes(key))).toEqual([]);
  });

  it('are never empty and never begin or end with a space', () => {
    expect(entries(language).filter(([, text]) => text === '' || text !== text.trim())).toEqual([]);
  });

  it('come in both plural forms or in none', () => {
    const one = [...known.keys()].filter((key) => key.endsWith('_one')).map((key) => key.slice(0, -4));
    const other = [...known.keys()].filter((key) => key.endsWith('_other')).map((key) => key.slice(0, -6));
    expect(one.toSorted()).toEqual(other.toSorted());
  });
});

describe('the two languages', () => {
  it('have the same keys in the same order', () => {
    expect(entries('nb').map(([key]) => key)).toEqual(entries('en').map(([key]) => key));
  });

  it('leave the same holes to fill', () => {
    const en = new Map(entries('en'));
    expect(entries('nb').filter(([key, text]) => `${holes(text)}` !== `${holes(en.get(key) ?? '')}`)).toEqual(
      [],
    );
  });

  it('label the rows of the mail transport page as users of security suites know them', () => {
    const labels = (language: Language) =>
      pagesOf(settingsTree)
        .filter(({ page }) => page.id === 'mail-transport')
        .flatMap(({ page }) => rowsOf(page).map((row) => translate(language, row.label)));
    expect(labels('en')).toEqual([
      'Enable Mail transport protection',
      'Scan IMAP mail transport',
      'Scan IMAPS mail transport',
      'Scan POP3 mail transport',
      'Scan POP3S mail transport',
      'Ports used by IMAPS protocol',
      'Ports used by POP3S protocol',
      'Ports of mail bridges on this computer',
      'Excluded applications',
      'Excluded IPs',
      'Incoming mail meanwhile',
    ]);
    expect(labels('nb')).toEqual([
      'Aktiver beskyttelse for posttransport',
      'Skann IMAP-posttransport',
      'Skann IMAPS-posttransport',
      'Skann POP3-posttransport',
      'Skann POP3S-posttransport',
      'Porter som brukes av IMAPS-protokoll',
      'Porter som brukes av POP3S-protokoll',
      'Porter for e-postbroer på denne datamaskinen',
      'Utelukkede programmer',
      'Utelukkede IP-adresser',
      'Innkommende e-post imens',
    ]);
  });

  it('label the rows of the SSL/TLS page as users of security suites know them', () => {
    const labels = (language: Language) =>
      pagesOf(settingsTree)
        .filter(({ page }) => page.id === 'ssl-tls')
        .flatMap(({ page }) => rowsOf(page).map((row) => translate(language, row.label)));
    expect(labels('en')).toEqual([
      'Enable SSL/TLS',
      'SSL/TLS mode',
      'If a certificate can’t be trusted',
      'If a certificate is invalid or corrupt',
      'Lowest protocol version',
      'Application scan rules',
      'Certificate rules',
      'Add the root certificate to mail programs',
    ]);
    expect(labels('nb')).toEqual([
      'Aktiver SSL/TLS',
      'SSL/TLS-modus',
      'Hvis et sertifikat ikke kan klareres',
      'Hvis et sertifikat er ugyldig',
      'Laveste protokollversjon',
      'Programskanningsregler',
      'Sertifikatregler',
      'Legg rotsertifikatet til i e-postprogrammer',
    ]);
  });
});

describe('translate', () => {
  it('fills the holes', () => {
    expect(translate('en', 'problem.port.not-a-port', { piece: 'abc' })).toContain('“abc”');
    expect(translate('nb', 'problem.port.not-a-port', { piece: 'abc' })).toContain('«abc»');
  });

  it('takes what fills a hole as it is', () => {
    expect(translate('en', 'problem.port.not-a-port', { piece: '$& {{limit}}' })).toContain('“$& {{limit}}”');
  });

  it('leaves a hole open that nothing fills', () => {
    expect(translate('en', 'status.since')).toBe('Since {{date}}');
  });

  it('chooses the plural form by count', () => {
    expect(translate('en', 'foot.to-mend', { count: 1 })).toBe('1 field to mend');
    expect(translate('en', 'foot.to-mend', { count: 2 })).toBe('2 fields to mend');
    expect(translate('nb', 'stale.text', { count: 1 })).toBe('1 tilkobling følger ennå eldre regler.');
    expect(translate('nb', 'stale.text', { count: 0 })).toBe('0 tilkoblinger følger ennå eldre regler.');
  });
});

describe('the language of the system', () => {
  it.each([
    [['nb-NO', 'en'], 'nb'],
    [['nn'], 'nb'],
    [['no'], 'nb'],
    [['NB-no'], 'nb'],
    [['en-GB', 'nb'], 'en'],
    [['de'], 'en'],
    [['noa'], 'en'],
    [[], 'en'],
  ] as const)('for %j is %s', (tags, language) => {
    expect(languageOf(tags)).toBe(language);
  });
});
