// The page "Response": every row, what greys it, and the text that must be a line of a subject.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { footText, rowOf, type ScreenOptions, useScreens } from '../support/screen.ts';

const labels = {
  delivery: 'Delivery',
  tagMessages: 'Append tag messages to received email',
  updateSubject: 'Update subject of detected email',
  subjectText: 'Text to add to subject of detected email',
} as const;

const withResponse = (response: Partial<typeof defaultSettings.response>) => ({
  settings: { ...defaultSettings, response: { ...defaultSettings.response, ...response } },
});

const selectIn = (page: Page, label: string) => page.getByRole('combobox', { name: label, exact: true });
const textField = (page: Page) => page.getByRole('textbox', { name: labels.subjectText, exact: true });
const updateSwitch = (page: Page) => page.getByRole('switch', { name: labels.updateSubject, exact: true });

describe.skipIf(!hasChromium)('response page', () => {
  const openWindow = useScreens();
  const open = async (options: ScreenOptions = {}) => {
    const screen = await openWindow(options);
    await screen.page.getByRole('row', { name: options.locale === 'nb-NO' ? 'Respons' : 'Response' }).click();
    await rowOf(screen.page, 'response.delivery').waitFor();
    return screen;
  };

  it('stands beside the mail transport protection, with its help and its defaults', async () => {
    const { page } = await open();
    expect(await page.getByRole('article').getAttribute('data-help')).toBe('CONFIG_RESPONSE');
    expect(await page.getByText('Protections › Email client protection').count()).toBe(1);
    expect(await page.locator('[data-setting] label').allTextContents()).toEqual(Object.values(labels));
    expect(await selectIn(page, labels.delivery).inputValue()).toBe('keep-alive');
    expect(await selectIn(page, labels.tagMessages).inputValue()).toBe('on-detection');
    expect(await updateSwitch(page).getAttribute('aria-checked')).toBe('true');
    expect(await textField(page).inputValue()).toBe('[detection %DETECTIONNAME%]');
  });

  it('has its labels in Norwegian', async () => {
    const { page } = await open({ locale: 'nb-NO' });
    expect(await page.locator('[data-setting] label').allTextContents()).toEqual([
      'Leveringsmåte',
      'Legg til merkemeldinger i mottatt e-post',
      'Oppdater emnet i e-post med deteksjon',
      'Tekst som legges til i emnet',
    ]);
  });

  it.each([
    ['delivery', 'Hold silently', 'silent'],
    ['delivery', 'Never change the message (alert only)', 'unchanged'],
    ['tagMessages', 'Never', 'never'],
  ] as const)('row %s takes “%s”, and OK sends it alone', async (key, words, value) => {
    const { core, page, shows } = await open();
    await selectIn(page, labels[key]).selectOption({ label: words });
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ response: { [key]: value } }]);
  });

  it('greys the text while the subject is not updated, and it keeps its value', async () => {
    const { core, page, shows } = await open({ state: withResponse({ subjectText: '[virus]' }) });
    await updateSwitch(page).click();
    await shows(() => textField(page).isDisabled(), true);
    expect(await textField(page).inputValue()).toBe('[virus]');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ response: { updateSubject: false } }]);
    await updateSwitch(page).click();
    await shows(() => textField(page).isDisabled(), false);
  });

  it('greys every mark while messages are never changed', async () => {
    const { page, shows } = await open();
    await selectIn(page, labels.delivery).selectOption('unchanged');
    await shows(() => textField(page).isDisabled(), true);
    expect(await selectIn(page, labels.tagMessages).isDisabled()).toBe(true);
    expect(await updateSwitch(page).isDisabled()).toBe(true);
    expect(await updateSwitch(page).getAttribute('aria-checked')).toBe('true');
    await selectIn(page, labels.delivery).selectOption('silent');
    await shows(() => textField(page).isDisabled(), false);
  });

  it('shows the text back without spaces around it', async () => {
    const { core, page, shows } = await open();
    await textField(page).fill('  [virus]  ');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => textField(page).inputValue(), '[virus]');
    expect(core.patches).toEqual([{ response: { subjectText: '[virus]' } }]);
  });

  it.each([
    ['', 'Write the text that goes before the subject.'],
    ['   ', 'Write the text that goes before the subject.'],
    ['x'.repeat(101), 'A text of more than 100 characters is too long.'],
    ['a\tb', 'The text has a character that can’t stand in a subject, such as a tab or a line break.'],
  ])('a wrong text %j is named under the field, and OK is refused', async (text, words) => {
    const { core, page, shows } = await open();
    await textField(page).fill(text);
    await shows(() => rowOf(page, 'response.subjectText').getByRole('alert').textContent(), words);
    expect(await textField(page).getAttribute('aria-invalid')).toBe('true');
    expect(await footText(page)).toBe('1 field to mend');
    const treeRow = page.getByRole('row', { name: /Response/ });
    await treeRow.getByRole('img', { name: 'has a field to mend' }).waitFor();
    await page.getByRole('row', { name: 'User interface' }).click();
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => textField(page).evaluate((field) => field === document.activeElement), true);
    expect(core.patches).toEqual([]);
  });

  it('is reached and changed by keyboard alone', async () => {
    const { core, page, shows } = await openWindow();
    await page.getByRole('row', { name: 'Mail transport protection' }).focus();
    await page.keyboard.press('ArrowDown');
    await rowOf(page, 'response.delivery').waitFor();
    const focused = () =>
      page.evaluate(() => {
        const row = document.activeElement?.closest<HTMLElement>('[data-setting]')?.dataset['setting'];
        const isHint = document.activeElement?.getAttribute('aria-label') === 'About this setting';
        return row === undefined ? '' : `${row}${isHint ? ' hint' : ''}`;
      });
    const stops: string[] = [];
    while (stops.length < 20 && stops.at(-1) !== 'response.subjectText') {
      await page.keyboard.press('Tab');
      const stop = await focused();
      if (stop !== '') stops.push(stop);
      if (stop === 'response.delivery') await page.keyboard.type('Hold s');
      if (stop === 'response.updateSubject') {
        await page.keyboard.press('Space');
        await page.keyboard.press('Space');
      }
    }
    expect(stops).toEqual(Object.keys(labels).flatMap((key) => [`response.${key} hint`, `response.${key}`]));
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('[virus]');
    await page.getByRole('button', { name: 'OK' }).focus();
    await page.keyboard.press('Enter');
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ response: { delivery: 'silent', subjectText: '[virus]' } }]);
  });

  it('explains every row behind its ⓘ, and by F1', async () => {
    const { page } = await open();
    for (const row of await page.locator('[data-setting]').all()) {
      const label = (await row.locator('label').textContent()) ?? '';
      await row.getByRole('button', { name: 'About this setting' }).click();
      const hint = page.getByRole('dialog', { name: label, exact: true });
      expect((await hint.locator('p').textContent())?.length).toBeGreaterThan(20);
      await page.keyboard.press('Escape');
      await hint.waitFor({ state: 'detached' });
    }
    await textField(page).focus();
    await page.keyboard.press('F1');
    await page.getByRole('dialog', { name: labels.subjectText }).waitFor();
  });

  it('is found by the search in either language', async () => {
    const { page, shows } = await openWindow();
    await page.getByRole('searchbox').fill('leveringsmåte');
    await shows(() => page.locator('[data-setting] label').allTextContents(), ['Delivery']);
  });

  it('Default sets the page back, and no other', async () => {
    const { core, page, shows } = await open({
      state: {
        settings: {
          ...defaultSettings,
          mailTransport: { ...defaultSettings.mailTransport, scanPop3: false },
          response: { delivery: 'silent', tagMessages: 'never', updateSubject: false, subjectText: 'x' },
        },
      },
    });
    await page.getByRole('button', { name: 'Default' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Default' }).click();
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ response: defaultSettings.response }]);
  });
});
