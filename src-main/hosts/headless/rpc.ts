// One WebSocket to the core's procedures, the same for the console and for the unix socket.
import type { RPCHandler } from '@orpc/server/ws';
import type { WebSocket } from 'ws';
import type { CallContext } from '../../core/handlers.ts';

/** The largest request is a settings patch with two full lists of 1,000 long entries, some 9 MB. */
export const maxRequestBytes = 16 * 1024 * 1024;
/** Connections at once of one server: windows, tabs and commands, with much room. */
export const maxWebSockets = 64;

export type ServeCalls = (socket: WebSocket, context: CallContext) => void;

/** Answers calls on sockets; a send ends when its octets have left, so that a slow reader slows an event stream down. */
export function createCallServer(handler: Pick<RPCHandler<CallContext>, 'upgrade'>): ServeCalls {
  return (socket, context) => {
    // A protocol violation or an abrupt end; `ws` closes the socket itself.
    socket.on('error', () => socket.terminate());
    void handler.upgrade(
      {
        addEventListener: socket.addEventListener.bind(socket),
        send: (data: Parameters<WebSocket['send']>[0]) =>
          new Promise<void>((done) => socket.send(data, () => done())),
      },
      { context },
    );
  };
}
