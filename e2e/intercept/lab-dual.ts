// A mail program that knows two addresses of its server, the IPv6 one first, and gives each 250 ms as RFC 8305 §5 has it.
// Prints one JSON line: the family that it was connected by, and the first line that it heard or how the connection failed.
import { connect } from 'node:net';

const [v6 = '', v4 = '', port = ''] = process.argv.slice(2);
const socket = connect({
  host: 'mail.example.test',
  port: Number(port),
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: 250,
  lookup: (_name, _options, done) =>
    done(null, [
      { address: v6, family: 6 },
      { address: v4, family: 4 },
    ]),
});
const end = (said: string) => {
  process.stdout.write(`${JSON.stringify({ family, said })}\n`);
  process.exit();
};
let family = '';
socket.once('connect', () => {
  family = socket.remoteFamily ?? '';
});
socket.once('data', (bytes) => end(bytes.toString()));
socket.once('error', (error: NodeJS.ErrnoException) => end(String(error.code)));
