// The edit-list dialogs of "Excluded IPs" and "Excluded applications", and the picker.
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  defaultSettings,
  type ExcludedAddress,
  type ExcludedApplication,
} from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { footText, rowOf, type Screen, useScreens } from '../support/screen.ts';

const withLists = (
  excludedAddresses: ExcludedAddress[],
  excludedApplications: ExcludedApplication[] = [],
) => ({
  settings: {
    ...defaultSettings,
    mailTransport: { ...defaultSettings.mailTransport, excludedAddresses, excludedApplications },
  },
});

async function openList(page: Page, key: 'excludedAddresses' | 'excludedApplications') {
  await rowOf(page, `mailTransport.${key}`).getByRole('button', { name: /Edit/ }).click();
  return page.getByRole('dialog', {
    name: key === 'excludedAddresses' ? 'Excluded IPs' : 'Excluded applications',
  });
}

async function saved({ core, page, shows }: Screen) {
  await page.getByRole('button', { name: 'OK' }).click();
  await shows(() => footText(page), 'Saved');
  return core.patches.at(-1)?.mailTransport;
}

const field = 'Address, range or subnet';

describe.skipIf(!hasChromium)('excluded IPs', () => {
  const open = useScreens();

  it('adds an address with a note for one hour; OK of the list only changes the draft', async () => {
    const screen = await open();
    const { core, page } = screen;
    const list = await openList(page, 'excludedAddresses');
    await list.getByText('No address is excluded.').waitFor();
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    const entry = page.getByRole('dialog', { name: 'Add address' });
    await entry.getByLabel(field).fill('192.168.1.77/24');
    await entry.getByLabel('Exclude', { exact: true }).selectOption('hour');
    await entry.getByLabel('Note (optional)').fill('  printer ');
    await entry.getByRole('button', { name: 'OK' }).click();
    await list.getByRole('row', { name: /192\.168\.1\.77\/24/ }).waitFor();
    await list.getByRole('button', { name: 'OK' }).click();
    expect(core.patches).toEqual([]);
    const patch = await saved(screen);
    const [added] = patch?.excludedAddresses ?? [];
    expect(added).toMatchObject({ address: '192.168.1.77/24', note: 'printer' });
    const left = Date.parse(added?.until ?? '') - Date.now();
    expect(left).toBeGreaterThan(50 * 60_000);
    expect(left).toBeLessThanOrEqual(60 * 60_000);
  });

  it('refuses what is no address, in words, and what is there already', async () => {
    const { page } = await open({ state: withLists([{ address: '10.0.0.1' }]) });
    const list = await openList(page, 'excludedAddresses');
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    const entry = page.getByRole('dialog', { name: 'Add address' });
    await entry.getByRole('button', { name: 'OK' }).click();
    await entry.getByText('Enter an address, a range or a subnet.').waitFor();
    for (const [text, words] of [
      ['mail.example.org', '“mail.example.org” is not an IP address.'],
      ['10.0.0.0/33', '“33” is not a prefix length or mask.'],
      ['10.0.0.9-10.0.0.1', '“10.0.0.9-10.0.0.1” runs backwards: put the smaller address first.'],
      ['10.0.0.1', '“10.0.0.1” is in the list already.'],
    ] as const) {
      await entry.getByLabel(field).fill(text);
      await entry.getByText(words).waitFor();
      await entry.getByRole('button', { name: 'OK' }).click();
    }
    await entry.getByLabel(field).fill('10.0.0.2');
    await page.keyboard.press('Enter');
    await entry.waitFor({ state: 'detached' });
    await list.getByRole('row', { name: /10\.0\.0\.2/ }).waitFor();
  });

  it('edits by double-click, keeping the end time', async () => {
    const until = '2099-01-01T12:00:00.000Z';
    const screen = await open({ state: withLists([{ address: '10.0.0.1', note: 'old', until }]) });
    const { page } = screen;
    const list = await openList(page, 'excludedAddresses');
    await list.getByRole('row', { name: /10\.0\.0\.1/ }).dblclick();
    const entry = page.getByRole('dialog', { name: 'Edit address' });
    expect(await entry.getByLabel(field).inputValue()).toBe('10.0.0.1');
    await entry.getByLabel(field).fill('10.0.0.1 to 10.0.0.9');
    await entry.getByLabel('Note (optional)').fill('');
    await entry.getByRole('button', { name: 'OK' }).click();
    await list.getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedAddresses).toEqual([{ address: '10.0.0.1 to 10.0.0.9', until }]);
  });

  it('refuses an end that is over', async () => {
    const { page } = await open({
      state: withLists([{ address: '10.0.0.1', until: '2020-01-01T12:00:00.000Z' }]),
    });
    const list = await openList(page, 'excludedAddresses');
    await list.getByText(/^ended /).waitFor();
    await list.getByRole('row', { name: /10\.0\.0\.1/ }).click();
    await list.getByRole('button', { name: 'Edit', exact: true }).click();
    const entry = page.getByRole('dialog', { name: 'Edit address' });
    await entry.getByRole('alert').waitFor();
    await entry.getByRole('button', { name: 'OK' }).click();
    expect(await entry.isVisible()).toBe(true);
    await entry.getByLabel('Ends at').fill('2099-01-01T12:00');
    await entry.getByRole('button', { name: 'OK' }).click();
    await entry.waitFor({ state: 'detached' });
  });

  it('deletes several at once, and Cancel of the list keeps them', async () => {
    const all = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address }));
    const screen = await open({ state: withLists(all) });
    const { page, shows } = screen;
    const remove = async () => {
      const list = await openList(page, 'excludedAddresses');
      await list.getByRole('row', { name: /10\.0\.0\.1/ }).click();
      await list.getByRole('row', { name: /10\.0\.0\.3/ }).click({ modifiers: ['ControlOrMeta'] });
      await shows(() => list.getByRole('status').textContent(), '2 selected');
      await list.getByRole('button', { name: 'Delete' }).click();
      await shows(() => list.getByRole('status').textContent(), '1 entry');
      return list;
    };
    await (await remove()).getByRole('button', { name: 'Cancel' }).click();
    await rowOf(page, 'mailTransport.excludedAddresses')
      .getByText('3 entries')
      .waitFor({ state: 'attached' });
    await (await remove()).getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedAddresses).toEqual([{ address: '10.0.0.2' }]);
  });

  it('takes many values at once and says which are wrong', async () => {
    const screen = await open({ state: withLists([{ address: '10.0.0.1' }]) });
    const { page } = screen;
    const list = await openList(page, 'excludedAddresses');
    await list.getByRole('button', { name: /Enter multiple values/ }).click();
    const many = page.getByRole('dialog', { name: 'Enter multiple values' });
    const text = many.getByLabel('Addresses, ranges and subnets');
    await text.fill('10.0.0.1, 10.0.0.2;foo\n10.0.0.0/40 # office');
    await many.getByText('2 entries are wrong:').waitFor();
    await many.getByText('“foo” is not an IP address.').waitFor();
    await many.getByText('10.0.0.0/40: “40” is not a prefix length or mask.').waitFor();
    expect(await many.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
    await text.fill('10.0.0.1, 10.0.0.2;10.0.0.3\n10.0.0.0/24 # office');
    await many.getByRole('button', { name: 'Add' }).click();
    await list.getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedAddresses).toEqual([
      { address: '10.0.0.1' },
      { address: '10.0.0.2' },
      { address: '10.0.0.3' },
      { address: '10.0.0.0/24', note: 'office' },
    ]);
  });

  it('exports the list as a text file and imports it again', async () => {
    const screen = await open({
      state: withLists([{ address: '10.0.0.1', note: 'NAS' }, { address: '2001:db8::/32' }]),
    });
    const { page } = screen;
    const list = await openList(page, 'excludedAddresses');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      list.getByRole('button', { name: 'Export' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toBe('10.0.0.1 # NAS\n2001:db8::/32\n');

    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      list.getByRole('button', { name: /Import/ }).click(),
    ]);
    await chooser.setFiles({
      name: 'list.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from(`${text}10.0.0.7 # new\n`),
    });
    await page
      .getByRole('dialog', { name: 'Enter multiple values' })
      .getByRole('button', { name: 'Add' })
      .click();
    await list.getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedAddresses?.at(-1)).toEqual({ address: '10.0.0.7', note: 'new' });
  });
});

