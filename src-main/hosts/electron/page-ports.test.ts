import { expect, test } from 'vitest';
import { offerPorts } from './page-ports.ts';
import type { WindowPort } from './port-bridge.ts';

/** A page that is handed ports by number, and what became of each. */
function page() {
  const uses: (() => void)[] = [];
  const offered: number[] = [];
  const served: number[] = [];
  const closed: number[] = [];
  let isThere = true;
  offerPorts<number>({
    openChannel() {
      const number = uses.length;
      const listeners: ((message: { readonly data: unknown }) => void)[] = [];
      uses.push(() => {
        for (const listener of listeners) listener({ data: '{}' });
      });
      const ours: WindowPort = {
        on(event: string, listener: (message: { readonly data: unknown }) => void) {
          if (event === 'message') listeners.push(listener);
        },
        postMessage: () => undefined,
        start: () => undefined,
        close: () => closed.push(number),
      };
      return { ours, theirs: number };
    },
    serve: () => served.push(uses.length - 1),
    post(port) {
      if (isThere) offered.push(port);
      return isThere;
    },
  });
  return {
    use: (port: number) => uses[port]?.(),
    leave: () => {
      isThere = false;
    },
    offered,
    served,
    closed,
  };
}

test('a page has one unused port at any time', () => {
  const { use, offered, closed } = page();
  expect(offered).toEqual([0]);
  use(0);
  use(0);
  expect(offered).toEqual([0, 1]);
  use(1);
  use(0);
  expect(offered).toEqual([0, 1, 2]);
  expect(closed).toEqual([]);
});

test('each one is served', () => {
  const { use, served } = page();
  use(0);
  expect(served.toSorted()).toEqual([0, 1]);
});

test('a page that is gone gets no more', () => {
  const { use, leave, offered, served, closed } = page();
  leave();
  use(0);
  expect({ offered, served, closed }).toEqual({ offered: [0], served: [0], closed: [1] });
});
