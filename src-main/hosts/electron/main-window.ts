// The one window, made when it is wanted: there is none after a hidden start, nor after it was closed.
import type { BrowserWindow } from 'electron';

export type PageWindow = Pick<
  BrowserWindow,
  'isDestroyed' | 'destroy' | 'isMinimized' | 'restore' | 'show' | 'focus'
> & {
  readonly webContents: Pick<BrowserWindow['webContents'], 'on'>;
};

export interface MainWindow<Window extends PageWindow> {
  /** Brings the window before the user, and makes it first where there is none. */
  show(): void;
  current(): Window | undefined;
}

/** `open` makes a window that shows itself when its page is drawn. */
export function createMainWindow<Window extends PageWindow>(open: () => Window): MainWindow<Window> {
  let window: Window | undefined;
  const current = () => (window?.isDestroyed() === false ? window : undefined);
  return {
    current,
    show() {
      const there = current();
      if (there === undefined) {
        const opened = open();
        // Its page can't come back by itself; the next call makes a new window.
        opened.webContents.on('render-process-gone', () => opened.destroy());
        window = opened;
        return;
      }
      if (there.isMinimized()) there.restore();
      there.show();
      there.focus();
    },
  };
}
