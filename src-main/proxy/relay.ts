// Two connected sockets passed through untouched: octets, both half-closes and resets, with back-pressure.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Ends a socket as its peer's peer did: a reset where the transport has one. */
export function reset(socket: Duplex): void {
  if (socket instanceof Socket && !socket.destroyed && !('encrypted' in socket)) socket.resetAndDestroy();
  else socket.destroy();
}

/** Passes octets, the FIN and the way of dying of one side on to the other. */
function pass(from: Duplex, to: Duplex): void {
  from.on('error', () => reset(to));
  from.on('close', () => {
    // After a clean end `to` was ended and finishes by itself; a close without one is a broken connection.
    if (!from.readableEnded && !to.destroyed) to.destroy();
  });
  if (from.readableEnded) to.end();
  else if (from.destroyed) reset(to);
  else from.pipe(to);
}

/** Relays until both sides have ended. Octets that were read before must have been unshifted by the caller. */
export function relay(client: Duplex, server: Duplex): void {
  pass(client, server);
  pass(server, client);
}
