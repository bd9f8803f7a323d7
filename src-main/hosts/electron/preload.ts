// Runs in the window before the page, sandboxed: asks the main process for the one port to the core, and hands it on.
import { contextBridge, ipcRenderer } from 'electron';

/** What of the page's global this file uses; the room has no DOM types. */
declare const window: {
  addEventListener(kind: 'DOMContentLoaded', listener: () => void, options: { readonly once: boolean }): void;
  postMessage(message: string, targetOrigin: string, transfer: readonly unknown[]): void;
  readonly location: { readonly origin: string };
};

contextBridge.exposeInMainWorld('posternHost', {
  kind: 'electron',
  chooseProgram: () => ipcRenderer.invoke('postern-choose-program'),
});

ipcRenderer.on('postern-port', (event) => {
  window.postMessage('postern-port', window.location.origin, event.ports);
});

// Module scripts have run by then: the page listens.
window.addEventListener('DOMContentLoaded', () => ipcRenderer.send('postern-page-ready'), { once: true });
