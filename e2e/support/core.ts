// A headless core as a child of the test: started by the command that users type, with a home directory that is not the
// user's own (a core puts its root into the stores there), ended by its pid.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { makeDirectory } from './directory.ts';

interface ReadyLine {
  readonly event: 'ready';
  readonly pid: number;
  readonly readyMs: number;
  readonly interception: { readonly state: string; readonly reason?: string };
  readonly console: { readonly url: string } | null;
  readonly ca: string;
  readonly dataDir: string;
}

export interface RunningCore {
  readonly ready: ReadyLine;
  readonly child: ChildProcess;
  /** All that it wrote to its standard error. */
  errors(): string;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

export const posternPath = resolve('bin/postern');

export interface StartOptions {
  readonly args: readonly string[];
  /** Puts the command line elsewhere (into a network namespace). */
  readonly wrap?: (argv: readonly string[]) => readonly string[];
  /** Its user's home directory; default: a new, empty one that goes when the core ends. */
  readonly home?: string;
}

/** The environment of a program whose user lives in `home`. */
export function atHome(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_STATE_HOME: join(home, '.local/state'),
  };
}

/** Whoever the core runs as, it is theirs to write in. */
function newHome(): string {
  const home = makeDirectory('home');
  chmodSync(home, 0o777);
  return home;
}

/** Starts `postern headless` and waits for its ready line. */
export async function startCore({ args, wrap = (argv) => argv, home }: StartOptions): Promise<RunningCore> {
  const ownHome = home ?? newHome();
  const [program = '', ...rest] = wrap([posternPath, 'headless', ...args]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: atHome(ownHome) });
  if (home === undefined) child.once('exit', () => rmSync(ownHome, { recursive: true, force: true }));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = new Promise<number | null>((done) => child.once('exit', done));
  const ready = await new Promise<ReadyLine>((done, fail) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const line = output.split('\n').find((each) => each.startsWith('{"event":"ready"'));
      if (line !== undefined && output.includes('\n')) done(JSON.parse(line) as ReadyLine);
    });
    child.once('exit', (code) =>
      fail(new Error(`the core ended with ${code} before it was ready: ${errors}${output}`)),
    );
  });
  return {
    ready,
    child,
    errors: () => errors,
    async stop() {
      child.kill('SIGTERM');
      return await exited;
    },
  };
}

/** Runs a command of the core with this data directory, and gives its output. */
export function postern(dataDir: string, ...args: string[]): Buffer {
  const env = atHome('/nonexistent');
  return execFileSync(posternPath, [...args, '--data-dir', dataDir], { maxBuffer: 64 * 1024 * 1024, env });
}

/** Every original in quarantine, octet for octet, as latin1. */
export function quarantinedOriginals(dataDir: string): string[] {
  const listed = JSON.parse(postern(dataDir, 'quarantine', 'list', '--json').toString()) as { id: string }[];
  return listed.map(({ id }) => postern(dataDir, 'quarantine', 'restore', id, '-').toString('latin1'));
}

/** Ports of 127.0.0.1 that are free now, no two the same. */
export async function freePorts(count: number): Promise<number[]> {
  // All are held until the last one is there: the system gives a port out again as soon as it is free.
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Server>((done, fail) => {
          const server = createServer().once('error', fail);
          server.listen(0, '127.0.0.1', () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
