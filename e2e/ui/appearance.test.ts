// Language and theme: by the system, by the settings, and live.
import { describe, expect, it } from 'vitest';
import { pagesOf, rowsOf } from '../../src-main/contract/layout-nodes.ts';
import { languages, translate } from '../../src-main/contract/locales.ts';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';
import { hasChromium } from '../support/browser.ts';
import { useScreens } from '../support/screen.ts';

describe.skipIf(!hasChromium)('language', () => {
  const open = useScreens();

  it.each([
    ['nb-NO', 'nb'],
    ['nn-NO', 'nb'],
    ['no', 'nb'],
    ['en-US', 'en'],
    ['de-DE', 'en'],
  ] as const)('follows a system in %s: %s', async (locale, language) => {
    const { page, shows } = await open({ locale });
    await shows(() => page.locator('html').getAttribute('lang'), language);
    await shows(() => page.title(), `${translate(language, 'window.title')} · Postern`);
  });

  it.each(languages)('labels every row and button in %s', async (language) => {
    const { page } = await open({ locale: language });
    for (const { page: layout } of pagesOf(settingsTree)) {
      await page.getByRole('row', { name: translate(language, layout.label), exact: true }).click();
      await page.getByRole('heading', { name: translate(language, layout.label), level: 2 }).waitFor();
      for (const row of rowsOf(layout))
        await page.getByText(translate(language, row.label), { exact: true }).first().waitFor();
    }
    for (const key of ['action.default', 'action.ok', 'action.cancel'] as const) {
      await page.getByRole('button', { name: translate(language, key), exact: true }).waitFor();
    }
  });

  it('changes with the setting, when OK is pressed and not before', async () => {
    const { core, page } = await open();
    await page.getByRole('row', { name: 'User interface' }).click();
    await page.getByLabel('Language').selectOption({ label: 'Norsk bokmål' });
    await page.getByRole('heading', { name: 'User interface', level: 2 }).waitFor();
    await page.getByRole('button', { name: 'OK' }).click();
    await page.getByRole('heading', { name: 'Brukergrensesnitt', level: 2 }).waitFor();
    await page.getByText('Lagret', { exact: true }).waitFor();
    expect(core.patches).toEqual([{ appearance: { language: 'nb' } }]);
  });

  it('changes when another window changes it, and writes numbers its own way', async () => {
    const { core, page } = await open();
    await page.getByText('1,284', { exact: true }).waitFor();
    core.change({ settings: { ...defaultSettings, appearance: { language: 'nb', theme: 'system' } } });
    await page.getByText('1\u00a0284', { exact: true }).waitFor();
  });
});

describe.skipIf(!hasChromium)('theme', () => {
  const open = useScreens();
  const light = 'rgb(244, 246, 248)';
  const dark = 'rgb(18, 22, 27)';

  it('follows the system, live', async () => {
    const { page, shows } = await open({ colorScheme: 'dark' });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await shows(background, dark);
    await shows(() => page.locator('html').getAttribute('data-theme'), 'dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await shows(background, light);
    await shows(() => page.locator('html').getAttribute('data-theme'), 'light');
  });

  it('is what the setting says, whatever the system has', async () => {
    const { core, page, shows } = await open({ colorScheme: 'dark' });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.getByRole('row', { name: 'User interface' }).click();
    await page.getByLabel('Theme').selectOption('light');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(background, light);
    expect(core.patches).toEqual([{ appearance: { theme: 'light' } }]);
    await page.emulateMedia({ colorScheme: 'light' });
    core.change({ settings: { ...defaultSettings, appearance: { language: 'system', theme: 'dark' } } });
    await shows(background, dark);
  });

  it('brings its own font, from the same origin', async () => {
    const { page } = await open();
    expect(
      await page.evaluate(async () => (await document.fonts.load('14px "Inter Variable"')).length),
    ).toBeGreaterThan(0);
  });
});
