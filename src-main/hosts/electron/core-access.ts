// The two ways in which the desktop host has a core: one of its own in this process, or the system's, which it attaches
// to and which goes on without it.
import { createRouterClient } from '@orpc/server';
import { RPCHandler, type ServerWebSocket } from '@orpc/server/bun-ws';
import type { CallContext } from '../../core/handlers.ts';
import type { CoreHost } from '../core-host.ts';
import type { CoreClient } from '../core-socket.ts';
import { connectCore, dialCore } from '../system-core.ts';
import { bridgePort, type WindowPort } from './port-bridge.ts';

export interface CoreAccess {
  readonly kind: 'own' | 'attached';
  /** Answers the calls of a page on its port, until either goes. */
  serve(port: WindowPort): void;
  /** A client for this process; `undefined`: the core can't be reached now. */
  dial(signal: AbortSignal): Promise<Pick<CoreClient, 'state'> | undefined>;
  /** Ends a core of our own in good order; leaves the system's alone. May be called twice. */
  stop(): Promise<void>;
}

const context: CallContext = { via: 'window' };

export function ownCore({ core, stop }: Pick<CoreHost, 'core' | 'stop'>): CoreAccess {
  const calls = new RPCHandler<CallContext>(core.router);
  const client = createRouterClient(core.router, { context });
  let stopping: Promise<void> | undefined;
  return {
    kind: 'own',
    serve: (port) => answerPort(port, calls),
    dial: async () => client,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/**
 * Answers a page's calls. By the adapter that is handed each message and says what became of it: the one for ports leaves
 * the rejection of a message that can't be read to the process, and a page must not be able to end the protection so.
 */
function answerPort(port: WindowPort, calls: RPCHandler<CallContext>): void {
  const page: ServerWebSocket = {
    send(message) {
      // Files and blobs, which alone are binary, are no part of the contract.
      if (typeof message === 'string') port.postMessage(message);
      else port.close();
      return 0;
    },
  };
  port.on('message', ({ data }) => {
    if (typeof data !== 'string') return port.close();
    calls.message(page, data, { context }).catch(() => port.close());
  });
  port.on('close', () => calls.close(page));
  port.start();
}

export function attachedCore(path: string): CoreAccess {
  return {
    kind: 'attached',
    serve: (port) => bridgePort(port, () => connectCore(path)),
    dial: (signal) => dialCore(path, signal),
    stop: async () => undefined,
  };
}
