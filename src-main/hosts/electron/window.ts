// How the one window is made: the renderer is sandboxed and has nothing but what the preload gives it.
import type { BrowserWindowConstructorOptions, MenuItemConstructorOptions } from 'electron';

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

/**
 * The window's shortcuts, of a menu that is never seen. Electron's own menu would open sites in the browser, and end the
 * protection at Ctrl+Q.
 */
export function shortcutMenu({ packaged }: Pick<WindowFacts, 'packaged'>): MenuItemConstructorOptions[] {
  const forAll = ['resetZoom', 'zoomIn', 'zoomOut', 'close'] as const;
  const forClones = ['reload', 'toggleDevTools'] as const;
  const roles = packaged ? forAll : [...forAll, ...forClones];
  return [{ label: 'Postern', submenu: roles.map((role) => ({ role })) }];
}
