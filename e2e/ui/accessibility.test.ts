// axe on every state of the screen, at both sizes, in both themes and languages.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { translate } from '../../src-main/contract/locales.ts';
import { defaultSettings } from '../../src-main/contract/settings.ts';
import { hasChromium } from '../support/browser.ts';
import { restingState } from '../support/fake-core.ts';
import { fullTrust, noTrust } from '../support/sample-trust.ts';
import { rowOf, type Screen, useScreens } from '../support/screen.ts';

async function violations(page: Page) {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

const busy = {
  settings: {
    ...defaultSettings,
    mailTransport: {
      ...defaultSettings.mailTransport,
      excludedAddresses: [
        { address: '192.0.2.1', note: 'NAS' },
        { address: '2001:db8::/32', until: '2020-01-01T00:00:00.000Z' },
      ],
      excludedApplications: [{ application: '/usr/bin/mbsync' }, { application: '/opt/mail/*' }],
    },
    tls: {
      ...defaultSettings.tls,
      applicationRules: [
        { application: '/usr/bin/mbsync', action: 'ignore' as const, until: '2020-01-01T00:00:00.000Z' },
      ],
      certificateRules: [
        {
          name: 'NAS',
          host: 'nas.example.org',
          sha256: 'ab'.repeat(32),
          subject: 'CN=NAS',
          issuer: 'CN=Home',
          access: 'allow' as const,
          scan: 'auto' as const,
        },
      ],
    },
  },
  trust: fullTrust,
  interception: { state: 'unavailable', reason: 'nft-failed', detail: 'Error: syntax' } as const,
  settingsProblems: [{ code: 'settings-unreadable' as const, keptAs: 'settings.json.bad-1' }],
  staleConnections: 2,
  directConnections: 3,
  remarks: [
    { code: 'mail-blocked' as const },
    { code: 'port-denied' as const, detail: '443, 587' },
    { code: 'greetings-unseen' as const },
  ],
  counters: { ...restingState().counters, relayedByReason: { 'no-sign-in': 14, 'excluded-address': 3 } },
  lastMessages: (['infected', 'suspicious', 'not-scanned'] as const).map((outcome, id) => ({
    id,
    at: '2026-11-20T10:00:00.000Z',
    outcome,
    detections: [
      { name: 'Postern.Test.Sample', engine: 'literal', category: 'test' as const, part: '', sha256: '' },
    ],
    limits: ['encrypted' as const],
    server: 'imap.example.org',
  })),
};

const looks = [
  { locale: 'en-GB', colorScheme: 'light', width: 1280, height: 800 },
  { locale: 'nb-NO', colorScheme: 'dark', width: 900, height: 600 },
  { locale: 'en-GB', colorScheme: 'dark', width: 1280, height: 800 },
  { locale: 'nb-NO', colorScheme: 'light', width: 900, height: 600 },
] as const;

describe.skipIf(!hasChromium).each(looks)('$locale, $colorScheme, $width × $height', (look) => {
  const open = useScreens();
  const language = look.locale === 'nb-NO' ? 'nb' : 'en';
  const say = (key: Parameters<typeof translate>[1]) => translate(language, key);
  const openList = async ({ page }: Screen, path: string) => {
    await rowOf(page, path)
      .getByRole('button', { name: say('row.edit') })
      .click();
    await page.getByRole('dialog').waitFor();
  };

  it('the pages have no violation, resting, wrong, greyed, searched', async () => {
    const { page } = await open({ ...look, state: busy });
    expect(await violations(page)).toEqual([]);
    await page.getByLabel(say('row.mail-transport.imaps-ports')).fill('99999,abc');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('switch').first().click();
    expect(await violations(page)).toEqual([]);
    await page
      .getByRole('button', { name: say('row.about') })
      .first()
      .click();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('searchbox').fill('pop3');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('searchbox').fill('xyzzy');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('row', { name: say('page.user-interface') }).click();
    expect(await violations(page)).toEqual([]);
  });

  it('the page of the scan parameters has no violation, resting and wrong', async () => {
    const { page } = await open({ ...look, state: busy });
    await page.getByRole('row', { name: say('page.scan-parameters') }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel(say('row.scanning.max-seconds')).fill('0');
    await page.locator('[data-setting] [role=alert]').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('the page of the response has no violation, resting, wrong, greyed', async () => {
    const { page } = await open({ ...look, state: busy });
    await page.getByRole('row', { name: say('page.response') }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel(say('row.response.subject-text')).fill('');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('switch').click();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel(say('row.response.delivery')).selectOption('unchanged');
    expect(await violations(page)).toEqual([]);
    expect(
      await page.evaluate(() =>
        [...document.querySelectorAll('main, nav')].every((each) => each.scrollWidth <= each.clientWidth),
      ),
    ).toBe(true);
  });

  it('the dialogs of addresses have no violation', async () => {
    const screen = await open({ ...look, state: busy });
    const { page } = screen;
    await openList(screen, 'mailTransport.excludedAddresses');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('row', { name: /192/ }).click();
    await page.getByRole('button', { name: say('action.add'), exact: true }).click();
    await page.getByLabel(say('addresses.duration'), { exact: true }).selectOption('until');
    await page.getByLabel(say('addresses.field')).fill('foo');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: say('action.enter-multiple') }).click();
    await page.getByLabel(say('addresses.multiple.field')).fill('foo; bar');
    expect(await violations(page)).toEqual([]);
  });

  it('the dialogs of applications have no violation', async () => {
    const screen = await open({ ...look, state: busy });
    const { page } = screen;
    await openList(screen, 'mailTransport.excludedApplications');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: say('action.add'), exact: true }).click();
    await page.getByRole('option', { name: /Thunderbird/ }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('searchbox', { name: say('picker.search') }).fill('/usr/*/x');
    expect(await violations(page)).toEqual([]);
  });

  const showTls = async ({ page }: Screen) => {
    await page.getByRole('row', { name: say('page.ssl-tls') }).click();
    await page.getByRole('heading', { name: say('page.ssl-tls'), level: 2 }).waitFor();
  };

  it('the page of SSL/TLS has no violation, full, failing, greyed, empty, and is no wider than its place', async () => {
    const screen = await open({ ...look, state: busy });
    const { core, page } = screen;
    await showTls(screen);
    expect(await violations(page)).toEqual([]);
    core.trust.failStore('thunderbird-policy', 'trust-helper-missing', 'no such file');
    await page.locator('[data-store="thunderbird-policy"]').getByRole('button').click();
    await page.locator('[data-store="thunderbird-policy"]').getByRole('alert').waitFor();
    core.trust.failStore('system', 'trust-denied', 'pkexec');
    await page.getByRole('button', { name: say('action.remove-everywhere') }).click();
    await page.getByRole('alertdialog').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: say('action.remove'), exact: true }).click();
    await page.getByText('pkexec').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(
      await page.evaluate(() =>
        [...document.querySelectorAll('main, nav, section')].every(
          (each) => each.scrollWidth <= each.clientWidth + 1,
        ),
      ),
    ).toBe(true);
    await page.getByRole('switch').first().click();
    core.change({ trust: { ...noTrust, roots: [] } });
    await page.getByText(say('stores.none')).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('the dialogs of SSL/TLS have no violation and fit the window', async () => {
    const screen = await open({ ...look, state: busy });
    const { page, shows } = screen;
    await showTls(screen);
    const check = async () => {
      expect(await violations(page)).toEqual([]);
      const box = await page.getByRole('dialog').last().boundingBox();
      expect((box?.y ?? -1) >= 0 && (box?.y ?? 0) + (box?.height ?? 0) <= look.height).toBe(true);
    };
    const cancel = async () => {
      const before = await page.getByRole('dialog').count();
      await page
        .getByRole('dialog')
        .last()
        .getByRole('button', { name: new RegExp(`^(${say('action.cancel')}|${say('action.close')})$`) })
        .click();
      await shows(() => page.getByRole('dialog').count(), before - 1);
    };
    await openList(screen, 'tls.applicationRules');
    await check();
    await page.getByRole('button', { name: say('action.add'), exact: true }).click();
    await page.getByRole('option', { name: /Thunderbird/ }).click();
    await page.getByLabel(say('rules.duration'), { exact: true }).selectOption('until');
    await check();
    await cancel();
    await page
      .getByRole('dialog')
      .getByRole('row', { name: /mbsync/ })
      .dblclick();
    await page.getByLabel(say('applications.field')).fill('mbsync');
    await check();
    await cancel();
    await cancel();
    await openList(screen, 'tls.certificateRules');
    await check();
    await page.getByRole('button', { name: say('action.add'), exact: true }).click();
    await page.getByRole('button', { name: say('action.from-server') }).click();
    await page.getByRole('button', { name: say('action.get-certificate') }).click();
    await page.getByLabel(say('certificate-rules.host'), { exact: true }).fill('192.0.2.1');
    await page
      .getByRole('button', { name: say('action.ok'), exact: true })
      .last()
      .click();
    await check();
    await cancel();
    await cancel();
    await page.getByRole('button', { name: say('action.view-certificate') }).click();
    await page.getByRole('dialog').getByText(say('certificate.issuer'), { exact: true }).waitFor();
    await check();
    await cancel();
    await page.locator('[data-store="mutt"]').getByRole('button').click();
    await check();
  });

  it('the banners of an interception that is missing have no violation', async () => {
    const { page } = await open({
      ...look,
      state: { interception: { state: 'unavailable', reason: 'helper-missing' } },
    });
    await page.getByRole('alert').getByText('sudo npx postern helper install').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('the test of the protection has no violation while it runs and when it is over', async () => {
    const { core, page, shows } = await open(look);
    await page.getByRole('button', { name: say('action.test-protection') }).click();
    const dialog = page.getByRole('dialog', { name: say('self-test.title') });
    await shows(async () => core.openTests(), 1);
    expect(await violations(page)).toEqual([]);
    for (const protocol of ['imap', 'imaps', 'pop3', 'pop3s'] as const) {
      core.testStep({ protocol, step: 'greeting', outcome: 'passed', ms: 1 });
      core.testStep({ protocol, step: 'sign-in', outcome: 'failed', ms: 2, detail: 'NO '.repeat(60) });
      core.testStep({ protocol, step: 'clean-message', outcome: 'skipped', ms: 0 });
    }
    core.testStep('end');
    await shows(() => dialog.getByRole('listitem').count(), 12);
    await dialog.getByRole('button', { name: say('action.close') }).waitFor();
    expect(await violations(page)).toEqual([]);
    const list = dialog.getByRole('log');
    expect(await list.evaluate((each) => each.scrollWidth <= each.clientWidth)).toBe(true);
    const box = await dialog.boundingBox();
    expect((box?.y ?? -1) >= 0 && (box?.y ?? 0) + (box?.height ?? 0) <= look.height).toBe(true);
  });

  it('questions have no violation, and nothing is wider than the window', async () => {
    const { page } = await open({ ...look, state: busy });
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    expect(
      await page.evaluate(() =>
        [...document.querySelectorAll('main, nav')].every((each) => each.scrollWidth <= each.clientWidth),
      ),
    ).toBe(true);
    await page.getByRole('button', { name: say('action.default'), exact: true }).click();
    await page.getByRole('alertdialog').waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
