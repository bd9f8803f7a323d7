// What the renderer can't do: navigate, open windows, attach a webview, get a permission, or download or reach
// anything but its own; and whose messages the main process hears. Electron's objects come as arguments.
import type { BrowserWindow, IpcMainEvent, Session, WebContents } from 'electron';
import { isOwnBlob, isOwnUrl } from './own-page.ts';

interface Preventable {
  preventDefault(): void;
}

const prevent = (event: Preventable) => event.preventDefault();

/** For every web contents there is, whoever made it (`web-contents-created`). */
export function guardContents(contents: Pick<WebContents, 'setWindowOpenHandler' | 'on'>): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', prevent);
  contents.on('will-frame-navigate', prevent);
  contents.on('will-redirect', prevent);
  contents.on('will-attach-webview', prevent);
}

export type GuardedSession = Pick<
  Session,
  'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler' | 'on'
> & {
  readonly webRequest: Pick<Session['webRequest'], 'onBeforeRequest'>;
};

export function guardSession(session: GuardedSession): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event, item) => {
    if (!isOwnBlob(item.getURL())) event.preventDefault();
  });
  session.webRequest.onBeforeRequest(({ url }, answer) =>
    answer({ cancel: !isOwnUrl(url) && !isOwnBlob(url) }),
  );
}

/** Whether a message comes from the window's main frame, while that shows our own page. */
export function isOwnSender(
  event: Pick<IpcMainEvent, 'senderFrame'>,
  window: { readonly webContents: Pick<BrowserWindow['webContents'], 'mainFrame'> },
): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame === window.webContents.mainFrame && isOwnUrl(frame.url);
}
