// The screen as the desktop host shows it: a port from the preload, a window that OK and Cancel close, a file dialog.

import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchBrowser } from '../support/browser.ts';
import { type FakeCore, startFakeCore } from '../support/fake-core.ts';
import { buildRendererIfStale } from '../support/renderer.ts';

declare global {
  var windowWasClosed: boolean | undefined;
}

/** What the preload does, with a WebSocket behind the port: both carry the same messages. */
function preload() {
  Object.assign(window, {
    posternHost: { kind: 'electron', chooseProgram: async () => '/opt/chosen/mail' },
    close: () => {
      globalThis.windowWasClosed = true;
    },
  });
  window.addEventListener('DOMContentLoaded', () => {
    const socket = new WebSocket(`ws://${location.host}/rpc`);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = (event) => socket.send(event.data);
      socket.onmessage = (event) => port2.postMessage(event.data);
      window.postMessage('postern-port', location.origin, [port1]);
    });
  });
}

describe.skipIf(!hasChromium)('in the desktop host', () => {
  let browser: Browser;
  let core: FakeCore;
  let context: BrowserContext;

  beforeAll(async () => {
    await buildRendererIfStale();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });
  afterEach(async () => {
    await context.close();
    await core.stop();
  });

  async function open() {
    core = await startFakeCore();
    context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce' });
    await context.addInitScript(preload);
    const page = await context.newPage();
    await page.goto(core.url);
    await page.getByRole('heading', { level: 2 }).first().waitFor();
    const isClosed = () => page.evaluate(() => globalThis.windowWasClosed === true);
    return { page, isClosed };
  }

  it('follows the core over the port, and OK saves and closes the window', async () => {
    const { page, isClosed } = await open();
    core.change({ openConnections: 77 });
    await page.getByText('77', { exact: true }).waitFor();
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    await page.getByRole('button', { name: 'OK' }).click();
    await expect.poll(isClosed).toBe(true);
    expect(core.patches).toEqual([{ mailTransport: { scanPop3: false } }]);
  });

  it('keeps the window open while a field is wrong', async () => {
    const { page, isClosed } = await open();
    await page.getByLabel('Ports used by IMAPS protocol').fill('abc');
    await page.getByRole('button', { name: 'OK' }).click();
    await page.getByText('1 field to mend').waitFor();
    expect(await isClosed()).toBe(false);
  });

  it('Cancel closes the window, after asking when there is something to lose', async () => {
    const { page, isClosed } = await open();
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await isClosed()).toBe(false);
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await expect.poll(isClosed).toBe(true);
    expect(core.patches).toEqual([]);
  });

  it('Browse puts the chosen program into the picker', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: /Edit.*Excluded applications/ }).click();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('button', { name: /Browse/ }).click();
    await page.getByRole('option', { name: /\/opt\/chosen\/mail/, selected: true }).waitFor();
  });
});
