// The page "SSL/TLS": its rows, the trust of the stores, the root certificate, and what is passed through unopened.
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { fullTrust, samplePem, sampleRoot } from '../support/sample-trust.ts';
import { footText, rowOf, type ScreenOptions, useScreens } from '../support/screen.ts';

const storeRow = (page: Page, id: string) => page.locator(`[data-store="${id}"]`);
const relayRow = (page: Page, id: string) => page.locator(`[data-relay="${id}"]`);
const focusedText = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '');

async function showPage(page: Page) {
  await page.getByRole('row', { name: 'SSL/TLS' }).click();
  await page.getByRole('heading', { name: 'SSL/TLS', level: 2 }).waitFor();
}

function usePage() {
  const open = useScreens();
  return async (options: ScreenOptions = {}) => {
    const screen = await open({ ...options, state: { trust: fullTrust, ...options.state } });
    await showPage(screen.page);
    return screen;
  };
}

describe.skipIf(!hasChromium)('the rows of SSL/TLS', () => {
  const open = usePage();

  it('are grey while it is off, all but the first, and keep their values', async () => {
    const { core, page, shows } = await open();
    const controls = page.locator(
      '[data-setting^="tls."] :is([role=switch], select, button:not([aria-label]))',
    );
    expect(await controls.count()).toBe(8);
    const disabled = () => controls.evaluateAll((all) => all.map((each) => each.matches(':disabled')));
    expect(await disabled()).toEqual(Array(8).fill(false));
    await page.getByRole('switch', { name: 'Enable SSL/TLS' }).click();
    expect(await disabled()).toEqual([false, ...Array(7).fill(true)]);
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([{ tls: { enabled: false } }]);
  });

  it('save what is chosen', async () => {
    const { core, page, shows } = await open();
    await page.getByLabel('SSL/TLS mode').selectOption({ label: 'Policy-based' });
    await page.getByLabel('If a certificate can’t be trusted').selectOption({ label: 'Block' });
    await page.getByLabel('If a certificate is invalid or corrupt').selectOption({ label: 'Block' });
    await page.getByLabel('Lowest protocol version').selectOption({ label: 'TLS 1.3' });
    await page.getByRole('switch', { name: 'Add the root certificate to mail programs' }).click();
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(() => footText(page), 'Saved');
    expect(core.patches).toEqual([
      {
        tls: {
          mode: 'policy',
          whenUntrusted: 'block',
          whenInvalid: 'block',
          minVersion: '1.3',
          installRoot: false,
        },
      },
    ]);
  });

  it('say what can’t be scanned', async () => {
    const { page } = await open();
    await rowOf(page, 'tls.enabled').getByRole('button', { name: 'About this setting' }).click();
    const hint = page.getByRole('dialog', { name: 'Enable SSL/TLS' });
    await hint.getByText(/\(pinning\)/).waitFor();
    await hint.getByText(/a certificate of the program’s own/).waitFor();
  });

  it('and everything below them are reached by keyboard', async () => {
    const { page } = await open();
    const stops: string[] = [];
    await page.getByRole('searchbox').focus();
    while (stops.length < 80 && stops.at(-1) !== 'OK') {
      await page.keyboard.press('Tab');
      stops.push(
        await page.evaluate(() => {
          const element = document.activeElement;
          const named = element?.closest<HTMLElement>('[data-setting], [data-store], [data-relay]');
          const { setting, store, relay } = named?.dataset ?? {};
          const text = element instanceof HTMLSelectElement ? '' : element?.textContent;
          return [setting ?? store ?? relay, element?.ariaLabel ?? text].filter(Boolean).join(' ');
        }),
      );
    }
    const row = (key: string, text = '') => [
      `tls.${key} About this setting`,
      `tls.${key}${text === '' ? '' : ` ${text}`}`,
    ];
    const at = stops.indexOf('tls.enabled About this setting');
    expect(stops.slice(at, -2).filter((stop) => !['Rules', 'Root certificate'].includes(stop))).toEqual([
      ...['enabled', 'mode', 'whenUntrusted', 'whenInvalid', 'minVersion'].flatMap((key) => row(key)),
      ...row('applicationRules', 'Edit'),
      ...row('certificateRules', 'Edit'),
      ...row('installRoot'),
      'View certificate',
      'Export',
      'Check again',
      'Replace…',
      'Remove from all programs…',
      'thunderbird-work Fix',
      'thunderbird-policy Fix…',
      'shared-nss Fix',
      'mutt Fix…',
      'java Fix…',
      'offlineimap Fix…',
      ...['relay-1', 'relay-2', 'relay-3'].map((id) => `${id} Open again`),
    ]);
    expect(stops.slice(-2)).toEqual(['Default', 'OK']);
  });
});

