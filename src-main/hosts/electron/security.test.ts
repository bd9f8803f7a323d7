import { describe, expect, test } from 'vitest';
import { isOwnUrl } from './own-page.ts';
import { type GuardedSession, guardContents, guardSession, isOwnSender } from './security.ts';
import { windowOptions } from './window.ts';

type Listener = (event: { preventDefault(): void }, ...rest: unknown[]) => void;

/** What Electron would call, recorded; the parts that are guarded and no others. */
function recorder() {
  const listeners = new Map<string, Listener>();
  const handlers = new Map<string, (...args: never[]) => unknown>();
  const keep = (name: string) => (handler: unknown) => {
    if (typeof handler === 'function') handlers.set(name, handler as (...args: never[]) => unknown);
  };
  return {
    isPrevented(event: string, ...rest: unknown[]): boolean {
      let prevented = false;
      const preventDefault = () => {
        prevented = true;
      };
      listeners.get(event)?.({ preventDefault }, ...rest);
      return prevented;
    },
    ask(name: string, ...args: unknown[]): unknown {
      return handlers.get(name)?.(...(args as never[]));
    },
    on: (event: string, listener: Listener) => listeners.set(event, listener),
    keep,
  };
}

describe('web contents', () => {
  const recorded = recorder();
  guardContents({
    setWindowOpenHandler: recorded.keep('window-open'),
    on: recorded.on,
  } as unknown as Parameters<typeof guardContents>[0]);

  test.each(['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview'])(
    '%s is prevented',
    (event) => {
      expect(recorded.isPrevented(event)).toBe(true);
    },
  );

  test('no window opens', () => {
    expect(recorded.ask('window-open', { url: 'https://example.org' })).toEqual({ action: 'deny' });
  });
});

describe('the session', () => {
  const recorded = recorder();
  guardSession({
    setPermissionRequestHandler: recorded.keep('permission-request'),
    setPermissionCheckHandler: recorded.keep('permission-check'),
    setDevicePermissionHandler: recorded.keep('device'),
    on: recorded.on,
    webRequest: { onBeforeRequest: recorded.keep('request') },
  } as unknown as GuardedSession);

  function isCancelled(url: string): unknown {
    let answer: unknown;
    recorded.ask('request', { url }, (given: unknown) => {
      answer = given;
    });
    return answer;
  }

  test.each(['media', 'notifications', 'clipboard-read', 'openExternal'])('grants no %s', (permission) => {
    const answers: boolean[] = [];
    recorded.ask('permission-request', null, permission, (granted: boolean) => answers.push(granted));
    expect(answers).toEqual([false]);
    expect(recorded.ask('permission-check', null, permission)).toBe(false);
    expect(recorded.ask('device', { deviceType: 'usb' })).toBe(false);
  });

  test('downloads what its own page made, and nothing else', () => {
    const isPrevented = (url: string) => recorded.isPrevented('will-download', { getURL: () => url });
    expect(isPrevented('blob:postern://app/0c3a')).toBe(false);
    expect(isPrevented('blob:postern://application/0c3a')).toBe(true);
    expect(isPrevented('https://example.org/a.exe')).toBe(true);
    expect(isPrevented('postern://app/index.html')).toBe(true);
    expect(isCancelled('blob:postern://app/0c3a')).toEqual({ cancel: false });
  });

  test('reaches its own files alone', () => {
    expect(isCancelled('postern://app/assets/main.js')).toEqual({ cancel: false });
    for (const url of [
      'https://example.org/',
      'ws://127.0.0.1:1/',
      'file:///etc/passwd',
      'postern://other/',
      'data:text/html,x',
      '',
    ]) {
      expect(isCancelled(url), url).toEqual({ cancel: true });
    }
  });
});

test.each([
  ['postern://app/', true],
  ['postern://app/index.html?x#y', true],
  ['postern://app:80/', false],
  ['postern://app.example/', false],
  ['postern://user@app/', false],
  ['https://app/', false],
  ['postern:app', false],
  ['about:blank', false],
  ['', false],
])('%j is part of our page: %s', (url, own) => {
  expect(isOwnUrl(url)).toBe(own);
});

describe('a message to the main process', () => {
  const mainFrame = { url: 'postern://app/index.html' };
  const sentBy = (senderFrame: unknown) =>
    isOwnSender({ senderFrame } as Parameters<typeof isOwnSender>[0], {
      webContents: { mainFrame } as Parameters<typeof isOwnSender>[1]['webContents'],
    });

  test('is heard from the main frame of our page', () => {
    expect(sentBy(mainFrame)).toBe(true);
  });

  test('is not heard from another frame, also of our own origin, or from one that is gone', () => {
    expect(sentBy({ url: 'postern://app/index.html' })).toBe(false);
    expect(sentBy(null)).toBe(false);
  });

  test('is not heard when the main frame shows something else', () => {
    const elsewhere = { url: 'https://example.org/' };
    expect(
      isOwnSender({ senderFrame: elsewhere } as Parameters<typeof isOwnSender>[0], {
        webContents: { mainFrame: elsewhere } as Parameters<typeof isOwnSender>[1]['webContents'],
      }),
    ).toBe(false);
  });
});

test('the renderer is sandboxed', () => {
  expect(windowOptions({ preloadPath: '/p.cjs', packaged: true }).webPreferences).toMatchObject({
    preload: '/p.cjs',
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    devTools: false,
  });
  expect(windowOptions({ preloadPath: '/p.cjs', packaged: false }).webPreferences?.devTools).toBe(true);
});
