// The desktop host: a core in Electron's main process, or the system's, and a tray icon and one window that reach it.
// Composes alone.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  MessageChannelMain,
  type MessagePortMain,
  protocol,
  session,
  Tray,
} from 'electron';
import { assertNever } from '../../contract/assert-never.ts';
import { languageOf, translate } from '../../contract/locales.ts';
import type { Log } from '../../core/ports.ts';
import { coreOptionsOf } from '../core-arguments.ts';
import { endOnFaults, startCoreHost } from '../core-host.ts';
import { dataDirOf, systemControlSocket } from '../data-dir.ts';
import { CommandFailure, failureExitCode } from '../failure.ts';
import { failureLine } from '../failure-line.ts';
import { createLog } from '../log.ts';
import { findSystemCore } from '../system-core.ts';
import { type DesktopArguments, desktopArguments, isForSystemCore, isHiddenStart } from './arguments.ts';
import { attachedCore, type CoreAccess, ownCore } from './core-access.ts';
import { followState } from './follow-state.ts';
import { createMainWindow, type MainWindow } from './main-window.ts';
import { pageScheme, pageUrl } from './own-page.ts';
import { servePageFiles } from './page-files.ts';
import { offerPorts } from './page-ports.ts';
import { guardContents, guardSession, isOwnSender } from './security.ts';
import { createTrayView, trayFace } from './tray.ts';
import { shortcutMenu, windowOptions } from './window.ts';

const built = (name: string) => resolve(import.meta.dirname, name);

async function startOwnCore(given: DesktopArguments, log: Log): Promise<CoreAccess> {
  const result = await startCoreHost({
    ...coreOptionsOf(given),
    dataDir: dataDirOf(given.dataDir),
    workerUrl: pathToFileURL(built('worker.js')),
    summaryWorkerUrl: pathToFileURL(built('summary-worker.js')),
    rulesDirectory: built('rules'),
    consoleUrl: () => undefined,
    hostEndpoints: () => [],
    log,
  });
  if (result.ok) return ownCore(result.host);
  throw new CommandFailure(result.code, result.detail);
}

/** A core, or `closed` where the system's protects the mail, and this user has nothing to do with it. */
async function findCore(given: DesktopArguments, log: Log): Promise<CoreAccess | 'closed'> {
  if (!isForSystemCore(given)) return await startOwnCore(given, log);
  const found = await findSystemCore(systemControlSocket);
  switch (found.kind) {
    case 'none':
      return await startOwnCore(given, log);
    case 'attach':
      return attachedCore(found.path);
    case 'closed':
      return 'closed';
    default:
      return assertNever(found);
  }
}

async function sayClosed(): Promise<void> {
  const message = translate(languageOf([app.getLocale()]), 'desktop.system-core-closed');
  await dialog.showMessageBox({ type: 'info', title: 'Postern', message });
}

/** An expected failure of the start, for whoever looks at the screen and whoever looks at the terminal. */
async function sayWhyNot(error: unknown): Promise<undefined> {
  const line = failureLine(error);
  if (line === undefined) throw error;
  process.stderr.write(`postern: ${line}\n`);
  await app.whenReady();
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
  window.setMenuBarVisibility(false);
  window.once('ready-to-show', () => window.show());
  void window.loadURL(pageUrl);
  return window;
}

/** What every page gets, and the way of ours to the core. */
function servePages(access: CoreAccess, window: MainWindow<BrowserWindow>): void {
  app.on('web-contents-created', (_event, contents) => guardContents(contents));
  guardSession(session.defaultSession);
  protocol.handle(pageScheme, servePageFiles({ rendererDir: built('../renderer'), readFile }));
  Menu.setApplicationMenu(Menu.buildFromTemplate(shortcutMenu({ packaged: app.isPackaged })));

  ipcMain.on('postern-page-ready', (event) => {
    const asking = window.current();
    if (asking === undefined || !isOwnSender(event, asking)) return;
    offerPorts<MessagePortMain>({
      openChannel() {
        const { port1, port2 } = new MessageChannelMain();
        return { ours: port1, theirs: port2 };
      },
      serve: access.serve,
      post(port) {
        if (asking.isDestroyed()) return false;
        asking.webContents.mainFrame.postMessage('postern-port', null, [port]);
        return true;
      },
    });
  });
  ipcMain.handle('postern-choose-program', async (event) => {
    const asking = window.current();
    if (asking === undefined || !isOwnSender(event, asking)) return null;
    const { filePaths } = await dialog.showOpenDialog(asking, { properties: ['openFile'] });
    return filePaths[0] ?? null;
  });
}

function showTray(access: CoreAccess, onOpen: () => void, signal: AbortSignal): void {
  const show = createTrayView({
    createTray: (path) => new Tray(path),
    buildMenu: Menu.buildFromTemplate,
    iconPath: (icon) => built(`tray/${icon}.png`),
    onOpen,
    onQuit: () => app.quit(),
  });
  void followState({
    dial: access.dial,
    onState: (seen) => show(trayFace({ seen, access: access.kind, systemLanguage: app.getLocale() })),
    wait,
    signal,
  });
}

async function run(): Promise<void> {
  const log = createLog({ write: (line) => process.stderr.write(line), now: () => new Date() });
  endOnFaults(log);
  // Electron only warns of them, where Node ends.
  process.on('unhandledRejection', (reason) => {
    throw reason;
  });
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
  app.enableSandbox();
  const given = desktopArguments(process.argv.slice(app.isPackaged ? 1 : 2));
  // Another start shows the window of the first, unless it was hidden, too.
  if (!app.requestSingleInstanceLock({ hidden: given.hidden })) return app.quit();
  let isWanted = !given.hidden;
  let showWindow = () => {
    isWanted = true;
  };
  app.on('second-instance', (_event, _argv, _directory, start) => {
    if (!isHiddenStart(start)) showWindow();
  });
  // Protection goes on without a window: the tray or another start shows it again, a signal ends it.
  app.on('window-all-closed', () => undefined);

  // Mail does not wait for the screen.
  const access = await findCore(given, log).catch(sayWhyNot);
  await app.whenReady();
  if (access === undefined) return app.exit(failureExitCode);
  if (access === 'closed') {
    // At the start of each session of each user it would be in the way.
    if (!given.hidden) await sayClosed();
    return app.exit(0);
  }
  const quitting = new AbortController();
  app.on('before-quit', (event) => {
    event.preventDefault();
    quitting.abort();
    void access.stop().then(() => app.exit(0));
  });
  const window = createMainWindow(openWindow);
  servePages(access, window);
  showTray(access, window.show, quitting.signal);
  showWindow = window.show;
  if (isWanted) window.show();
}

// Not awaited: Electron is not ready before this module has been evaluated whole (electron/electron#40719).
void run();
