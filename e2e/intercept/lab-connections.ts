// A mail program for measurements: holds as many descriptors as a desktop program does, and a few connections.
// For each line of its input it closes the oldest connection, opens one more, and prints its local port.
import { openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const descriptors = 200;
const held = 10;
const [port = ''] = process.argv.slice(2);

for (let i = 0; i < descriptors; i++) openSync('/dev/null', 'r');
const sockets: Socket[] = [];
for await (const _ of createInterface({ input: process.stdin })) {
  if (sockets.length === held) sockets.shift()?.resetAndDestroy();
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  sockets.push(socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  process.stdout.write(`${socket.localPort}\n`);
}
