// "Test protection": the dialog that walks the self-test of the core.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { SelfTestStep } from '../../src-main/contract/state.ts';
import { hasChromium } from '../support/browser.ts';
import { type Screen, useScreens } from '../support/screen.ts';

const redirect: SelfTestStep = { protocol: 'kernel', step: 'redirect', outcome: 'passed', ms: 3.4 };
const virus: SelfTestStep = {
  protocol: 'imap-starttls',
  step: 'test-virus',
  outcome: 'failed',
  ms: 1_234,
  detail: 'came as it was sent',
};
const signIn: SelfTestStep = { protocol: 'pop3', step: 'sign-in', outcome: 'skipped', ms: 0 };

const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Test protection' });

async function begin({ core, page, shows }: Screen) {
  await page.getByRole('button', { name: 'Test protection' }).click();
  await shows(async () => core.openTests(), 1);
  return dialogOf(page);
}

describe.skipIf(!hasChromium)('the test of the protection', () => {
  const open = useScreens();

  it('shows each step as it comes, by protocol, with outcome, time and detail', async () => {
    const screen = await open();
    const { core, shows } = screen;
    const dialog = await begin(screen);
    const said = dialog.getByRole('status');
    await shows(() => said.textContent(), 'Testing…');

    core.testStep(redirect);
    const steps = () => dialog.getByRole('listitem').allTextContents();
    await shows(steps, ['A connection is redirected to PosternPassed3 ms']);
    core.testStep(virus);
    core.testStep(signIn);
    await shows(steps, [
      'A connection is redirected to PosternPassed3 ms',
      'A test virus is foundFailed1,234 mscame as it was sent',
      'Signing inSkipped',
    ]);
    expect(await dialog.getByRole('heading', { level: 3 }).allTextContents()).toEqual([
      'Redirect in the kernel',
      'IMAP with STARTTLS',
      'POP3',
    ]);
    expect(await dialog.getByRole('button', { name: 'Run again' }).isDisabled()).toBe(true);
    // What comes is read out politely.
    expect(await dialog.getByRole('log', { name: 'Steps' }).locator('li').count()).toBe(3);

    core.testStep('end');
    await shows(() => said.textContent(), '1 step passed, 1 failed, 1 skipped');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  it('runs again from the start', async () => {
    const screen = await open();
    const { core, shows } = screen;
    const dialog = await begin(screen);
    core.testStep(virus);
    core.testStep('end');
    await dialog.getByText('1 failed', { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Run again' }).click();
    await shows(() => dialog.getByRole('listitem').count(), 0);
    await shows(async () => core.openTests(), 1);
    core.testStep(redirect);
    core.testStep('end');
    await dialog.getByText('1 step passed', { exact: true }).waitFor();
    expect(await dialog.getByRole('listitem').count()).toBe(1);
  });

  it('ends in the core when it is cancelled', async () => {
    const screen = await open();
    const { core, shows } = screen;
    const dialog = await begin(screen);
    core.testStep(redirect);
    await dialog.getByRole('listitem').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await shows(async () => core.openTests(), 0);
  });

  it('says when it breaks off, and keeps what it has shown', async () => {
    const screen = await open();
    const { core } = screen;
    const dialog = await begin(screen);
    core.testStep(redirect);
    core.testStep('break');
    await dialog.getByText('The test broke off before its end.').waitFor();
    expect(await dialog.getByRole('listitem').count()).toBe(1);
    await dialog.getByRole('button', { name: 'Run again' }).click();
    await dialog.getByText('Testing…').waitFor();
  });

  it('says when the core is lost meanwhile', async () => {
    const screen = await open({ expectsErrors: true });
    const dialog = await begin(screen);
    screen.core.drop(true);
    await dialog.getByText('The test broke off before its end.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    expect(await screen.page.getByRole('button', { name: 'Test protection' }).isDisabled()).toBe(true);
  });

  it('says when nothing was tested', async () => {
    const screen = await open();
    const dialog = await begin(screen);
    screen.core.testStep('end');
    await dialog.getByText('Nothing was tested.').waitFor();
  });

  it('goes by keyboard: opens, scrolls its steps, runs again, and Esc leaves it', async () => {
    const screen = await open({ width: 900, height: 600 });
    const { core, page, shows } = screen;
    const button = page.getByRole('button', { name: 'Test protection' });
    await button.focus();
    await page.keyboard.press('Enter');
    const dialog = dialogOf(page);
    await shows(async () => core.openTests(), 1);
    const isFocused = (name: string) =>
      dialog.getByRole('button', { name }).evaluate((each) => each === document.activeElement);
    await shows(() => isFocused('Cancel'), true);
    for (const protocol of ['imap', 'imaps', 'imap-starttls', 'pop3', 'pop3s', 'pop3-stls'] as const)
      for (const step of ['greeting', 'sign-in', 'clean-message', 'test-virus'] as const)
        core.testStep({ protocol, step, outcome: 'passed', ms: 1 });
    const list = dialog.getByRole('log', { name: 'Steps' });
    await shows(() => dialog.getByRole('listitem').count(), 24);
    // The newest is in sight.
    await shows(
      () => list.evaluate((each) => each.scrollTop + each.clientHeight >= each.scrollHeight - 1),
      true,
    );
    core.testStep('end');
    await shows(() => isFocused('Close'), true);
    await page.keyboard.press('Shift+Tab');
    await shows(() => isFocused('Run again'), true);
    await page.keyboard.press('Shift+Tab');
    await shows(() => list.evaluate((each) => each === document.activeElement), true);
    await page.keyboard.press('Home');
    await shows(() => list.evaluate((each) => each.scrollTop), 0);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await shows(() => button.evaluate((each) => each === document.activeElement), true);
    expect(await page.getByRole('alertdialog').count()).toBe(0);
  });

  it('leads to what failed when it is over', async () => {
    const screen = await open();
    const { core } = screen;
    const dialog = await begin(screen);
    core.testStep(virus);
    for (const protocol of ['imap', 'imaps', 'pop3', 'pop3s', 'pop3-stls'] as const)
      for (const step of ['greeting', 'tls', 'sign-in', 'clean-message', 'test-virus'] as const)
        core.testStep({ protocol, step, outcome: 'passed', ms: 1 });
    core.testStep('end');
    await dialog.getByText('25 steps passed, 1 failed').waitFor();
    const list = dialog.getByRole('log');
    await expect.poll(() => list.evaluate((each) => each.scrollTop)).toBe(0);
  });

  it('speaks Norwegian', async () => {
    const screen = await open({ locale: 'nb-NO' });
    const { core, page, shows } = screen;
    await page.getByRole('button', { name: 'Test beskyttelsen' }).click();
    const dialog = page.getByRole('dialog', { name: 'Test beskyttelsen' });
    await shows(async () => core.openTests(), 1);
    core.testStep(virus);
    core.testStep('end');
    await dialog.getByText('IMAP med STARTTLS').waitFor();
    await dialog.getByText('Mislyktes', { exact: true }).waitFor();
    await dialog.getByText('1 mislyktes', { exact: true }).waitFor();
  });
});
