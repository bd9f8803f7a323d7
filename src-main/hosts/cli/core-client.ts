// A connection of a command to the running core of a data directory.
import { connect } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { WebSocket } from 'ws';
import type { api } from '../../contract/api.ts';
import { socketPath } from '../data-dir.ts';
import { CommandFailure } from '../failure.ts';

export type CoreClient = ContractRouterClient<typeof api>;

/** Runs `use` with a client, and hangs up after it. No core: fails with `not-running`. */
export async function withCore<Result>(
  dataDir: string,
  use: (client: CoreClient) => Promise<Result>,
): Promise<Result> {
  // Not ws's own `ws+unix:` address: a path may hold ":", "?" or "#".
  const socket = new WebSocket('ws://localhost/rpc', {
    createConnection: () => connect({ path: socketPath(dataDir) }),
  });
  await new Promise<void>((done, fail) => {
    socket.once('open', done);
    socket.once('error', (error) => fail(failureOf(error, dataDir)));
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

function failureOf(error: Error, dataDir: string): CommandFailure {
  const code = 'code' in error ? error.code : undefined;
  const absent = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR';
  return new CommandFailure('not-running', absent ? dataDir : error.message);
}
