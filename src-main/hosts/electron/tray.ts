// The icon among the desktop's notifications: whether mail is protected and why not, and the way to the window and out.
// Electron's objects come as arguments.
import type { Menu, MenuItemConstructorOptions, Tray } from 'electron';
import { type Language, languageOf, translate } from '../../contract/locales.ts';
import { protectionLook } from '../../contract/protection-look.ts';
import type { CoreAccess } from './core-access.ts';
import type { SeenState } from './follow-state.ts';

type TrayIcon = 'protected' | 'unprotected';

/** What it looks like and says now. */
export interface TrayFace {
  readonly icon: TrayIcon;
  readonly status: string;
  readonly open: string;
  readonly quit: string;
}

export interface FaceFacts {
  readonly seen: SeenState;
  readonly access: CoreAccess['kind'];
  readonly systemLanguage: string;
}

function statusLine(seen: SeenState, language: Language): string {
  if (seen === undefined) return translate(language, 'banner.lost');
  const look = protectionLook(seen);
  const words = translate(language, `status.${look}`);
  if (look === 'protected' || look === 'off') return words;
  const reason = seen.protection.reason ?? seen.interception.reason;
  return reason === undefined ? words : `${words}: ${translate(language, `error.${reason}`)}`;
}

export function trayFace({ seen, access, systemLanguage }: FaceFacts): TrayFace {
  const chosen = seen?.settings.appearance.language ?? 'system';
  const language = chosen === 'system' ? languageOf([systemLanguage]) : chosen;
  return {
    icon: seen !== undefined && protectionLook(seen) === 'protected' ? 'protected' : 'unprotected',
    status: statusLine(seen, language),
    open: translate(language, 'tray.open'),
    // A core of our own ends with this process.
    quit: translate(language, access === 'own' ? 'tray.quit-own' : 'tray.quit-attached'),
  };
}

export interface TrayParts {
  readonly createTray: (iconPath: string) => Pick<Tray, 'setImage' | 'setToolTip' | 'setContextMenu' | 'on'>;
  readonly buildMenu: (items: MenuItemConstructorOptions[]) => Menu;
  readonly iconPath: (icon: TrayIcon) => string;
  readonly onOpen: () => void;
  readonly onQuit: () => void;
}

/** Gives a function that shows a face; the icon appears with the first. */
export function createTrayView(parts: TrayParts): (face: TrayFace) => void {
  let tray: ReturnType<TrayParts['createTray']> | undefined;
  let shown: TrayFace | undefined;
  return (face) => {
    // The state's counters move ten times a second; a menu that is open would close with each new one.
    if (shown !== undefined && isSame(shown, face)) return;
    const path = parts.iconPath(face.icon);
    if (tray === undefined) {
      tray = parts.createTray(path);
      tray.on('click', parts.onOpen);
    } else if (shown?.icon !== face.icon) tray.setImage(path);
    tray.setToolTip(`Postern: ${face.status}`);
    // A menu on Linux is exported as it is: a change takes a new one.
    tray.setContextMenu(
      parts.buildMenu([
        { label: face.open, click: parts.onOpen },
        { label: face.status, enabled: false },
        { type: 'separator' },
        { label: face.quit, click: parts.onQuit },
      ]),
    );
    shown = face;
  };
}

function isSame(one: TrayFace, other: TrayFace): boolean {
  return (
    one.icon === other.icon &&
    one.status === other.status &&
    one.open === other.open &&
    one.quit === other.quit
  );
}
