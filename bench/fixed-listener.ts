// Through a fixed listener on loopback: a mailbox of small messages, big messages, and the round trip of a NOOP.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { mbsync } from '../e2e/support/clients.ts';
import { freePort, startCore } from '../e2e/support/core.ts';
import { startMailServer } from '../e2e/support/dovecot.ts';
import { bigMessage, smallMessages } from '../e2e/support/messages.ts';
import { type Bench, type Budget, scanEachRound } from './bench.ts';

const run = promisify(execFile);
const smallCount = 1_000;
const bigCount = 3;
const bigBytes = 20 * 1024 * 1024;
const noops = 500;

/** Fetches all big messages over one connection and throws them away. */
export async function curlBig(
  host: string,
  port: number,
  caPath: string,
  wrap = (argv: string[]) => argv,
): Promise<void> {
  const base = `imaps://${host}:${port}/INBOX`;
  const targets = Array.from({ length: bigCount }, (_, i) => [
    '-o',
    '/dev/null',
    `${base};UID=${i + 1}`,
  ]).flat();
  const [program = '', ...args] = wrap([
    'curl',
    '-sS',
    '--max-time',
    '120',
    '--cacert',
    caPath,
    '-u',
    'big:secret',
    ...targets,
  ]);
  await run(program, args);
}

export const mailboxes = () => ({
  small: smallMessages(smallCount),
  big: Array.from({ length: bigCount }, (_, i) => bigMessage(`big-${i}`, bigBytes)),
});

export const bigName = `curl, ${bigCount} messages of 20 MB over IMAPS`;
export const bigBudget: Budget = { kind: 'ratio', most: 1.5 };
export const smallName = `mbsync, ${smallCount} small messages over IMAPS`;
export const smallBudget: Budget = { kind: 'ratio', most: 1.25 };

async function openImap(port: number, caPath: string): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(caPath) });
  socket.setNoDelay(true);
  await command(socket, undefined);
  await command(socket, 'a LOGIN small secret');
  await command(socket, 'b SELECT INBOX');
  return socket;
}

/** Sends a line (or waits for the greeting) and waits for a line that is not untagged, or for the greeting's one. */
async function command(socket: TLSSocket, line: string | undefined): Promise<void> {
  if (line !== undefined) socket.write(`${line}\r\n`);
  await new Promise<void>((resolve) => {
    let seen = '';
    const onData = (bytes: Buffer) => {
      seen += bytes.toString('latin1');
      if (line === undefined ? !seen.includes('\r\n') : !new RegExp(`^${line[0]} `, 'm').test(seen)) return;
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData);
  });
}

async function benchNoop(bench: Bench, direct: TLSSocket, through: TLSSocket): Promise<void> {
  const figures = { direct: [] as number[], through: [] as number[] };
  for (let i = 0; i < noops * 2; i++) {
    const side = i % 2 === 0 ? 'direct' : 'through';
    const started = performance.now();
    await command(side === 'direct' ? direct : through, 'n NOOP');
    figures[side].push(performance.now() - started);
  }
  const budget: Budget = { kind: 'added', most: 0.2 };
  bench.add({ name: 'NOOP round trip inside TLS', unit: 'ms', budget, ...figures });
}

export async function benchFixedListener(bench: Bench): Promise<void> {
  const { directory, certificates } = bench;
  const mail = join(directory, 'mail');
  mkdirSync(mail);
  const server = await startMailServer({
    directory: mail,
    certificate: certificates.server,
    users: mailboxes(),
  });
  const local = await freePort();
  const core = await startCore({
    args: [
      '--data-dir',
      join(directory, 'data'),
      '--intercept',
      'off',
      '--console',
      'off',
      '--upstream-ca',
      certificates.caPath,
      ...scanEachRound,
      '--listen',
      `${local}=127.0.0.1:${server.ports.imaps}/imaps`,
    ],
  });
  try {
    const sync = (port: number, caPath: string) => async () => {
      const own = mkdtempSync(join(directory, 'mbsync-'));
      await mbsync({ host: 'localhost', port, transport: 'tls', user: 'small', caPath, directory: own });
    };
    await bench.compare(
      `${smallName}, fixed listener`,
      smallBudget,
      sync(server.ports.imaps, certificates.caPath),
      sync(local, core.ready.ca),
    );
    await bench.compare(
      `${bigName}, fixed listener`,
      bigBudget,
      () => curlBig('localhost', server.ports.imaps, certificates.caPath),
      () => curlBig('localhost', local, core.ready.ca),
    );
    const sockets = [
      await openImap(server.ports.imaps, certificates.caPath),
      await openImap(local, core.ready.ca),
    ] as const;
    await benchNoop(bench, ...sockets);
    for (const socket of sockets) socket.destroy();
    bench.note(`headless ready after ${core.ready.readyMs} ms`);
  } finally {
    await core.stop();
    await server.stop();
  }
}
