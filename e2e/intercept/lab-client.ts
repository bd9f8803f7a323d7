// A client for the interception tests. `once HOST PORT [FROM]` prints one line about one connection, made from an address of
// this host: the greeting, or the error's code. `hold HOST PORT` also says what it reads and stays. `loop HOST PORT` connects again and again, eight at a time, until
// its input ends, and prints how often it got which greeting.
import { connect } from 'node:net';

const [mode, host = '', port = '', from = ''] = process.argv.slice(2);
const timeoutMs = 3_000;
const parallel = 8;

interface Outcome {
  readonly via: string;
  readonly [field: string]: unknown;
}

function greeting(): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port),
      allowHalfOpen: true,
      ...(from === '' ? {} : { localAddress: from }),
    });
    const done = (outcome: Outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const timer = setTimeout(() => {
      socket.destroy();
      done({ via: 'timeout' });
    }, timeoutMs);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) socket.end();
    });
    // Only what comes back to our half-close ends the connection: both directions worked.
    socket.on('end', () =>
      done({ ...(JSON.parse(text || '{"via":"closed"}') as Outcome), pid: process.pid }),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => done({ via: 'error', code: error.code }));
  });
}

async function loop(counts: Record<string, number>, ended: () => boolean): Promise<void> {
  while (!ended()) {
    const { via, code } = await greeting();
    const name = via === 'error' ? String(code) : via;
    counts[name] = (counts[name] ?? 0) + 1;
  }
}

if (mode === 'once') {
  process.stdout.write(`${JSON.stringify(await greeting())}\n`);
} else if (mode === 'hold') {
  const socket = connect({ host, port: Number(port) });
  socket.on('error', (error: NodeJS.ErrnoException) => process.stdout.write(`${error.code}\n`));
  socket.pipe(process.stdout);
  process.stdin.pipe(socket);
} else {
  const counts: Record<string, number> = {};
  let ended = false;
  process.stdin.on('end', () => {
    ended = true;
  });
  process.stdin.resume();
  process.stdout.write('looping\n');
  await Promise.all(Array.from({ length: parallel }, () => loop(counts, () => ended)));
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}
