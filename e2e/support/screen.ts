// Everything that a test of the screen needs: the built renderer, a browser for the file, and per test a fake core with
// a page on it. Words come from the contract, so that a test names a label once for both languages.
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { State } from '../../src-main/contract/state.ts';
import { launchBrowser, type OpenedPage, openPage, type PageOptions } from './browser.ts';
import { type FakeCore, restingState, startFakeCore } from './fake-core.ts';
import { buildRendererIfStale } from './renderer.ts';
import { sampleInstalled, sampleRunning } from './sample-programs.ts';

export interface Screen {
  readonly core: FakeCore;
  readonly page: Page;
  /** Waits until the page shows the given value. */
  shows(read: () => Promise<unknown>, value: unknown): Promise<void>;
}

export interface ScreenOptions extends Omit<PageOptions, 'url'> {
  readonly state?: Partial<State>;
  /** Console errors that the test expects, such as those of a lost connection. */
  readonly expectsErrors?: boolean;
}

/** Call at the top of a test file; the function that comes back opens the screen of one test. */
export function useScreens(): (options?: ScreenOptions) => Promise<Screen> {
  let browser: Browser | undefined;
  const open: { readonly core: FakeCore; readonly opened: OpenedPage; readonly expectsErrors: boolean }[] =
    [];

  beforeAll(async () => {
    await buildRendererIfStale();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });
  afterEach(async () => {
    for (const { core, opened, expectsErrors } of open.splice(0)) {
      await opened.close();
      await core.stop();
      // Also what the content security policy refused.
      if (!expectsErrors) expect(opened.errors()).toEqual([]);
    }
  });

  return async ({ state = {}, expectsErrors = false, ...rest } = {}) => {
    if (browser === undefined) throw new Error('no browser yet');
    const core = await startFakeCore({ state: { ...restingState(), ...state } });
    core.setPrograms(sampleRunning, sampleInstalled);
    const opened = await openPage(browser, { url: core.url, ...rest });
    open.push({ core, opened, expectsErrors });
    await opened.page.getByRole('heading', { level: 2 }).first().waitFor();
    return {
      core,
      page: opened.page,
      shows: (read, value) => expect.poll(read, { timeout: 5_000, interval: 20 }).toEqual(value),
    };
  };
}

/** The row of a setting, by its path. */
export function rowOf(page: Page, path: string): Locator {
  return page.locator(`[data-setting="${path}"]`);
}

/** What the foot says about the draft. */
export function footText(page: Page): Promise<string | null> {
  return page.locator('footer [role=status]').textContent();
}
