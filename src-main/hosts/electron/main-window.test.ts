import { expect, test } from 'vitest';
import { createMainWindow, type PageWindow } from './main-window.ts';

/** A window that writes down what is asked of it. */
function fakeWindow(calls: string[]) {
  let isDestroyed = false;
  let isMinimized = false;
  let crash: (() => void) | undefined;
  const window = {
    isDestroyed: () => isDestroyed,
    isMinimized: () => isMinimized,
    destroy() {
      isDestroyed = true;
    },
    restore: () => calls.push('restore'),
    show: () => calls.push('show'),
    focus: () => calls.push('focus'),
    webContents: {
      on(event: string, listener: () => void) {
        if (event === 'render-process-gone') crash = listener;
      },
    },
    crash: () => crash?.(),
    minimize: () => {
      isMinimized = true;
    },
  };
  return window as unknown as PageWindow & typeof window;
}

function setUp() {
  const calls: string[] = [];
  const main = createMainWindow(() => {
    calls.push('open');
    return fakeWindow(calls);
  });
  return { main, calls: () => calls.splice(0) };
}

test('there is no window before it is wanted', () => {
  const { main, calls } = setUp();
  expect(main.current()).toBeUndefined();
  expect(calls()).toEqual([]);
});

test('it opens once, and comes to the front when it is wanted again', () => {
  const { main, calls } = setUp();
  main.show();
  expect(calls()).toEqual(['open']);
  main.show();
  expect(calls()).toEqual(['show', 'focus']);
  main.current()?.minimize();
  main.show();
  expect(calls()).toEqual(['restore', 'show', 'focus']);
});

test.each([
  ['closed', (window: ReturnType<typeof fakeWindow> | undefined) => window?.destroy()],
  ['whose page crashed', (window: ReturnType<typeof fakeWindow> | undefined) => window?.crash()],
])('one that was %s is followed by a new one', (_how, end) => {
  const { main, calls } = setUp();
  main.show();
  end(main.current());
  expect(main.current()).toBeUndefined();
  main.show();
  expect(calls()).toEqual(['open', 'open']);
});
