// The way to the core: oRPC over a WebSocket of the same origin (the console) or over the MessagePort that Electron's
// preload posts. Nothing here knows what is asked.
import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import type { api } from '../src-main/contract/api.ts';

export type CoreClient = ContractRouterClient<typeof api>;

/** One try to reach the core: a client, or undefined when it can't be reached now. */
export type Dial = (signal: AbortSignal) => Promise<CoreClient | undefined>;

/** Dials the WebSocket; the client's calls and streams fail once it closes. */
export function webSocketDial(url: URL): Dial {
  return async (signal) => {
    const socket = new WebSocket(url);
    signal.addEventListener('abort', () => socket.close(), { once: true });
    const opened = await new Promise<boolean>((done) => {
      socket.addEventListener('open', () => done(true), { once: true });
      socket.addEventListener('close', () => done(false), { once: true });
    });
    return opened ? createORPCClient<CoreClient>(new SocketLink({ websocket: socket })) : undefined;
  };
}

/** What the preload posts, with the port transferred. */
const portMessage = 'postern-port';

/**
 * Waits for a port from the preload. Listening begins at once, so that none is missed; a port is used once, and the
 * next dial waits for the next one.
 */
export function messagePortDial(page: Window): Dial {
  const waiting: MessagePort[] = [];
  let wake: (() => void) | undefined;
  page.addEventListener('message', (event) => {
    const port = event.ports[0];
    // Only the page itself (the preload speaks from within it) may bring a port.
    if (event.source !== page || event.data !== portMessage || port === undefined) return;
    waiting.push(port);
    wake?.();
  });
  return async (signal) => {
    while (waiting.length === 0 && !signal.aborted) {
      await new Promise<void>((done) => {
        wake = done;
        signal.addEventListener('abort', () => done(), { once: true });
      });
    }
    const port = waiting.pop();
    if (port === undefined) return undefined;
    port.start();
    return createORPCClient<CoreClient>(new PortLink({ port }));
  };
}
