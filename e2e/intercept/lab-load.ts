// Many connections of one client. `hold HOST PORT COUNT` opens them all, asks each for a NOOP while all are open, and closes
// them by LOGOUT. `rate HOST PORT PER_MINUTE SECONDS` opens short ones at a steady rate. Prints one JSON line of counts.
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const [mode, host = '', port = '', first = '', second = ''] = process.argv.slice(2);
/** Connections that are being opened at once. */
const parallel = 100;
const counts: Record<string, number> = {};
const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};

interface Talk {
  /** Sends a command and waits for its tagged answer. */
  ask(command: string): Promise<void>;
  readonly closed: Promise<void>;
}

function open(): Promise<Talk> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), noDelay: true });
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    let answered: (() => void) | undefined;
    let text = '';
    socket.setTimeout(30_000, () => socket.destroy(new Error('timeout')));
    socket.once('error', reject);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (text.startsWith('* OK') && text.endsWith('\r\n') && !answered)
        resolve({
          async ask(command) {
            text = '';
            const { promise, resolve: done, reject: fail } = Promise.withResolvers<void>();
            answered = done;
            socket.once('error', fail);
            socket.once('close', () => fail(new Error('closed')));
            socket.write(`a ${command}\r\n`);
            await promise;
          },
          closed,
        });
      if (/^a OK /m.test(text)) answered?.();
    });
  });
}

async function short(): Promise<void> {
  try {
    const talk = await open();
    await talk.ask('LOGOUT');
    await talk.closed;
    count('done');
  } catch (error) {
    count(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
}

if (mode === 'hold') {
  const talks: Talk[] = [];
  let left = Number(first);
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (left-- > 0) {
        try {
          talks.push(await open());
        } catch (error) {
          count(error instanceof Error && 'code' in error ? String(error.code) : String(error));
        }
      }
    }),
  );
  counts['open'] = talks.length;
  await Promise.all(talks.map((talk) => talk.ask('NOOP').then(() => count('answered'))));
  process.stdout.write(`${JSON.stringify({ holding: talks.length })}\n`);
  // Until our input ends: the test looks at the core meanwhile.
  for await (const _ of process.stdin);
  await Promise.all(
    talks.map((talk) =>
      talk
        .ask('LOGOUT')
        .then(() => talk.closed)
        .then(() => count('done')),
    ),
  );
} else {
  const everyMs = 60_000 / Number(first);
  const startedAt = performance.now();
  const running: Promise<void>[] = [];
  for (let i = 0; i * everyMs < Number(second) * 1_000; i++) {
    await wait(Math.max(0, startedAt + i * everyMs - performance.now()));
    running.push(short());
  }
  await Promise.all(running);
}
process.stdout.write(`${JSON.stringify(counts)}\n`);