describe.skipIf(!hasChromium)('the stores', () => {
  const open = usePage();

  it('are shown with their programs, place, state in words and last handshake', async () => {
    const { page } = await open();
    const table = page.getByRole('table', { name: 'Where the root certificate is trusted' });
    expect(await table.locator('tbody tr').count()).toBe(8);
    for (const [id, words] of [
      [
        'system',
        /mbsync, fetchmail, curl.*Certificates of the system.*ca-certificates\.crt.*Trusted.*accepted.*imap\.example\.org/,
      ],
      ['thunderbird-work', /Thunderbird profile · Arbeid.*Not trusted.*refused.*imap\.example\.net/],
      ['shared-nss', /Evolution, Chromium.*Partly trusted.*The root that is to follow is missing/],
      ['mutt', /Pinned.*compares fingerprints/],
      [
        'java',
        /Unavailable.*the tool that changes this store is missing.*libnss3-tools.*keytool: command not found/,
      ],
    ] as const)
      expect(await storeRow(page, id).textContent(), id).toMatch(words);
  });

  it('say to start a program anew that runs and has not taken our certificate yet', async () => {
    const { core, page } = await open();
    const words = page.getByText('Start the program anew, so that it reads the certificate.');
    expect(await words.count()).toBe(1);
    await storeRow(page, 'thunderbird-default')
      .getByText(/Start the program anew/)
      .waitFor();
    const lastHandshake = { at: '2026-11-24T10:00:00.000Z', accepted: true, server: 'imap.example.org' };
    core.change({
      trust: {
        ...fullTrust,
        stores: fullTrust.stores.map((store) =>
          store.id === 'thunderbird-default' ? { ...store, lastHandshake } : store,
        ),
      },
    });
    await words.waitFor({ state: 'detached' });
  });

  it.each([
    ['thunderbird-work', 'Fix Thunderbird (Flatpak)', 'Thunderbird profile · Arbeid'],
    ['thunderbird-policy', 'Fix… Thunderbird', 'Policy for all Thunderbird profiles'],
  ])('are mended by Fix: %s', async (id, name, store) => {
    const { core, page, shows } = await open();
    await storeRow(page, id).getByRole('button', { name, exact: true }).click();
    await storeRow(page, id).getByText('Trusted', { exact: true }).waitFor();
    await page.getByText(`${store}: the root certificate is in.`).waitFor();
    expect(core.trust.calls).toEqual([{ call: 'install', input: { stores: [id] } }]);
    // The button is gone: what had the focus must not be lost.
    await shows(() => focusedText(page), 'Where the root certificate is trusted');
  });

  it('say why they could not be mended, and what can be done', async () => {
    const { core, page } = await open();
    core.trust.failStore('thunderbird-policy', 'trust-helper-missing', 'no such file');
    core.trust.failStore('shared-nss', 'trust-store-locked');
    const policy = storeRow(page, 'thunderbird-policy');
    await policy.getByRole('button').click();
    const alert = policy.getByRole('alert');
    await alert
      .getByText(/was not put in: the trust helper, which changes the stores of the whole computer, is not/)
      .waitFor();
    await alert.getByText('sudo npx postern helper install').waitFor();
    await alert.getByText('no such file').waitFor();
    await storeRow(page, 'shared-nss').getByRole('button').click();
    await storeRow(page, 'shared-nss')
      .getByText(/the store is protected by a password/)
      .waitFor();
    await storeRow(page, 'shared-nss').getByRole('button', { name: /^Fix/ }).waitFor();
    core.trust.breakCalls(true);
    await storeRow(page, 'java').getByRole('button').click();
    await storeRow(page, 'java').getByText('It could not be done.').waitFor();
  });

  it('that a person alone may change say what is to be done, and call nothing', async () => {
    const { core, page } = await open();
    await storeRow(page, 'offlineimap').getByRole('button', { name: 'Fix… OfflineIMAP' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add the root certificate by hand' });
    await dialog.getByText(/^sslcacertfile = /).waitFor();
    await dialog.getByText('/home/kari/.local/state/postern/certificates/ca.pem', { exact: true }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('postern-root.pem');
    expect(await readFile(await download.path(), 'utf8')).toBe(samplePem);
    expect(core.trust.calls).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('may all be missing', async () => {
    const { page } = await open({ state: { trust: { ...fullTrust, roots: [], stores: [], relays: [] } } });
    await page.getByText('No certificate store of a mail program was found.').waitFor();
    await page.getByText('Nothing is passed through unopened.').waitFor();
    await page.getByText('There is no root certificate yet.').waitFor();
    expect(await page.getByRole('button', { name: 'View certificate' }).isDisabled()).toBe(true);
  });
});

describe.skipIf(!hasChromium)('what is passed through unopened', () => {
  const open = usePage();

  it('is shown with program, server, reason in words, and its time', async () => {
    const { page } = await open();
    for (const [id, words] of [
      [
        'relay-1',
        /geary.*imap\.example\.net:993.*the program refused our certificate.*unknown_ca.*Since .*Until /,
      ],
      ['relay-2', /Every program.*secure\.example\.com:995.*the server asks for a certificate/],
      ['relay-3', /Evolution.*refused an untrusted certificate/],
    ] as const)
      expect(await relayRow(page, id).textContent(), id).toMatch(words);
  });

  it('is opened again by its button', async () => {
    const { core, page, shows } = await open();
    await relayRow(page, 'relay-1')
      .getByRole('button', { name: /^Open again geary/ })
      .click();
    await relayRow(page, 'relay-1').waitFor({ state: 'detached' });
    await page.getByText('imap.example.net:993 is opened again from the next connection on.').waitFor();
    expect(core.trust.calls).toEqual([{ call: 'forget', input: { ids: ['relay-1'] } }]);
    await shows(() => focusedText(page), 'Passed through unopened');
    core.trust.breakCalls(true);
    await relayRow(page, 'relay-2').getByRole('button').click();
    await relayRow(page, 'relay-2').getByText('It could not be done.').waitFor();
  });
});

describe.skipIf(!hasChromium)('the root certificate', () => {
  const open = usePage();
  const grouped = /3B:1F:9C:07:.*:D4:E5:F6$/;

  it('is shown, viewed and exported', async () => {
    const { page } = await open();
    const section = page.locator('[data-section="root-certificate"]');
    await section.getByText(sampleRoot.subject).waitFor();
    await section.getByText(grouped).waitFor();
    await section.getByRole('button', { name: 'View certificate' }).click();
    const dialog = page.getByRole('dialog', { name: 'Root certificate' });
    for (const term of ['Subject', 'Issuer', 'SHA-256', 'Valid from', 'Valid until', 'File'])
      await dialog.getByText(term, { exact: true }).waitFor();
    await dialog.getByText(grouped).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      section.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(await readFile(await download.path(), 'utf8')).toBe(samplePem);
  });

  it('names the one that is to follow', async () => {
    const next = { ...sampleRoot, sha256: 'ef'.repeat(32), notAfter: '2046-02-03T00:00:00.000Z' };
    const { page } = await open({ state: { trust: { ...fullTrust, roots: [sampleRoot, next] } } });
    await page.getByText('Successor, valid until').waitFor();
    await page.getByText('3 Feb 2046').waitFor();
  });

  it('is looked for again', async () => {
    const { core, page } = await open();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByText(/^Checked at /).waitFor();
    expect(core.trust.calls).toEqual([{ call: 'status' }]);
    core.trust.breakCalls(true);
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByText('It could not be done.').waitFor();
    expect(await page.getByText(/^Checked at /).count()).toBe(0);
  });

  it('is replaced when that is confirmed, and not before', async () => {
    const { core, page } = await open();
    await page.getByRole('button', { name: 'Replace…' }).click();
    const question = page.getByRole('alertdialog', { name: 'Replace the root certificate?' });
    await question.getByText(/Start your mail programs anew/).waitFor();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
    expect(core.trust.calls).toEqual([]);
    await page.getByRole('button', { name: 'Replace…' }).click();
    await question.getByRole('button', { name: 'Replace' }).click();
    await page.getByText('The root certificate has been replaced.').waitFor();
    await page.getByText(/AB:AB:AB:AB/).waitFor();
    expect(core.trust.calls).toEqual([{ call: 'replace' }]);
  });

  it('is removed when that is confirmed, and says where it was not', async () => {
    const { core, page } = await open();
    core.trust.failStore('system', 'trust-denied', 'pkexec: not authorized');
    await page.getByRole('button', { name: 'Remove from all programs…' }).click();
    const question = page.getByRole('alertdialog');
    await question.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('Removed from 1 store.').waitFor();
    await page
      .getByText('Certificates of the system: Postern may not change this store. pkexec: not authorized')
      .waitFor();
    expect(core.trust.calls).toEqual([{ call: 'remove', input: {} }]);
  });
});

describe.skipIf(!hasChromium)('SSL/TLS that is off', () => {
  const open = useScreens();
  const off = { ...defaultSettings, tls: { ...defaultSettings.tls, enabled: false } };

  it('is said on the page of the mail transport, and turned on there', async () => {
    const { core, page } = await open({ state: { settings: off } });
    const banner = page.getByRole('alert');
    await banner.getByText('SSL/TLS is off: IMAPS and POP3S pass unscanned.').waitFor();
    await page.getByText('Partly protected', { exact: true }).waitFor();
    await banner.getByRole('button', { name: 'Enable SSL/TLS' }).click();
    await banner.waitFor({ state: 'detached' });
    await page.getByText('Protected', { exact: true }).waitFor();
    expect(core.patches).toEqual([{ tls: { enabled: true } }]);
    expect(await footText(page)).toBe('');
  });

  it('is said of the protocols that are to be scanned alone', async () => {
    const mailTransport = { ...off.mailTransport, scanImaps: false };
    const { core, page } = await open({ state: { settings: { ...off, mailTransport } } });
    await page.getByText('SSL/TLS is off: POP3S passes unscanned.').waitFor();
    core.change({ settings: { ...off, mailTransport: { ...mailTransport, scanPop3s: false } } });
    await page.getByText(/SSL\/TLS is off/).waitFor({ state: 'detached' });
  });

  it('says so when it could not be turned on', async () => {
    const { core, page } = await open({ state: { settings: off } });
    core.failSaves(true);
    await page.getByRole('button', { name: 'Enable SSL/TLS' }).click();
    await page.getByText('The settings were not saved: the file could not be written.').waitFor();
  });
});
