// The page "Scan parameters": its rows, the numbers with their ranges, and the addresses of engines.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { pagesOf, rowsOf } from '../../src-main/contract/layout-nodes.ts';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';
import { hasChromium } from '../support/browser.ts';
import { footText, rowOf, type ScreenOptions, useScreens } from '../support/screen.ts';

const [placed] = pagesOf(settingsTree).filter(({ page }) => page.id === 'scan-parameters');
const paths = placed ? rowsOf(placed.page).map(({ path }) => path) : [];

const field = (page: Page, path: string) => rowOf(page, path).getByRole('textbox');

describe.skipIf(!hasChromium)('scan parameters page', () => {
  const openWindow = useScreens();
  const open = async (options: ScreenOptions = {}) => {
    const screen = await openWindow(options);
    const name = options.locale === 'nb-NO' ? 'Skanneparametere' : 'Scan parameters';
    await screen.page.getByRole('row', { name }).click();
    await rowOf(screen.page, 'scanning.archives').waitFor();
    return screen;
  };

  it('has a row for each setting of scanning, with its default', async () => {
    const { page } = await open();
    expect(await page.getByText('Protections › Email client protection').count()).toBe(1);
    expect(paths.toSorted()).toEqual(
      Object.keys(defaultSettings.scanning)
        .map((key) => `scanning.${key}`)
        .toSorted(),
    );
    expect(await field(page, 'scanning.maxMessageMiB').inputValue()).toBe('100');
    expect(await field(page, 'scanning.clamd').inputValue()).toBe('auto');
    expect(await rowOf(page, 'scanning.unwanted').getByRole('switch').getAttribute('aria-checked')).toBe(
      'false',
    );
  });

  it('sends numbers as numbers, and only what was changed', async () => {
    const { core, page, shows } = await open();
    await field(page, 'scanning.maxSeconds').fill(' 30 ');
    await rowOf(page, 'scanning.archives').getByRole('switch').click();
    await field(page, 'scanning.clamd').fill('[::1]:3310');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ scanning: { maxSeconds: 30, archives: false, clamd: '[::1]:3310' } }]);
  });

  it.each([
    ['scanning.maxSeconds', '', 'Use a whole number from 5 to 600.'],
    ['scanning.maxSeconds', '4', 'Use a whole number from 5 to 600.'],
    ['scanning.archiveDepth', '2.5', 'Use a whole number from 1 to 20.'],
    ['scanning.maxUnpackedMiB', '1001', 'Use a whole number from 1 to 1000.'],
    ['scanning.clamd', 'host', 'Use auto, off, the absolute path of a socket, or host:port.'],
    ['scanning.icap', 'http://host/x', 'Use off, or an address such as icap://host:1344/avscan.'],
  ])('%s refuses “%s” in words, and keeps what was typed', async (path, text, words) => {
    const { core, page, shows } = await open();
    await field(page, path).fill(text);
    await shows(() => rowOf(page, path).getByRole('alert').textContent(), words);
    expect(await field(page, path).inputValue()).toBe(text);
    expect(await field(page, path).getAttribute('aria-invalid')).toBe('true');
    await page.getByRole('button', { name: 'OK' }).click();
    expect(core.patches).toEqual([]);
    await page.getByRole('button', { name: 'Default' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Default' }).click();
    await shows(() => rowOf(page, path).getByRole('alert').count(), 0);
  });

  it('is reached by keyboard, each control in its turn', async () => {
    const { page } = await open();
    await rowOf(page, 'scanning.emailFiles').getByRole('switch').focus();
    const stops = ['scanning.emailFiles'];
    for (let presses = 0; presses < 80 && stops.length < paths.length; presses++) {
      await page.keyboard.press('Tab');
      const path = await page.evaluate(
        () => document.activeElement?.closest<HTMLElement>('[data-setting]')?.dataset['setting'],
      );
      if (path !== undefined && stops.at(-1) !== path) stops.push(path);
    }
    expect(stops).toEqual(paths);
  });
});
