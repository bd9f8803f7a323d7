// Servers of other protocols: each port says its first words at once and its next ones when it has heard something, and ends.
import { createServer } from 'node:net';

const ports = JSON.parse(process.argv[2] ?? '{}') as Record<string, { first: string; reply: string }>;
await Promise.all(
  Object.entries(ports).map(
    ([port, { first, reply }]) =>
      new Promise<void>((listening) => {
        createServer((socket) => {
          socket.on('error', () => socket.destroy());
          if (first !== '') socket.write(first);
          socket.once('data', () => socket.end(reply));
        }).listen({ host: '::', port: Number(port) }, () => listening());
      }),
  ),
);
process.stdout.write('listening\n');
