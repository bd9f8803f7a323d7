// Connects, says after half a second what ends IMAP and what ends POP3, and prints as JSON all that it heard and how the connection ended.
import { connect } from 'node:net';

const [host = '', port = ''] = process.argv.slice(2);
const socket = connect({ host, port: Number(port) });
let said = '';
const end = (how: string) => {
  clearTimeout(limit);
  process.stdout.write(`${JSON.stringify({ said, end: how })}\n`);
  process.exit();
};
const limit = setTimeout(() => end('still open'), 4_000);
setTimeout(() => socket.write('a1 LOGOUT\r\nQUIT\r\n'), 500);
socket.setEncoding('latin1').on('data', (text: string) => {
  said += text;
});
socket.on('error', (error: NodeJS.ErrnoException) => end(String(error.code)));
socket.on('end', () => end('end'));
