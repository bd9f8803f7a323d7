// Keeps the page's language and theme at what the settings say, and at the system's while they say `system`.
import type { i18n } from 'i18next';
import { languageOf } from '../src-main/contract/locales.ts';
import { type AppearanceSettings, defaultSettings } from '../src-main/contract/settings.ts';
import type { CoreStore } from './state/core-store.ts';

/** Follows until the page is gone. */
export function followAppearance(page: Window, core: CoreStore, speech: i18n): void {
  const dark = page.matchMedia('(prefers-color-scheme: dark)');
  let shown: AppearanceSettings | undefined;
  const show = () => {
    const wanted = core.getState().snapshot?.state.settings.appearance ?? shown ?? defaultSettings.appearance;
    shown = wanted;
    const language = wanted.language === 'system' ? languageOf(page.navigator.languages) : wanted.language;
    const theme = wanted.theme === 'system' ? (dark.matches ? 'dark' : 'light') : wanted.theme;
    page.document.documentElement.dataset['theme'] = theme;
    page.document.documentElement.lang = language;
    if (speech.language !== language) void speech.changeLanguage(language);
    page.document.title = `${speech.t('window.title')} · Postern`;
  };
  dark.addEventListener('change', show);
  page.addEventListener('languagechange', show);
  core.subscribe(show);
  show();
}
