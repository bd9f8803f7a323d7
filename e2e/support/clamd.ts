// A real clamd for the tests: Debian's, as a child in the foreground, with a database of its own that knows harmless
// test strings alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { eicar } from '../../src-main/scanner/test-messages.ts';
import { freePort } from './core.ts';

/** What clamd alone knows: by its octets wherever they stand, and by the MD5 of a whole file. */
export const clamdPattern: Buffer = Buffer.from(
  ['POSTERN-E2E-', 'ONLY-CLAMD-KNOWS-41c7e0'].join(''),
  'latin1',
);
export const clamdFile: Buffer = Buffer.from(
  ['POSTERN-E2E-', 'FILE-THAT-CLAMD-KNOWS-b2d961\n'].join(''),
  'latin1',
);

export interface ClamdOptions {
  /** An empty directory. */
  readonly directory: string;
  readonly streamMaxLength?: string;
  /** More lines of its configuration. */
  readonly lines?: readonly string[];
}

export interface Clamd {
  readonly socketPath: string;
  readonly port: number;
  /** To the process; after SIGKILL it is over, and may be started again. */
  signal(signal: NodeJS.Signals): void;
  /** Starts it, and waits until it answers. */
  start(): Promise<void>;
  /** Adds a pattern to its database; known after `reload`. */
  addPattern(name: string, pattern: Buffer): void;
  /** Its daily database is this version, as VERSION says after `reload`. */
  setDaily(version: number): void;
  reload(): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** It answers within a second; a busy machine may need more. */
const startTries = 300;

/** The answer to one command; empty: none. */
async function say(path: string, word: string): Promise<string> {
  return await new Promise((resolve) => {
    let text = '';
    const socket = createConnection({ path });
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(text.replaceAll('\0', '')));
    socket.write(`z${word}\0`);
  });
}

function pattern(name: string, octets: Buffer): string {
  return `${name}:0:*:${octets.toString('hex')}\n`;
}

/** The header of a database (of libclamav, cvd.c), and an archive without files: it needs no signature of anybody. */
function emptyDatabase(version: number): Buffer {
  const seconds = Math.floor(Date.now() / 1_000);
  const head = `ClamAV-VDB:01 Jan 2024 00-00 +0000:${version}:0:90:X:X:postern:${seconds}`;
  return Buffer.concat([Buffer.from(head.padEnd(512)), Buffer.alloc(1_024)]);
}

/** Prepares it; it runs after `start`. */
export async function makeClamd({
  directory,
  streamMaxLength = '4M',
  lines = [],
}: ClamdOptions): Promise<Clamd> {
  const database = join(directory, 'database');
  const socketPath = join(directory, 'clamd.ctl');
  const file = join(directory, 'clamd.conf');
  const log = join(directory, 'clamd.log');
  const port = await freePort();
  mkdirSync(database);
  const patterns = join(database, 'test.ndb');
  writeFileSync(patterns, pattern('Mail.Test.Eicar', eicar) + pattern('Mail.Test.Pattern', clamdPattern));
  const md5 = createHash('md5').update(clamdFile).digest('hex');
  writeFileSync(join(database, 'test.hdb'), `${md5}:${clamdFile.length}:Mail.Test.File\n`);
  const configuration = [
    'Foreground yes',
    `LocalSocket ${socketPath}`,
    'FixStaleSocket yes',
    'TCPAddr 127.0.0.1',
    `TCPSocket ${port}`,
    `DatabaseDirectory ${database}`,
    `TemporaryDirectory ${directory}`,
    `LogFile ${log}`,
    `StreamMaxLength ${streamMaxLength}`,
    'AlertEncrypted yes',
    'AlertExceedsMax yes',
    ...lines,
  ];
  writeFileSync(file, `${configuration.join('\n')}\n`);
  let child: ChildProcess | undefined;
  const gone = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    await ended;
  };
  return {
    socketPath,
    port,
    signal: (signal) => child?.kill(signal),
    async start() {
      await gone();
      const started = spawn('/usr/sbin/clamd', ['--config-file', file], { stdio: 'ignore' });
      child = started;
      for (let tries = 0; (await say(socketPath, 'PING')) !== 'PONG'; tries++) {
        if (started.exitCode !== null || tries === startTries)
          throw new Error(`clamd does not run; see ${log}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    addPattern: (name, octets) => appendFileSync(patterns, pattern(name, octets)),
    setDaily: (version) => writeFileSync(join(database, 'daily.cld'), emptyDatabase(version)),
    async reload() {
      const answer = await say(socketPath, 'RELOAD');
      if (answer !== 'RELOADING') throw new Error(`clamd does not reload: ${answer}`);
    },
    async stop() {
      child?.kill('SIGCONT');
      child?.kill('SIGTERM');
      await gone();
    },
  };
}

export interface ClamdFront {
  readonly socketPath: string;
  /** What VERSION says from now on. */
  setVersion(version: string): void;
  stop(): void;
}

/** The same clamd at another socket, where it says another version: its own follows official databases alone. */
export async function openClamdFront(
  behind: Clamd,
  socketPath: string,
  firstVersion: string,
): Promise<ClamdFront> {
  let version = firstVersion;
  const server = createServer((client) => {
    client.on('error', () => client.destroy());
    client.once('data', (first) => {
      if (first.toString('latin1') === 'zVERSION\0') {
        client.end(`${version}\0`);
        return;
      }
      const clamd = createConnection({ path: behind.socketPath });
      clamd.on('error', () => client.destroy());
      clamd.write(first);
      client.pipe(clamd).pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    setVersion(next) {
      version = next;
    },
    stop: () => server.close(),
  };
}
