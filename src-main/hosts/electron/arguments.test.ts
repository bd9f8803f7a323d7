import { expect, test } from 'vitest';
import { desktopArguments, isForSystemCore, isHiddenStart } from './arguments.ts';
import { shortcutMenu } from './window.ts';

test('the words of a core and of the window are read among those of Chromium', () => {
  expect(
    desktopArguments([
      '--ozone-platform=wayland',
      '--hidden',
      '--data-dir',
      '/data',
      '--listen=1143=mail:143/imap',
      '--listen',
      '1110=mail:110/pop3',
      '--original-process-start-time=1',
      'stray',
    ]),
  ).toEqual({
    dataDir: '/data',
    settings: undefined,
    intercept: undefined,
    upstreamCa: undefined,
    listen: ['1143=mail:143/imap', '1110=mail:110/pop3'],
    hidden: true,
  });
});

test.each([
  [[], false],
  [['--hidden'], true],
  [['--hidden=no'], false],
  [['hidden'], false],
])('%j starts hidden: %s', (words, hidden) => {
  expect(desktopArguments(words).hidden).toBe(hidden);
});

test.each([
  [[], true],
  [['--intercept', 'auto'], true],
  [['--intercept=off'], false],
  [['--hidden'], true],
  [['--data-dir', '/data'], false],
  [['--settings', 'file'], false],
  [['--upstream-ca', 'file'], false],
  [['--listen', '1143=mail:143/imap'], false],
])("%j looks for the system's core: %s", (words, looks) => {
  expect(isForSystemCore(desktopArguments(words))).toBe(looks);
});

test.each([
  [{ hidden: true }, true],
  [{ hidden: false }, false],
  [{ hidden: 'true' }, false],
  [null, false],
  [undefined, false],
  ['hidden', false],
])('another start that says %j was hidden: %s', (start, hidden) => {
  expect(isHiddenStart(start)).toBe(hidden);
});

test('no shortcut leaves the window, and developer tools are for clones', () => {
  const roles = (packaged: boolean) =>
    shortcutMenu({ packaged }).flatMap(({ submenu }) =>
      Array.isArray(submenu) ? submenu.map((item) => item.role) : [],
    );
  expect(roles(true)).toEqual(['resetZoom', 'zoomIn', 'zoomOut', 'close']);
  expect(roles(false)).toEqual([...roles(true), 'reload', 'toggleDevTools']);
});
