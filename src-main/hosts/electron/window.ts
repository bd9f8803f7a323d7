// How the one window is made: the renderer is sandboxed and has nothing but what the preload gives it.
import type { BrowserWindowConstructorOptions } from 'electron';

export interface WindowFacts {
  readonly preloadPath: string;
  /** An installed program, not a clone: without developer tools. */
  readonly packaged: boolean;
}

export function windowOptions({ preloadPath, packaged }: WindowFacts): BrowserWindowConstructorOptions {
  return {
    width: 1_160,
    height: 800,
    minWidth: 720,
    minHeight: 480,
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload: preloadPath,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: !packaged,
    },
  };
}
