// A page's calls to a core in another process: real ports, a real unix socket, and oRPC at both ends.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { CoreClient } from '../core-socket.ts';
import { connectCore } from '../system-core.ts';
import { type SocketCore, startSocketCore } from './core.fixture.ts';
import { bridgePort, maxWaitingMessages } from './port-bridge.ts';
import { windowPortOf } from './window-port.fixture.ts';

let folder: string;
let path: string;
let core: SocketCore | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-bridge-'));
  path = join(folder, 'core.sock');
});
afterEach(async () => {
  await core?.stop();
  core = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** The page's end of a bridge to the core. */
function bridged(connect = () => connectCore(path)): MessagePort {
  const { port1, port2 } = new MessageChannel();
  bridgePort(windowPortOf(port1), connect);
  return port2;
}

function clientOf(port: MessagePort): CoreClient {
  return createORPCClient<CoreClient>(new RPCLink({ port }));
}

test('calls are answered, and a stream goes on', async () => {
  core = await startSocketCore(path);
  const client = clientOf(bridged());
  const updates = await client.state.watch();
  expect((await client.state.get()).state.openConnections).toBe(0);
  core.change({ openConnections: 3 });
  const update = await updates.next();
  expect(update.value).toEqual({ revision: 2, patch: { openConnections: 3 } });
});

test('words of any script and length arrive as they are', async () => {
  const detail = '“Blåbær” 🛡 '.repeat(50_000);
  core = await startSocketCore(path, { interception: { state: 'unavailable', detail } });
  const { state } = await clientOf(bridged()).state.get();
  expect(state.interception.detail).toBe(detail);
});

test('no connection is made before the page uses its port', async () => {
  let connections = 0;
  const port = bridged(() => {
    connections++;
    return connectCore(path);
  });
  expect(connections).toBe(0);
  core = await startSocketCore(path);
  await clientOf(port).state.get();
  expect(connections).toBe(1);
});

test('a stream breaks and the port closes when the core ends', async () => {
  core = await startSocketCore(path);
  const port = bridged();
  const client = clientOf(port);
  const updates = await client.state.watch();
  const closed = once(port, 'close');
  await core.stop();
  await expect(updates.next()).rejects.toThrow();
  await closed;
});

test('the port closes when there is no core', async () => {
  const port = bridged();
  const closed = once(port, 'close');
  await expect(clientOf(port).state.get()).rejects.toThrow();
  await closed;
});

test('the connection ends with the page', async () => {
  const { server, sockets } = await bareServer();
  const connected = once(sockets, 'connection');
  const port = bridged();
  port.postMessage('{}');
  const [socket] = await connected;
  const closed = once(socket, 'close');
  port.close();
  await closed;
  server.close();
});

test.each([
  ['something else than text', (port: MessagePort) => port.postMessage({ id: 1 })],
  [
    'more than a page asks before it is connected',
    (port: MessagePort) => {
      for (let sent = 0; sent <= maxWaitingMessages; sent++) port.postMessage('{}');
    },
  ],
])('%s ends it', async (_what, send) => {
  const { server } = await bareServer();
  const port = bridged();
  const closed = once(port, 'close');
  send(port);
  await closed;
  server.close();
  server.closeAllConnections();
});

test('as much as is allowed arrives in order', async () => {
  const { server, sockets } = await bareServer();
  const connected = once(sockets, 'connection');
  const port = bridged();
  const sent = Array.from({ length: maxWaitingMessages }, (_, index) => String(index));
  for (const text of sent) port.postMessage(text);
  const [socket] = await connected;
  const received: string[] = [];
  socket.on('message', (data: Buffer) => received.push(String(data)));
  await expect.poll(() => received).toEqual(sent);
  port.close();
  server.close();
});

test('a binary message of the core ends it', async () => {
  const { server, sockets } = await bareServer();
  sockets.on('connection', (socket) => socket.send(Buffer.from('{}')));
  const port = bridged();
  const closed = once(port, 'close');
  port.postMessage('{}');
  await closed;
  server.close();
});

/** A WebSocket server that answers nothing. */
async function bareServer() {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  server.listen(path);
  await once(server, 'listening');
  return { server, sockets };
}
