// Carries the calls of a window to a core in another process: what the window's port brings goes out on a WebSocket as
// it is, and back; both ends of oRPC write the same text on either way. Knows nothing of what is asked.
import { type RawData, WebSocket } from 'ws';

/** What of Electron's MessagePortMain is used. */
export interface WindowPort {
  on(event: 'message', listener: (message: { readonly data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: string): void;
  start(): void;
  close(): void;
}

/** A page begins with two calls, and asks little more before it has seen the state. */
export const maxWaitingMessages = 64;

/**
 * Joins a port with a connection to the core, which is made when the port is first used: a port may lie unused until
 * the page needs another one. When either ends, so does the other.
 */
export function bridgePort(port: WindowPort, connect: () => WebSocket): void {
  let socket: WebSocket | undefined;
  const waiting: string[] = [];

  const end = () => {
    socket?.terminate();
    port.close();
  };
  const open = (): WebSocket => {
    const opening = connect();
    opening.once('open', () => {
      for (const text of waiting.splice(0)) opening.send(text);
    });
    opening.on('message', (data: RawData, isBinary) => {
      // Files and blobs, which alone make oRPC write binary messages, are no part of the contract.
      if (isBinary) end();
      else port.postMessage(String(data));
    });
    opening.once('close', end);
    return opening;
  };

  port.on('message', ({ data }) => {
    socket ??= open();
    if (typeof data !== 'string') end();
    else if (socket.readyState === WebSocket.OPEN) socket.send(data);
    else if (socket.readyState !== WebSocket.CONNECTING) return;
    else if (waiting.length < maxWaitingMessages) waiting.push(data);
    else end();
  });
  port.on('close', end);
  port.start();
}
