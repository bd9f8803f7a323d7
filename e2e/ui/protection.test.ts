// The banners of the interception: why it is missing, how that is mended, what it leaves out, and what goes past it.
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { footText, useScreens } from '../support/screen.ts';

const blocked = {
  settings: {
    ...defaultSettings,
    mailTransport: { ...defaultSettings.mailTransport, whenStopped: 'block' as const },
  },
  interception: { state: 'unavailable' as const, reason: 'helper-failed' as const },
  remarks: [{ code: 'mail-blocked' as const }],
};

describe.skipIf(!hasChromium)('an interception that is missing', () => {
  const open = useScreens();

  it.each(['nft-failed', 'helper-denied', 'helper-failed', 'self-test-failed', 'table-taken'] as const)(
    'is tried again by a button: %s',
    async (reason) => {
      const { core, page, shows } = await open({
        state: { interception: { state: 'unavailable', reason } },
      });
      core.onRetry({ interception: { state: 'active' } });
      await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Protected', { exact: true }).waitFor();
      await shows(() => page.getByRole('alert').count(), 0);
      expect(core.retries()).toBe(1);
    },
  );

  it('says that trying again changed nothing, and may be tried once more', async () => {
    const { core, page } = await open({
      state: { interception: { state: 'unavailable', reason: 'self-test-failed' } },
    });
    const button = page.getByRole('alert').getByRole('button', { name: 'Try again' });
    await button.click();
    await page.getByText(/^Tried at .*: it still does not work\.$/).waitFor();
    await button.click();
    await expect.poll(core.retries).toBe(2);
  });

  it('shows the command where the helper is missing, and no button that can do nothing', async () => {
    const { page } = await open({
      state: { interception: { state: 'unavailable', reason: 'helper-missing' } },
    });
    const banner = page.getByRole('alert');
    await banner.getByText('sudo npx postern helper install', { exact: true }).waitFor();
    expect(await banner.getByRole('button').count()).toBe(0);
  });

  it.each([
    [
      'en-GB',
      'Mail is not intercepted: the netfilter helper is from another version of Postern.',
      'Try again',
    ],
    [
      'nb-NO',
      'E-post fanges ikke opp: netfilter-hjelperen er fra en annen versjon av Postern.',
      'Prøv igjen',
    ],
  ])('speaks %s', async (locale, words, again) => {
    const { page } = await open({
      locale,
      state: { interception: { state: 'unavailable', reason: 'helper-outdated', detail: 'hello 2' } },
    });
    const banner = page.getByRole('alert');
    await banner.getByText(words).waitFor();
    await banner.getByText('hello 2').waitFor();
    await banner.getByRole('button', { name: again }).waitFor();
  });
});

describe.skipIf(!hasChromium)('mail that is blocked', () => {
  const open = useScreens();
  const banner = 'Mail is blocked: as protection does not work, programs can’t reach their mail servers.';

  it('is let pass at once, after a question', async () => {
    const { core, page, shows } = await open({ state: blocked });
    await page.getByText(banner).waitFor();
    await page.getByRole('button', { name: 'Let mail pass now' }).click();
    const question = page.getByRole('alertdialog', { name: 'Let mail pass without a scan?' });
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
    expect(core.patches).toEqual([]);

    await page.getByRole('button', { name: 'Let mail pass now' }).click();
    await question.getByRole('button', { name: 'Let mail pass now' }).click();
    await shows(async () => core.patches, [{ mailTransport: { whenStopped: 'pass' } }]);
    await shows(() => page.getByLabel('Incoming mail meanwhile').inputValue(), 'pass');
    core.change({ remarks: [] });
    await page.getByText(banner).waitFor({ state: 'detached' });
  });

  it('leaves other edits in the draft as they are', async () => {
    const { core, page, shows } = await open({ state: blocked });
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    await page.getByRole('button', { name: 'Let mail pass now' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Let mail pass now' }).click();
    await shows(async () => core.patches, [{ mailTransport: { whenStopped: 'pass' } }]);
    await shows(() => footText(page), '1 unsaved change');
  });

  it('says why it could not be let pass', async () => {
    const { core, page } = await open({ state: blocked });
    core.failSaves(true);
    await page.getByRole('button', { name: 'Let mail pass now' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Let mail pass now' }).click();
    await page.getByText('The settings were not saved: the file could not be written.').waitFor();
  });
});

describe.skipIf(!hasChromium)('what an interception leaves out', () => {
  const open = useScreens();

  it('is said while it works, and stays protected', async () => {
    const { page } = await open({
      state: { remarks: [{ code: 'port-denied', detail: '443, 587' }, { code: 'greetings-unseen' }] },
    });
    await page
      .getByText(/These ports are not redirected: 443, 587\. They belong to other services/)
      .waitFor();
    await page.getByText(/Plain mail is scanned on ports 110 and 143/).waitFor();
    await page.getByText('Protected', { exact: true }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('is closed where it was open before', async () => {
    const { core, page } = await open({ state: { directConnections: 1 } });
    await page.getByText('1 mail connection was open before protection began and is not scanned.').waitFor();
    core.change({ directConnections: 3 });
    const words = '3 mail connections were open before protection began and are not scanned.';
    await page.getByText(words).waitFor();
    await page.getByRole('button', { name: 'Close them', description: words }).click();
    await page.getByText(words).waitFor({ state: 'detached' });
    expect(core.state().directConnections).toBe(0);
    expect(core.closedConnections()).toBe(0);
  });
});
