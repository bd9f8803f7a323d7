// What the desktop host uses of Electron, without a screen: it writes down what it is asked, and has a page of its own that
// follows the core's state over the ports that it is handed.
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { CoreClient } from '../../src-main/hosts/core-socket.ts';
import { windowPortOf } from '../../src-main/hosts/electron/window-port.fixture.ts';

/** Tells the test; it goes by IPC, in order. */
export function record(what: string, facts: unknown = null): void {
  process.send?.({ what, facts });
}

const ready = Promise.withResolvers<void>();

/** Electron is ready once its entry has been evaluated whole, and not before (electron/electron#40719). */
export function becomeReady(): void {
  record('ready');
  ready.resolve();
}

class App extends EventEmitter {
  readonly isPackaged = false;
  enableSandbox = () => record('sandbox');
  getLocale = () => 'en-GB';
  whenReady = () => ready.promise;

  requestSingleInstanceLock(facts: unknown): boolean {
    record('lock', facts);
    return true;
  }

  quit(): void {
    let isPrevented = false;
    const preventDefault = () => {
      isPrevented = true;
    };
    this.emit('before-quit', { preventDefault });
    if (!isPrevented) this.exit(0);
  }

  exit(code: number): void {
    record('exit', code);
    process.exit(code);
  }
}
export const app = new App();

export const ipcMain = Object.assign(new EventEmitter(), { handle: () => undefined });

/** Follows the state on one port after the other, as the real page does. */
async function followPorts(ports: AsyncIterable<MessagePort>): Promise<void> {
  for await (const port of ports) {
    const closed = once(port, 'close');
    try {
      const client = createORPCClient<CoreClient>(new RPCLink({ port }));
      const updates = await client.state.watch();
      record('page', (await client.state.get()).state.openConnections);
      for await (const { patch } of updates) record('page', patch.openConnections);
    } catch {
      record('page-lost');
    }
    await closed;
  }
}

export class BrowserWindow extends EventEmitter {
  readonly webContents: EventEmitter & { readonly mainFrame: object };

  constructor({ webPreferences }: { readonly webPreferences: unknown }) {
    super();
    record('window', webPreferences);
    const offered = new EventEmitter();
    void followPorts(offeredPorts(offered));
    this.webContents = Object.assign(new EventEmitter(), {
      mainFrame: {
        url: 'postern://app/index.html',
        postMessage: (_channel: string, _message: unknown, [port]: readonly MessagePort[]) =>
          offered.emit('port', port),
      },
    });
  }

  isDestroyed = () => false;
  isMinimized = () => false;
  setMenuBarVisibility = () => undefined;
  show = () => record('show');
  focus = () => undefined;

  async loadURL(url: string): Promise<void> {
    record('load', url);
    await immediate();
    ipcMain.emit('postern-page-ready', { senderFrame: this.webContents.mainFrame });
    this.emit('ready-to-show');
  }
}

async function* offeredPorts(offered: EventEmitter): AsyncGenerator<MessagePort> {
  const waiting: MessagePort[] = [];
  offered.on('port', (port: MessagePort) => waiting.push(port));
  for (;;) {
    const port = waiting.shift();
    if (port === undefined) await once(offered, 'port');
    else yield port;
  }
}

export class MessageChannelMain {
  readonly port1: unknown;
  readonly port2: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = windowPortOf(port1);
    this.port2 = port2;
  }
}

interface Item {
  readonly label?: string;
  readonly click?: () => void;
}

export const Menu = {
  buildFromTemplate: (items: readonly Item[]) => items,
  setApplicationMenu: () => undefined,
};

let items: readonly Item[] = [];

/** Chooses from the tray's menu. */
export function press(label: string): void {
  items.find((each) => each.label === label)?.click?.();
}

export class Tray extends EventEmitter {
  constructor(path: string) {
    super();
    record('tray', existsSync(path));
  }

  setImage = (path: string) => record('tray-image', existsSync(path));
  setToolTip = (text: string) => record('tip', text);
  setContextMenu = (menu: readonly Item[]) => {
    items = menu;
  };
}

export const protocol = { registerSchemesAsPrivileged: () => undefined, handle: () => undefined };

export const session = {
  defaultSession: Object.assign(new EventEmitter(), {
    setPermissionRequestHandler: () => undefined,
    setPermissionCheckHandler: () => undefined,
    setDevicePermissionHandler: () => undefined,
    webRequest: { onBeforeRequest: () => undefined },
  }),
};

export const dialog = {
  showErrorBox: (title: string, text: string) => record('error-box', `${title}: ${text}`),
  showMessageBox: async ({ message }: { readonly message: string }) => record('message-box', message),
};
