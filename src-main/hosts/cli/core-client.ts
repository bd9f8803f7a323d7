// A connection of a command to the running core of a data directory, or to the system's core where the caller has none.
import { WebSocket } from 'ws';
import { type CoreClient, coreClientOn, openCoreSocket } from '../core-socket.ts';
import { dataDirOf, socketPath, systemControlSocket } from '../data-dir.ts';
import { CommandFailure } from '../failure.ts';

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
    return await use(coreClientOn(socket));
  } catch (error) {
    // A call that was under way when the core ended fails in words of the library.
    throw socket.readyState === WebSocket.OPEN
      ? error
      : new CommandFailure('not-running', 'it ended meanwhile');
  } finally {
    socket.close();
  }
}

async function open(path: string): Promise<WebSocket> {
  const socket = openCoreSocket(path);
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
