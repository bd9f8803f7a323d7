// Debian's Chromium for the tests of the screen, and a page that also counts what the content security policy refused
// and what was written to the console as an error.
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

export const chromiumPath = '/usr/bin/chromium';

export const hasChromium: boolean = existsSync(chromiumPath);

/** `executablePath`: a program in its place that starts it elsewhere. `env`: in place of this process's. */
export async function launchBrowser(
  executablePath = chromiumPath,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    env: { ...env },
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface PageOptions {
  readonly url: string;
  readonly locale?: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

export interface OpenedPage {
  readonly page: Page;
  /** Errors of the page so far: exceptions, console errors, refusals of the policy. */
  errors(): readonly string[];
  close(): Promise<void>;
}

export async function openPage(
  browser: Browser,
  { url, locale = 'en-GB', colorScheme = 'light', width = 1280, height = 800 }: PageOptions,
): Promise<OpenedPage> {
  const context = await browser.newContext({
    locale,
    colorScheme,
    viewport: { width, height },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors: () => errors, close: () => context.close() };
}
