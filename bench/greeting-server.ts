// An IMAPS server that does nothing but its handshakes: greets, and hangs up at the first word. Prints its port.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

const [certPath = '', keyPath = ''] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(certPath), key: readFileSync(keyPath) }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', () => socket.end('* BYE\r\na OK\r\n'));
  socket.write('* OK IMAP4rev1 ready\r\n');
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
