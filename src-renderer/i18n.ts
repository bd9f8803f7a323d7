// The words of the contract given to i18next, and the hooks by which components speak: typed keys, and numbers and
// times in the language of the page.
import { createInstance, type i18n } from 'i18next';
import { useMemo } from 'react';
import { initReactI18next, useTranslation } from 'react-i18next';
import { type Language, type TextKey, type TextParams, words } from '../src-main/contract/locales.ts';

export function createI18n(language: Language): i18n {
  const instance = createInstance();
  void instance.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    // Flat keys: a dot is part of the name.
    keySeparator: false,
    nsSeparator: false,
    resources: { en: { translation: words.en }, nb: { translation: words.nb } },
    initAsync: false,
    // React escapes.
    interpolation: { escapeValue: false },
  });
  return instance;
}

export type Say = (key: TextKey, params?: TextParams) => string;

export interface Speech {
  readonly language: Language;
  readonly say: Say;
  readonly number: (value: number) => string;
  /** Time alone when it is today, else date and time. */
  readonly moment: (iso: string) => string;
  readonly date: (iso: string) => string;
}

const tags = { en: 'en-GB', nb: 'nb-NO' } as const;

export function useSpeech(): Speech {
  const { t, i18n: instance } = useTranslation();
  const language: Language = instance.language === 'nb' ? 'nb' : 'en';
  return useMemo(() => {
    const numbers = new Intl.NumberFormat(tags[language]);
    const times = new Intl.DateTimeFormat(tags[language], { timeStyle: 'medium' });
    const dates = new Intl.DateTimeFormat(tags[language], { dateStyle: 'medium' });
    const both = new Intl.DateTimeFormat(tags[language], { dateStyle: 'short', timeStyle: 'short' });
    return {
      language,
      say: (key, params) => t(key, { ...params }),
      number: (value) => numbers.format(value),
      moment: (iso) => {
        const at = new Date(iso);
        return (at.toDateString() === new Date().toDateString() ? times : both).format(at);
      },
      date: (iso) => dates.format(new Date(iso)),
    };
  }, [t, language]);
}