describe.skipIf(!hasChromium)('excluded applications', () => {
  const open = useScreens();

  async function openPicker(page: Page) {
    const list = await openList(page, 'excludedApplications');
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    const picker = page.getByRole('dialog', { name: 'Add applications' });
    await picker.getByRole('option').first().waitFor();
    return {
      list,
      picker,
      search: picker.getByRole('searchbox', { name: 'Search programs or paste a path' }),
    };
  }

  it('offers programs with mail connections first, then running, then installed, each once', async () => {
    const { page } = await open();
    const { picker } = await openPicker(page);
    const sections = await picker.getByRole('group').all();
    const shown = await Promise.all(
      sections.map(async (section) => ({
        options: await section.getByRole('option').locator('code, [class*=path]').allTextContents(),
      })),
    );
    expect(shown.map(({ options }) => options)).toEqual([
      ['/usr/bin/mbsync', '/usr/lib/thunderbird/thunderbird'],
      ['flatpak:org.gnome.Evolution', '/usr/lib/firefox-esr/firefox-esr', '/usr/bin/python3.11'],
      ['/usr/bin/claws-mail'],
    ]);
    await picker.getByRole('option', { name: /imap\.example\.org:993.*1 process · user 1000/ }).waitFor();
    await picker.getByRole('option', { name: /Firefox.*11 processes · users 1000, 1001/ }).waitFor();
    await picker.getByRole('option', { name: /python3.*excludes every script that it runs/ }).waitFor();
    expect(await picker.getByRole('button', { name: /Browse/ }).count()).toBe(0);
  });

  it('adds several that were searched for', async () => {
    const screen = await open();
    const { page, shows } = screen;
    const { list, picker, search } = await openPicker(page);
    await search.fill('thunder');
    await shows(() => picker.getByRole('option').count(), 1);
    await picker.getByRole('option', { name: /Thunderbird/ }).click();
    await search.fill('evolution');
    await picker.getByRole('option', { name: /Evolution/ }).click();
    await shows(() => picker.getByRole('status').textContent(), '2 selected');
    await picker.getByRole('button', { name: 'Add' }).click();
    await list
      .getByRole('row', { name: /Thunderbird/ })
      .first()
      .waitFor();
    await list.getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedApplications).toEqual([
      { application: '/usr/lib/thunderbird/thunderbird' },
      { application: 'flatpak:org.gnome.Evolution' },
    ]);
  });

  it('takes a path that is pasted, warns of an interpreter, and refuses what is none', async () => {
    const screen = await open();
    const { page } = screen;
    const { list, picker, search } = await openPicker(page);
    await search.fill('/usr/*/mutt');
    await picker.getByText('The only wildcard is /* at the end: everything below a folder.').waitFor();
    expect(await picker.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
    await search.fill('/opt/python3');
    await picker.getByRole('option', { name: /excludes every script that it runs/ }).waitFor();
    await search.fill('/opt/mail/*');
    await picker.getByRole('button', { name: 'Add' }).click();
    await list.getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedApplications).toEqual([{ application: '/opt/mail/*' }]);
  });

  it('does not offer again what is excluded already', async () => {
    const { page } = await open({ state: withLists([], [{ application: '/usr/bin/mbsync' }]) });
    const { picker } = await openPicker(page);
    const option = picker.getByRole('option', { name: /mbsync.*excluded already/ });
    expect(await option.getAttribute('aria-disabled')).toBe('true');
  });

  it('edits an entry by hand', async () => {
    const screen = await open({ state: withLists([], [{ application: '/usr/bin/mutt' }]) });
    const { page } = screen;
    const list = await openList(page, 'excludedApplications');
    await list.getByRole('row', { name: /mutt/ }).dblclick();
    const entry = page.getByRole('dialog', { name: 'Edit application' });
    await entry.getByLabel('Path or program name').fill('mutt');
    await entry.getByText('Use an absolute path, such as /usr/bin/mutt.').waitFor();
    await entry.getByLabel('Path or program name').fill('snap:mutt');
    await entry.getByLabel('Note (optional)').fill('for now');
    await page.keyboard.press('Enter');
    await list.getByRole('button', { name: 'OK' }).click();
    expect((await saved(screen))?.excludedApplications).toEqual([
      { application: 'snap:mutt', note: 'for now' },
    ]);
  });
});
