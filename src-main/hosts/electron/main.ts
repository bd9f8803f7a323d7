// The desktop host: the core in Electron's main process, and one window that reaches it through a MessagePort. Holds no
// logic of its own.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { RPCHandler } from '@orpc/server/message-port';
import { app, BrowserWindow, dialog, ipcMain, MessageChannelMain, protocol, session } from 'electron';
import { languageOf, translate } from '../../contract/locales.ts';
import type { CallContext } from '../../core/handlers.ts';
import { coreOptionsOf } from '../core-arguments.ts';
import { type CoreHost, endOnFaults, startCoreHost } from '../core-host.ts';
import { dataDirOf } from '../data-dir.ts';
import { CommandFailure, failureExitCode } from '../failure.ts';
import { failureLine } from '../failure-line.ts';
import { createLog } from '../log.ts';
import { pageScheme, pageUrl } from './own-page.ts';
import { servePageFiles } from './page-files.ts';
import { guardContents, guardSession, isOwnSender } from './security.ts';
import { windowOptions } from './window.ts';

const built = (name: string) => resolve(import.meta.dirname, name);

async function startHost(): Promise<CoreHost> {
  const log = createLog({ write: (line) => process.stderr.write(line), now: () => new Date() });
  endOnFaults(log);
  const { values } = parseArgs({
    args: process.argv.slice(app.isPackaged ? 1 : 2),
    // Chromium's own switches are among them.
    strict: false,
    options: {
      'data-dir': { type: 'string' },
      settings: { type: 'string' },
      intercept: { type: 'string' },
      'upstream-ca': { type: 'string' },
      listen: { type: 'string', multiple: true },
    },
  });
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const result = await startCoreHost({
    ...coreOptionsOf({
      settings: text(values['settings']),
      intercept: text(values['intercept']),
      upstreamCa: text(values['upstream-ca']),
      listen: (values['listen'] ?? []).filter((each) => typeof each === 'string'),
    }),
    dataDir: dataDirOf(text(values['data-dir'])),
    workerUrl: pathToFileURL(built('worker.js')),
    rulesDirectory: built('rules'),
    consoleUrl: () => undefined,
    hostEndpoints: () => [],
    log,
  });
  if (result.ok) return result.host;
  throw new CommandFailure(result.code, result.detail);
}

/** An expected failure of the start, for whoever looks at the screen and whoever looks at the terminal. */
function sayWhyNot(error: unknown): undefined {
  const line = failureLine(error);
  if (line === undefined) throw error;
  process.stderr.write(`postern: ${line}\n`);
  const isCoded = error instanceof CommandFailure;
  dialog.showErrorBox(
    'Postern',
    isCoded ? translate(languageOf([app.getLocale()]), `error.${error.code}`) : line,
  );
}

function openWindow(): BrowserWindow {
  const window = new BrowserWindow(
    windowOptions({ preloadPath: built('../preload/preload.cjs'), packaged: app.isPackaged }),
  );
  window.once('ready-to-show', () => window.show());
  void window.loadURL(pageUrl);
  return window;
}

/** The window, its page, and the page's way to the core. */
function showCore(host: CoreHost): void {
  app.on('web-contents-created', (_event, contents) => guardContents(contents));
  guardSession(session.defaultSession);
  protocol.handle(pageScheme, servePageFiles({ rendererDir: built('../renderer'), readFile }));

  const calls = new RPCHandler<CallContext>(host.core.router);
  let window = openWindow();
  app.on('second-instance', () => {
    if (window.isDestroyed()) window = openWindow();
    else window.show();
  });
  ipcMain.on('postern-page-ready', (event) => {
    if (window.isDestroyed() || !isOwnSender(event, window)) return;
    const { port1, port2 } = new MessageChannelMain();
    calls.upgrade(port1, { context: { via: 'window' } });
    port1.start();
    window.webContents.mainFrame.postMessage('postern-port', null, [port2]);
  });
  ipcMain.handle('postern-choose-program', async (event) => {
    if (window.isDestroyed() || !isOwnSender(event, window)) return null;
    const { filePaths } = await dialog.showOpenDialog(window, { properties: ['openFile'] });
    return filePaths[0] ?? null;
  });
}

async function run(): Promise<void> {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
  // Another start shows the window of the first.
  if (!app.requestSingleInstanceLock()) return app.quit();
  // Protection goes on without a window: another start shows it again, a signal ends it.
  app.on('window-all-closed', () => undefined);
  await app.whenReady();
  const host = await startHost().catch(sayWhyNot);
  if (host === undefined) return app.exit(failureExitCode);
  app.on('before-quit', (event) => {
    event.preventDefault();
    void host.stop().then(() => app.exit(0));
  });
  showCore(host);
}

await run();
