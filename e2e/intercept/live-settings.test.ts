// Every control of the page at work: changed in the console in a browser, in force for the next connection of a real
// client, with no restart, and with other connections undisturbed.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../scripts/build.ts';
import { chromiumPath, launchBrowser, openPage } from '../support/browser.ts';
import { curlImapMessage } from '../support/clients.ts';
import type { RunningCore } from '../support/core.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { footText, rowOf } from '../support/screen.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'curl', 'openssl', 'chromium'], { namespaces: true });
const infected = testMessages().filter((message) => message.name === 'eicar-base64');

describe.skipIf(missing !== undefined)(`settings at work${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  let browser: Browser;
  let page: Page;
  /** Trusts both the server's authority and ours, so that only the content tells who was reached. */
  let caPath: string;

  beforeAll(async () => {
    await buildIfStale();
    hosts = await createCoreLab({ alice: infected });
    core = await hosts.startCore();
    caPath = join(hosts.directory, 'both.pem');
    writeFileSync(
      caPath,
      readFileSync(core.ready.ca, 'utf8') + readFileSync(hosts.certificates.caPath, 'utf8'),
    );
    const wrapper = join(mkdtempSync(join(hosts.directory, 'browser-')), 'chromium');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${hosts.lab.clientArgv([chromiumPath]).join(' ')} "$@"\n`);
    chmodSync(wrapper, 0o755);
    browser = await launchBrowser(wrapper);
    ({ page } = await openPage(browser, { url: core.ready.console?.url ?? '' }));
  });
  afterAll(async () => {
    await browser?.close();
    await hosts?.stop();
  });

  /** Whether the next connection of curl gets the virus. */
  async function virusArrives(): Promise<boolean> {
    return containsVirus(
      await curlImapMessage(hosts.account({ transport: 'tls', protocol: 'imap', caPath }), '1'),
    );
  }

  async function save(): Promise<void> {
    await expect.poll(() => footText(page)).toContain('unsaved');
    await page.getByRole('button', { name: 'OK', exact: true }).click();
    await expect.poll(() => footText(page), { timeout: 20_000 }).toBe('Saved');
  }

  async function edit(key: 'excludedAddresses' | 'excludedApplications', name: string): Promise<Locator> {
    await rowOf(page, `mailTransport.${key}`).getByRole('button', { name: /Edit/ }).click();
    return page.getByRole('dialog', { name });
  }

  /** An IMAPS connection that stays open; answers whether it still works. */
  async function openIdleConnection(): Promise<() => Promise<boolean>> {
    const child: ChildProcess = hosts.lab.client(
      [
        'openssl',
        's_client',
        '-quiet',
        '-CAfile',
        caPath,
        '-connect',
        'mail.example.test:993',
        '-servername',
        'mail.example.test',
      ],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    let heard = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      heard += bytes.toString();
    });
    await expect.poll(() => heard, { timeout: 20_000 }).toContain('* OK');
    return async () => {
      heard = '';
      child.stdin?.write('x NOOP\r\n');
      await expect.poll(() => heard, { timeout: 20_000 }).toContain('x OK');
      return child.exitCode === null;
    };
  }

  test('the toggle of IMAPS: off, the virus arrives untouched; on again, it is harmless', async () => {
    const stillWorks = await openIdleConnection();
    expect(await virusArrives()).toBe(false);
    await page.getByRole('switch', { name: 'Scan IMAPS mail transport' }).click();
    await save();
    expect(await virusArrives()).toBe(true);
    await page.getByRole('switch', { name: 'Scan IMAPS mail transport' }).click();
    await save();
    expect(await virusArrives()).toBe(false);
    expect(await stillWorks()).toBe(true);
  });

  test('a port that is removed from the field, and put back', async () => {
    const ports = page.getByLabel('Ports used by IMAPS protocol');
    await ports.fill('585');
    await save();
    expect(await virusArrives()).toBe(true);
    await ports.fill('993,585');
    await save();
    expect(await ports.inputValue()).toBe('585, 993');
    expect(await virusArrives()).toBe(false);
  });

  test('an excluded IP', async () => {
    const list = await edit('excludedAddresses', 'Excluded IPs');
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    const entry = page.getByRole('dialog', { name: 'Add address' });
    await entry.getByLabel('Address, range or subnet').fill(`${hosts.lab.serverV4}/24`);
    await entry.getByRole('button', { name: 'OK' }).click();
    await list.getByRole('button', { name: 'OK' }).click();
    await save();
    // The same server over IPv6 is no excluded address.
    const v6 = hosts.account({ transport: 'tls', protocol: 'imap', caPath, host: 'mail6.example.test' });
    expect(containsVirus(await curlImapMessage(v6, '1'))).toBe(false);
    const v4 = hosts.account({ transport: 'tls', protocol: 'imap', caPath, host: hosts.lab.serverV4 });
    expect(containsVirus(await curlImapMessage(v4, '1'))).toBe(true);
    await (await edit('excludedAddresses', 'Excluded IPs')).getByRole('row', { name: /10\.77/ }).click();
    await list.getByRole('button', { name: 'Delete' }).click();
    await list.getByRole('button', { name: 'OK' }).click();
    await save();
    expect(await virusArrives()).toBe(false);
  });

  test('an excluded application, out of a picker that knows who has mail connections now', async () => {
    const stillWorks = await openIdleConnection();
    const list = await edit('excludedApplications', 'Excluded applications');
    await list.getByRole('button', { name: 'Add', exact: true }).click();
    const picker = page.getByRole('dialog', { name: 'Add applications' });
    await picker
      .getByRole('option', { name: /openssl.*mail\.example\.test:993/ })
      .first()
      .waitFor();
    await picker.getByRole('searchbox').fill('/usr/bin/curl');
    await picker.getByRole('button', { name: 'Add' }).click();
    await list.getByRole('button', { name: 'OK' }).click();
    await save();
    expect(await virusArrives()).toBe(true);
    expect(await stillWorks()).toBe(true);
  });

  test('the page shows what was done, live', async () => {
    await page.getByText('Postern.Test.Eicar').first().waitFor();
    const status = await hosts.postern('status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ interception: { state: 'active' } });
  });
});
