// The desktop host in a real Electron, where there is one: a hidden start, a window on demand, and what its page may do.
import { spawn } from 'node:child_process';
import { accessSync, constants, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, type ElectronApplication } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../scripts/build.ts';
import { atHome } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';

const electronPath = resolve('node_modules/electron/dist/electron');

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const missing = [
  isRunnable(electronPath) ? [] : ['the Electron binary'],
  process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'] ? [] : ['a display'],
  // Chromium refuses to run as root with its sandbox.
  process.getuid?.() === 0 ? ['another user than root'] : [],
].flat();
const skipped = missing.length > 0 ? ` (SKIPPED: needs ${missing.join(', ')})` : '';

describe.skipIf(missing.length > 0)(`in a real Electron${skipped}`, () => {
  let directory: string;
  let app: ElectronApplication;
  const args = () => [
    '.',
    `--user-data-dir=${join(directory, 'chromium')}`,
    '--data-dir',
    join(directory, 'data'),
    '--intercept',
    'off',
  ];
  /** The display's key lies in the home that is not to be touched. */
  const env = () => ({ XAUTHORITY: join(homedir(), '.Xauthority'), ...atHome(directory) });

  beforeAll(async () => {
    expect(await buildIfStale()).toBe(true);
    directory = makeDirectory('electron');
    app = await _electron.launch({ executablePath: electronPath, args: [...args(), '--hidden'], env: env() });
  });
  afterAll(async () => {
    await app.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('a hidden start has no window; another start brings one, with the live state', async () => {
    expect(app.windows()).toEqual([]);
    const opened = app.waitForEvent('window');
    const second = spawn(electronPath, args(), { stdio: 'ignore', env: env() });
    const page = await opened;
    await page.getByText('Protection is off').waitFor();
    expect(page.url()).toBe('postern://app/index.html');
    expect(await new Promise((done) => second.once('exit', done))).toBe(0);
  });

  test('the page has no Node, and reaches and opens nothing of others', async () => {
    const [page] = app.windows();
    expect(await page?.evaluate(() => [typeof process, typeof require])).toEqual(['undefined', 'undefined']);
    expect(
      await page?.evaluate(() =>
        fetch('https://example.org/').then(
          () => 'reached',
          () => 'refused',
        ),
      ),
    ).toBe('refused');
    expect(await page?.evaluate(() => window.open('https://example.org/') === null)).toBe(true);
    expect(await page?.evaluate(() => Notification.requestPermission())).toBe('denied');
  });

  test('closing the window ends no protection, and the next start shows it again', async () => {
    const [page] = app.windows();
    await page?.close();
    expect(app.windows()).toEqual([]);
    const opened = app.waitForEvent('window');
    spawn(electronPath, args(), { stdio: 'ignore', env: env() });
    await (await opened).getByText('Protection is off').waitFor();
  });
});
