// A server for the interception tests: says "direct", and who came, on every given port, and gives back what it hears.
import { createServer } from 'node:net';

for (const port of process.argv.slice(2)) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(
      `${JSON.stringify({ via: 'direct', sourcePort: socket.remotePort, sourceAddress: socket.remoteAddress })}\n`,
    );
    socket.pipe(socket);
  });
  server.listen({ host: '::', port: Number(port) }, () => process.stdout.write(`${port}\n`));
}
