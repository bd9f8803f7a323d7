// The page "Mail transport protection": every row, the draft, its validation, and the foot.
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { footText, rowOf, useScreens } from '../support/screen.ts';

const toggles = [
  ['enabled', 'Enable Mail transport protection'],
  ['scanImap', 'Scan IMAP mail transport'],
  ['scanImaps', 'Scan IMAPS mail transport'],
  ['scanPop3', 'Scan POP3 mail transport'],
  ['scanPop3s', 'Scan POP3S mail transport'],
] as const;
const ports = [
  ['imapsPorts', 'Ports used by IMAPS protocol', '585, 993'],
  ['pop3sPorts', 'Ports used by POP3S protocol', '995'],
  ['localPorts', 'Ports of mail bridges on this computer', '1110, 1143'],
] as const;
const imapsPorts = 'Ports used by IMAPS protocol';

const withSettings = (mailTransport: Partial<typeof defaultSettings.mailTransport>) => ({
  settings: { ...defaultSettings, mailTransport: { ...defaultSettings.mailTransport, ...mailTransport } },
});

describe.skipIf(!hasChromium)('mail transport page', () => {
  const open = useScreens();

  it.each(toggles)('row %s is a switch named by its label, and OK sends it alone', async (key, label) => {
    const { core, page, shows } = await open();
    const toggle = page.getByRole('switch', { name: label, exact: true });
    await shows(() => toggle.getAttribute('aria-checked'), 'true');
    await toggle.click();
    await shows(() => toggle.getAttribute('aria-checked'), 'false');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { [key]: false } }]);
  });

  it.each(ports)('row %s is a text field named by its label, shown back tidy', async (key, label, stored) => {
    const { core, page, shows } = await open();
    const field = page.getByLabel(label);
    expect(await field.inputValue()).toBe(stored);
    await field.fill(' 2000-2010,993 , 993');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => field.inputValue(), '993, 2000-2010');
    expect(core.patches).toEqual([{ mailTransport: { [key]: '993, 2000-2010' } }]);
  });

  it.each([
    ['excludedApplications', 'Excluded applications'],
    ['excludedAddresses', 'Excluded IPs'],
  ])('row %s opens its list', async (key, label) => {
    const { page } = await open();
    await rowOf(page, `mailTransport.${key}`).getByRole('button', { name: /Edit/ }).click();
    await page.getByRole('dialog', { name: label }).waitFor();
  });

  it('takes no ports of bridges at all', async () => {
    const { core, page, shows } = await open();
    await page.getByLabel('Ports of mail bridges on this computer').fill('');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { localPorts: '' } }]);
  });

  it('offers to let mail pass or to block it once protection stops, and says what each means', async () => {
    const { core, page, shows } = await open();
    const choice = page.getByLabel('Incoming mail meanwhile');
    expect(await choice.locator('option').allTextContents()).toEqual(['Let mail pass', 'Block mail']);
    expect(await choice.inputValue()).toBe('pass');
    await rowOf(page, 'mailTransport.whenStopped')
      .getByRole('button', { name: 'About this setting' })
      .click();
    const hint = page.getByRole('dialog', { name: 'Incoming mail meanwhile' });
    expect((await hint.locator('p').allTextContents()).map((text) => text.split(':')[0])).toEqual([
      'Let mail pass',
      'Block mail',
    ]);
    await page.keyboard.press('Escape');
    await choice.selectOption({ label: 'Block mail' });
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { whenStopped: 'block' } }]);
  });

  it('explains every row behind its ⓘ', async () => {
    const { page } = await open();
    const rows = page.locator('[data-setting]');
    expect(await rows.count()).toBe(11);
    for (const row of await rows.all()) {
      const label = (await row.locator('label').textContent()) ?? '';
      await row.getByRole('button', { name: 'About this setting' }).click();
      const hint = page.getByRole('dialog', { name: label, exact: true });
      expect((await hint.locator('p').allTextContents()).join(' ').length).toBeGreaterThan(20);
      await page.keyboard.press('Escape');
      await hint.waitFor({ state: 'detached' });
    }
  });

  it('toggles by a click on the label', async () => {
    const { page, shows } = await open();
    await page.getByText('Scan POP3 mail transport', { exact: true }).click();
    await shows(
      () => page.getByRole('switch', { name: 'Scan POP3 mail transport' }).getAttribute('aria-checked'),
      'false',
    );
  });

  it('greys the children of the master toggle, and they keep their values', async () => {
    const { core, page, shows } = await open({ state: withSettings({ scanPop3: false, imapsPorts: '993' }) });
    await page.getByRole('switch', { name: 'Enable Mail transport protection' }).click();
    for (const [, label] of toggles.slice(1))
      expect(await page.getByRole('switch', { name: label }).isDisabled()).toBe(true);
    expect(await page.getByLabel(imapsPorts).isDisabled()).toBe(true);
    expect(await page.getByLabel(imapsPorts).inputValue()).toBe('993');
    expect(await page.getByLabel('Ports of mail bridges on this computer').isDisabled()).toBe(true);
    expect(await page.getByLabel('Incoming mail meanwhile').isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: /Edit/ }).first().isDisabled()).toBe(true);
    expect(
      await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).getAttribute('aria-checked'),
    ).toBe('false');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { enabled: false } }]);
  });
});

