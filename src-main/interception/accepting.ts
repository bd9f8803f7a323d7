// Listening on this machine for connections that are handed on untouched: half-open allowed, nothing read, no delay, and
// with a handler for errors from the first moment on. Loopback addresses only.
import { createServer, type Socket } from 'node:net';
import type { ErrorCode } from '../contract/error-codes.ts';

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Accepts no more; connections that were accepted live on. May be called twice. */
  close(): void;
}

export type ListenResult =
  | { readonly ok: true; readonly listener: Listener }
  | {
      readonly ok: false;
      readonly reason: Extract<ErrorCode, 'listener-busy' | 'listener-failed'>;
      /** `EADDRINUSE` and the like. */
      readonly code: string;
    };

/** Listens on a loopback address; port 0 takes any that is free. */
export function listen(
  host: '127.0.0.1' | '::1',
  port: number,
  onSocket: (socket: Socket) => void,
): Promise<ListenResult> {
  const { promise, resolve } = Promise.withResolvers<ListenResult>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    // Without it a reset that comes before anybody else listens would end the process.
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  // Stays after the first error as well: a failed accept costs one connection, not the process.
  server.on('error', (error: NodeJS.ErrnoException) => {
    const code = error.code ?? 'unknown';
    resolve({ ok: false, reason: code === 'EADDRINUSE' ? 'listener-busy' : 'listener-failed', code });
  });
  server.listen({ host, port, exclusive: true }, () => {
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    resolve({ ok: true, listener: { host, port: bound, close: () => void server.close() } });
  });
  return promise;
}
