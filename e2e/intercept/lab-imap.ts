// A mail server for many connections: an IMAP greeting, and an answer to NOOP and LOGOUT, on the given port.
import { createServer } from 'node:net';

createServer({ allowHalfOpen: true }, (socket) => {
  let text = '';
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n');
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\r\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const [tag, command] = line.split(' ');
      if (command === 'LOGOUT') socket.end(`* BYE\r\n${tag} OK LOGOUT done\r\n`);
      else socket.write(`${tag} OK ${command} done\r\n`);
    }
  });
}).listen({ host: '::', port: Number(process.argv[2]), backlog: 4_096 }, () =>
  process.stdout.write('listening\n'),
);
