// Node's MessagePort in the shape of Electron's MessagePortMain, for tests of what uses one.
import type { MessagePort } from 'node:worker_threads';
import type { WindowPort } from './port-bridge.ts';

export function windowPortOf(port: MessagePort): WindowPort {
  const listeners: ((message: { readonly data: unknown }) => void)[] = [];
  return {
    on(event: 'message' | 'close', listener: (message: { readonly data: unknown }) => void) {
      // Node would start a port at its first listener; Electron's waits for `start`.
      if (event === 'message') listeners.push(listener);
      else port.on('close', () => listener({ data: undefined }));
    },
    postMessage: (message) => port.postMessage(message),
    start: () => {
      port.on('message', (data: unknown) => {
        for (const listener of [...listeners]) listener({ data });
      });
    },
    close: () => port.close(),
  };
}
