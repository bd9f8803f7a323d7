// `postern connections`: the open connections of the running core.
import type { Connection } from '../../contract/connection.ts';
import { withCore } from './core-client.ts';
import { printable, printLine } from './output.ts';

/** An IPv6 address in brackets, as everywhere with a port behind it. */
const serverOf = ({ server, port }: Connection) =>
  server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`;

/** One line for each; `-` where something is not known. */
export function connectionLine(connection: Connection): string {
  const { id, protocol = '-', program = '-', state, reason } = connection;
  return printable(
    [
      String(id),
      protocol,
      program,
      serverOf(connection),
      state,
      ...(reason === undefined ? [] : [reason]),
    ].join('  '),
  );
}

export async function connectionsCommand({
  dataDir,
  json,
}: {
  readonly dataDir: string;
  readonly json: boolean;
}): Promise<void> {
  const connections = await withCore(dataDir, (core) => core.connections.list());
  if (json) printLine(JSON.stringify(connections));
  else connections.map(connectionLine).forEach(printLine);
}
