// A mail client that knows its server's certificate by its fingerprint, as a program: it asks no authority, shakes hands, and
// when another certificate comes it leaves in one of several manners. Prints "taken" and the greeting, or "left".
// `node pin-client.ts PORT SERVERNAME SHA256 end|destroy|reset`
import { connect as connectPlain } from 'node:net';
import { connect } from 'node:tls';

const [port = '', servername = '', sha256 = '', manner = ''] = process.argv.slice(2);

const plain = connectPlain({ host: '127.0.0.1', port: Number(port) });
const socket = connect({ socket: plain, servername, rejectUnauthorized: false });
let hasLeft = false;
socket.on('error', (error: NodeJS.ErrnoException) => {
  // Whatever answers one who has left.
  if (!hasLeft) process.stdout.write(`failed ${error.code}\n`);
});
socket.once('secureConnect', () => {
  const shown = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
  if (shown === sha256) {
    socket.once('data', (bytes: Buffer) => {
      process.stdout.write(`taken ${bytes.toString('latin1')}`);
      socket.end('a LOGOUT\r\n');
    });
    return;
  }
  hasLeft = true;
  process.stdout.write('left\n');
  // With a word (close_notify), by the bare end of the connection, or by a reset.
  if (manner === 'end') socket.end();
  else if (manner === 'destroy') plain.destroy();
  else plain.resetAndDestroy();
});
