// The dialogs of "Application scan rules" and "Certificate rules".
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  type ApplicationScanRule,
  type CertificateRule,
  defaultSettings,
} from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { sampleServer } from '../support/sample-trust.ts';
import { footText, rowOf, type Screen, useScreens } from '../support/screen.ts';

interface Rules {
  readonly applicationRules?: ApplicationScanRule[];
  readonly certificateRules?: CertificateRule[];
}

function useLists() {
  const open = useScreens();
  return async (key: keyof Rules, rules: Rules = {}) => {
    const screen = await open({
      state: { settings: { ...defaultSettings, tls: { ...defaultSettings.tls, ...rules } } },
    });
    const { page } = screen;
    await page.getByRole('row', { name: 'SSL/TLS' }).click();
    await rowOf(page, `tls.${key}`).getByRole('button', { name: /^Edit/ }).click();
    const name = key === 'applicationRules' ? 'Application scan rules' : 'Certificate rules';
    return { ...screen, list: page.getByRole('dialog', { name }) };
  };
}

async function saved({ core, page, shows, list }: Screen & { readonly list: Locator }) {
  await list.getByRole('button', { name: 'OK' }).click();
  await page.getByRole('button', { name: 'OK' }).click();
  await shows(() => footText(page), 'Saved');
  return core.patches.at(-1)?.tls;
}

async function chooseFile(page: Page, button: Locator, name: string, buffer: Buffer) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button.click()]);
  await chooser.setFiles({ name, mimeType: 'application/octet-stream', buffer });
}