describe.skipIf(!hasChromium)('a wrong port text', () => {
  const open = useScreens();

  it.each([
    ['99999,abc', '“99999” is not a port. Use numbers from 1 to 65535, split by commas.'],
    ['993, abc', '“abc” is not a port. Use numbers from 1 to 65535, split by commas.'],
    ['993,,995', 'There is nothing between two commas. Use numbers from 1 to 65535, split by commas.'],
    ['1010-1000', '“1010-1000” runs backwards: put the smaller port first.'],
    [
      Array.from({ length: 65 }, (_, at) => 2 * at + 1).join(),
      'More than 64 ports and ranges are too many for one field.',
    ],
  ])('%s is named under the field as it is typed', async (text, words) => {
    const { page, shows } = await open();
    await page.getByLabel(imapsPorts).fill(text);
    await shows(() => rowOf(page, 'mailTransport.imapsPorts').getByRole('alert').textContent(), words);
    expect(await page.getByLabel(imapsPorts).getAttribute('aria-invalid')).toBe('true');
    expect(await footText(page)).toBe('1 field to mend');
  });

  it('marks its page in the tree, keeps OK from saving, and leads to the field from another page', async () => {
    const { core, page, shows } = await open();
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    const treeRow = page.getByRole('row', { name: /Mail transport protection/ });
    await treeRow.getByRole('img', { name: 'has unsaved changes' }).waitFor();
    await page.getByLabel(imapsPorts).fill('99999,abc');
    await treeRow.getByRole('img', { name: 'has a field to mend' }).waitFor();
    await page.getByRole('row', { name: 'User interface' }).click();
    await page.getByRole('heading', { name: 'User interface', level: 2 }).waitFor();
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(
      () => page.getByLabel(imapsPorts).evaluate((field) => field === document.activeElement),
      true,
    );
    expect(core.patches).toEqual([]);

    await page.getByLabel(imapsPorts).fill('993');
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { scanPop3: false, imapsPorts: '993' } }]);
  });
});

describe.skipIf(!hasChromium)('the foot', () => {
  const open = useScreens();

  it('Cancel asks when there is something to lose, and drops it', async () => {
    const { core, page, shows } = await open();
    const toggle = page.getByRole('switch', { name: 'Scan POP3 mail transport' });
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await page.getByRole('alertdialog').count()).toBe(0);

    await toggle.click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Keep editing' }).click();
    expect(await toggle.getAttribute('aria-checked')).toBe('false');

    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Discard changes' }).click();
    await shows(() => toggle.getAttribute('aria-checked'), 'true');
    expect(core.patches).toEqual([]);
  });

  it('Default asks first, sets the page back in the draft, and OK saves that', async () => {
    const { core, page, shows } = await open({
      state: withSettings({
        scanImap: false,
        pop3sPorts: '1',
        excludedAddresses: [{ address: '192.0.2.1' }],
      }),
    });
    await page.getByRole('button', { name: 'Default' }).click();
    const question = page.getByRole('alertdialog');
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
    expect(await page.getByLabel('Ports used by POP3S protocol').inputValue()).toBe('1');

    await page.getByRole('button', { name: 'Default' }).click();
    await question.getByRole('button', { name: 'Default' }).click();
    await shows(() => page.getByLabel('Ports used by POP3S protocol').inputValue(), '995');
    expect(core.patches).toEqual([]);
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([
      { mailTransport: { scanImap: true, pop3sPorts: '995', excludedAddresses: [] } },
    ]);
  });

  it('says why the core did not save, and keeps the draft', async () => {
    const { core, page, shows } = await open();
    core.failSaves(true);
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'The settings were not saved: the file could not be written.');
    core.failSaves(false);
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ mailTransport: { scanPop3: false } }]);
  });

  it('sends nothing when nothing changed', async () => {
    const { core, page, shows } = await open();
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([]);
  });
});

describe.skipIf(!hasChromium)('the arrow of a section', () => {
  const open = useScreens();
  const arrow = 'Revert all settings in this section';

  it('shows only while something differs from the default, and reverts its section in the draft', async () => {
    const { page, shows } = await open();
    expect(await page.getByRole('button', { name: arrow }).count()).toBe(0);
    await page.getByLabel(imapsPorts).fill('993');
    await page.getByRole('button', { name: arrow }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revert' }).click();
    await shows(() => page.getByLabel(imapsPorts).inputValue(), '585, 993');
    await shows(() => page.getByRole('button', { name: arrow }).count(), 0);
  });

  it('asks whether the lists are reverted too', async () => {
    const { page, shows } = await open({
      state: withSettings({ excludedAddresses: [{ address: '192.0.2.1' }] }),
    });
    const count = () => rowOf(page, 'mailTransport.excludedAddresses').getByText('1 entry').count();
    const lists = page.getByRole('checkbox', { name: 'Empty the lists too' });
    await page.getByRole('button', { name: arrow }).click();
    await lists.uncheck();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revert' }).click();
    expect(await count()).toBe(1);
    await page.getByRole('button', { name: arrow }).click();
    await lists.check();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revert' }).click();
    await shows(count, 0);
  });
});
