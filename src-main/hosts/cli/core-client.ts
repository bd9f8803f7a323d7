// A connection of a command to the running core of a data directory, or to the system's core where the caller has none.
import { connect } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { WebSocket } from 'ws';
import type { api } from '../../contract/api.ts';
import { dataDirOf, socketPath, systemControlSocket } from '../data-dir.ts';
import { CommandFailure } from '../failure.ts';

export type CoreClient = ContractRouterClient<typeof api>;

/** Runs `use` with a client, and hangs up after it. No core: fails with `not-running`. */
export async function withCore<Result>(
  dataDir: string,
  use: (client: CoreClient) => Promise<Result>,
  /** Where the system's core is looked for when the caller's own data directory has none. */
  systemSocket: string | undefined = dataDir === dataDirOf(undefined) ? systemControlSocket : undefined,
): Promise<Result> {
  const socket = await open(socketPath(dataDir)).catch(async (error: unknown) => {
    if (systemSocket === undefined || !isAbsent(error)) throw failureOf(error, dataDir);
    return await open(systemSocket).catch((refusal: unknown) => {
      // Where there is no core at all, it is the caller's own that is missed.
      throw failureOf(refusal, dataDir);
    });
  });
  socket.on('error', () => socket.terminate());
  try {
    // `ws` has the four members of the browser's WebSocket that the link uses, under wider types.
    const websocket = socket as unknown as ConstructorParameters<typeof RPCLink>[0]['websocket'];
    return await use(createORPCClient<CoreClient>(new RPCLink({ websocket })));
  } catch (error) {
    // A call that was under way when the core ended fails in words of the library.
    throw socket.readyState === WebSocket.OPEN
      ? error
      : new CommandFailure('not-running', 'it ended meanwhile');
  } finally {
    socket.close();
  }
}

/** A WebSocket on a unix socket. */
async function open(path: string): Promise<WebSocket> {
  // Not ws's own `ws+unix:` address: a path may hold ":", "?" or "#".
  const socket = new WebSocket('ws://localhost/rpc', { createConnection: () => connect({ path }) });
  await new Promise<void>((done, fail) => {
    socket.once('open', done);
    socket.once('error', fail);
  });
  return socket;
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined);

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].some((code) => code === codeOf(error));
}

function failureOf(error: unknown, dataDir: string): unknown {
  if (isAbsent(error)) return new CommandFailure('not-running', dataDir);
  // A core runs there, for others than the caller; Node's words name the call and the path.
  if (codeOf(error) === 'EACCES') return error;
  return error instanceof Error ? new CommandFailure('not-running', error.message) : error;
}
