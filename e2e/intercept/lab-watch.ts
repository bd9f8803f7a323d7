// Connects again and again, every 20 ms, to a server that says from which port it was reached, until its input ends; prints
// for each connection when it was begun (milliseconds since the epoch) and how it went: `direct`, `through` the core (whose
// own connections leave from 61000 on), an error's code, or `silent` when nothing was heard within 400 ms.
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const [host = '', port = ''] = process.argv.slice(2);
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();

function attempt(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const done = (how: string) => {
      clearTimeout(limit);
      socket.destroy();
      resolve(how);
    };
    const limit = setTimeout(() => done('silent'), 400);
    socket.once('data', (bytes) => {
      const { sourcePort } = JSON.parse(bytes.toString()) as { sourcePort: number };
      done(sourcePort >= 61_000 ? 'through' : 'direct');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => done(String(error.code)));
    socket.once('end', () => done('ended'));
  });
}

while (!ended) {
  const at = Date.now();
  void attempt().then((how) => process.stdout.write(`${JSON.stringify({ at, how })}\n`));
  await wait(20);
}