describe.skipIf(!hasChromium)('application scan rules', () => {
  const open = useLists();

  it('are made for the programs that are picked, with action and end', async () => {
    const screen = await open('applicationRules', {
      applicationRules: [{ application: '/usr/bin/mbsync', action: 'scan' }],
    });
    const { page, list } = screen;
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    const picker = page.getByRole('dialog', { name: 'Add application rules' });
    const present = picker.getByRole('option', { name: /mbsync.*has a rule already/ });
    expect(await present.getAttribute('aria-disabled')).toBe('true');
    await picker.getByRole('option', { name: /python3.*applies to every script that it runs/ }).waitFor();
    await picker.getByRole('option', { name: /Evolution/ }).click();
    await picker.getByRole('option', { name: /Firefox/ }).click();
    await picker.getByLabel('Scan action').selectOption({ label: 'Scan' });
    await picker.getByLabel('Applies').selectOption({ label: 'Until…' });
    await picker.getByLabel('Ends at').fill('2020-01-01T12:00');
    await picker.getByText('Enter the date and time of the end, in the future.').waitFor();
    expect(await picker.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
    await picker.getByLabel('Applies').selectOption({ label: 'For 1 hour' });
    await picker.getByRole('button', { name: 'Add' }).click();
    await list
      .getByRole('row', { name: /Firefox/ })
      .getByText('Scan', { exact: true })
      .waitFor();
    const rules = (await saved(screen))?.applicationRules ?? [];
    expect(rules.map(({ application, action }) => [application, action])).toEqual([
      ['/usr/bin/mbsync', 'scan'],
      ['flatpak:org.gnome.Evolution', 'scan'],
      ['/usr/lib/firefox-esr/firefox-esr', 'scan'],
    ]);
    const left = Date.parse(rules[1]?.until ?? '') - Date.now();
    expect(left).toBeGreaterThan(50 * 60_000);
    expect(left).toBeLessThanOrEqual(60 * 60_000);
  });

  it('are edited by hand, refused in words', async () => {
    const screen = await open('applicationRules', {
      applicationRules: [
        { application: '/usr/bin/mutt', action: 'ignore' },
        { application: '/usr/bin/mbsync', action: 'scan' },
      ],
    });
    const { page, list } = screen;
    await list.getByRole('row', { name: /mutt/ }).dblclick();
    const entry = page.getByRole('dialog', { name: 'Edit application rule' });
    const field = entry.getByLabel('Path or program name');
    for (const [text, words] of [
      ['mutt', 'Use an absolute path, such as /usr/bin/mutt.'],
      ['/usr/bin/mbsync', '“/usr/bin/mbsync” is in the list already.'],
    ] as const) {
      await field.fill(text);
      await entry.getByText(words).waitFor();
      await entry.getByRole('button', { name: 'OK' }).click();
    }
    await field.fill('snap:mutt');
    await entry.getByLabel('Scan action').selectOption({ label: 'Auto' });
    await entry.getByLabel('Note (optional)').fill('for now');
    await page.keyboard.press('Enter');
    expect((await saved(screen))?.applicationRules).toEqual([
      { application: 'snap:mutt', action: 'auto', note: 'for now' },
      { application: '/usr/bin/mbsync', action: 'scan' },
    ]);
  });

  it('come as lines, many at once, and leave as lines', async () => {
    const screen = await open('applicationRules', {
      applicationRules: [{ application: '/usr/bin/mutt', action: 'ignore', note: 'pins' }],
    });
    const { page, list } = screen;
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      list.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(await readFile(await download.path(), 'utf8')).toBe('ignore /usr/bin/mutt # pins\n');
    await list.getByRole('button', { name: /Enter multiple values/ }).click();
    const many = page.getByRole('dialog', { name: 'Enter multiple values' });
    const text = many.getByLabel('Rules, such as: ignore /usr/bin/mutt');
    await text.fill('/usr/bin/geary; scan geary');
    await many.getByText('“/usr/bin/geary” does not begin with auto, scan or ignore.').waitFor();
    await many.getByText('scan geary: Use an absolute path, such as /usr/bin/mutt.').waitFor();
    // A program has one rule: this one stays as it is.
    await text.fill('scan /usr/bin/geary; scan /usr/bin/mutt');
    await many.getByRole('button', { name: 'Add' }).click();
    expect((await saved(screen))?.applicationRules).toEqual([
      { application: '/usr/bin/mutt', action: 'ignore', note: 'pins' },
      { application: '/usr/bin/geary', action: 'scan' },
    ]);
  });
});

describe.skipIf(!hasChromium)('certificate rules', () => {
  const open = useLists();

  async function openEntry({ page, list }: { readonly page: Page; readonly list: Locator }) {
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    return page.getByRole('dialog', { name: 'Add certificate rule' });
  }

  it('are refused in words, each kind of mistake', async () => {
    const screen = await open('certificateRules');
    const { page, list } = screen;
    await list.getByText('There are no rules: every certificate is judged.').waitFor();
    const entry = await openEntry(screen);
    const ok = entry.getByRole('button', { name: 'OK' });
    expect(await entry.getByText(/Give/).count()).toBe(0);
    await ok.click();
    await entry.getByText('Give the rule a name.').waitFor();
    await entry.getByLabel('Name', { exact: true }).fill('Office');
    await entry.getByText('Give at least one of host, SHA-256, subject and issuer.').waitFor();
    await entry.getByLabel('Host', { exact: true }).fill('192.0.2.1');
    await entry.getByText(/not an address\.$/).waitFor();
    await entry.getByLabel('SHA-256').fill('abc');
    await entry.getByText('A SHA-256 fingerprint has 64 digits from 0 to 9 and a to f.').waitFor();
    await entry.getByLabel('Subject').fill('x'.repeat(1_001));
    await entry.getByText('At most 1000 characters fit here.').waitFor();
    await ok.click();
    await entry.getByLabel('Host', { exact: true }).fill('*.example.org');
    await entry.getByLabel('SHA-256').fill('');
    await entry.getByLabel('Subject').fill('');
    await entry.getByLabel('Access').selectOption({ label: 'Allow' });
    await entry.getByText('“Allow” needs the SHA-256: any server can claim a name.').waitFor();
    await ok.click();
    expect(await entry.isVisible()).toBe(true);
    await entry.getByLabel('Access').selectOption({ label: 'Auto' });
    await entry.getByLabel('Scan').selectOption({ label: 'Ignore' });
    await entry.getByLabel('Host', { exact: true }).focus();
    await page.keyboard.press('Enter');
    await list.getByRole('row', { name: /Office/ }).waitFor();
    expect((await saved(screen))?.certificateRules).toEqual([
      { name: 'Office', host: '*.example.org', access: 'auto', scan: 'ignore' },
    ]);
  });

  it('are filled in from a server', async () => {
    const screen = await open('certificateRules');
    const { core, page } = screen;
    const entry = await openEntry(screen);
    await entry.getByRole('button', { name: 'Add from a server…' }).click();
    const get = entry.getByRole('button', { name: 'Get certificate' });
    await get.click();
    await entry.getByText('Enter the name or address of a server.').waitFor();
    const server = entry.getByLabel('Server', { exact: true });
    await server.fill('down.example.org');
    await entry.getByLabel('Port').fill('70000');
    await entry.getByText('Enter one port from 1 to 65535.').waitFor();
    await get.click();
    expect(core.trust.calls).toEqual([]);
    await entry.getByLabel('Port').fill('993');
    await get.click();
    await entry.getByText('the server can’t be reached.').waitFor();
    await server.fill('plain.example.org');
    await get.click();
    await entry.getByText('no encrypted connection to the server came about.').waitFor();
    await server.fill(' mail.example.org ');
    await page.keyboard.press('Enter');
    await entry.getByText('Filled in from a certificate that is valid until 1 Jun 2027.').waitFor();
    expect(core.trust.calls.at(-1)).toEqual({
      call: 'ofServer',
      input: { host: 'mail.example.org', port: 993 },
    });
    expect(await entry.getByLabel('SHA-256').inputValue()).toBe(sampleServer.sha256);
    await entry.getByLabel('Access').selectOption({ label: 'Allow' });
    await entry.getByRole('button', { name: 'OK' }).click();
    const { subject, issuer, sha256 } = sampleServer;
    expect((await saved(screen))?.certificateRules).toEqual([
      { name: 'mail.example.org', subject, issuer, sha256, access: 'allow', scan: 'auto' },
    ]);
  });

  it('are filled in from a file, PEM or DER', async () => {
    const screen = await open('certificateRules');
    const { core, page } = screen;
    const entry = await openEntry(screen);
    const button = entry.getByRole('button', { name: 'Add from a file…' });
    const der = Buffer.from('MIIBszCCAVmgAwIBAgIUe', 'base64');
    await chooseFile(page, button, 'server.der', der);
    await entry.getByText(/^Filled in/).waitFor();
    expect(core.trust.calls.at(-1)).toEqual({ call: 'ofFile', input: { text: der.toString('base64') } });
    expect(await entry.getByLabel('Name', { exact: true }).inputValue()).toBe('mail.example.org');
    await chooseFile(page, button, 'note.txt', Buffer.from('no certificate'));
    await entry.getByText('The file holds no certificate. PEM and DER are taken.').waitFor();
    await chooseFile(page, button, 'film.der', Buffer.alloc(700_001));
    await entry.getByText('The file is too large.').waitFor();
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    await chooseFile(page, button, 'server.pem', Buffer.from(pem));
    await entry.getByText(/^Filled in/).waitFor();
    expect(core.trust.calls.at(-1)).toEqual({ call: 'ofFile', input: { text: pem } });
  });

  it('are edited, keeping what is not touched', async () => {
    const rule: CertificateRule = {
      name: 'NAS',
      sha256: 'ab'.repeat(32),
      subject: 'CN=nas.lan',
      access: 'allow',
      scan: 'scan',
      until: '2099-01-01T12:00:00.000Z',
    };
    const screen = await open('certificateRules', { certificateRules: [rule] });
    const { page, list } = screen;
    const row = list.getByRole('row', { name: 'NAS' });
    expect(await row.textContent()).toMatch(/NAS.*abababab.*CN=nas\.lan.*Allow.*Scan.*2099/);
    await row.dblclick();
    const entry = page.getByRole('dialog', { name: 'Edit certificate rule' });
    await entry.getByLabel('Subject').fill('');
    await entry.getByLabel('Issuer').fill('CN=Home CA');
    await entry.getByRole('button', { name: 'OK' }).click();
    const { subject: _subject, ...rest } = rule;
    expect((await saved(screen))?.certificateRules).toEqual([{ ...rest, issuer: 'CN=Home CA' }]);
  });

  it('leave as a file and come in again, each once; a wrong file is refused', async () => {
    const rule: CertificateRule = { name: 'One', host: '*.example.org', access: 'block', scan: 'auto' };
    const screen = await open('certificateRules', { certificateRules: [rule] });
    const { page, list } = screen;
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      list.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toEqual([rule]);
    const button = list.getByRole('button', { name: 'Import…' });
    const two = { ...rule, name: 'Two', access: 'allow' };
    await chooseFile(page, button, 'a.json', Buffer.from('[{'));
    await list.getByText('The file holds no list of certificate rules.').waitFor();
    await chooseFile(page, button, 'b.json', Buffer.from(JSON.stringify([rule, two])));
    await list.getByText(/^Rule 2: “Allow” needs the SHA-256/).waitFor();
    const good = { ...two, sha256: 'cd'.repeat(32) };
    await chooseFile(page, button, 'c.json', Buffer.from(JSON.stringify([rule, good])));
    await list.getByRole('row', { name: /Two/ }).waitFor();
    expect(await list.getByText(/^Rule 2/).count()).toBe(0);
    expect((await saved(screen))?.certificateRules).toEqual([rule, good]);
  });
});
