// The window by keyboard alone, and its search.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium } from '../support/browser.ts';
import { footText, rowOf, useScreens } from '../support/screen.ts';

/** What has the focus: its label, else its text. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return '';
    const row = element.closest<HTMLElement>('[data-setting]')?.dataset['setting'];
    // The text of a select is its options.
    const text = element instanceof HTMLSelectElement ? '' : element.textContent;
    const own = element.getAttribute('aria-label') ?? text ?? '';
    return row === undefined ? own : `${row} ${own}`.trim();
  });
}

async function tabTo(page: Page, wanted: string, key = 'Tab') {
  for (let presses = 0; presses < 60; presses++) {
    if ((await focused(page)) === wanted) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${wanted} is not reached by ${key}; the focus is on ${await focused(page)}`);
}

describe.skipIf(!hasChromium)('by keyboard alone', () => {
  const open = useScreens();

  it('reaches every control in order', async () => {
    const { page } = await open();
    const stops: string[] = [];
    await page.keyboard.press('Tab');
    while (stops.length < 60 && stops.at(-1) !== 'Cancel') {
      stops.push(await focused(page));
      await page.keyboard.press('Tab');
    }
    const rows = stops.filter((stop) => stop.startsWith('mailTransport.'));
    expect(rows).toEqual(
      ['enabled', 'scanImap', 'scanImaps', 'scanPop3', 'scanPop3s', 'imapsPorts', 'pop3sPorts', 'localPorts']
        .flatMap((key) => [`mailTransport.${key} About this setting`, `mailTransport.${key}`])
        .concat(
          ['excludedApplications', 'excludedAddresses'].flatMap((key) => [
            `mailTransport.${key} About this setting`,
            `mailTransport.${key} Edit`,
          ]),
          ['mailTransport.whenStopped About this setting', 'mailTransport.whenStopped'],
        ),
    );
    expect(stops[0]).toBe('Search settings');
    expect(stops.slice(-3)).toEqual(['Default', 'OK', 'Cancel']);
  });

  it('shows where the focus is', async () => {
    const { page } = await open();
    await tabTo(page, 'mailTransport.scanImap');
    const shadow = await page.evaluate(
      () => document.activeElement && getComputedStyle(document.activeElement).boxShadow,
    );
    expect(shadow).toContain('4px');
  });

  it('changes, mends and saves', async () => {
    const { core, page, shows } = await open();
    await tabTo(page, 'mailTransport.scanPop3');
    await page.keyboard.press('Space');
    await tabTo(page, 'mailTransport.imapsPorts');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('99999,abc');
    await tabTo(page, 'OK');
    await page.keyboard.press('Enter');
    await shows(() => focused(page), 'mailTransport.imapsPorts');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('993');
    await tabTo(page, 'OK');
    await page.keyboard.press('Enter');
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { scanPop3: false, imapsPorts: '993' } }]);
  });

  it('walks the tree by arrow keys', async () => {
    const { page } = await open();
    const tree = page.getByRole('treegrid', { name: 'Settings pages' });
    await page.getByRole('row', { name: /Mail transport protection/ }).focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'Response', level: 2 }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'Scan parameters', level: 2 }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'SSL/TLS', level: 2 }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'User interface', level: 2 }).waitFor();
    for (let pages = 0; pages < 4; pages++) await page.keyboard.press('ArrowUp');
    await page.getByRole('heading', { name: 'Mail transport protection', level: 2 }).waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    await tree.getByRole('row', { name: 'Mail transport protection' }).waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowRight');
    await tree.getByRole('row', { name: 'Mail transport protection' }).waitFor();
  });

  it('adds an address to the list', async () => {
    const { page, core, shows } = await open();
    await tabTo(page, 'mailTransport.excludedAddresses Edit');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Excluded IPs' }).waitFor();
    await tabTo(page, 'Add');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Add address' }).waitFor();
    await page.keyboard.type('10.0.0.1');
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /10\.0\.0\.1/ }).waitFor();
    await tabTo(page, 'OK');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await tabTo(page, 'OK');
    await page.keyboard.press('Enter');
    await shows(
      async () => core.patches,
      [{ mailTransport: { excludedAddresses: [{ address: '10.0.0.1' }] } }],
    );
  });

  it('deletes the selected entries by Delete', async () => {
    const { page } = await open();
    await rowOf(page, 'mailTransport.excludedAddresses').getByRole('button', { name: /Edit/ }).click();
    await page.getByRole('button', { name: /Enter multiple values/ }).click();
    await page.keyboard.type('10.0.0.1, 10.0.0.2');
    await page
      .getByRole('dialog', { name: 'Enter multiple values' })
      .getByRole('button', { name: 'Add' })
      .click();
    await page.getByRole('row', { name: /10\.0\.0\.1/ }).click();
    await page.keyboard.press('Delete');
    await page.getByRole('row', { name: /10\.0\.0\.1/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /10\.0\.0\.2/ }).waitFor();
  });

  it('Esc is Cancel: of the dialog first, then of the window', async () => {
    const { page } = await open();
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    await rowOf(page, 'mailTransport.excludedAddresses').getByRole('button', { name: /Edit/ }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.getByRole('alertdialog').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog', { name: 'Discard the changes?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    expect(await footText(page)).toBe('1 unsaved change');
  });

  it('F1 opens the hint of the focused row', async () => {
    const { page } = await open();
    await page.getByLabel('Ports used by IMAPS protocol').focus();
    await page.keyboard.press('F1');
    await page.getByRole('dialog', { name: 'Ports used by IMAPS protocol' }).waitFor();
  });
});

describe.skipIf(!hasChromium)('the search', () => {
  const open = useScreens();

  it('is reached by Ctrl+F, filters rows and tree, and marks what it found', async () => {
    const { page, shows } = await open();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('POP3S');
    await shows(
      () => page.locator('[data-setting] label').allTextContents(),
      ['Scan POP3S mail transport', 'Ports used by POP3S protocol'],
    );
    expect(await page.locator('mark').allTextContents()).toEqual(['POP3S', 'POP3S']);
    expect(await page.getByRole('row', { name: 'User interface' }).count()).toBe(0);
    await page.getByText('2 settings found').waitFor();
    // The name of what was found stays whole.
    await page.getByRole('switch', { name: 'Scan POP3S mail transport', exact: true }).waitFor();
  });

  it('finds by the label of the other language and shows that label', async () => {
    const { page, shows } = await open();
    const search = page.getByRole('searchbox', { name: 'Search settings' });
    await search.fill('språk');
    await page.getByRole('heading', { name: 'User interface', level: 2 }).waitFor();
    await shows(() => page.locator('[data-setting] [lang=nb]').allTextContents(), ['Språk']);
    await search.fill('utelukkede ip');
    await shows(() => page.locator('[data-setting] label').allTextContents(), ['Excluded IPs']);
  });

  it('finds English labels in the Norwegian window', async () => {
    const { page, shows } = await open({ locale: 'nb-NO' });
    await page.getByRole('searchbox', { name: 'Søk i innstillinger' }).fill('excluded');
    await shows(
      () => page.locator('[data-setting] label').allTextContents(),
      ['Utelukkede programmer', 'Utelukkede IP-adresser'],
    );
  });

  it('says when nothing matches, and Esc empties it before it cancels', async () => {
    const { page, shows } = await open();
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('xyzzy');
    await page.getByText('No setting matches “xyzzy”.').last().waitFor();
    await page.keyboard.press('Escape');
    await shows(() => page.locator('[data-setting]').count(), 11);
    expect(await page.getByRole('alertdialog').count()).toBe(0);
  });

  it('finds rows of a section that is folded away', async () => {
    const { page, shows } = await open();
    await page.getByRole('button', { name: 'Exclusions', expanded: true }).click();
    const row = rowOf(page, 'mailTransport.excludedAddresses');
    await shows(() => row.isVisible(), false);
    await page.getByRole('searchbox').fill('excluded');
    await shows(() => row.isVisible(), true);
  });
});
