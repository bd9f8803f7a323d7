// The words for people, by key and language. A key that only one language has, and a code without words, fail the
// type check. The renderer hands the same words to i18next; whoever has no screen uses `translate`.

import type { RelayReason } from './connection.ts';
import type { ErrorCode } from './error-codes.ts';
import enWords from './locales/en.json' with { type: 'json' };
import nbWords from './locales/nb.json' with { type: 'json' };
import type { NotScannedReason } from './state.ts';
import type { Outcome } from './verdict.ts';

export const languages = ['en', 'nb'] as const;
export type Language = (typeof languages)[number];

type WordKey = keyof typeof enWords;
type Words = Readonly<Record<WordKey, string>>;

/** Keys that a code leads to: each code of the contract must have its words. */
type CodeKey =
  | `error.${ErrorCode}`
  | `limit.${NotScannedReason}`
  | `outcome.${Outcome}`
  | `relay.${RelayReason}`;

export const words: Readonly<Record<Language, Words>> = {
  en: enWords satisfies Readonly<Record<CodeKey | keyof typeof nbWords, string>>,
  nb: nbWords,
};

/** A key as callers name it: without the plural endings `_one` and `_other`, which `count` chooses. */
export type TextKey = WordKey extends infer Key
  ? Key extends `${infer Base}_${'one' | 'other'}`
    ? Base
    : Key
  : never;

export type TextParams = Readonly<Record<string, string | number>>;

const pluralRules = { en: 'en', nb: 'nb' } as const;

/**
 * The words of `key` with `{{name}}` replaced from `params`. A number `count` among them chooses the plural form.
 * Numbers are written as they are: who wants thousands apart passes text.
 */
export function translate(language: Language, key: TextKey, params: TextParams = {}): string {
  const known: Readonly<Record<string, string>> = words[language];
  const count = params['count'];
  const form =
    typeof count === 'number' ? new Intl.PluralRules(pluralRules[language]).select(count) : undefined;
  const template =
    (form === undefined ? undefined : (known[`${key}_${form}`] ?? known[`${key}_other`])) ?? known[key];
  if (template === undefined) return key;
  return template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** The language for a list of language tags, the dearest first: Norwegian of any kind is bokmål, all else English. */
export function languageOf(tags: readonly string[]): Language {
  return /^(nb|nn|no)(-|$)/i.test(tags[0] ?? '') ? 'nb' : 'en';
}
