// A headless core as a child of the test: started by the command that users type, ended by its pid.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { resolve } from 'node:path';

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
}

/** Starts `postern headless` and waits for its ready line. */
export async function startCore({ args, wrap = (argv) => argv }: StartOptions): Promise<RunningCore> {
  const [program = '', ...rest] = wrap([posternPath, 'headless', ...args]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
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
  return execFileSync(posternPath, [...args, '--data-dir', dataDir], { maxBuffer: 64 * 1024 * 1024 });
}

/** Every original in quarantine, octet for octet, as latin1. */
export function quarantinedOriginals(dataDir: string): string[] {
  const listed = JSON.parse(postern(dataDir, 'quarantine', 'list', '--json').toString()) as { id: string }[];
  return listed.map(({ id }) => postern(dataDir, 'quarantine', 'restore', id, '-').toString('latin1'));
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  return await new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
