// The unix sockets on which commands reach the core. The folder and the mode of each (0600, or 0660 for a group) say who may;
// who holds the core's lock owns the name, so that a socket file that is there already is a dead core's.
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { maxRequestBytes, maxWebSockets, type ServeCalls } from './rpc.ts';

export interface SocketServer {
  /** Closes every connection and removes the file. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Listens on `path`, for its owner alone or with `group` for the group of this process, too. Rejects when the system won't
 * have it (a path over 107 octets, sun_path in unix(7); something else of that name).
 */
export async function startSocketServer(
  path: string,
  serveCalls: ServeCalls,
  { group = false }: { readonly group?: boolean } = {},
): Promise<SocketServer> {
  const server = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ server, path: '/rpc', maxPayload: maxRequestBytes });
  sockets.on('connection', (socket) => {
    if (sockets.clients.size > maxWebSockets) return socket.close(1013);
    serveCalls(socket, { via: 'socket' });
  });
  // Anything else stays, and is in the way.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path, { force: true });
  await new Promise<void>((done, fail) => {
    // `ws` passes the server's errors on to its own listeners.
    sockets.once('error', fail);
    server.listen(path, () => {
      sockets.off('error', fail);
      done();
    });
  });
  chmodSync(path, group ? 0o660 : 0o600);
  return {
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
