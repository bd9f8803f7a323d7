import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, test } from 'vitest';
import { quietState } from '../../contract/state.fixture.ts';
import type { State } from '../../contract/state.ts';
import { createTrayView, type FaceFacts, type TrayParts, trayFace } from './tray.ts';

const face = (facts: Partial<FaceFacts> = {}) =>
  trayFace({ seen: quietState, access: 'own', systemLanguage: 'en-GB', ...facts });
const status = (state: Partial<State>) => face({ seen: { ...quietState, ...state } });
const off = { ...quietState.settings.mailTransport, enabled: false };

describe('the face', () => {
  test('is protected only where the kernel redirects', () => {
    expect(face()).toMatchObject({ icon: 'protected', status: 'Protected' });
  });

  test.each<[string, Partial<State>]>([
    [
      'Not protected: the kernel refused the redirect.',
      {
        protection: { state: 'unavailable', reason: 'nft-failed' },
        interception: { state: 'unavailable', reason: 'nft-failed' },
      },
    ],
    [
      'Partly protected: interception was switched off when Postern started.',
      {
        interception: { state: 'off', reason: 'intercept-off' },
        listeners: [{ protocol: 'imap', address: '127.0.0.1', port: 1143, target: 'mail:143' }],
      },
    ],
    ['Not protected', { interception: { state: 'unavailable' } }],
    [
      'Protection is off',
      {
        settings: { ...quietState.settings, mailTransport: off },
        protection: { state: 'off', reason: 'protection-off' },
      },
    ],
  ])('says “%s”', (words, state) => {
    expect(status(state)).toMatchObject({ icon: 'unprotected', status: words });
  });

  test('says that a core can not be reached, which is no protection to rely on', () => {
    expect(face({ seen: undefined })).toMatchObject({
      icon: 'unprotected',
      status: 'The connection to the core is lost. Trying again…',
    });
  });

  test('speaks the language of the settings, or of the system', () => {
    expect(face({ systemLanguage: 'nb-NO' }).status).toBe('Beskyttet');
    const appearance = { ...quietState.settings.appearance, language: 'nb' as const };
    expect(status({ settings: { ...quietState.settings, appearance } }).open).toBe('Åpne Postern');
    expect(face({ seen: undefined, systemLanguage: 'nn' }).open).toBe('Åpne Postern');
  });

  test('says what becomes of the protection at the end', () => {
    expect(face().quit).toBe('Stop protecting and quit');
    expect(face({ access: 'attached' }).quit).toBe('Quit (protection goes on)');
  });
});

describe('the icon', () => {
  /** A tray that writes down what is asked of it. */
  function recorded() {
    const calls: string[] = [];
    const listeners = new Map<string, () => void>();
    let menu: MenuItemConstructorOptions[] = [];
    const show = createTrayView({
      createTray(path) {
        calls.push(`icon ${path}`);
        return {
          on: (event: string, listener: () => void) => listeners.set(event, listener),
          setImage: (image: string) => calls.push(`icon ${image}`),
          setToolTip: (text: string) => calls.push(`tip ${text}`),
          setContextMenu: () => calls.push('menu'),
        } as unknown as ReturnType<TrayParts['createTray']>;
      },
      buildMenu(items) {
        menu = items;
        return {} as ReturnType<TrayParts['buildMenu']>;
      },
      iconPath: (icon) => `/tray/${icon}.png`,
      onOpen: () => calls.push('open'),
      onQuit: () => calls.push('quit'),
    });
    return {
      show,
      calls: () => calls.splice(0),
      menu: () => menu,
      press(label: string) {
        const item = menu.find((each) => each.label === label);
        (item?.click as (() => void) | undefined)?.();
      },
      activate: () => listeners.get('click')?.(),
    };
  }

  test('appears with the first state, and changes with it', () => {
    const tray = recorded();
    expect(tray.calls()).toEqual([]);
    tray.show(face());
    expect(tray.calls()).toEqual(['icon /tray/protected.png', 'tip Postern: Protected', 'menu']);
    tray.show(face({ seen: undefined }));
    expect(tray.calls()).toEqual([
      'icon /tray/unprotected.png',
      'tip Postern: The connection to the core is lost. Trying again…',
      'menu',
    ]);
  });

  test('stays as it is while only counters move', () => {
    const tray = recorded();
    tray.show(face());
    tray.calls();
    tray.show(status({ openConnections: 7 }));
    expect(tray.calls()).toEqual([]);
  });

  test('is not set anew for other words', () => {
    const tray = recorded();
    tray.show(face());
    tray.calls();
    tray.show(face({ systemLanguage: 'nb' }));
    expect(tray.calls()).toEqual(['tip Postern: Beskyttet', 'menu']);
  });

  test('opens the window, tells the state, and quits', () => {
    const tray = recorded();
    tray.show(face());
    expect(tray.menu().map(({ label, enabled = true }) => [label, enabled])).toEqual([
      ['Open Postern', true],
      ['Protected', false],
      [undefined, true],
      ['Stop protecting and quit', true],
    ]);
    tray.calls();
    tray.press('Open Postern');
    tray.activate();
    tray.press('Stop protecting and quit');
    expect(tray.calls()).toEqual(['open', 'open', 'quit']);
  });
});
