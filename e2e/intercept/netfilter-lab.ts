// The interception backend alone between two network namespaces: the program that holds it, a server that says "direct" on
// mail's ports, and clients that tell whom they have reached.
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { MailTransportSettings } from '../../src-main/contract/settings.ts';
import { makeDirectory } from '../support/directory.ts';
import { createLab, type Lab } from '../support/netns.ts';
import { type Line, Talker } from './talker.ts';

const serverPorts = [110, 143, 993, 995, 1143];

interface Held {
  /** Resolves when it has heard `text`. */
  hears(text: string): Promise<void>;
  say(text: string): void;
  end(): void;
}

export interface NetfilterLab {
  readonly lab: Lab;
  /** A Node that other users may run too, wherever the project lies. */
  readonly node: string;
  /** Starts the backend's program, without any plan. */
  startProgram(): Talker;
  /** Starts the server of the lab's clients in the client host too, on these ports of all its addresses. */
  serveInClient(ports: readonly number[], as?: readonly string[]): Promise<ChildProcess>;
  /** One connection: whom it reached, or how it failed. */
  connect(host: string, port: number, as?: readonly string[]): Promise<Line>;
  /** A connection that stays. */
  hold(host: string, port: number): Held;
  /** Connects again and again, eight at a time, until `during` is over: how often it reached whom. */
  connecting(host: string, port: number, during: () => Promise<void>): Promise<Record<string, number>>;
  nft(...args: readonly string[]): Promise<string>;
  /** Waits for our tables to go. */
  tableGone(): Promise<void>;
  stop(): Promise<void>;
}

/** A redirect whose program was killed is gone within a fifth of this. */
const goneMs = 5_000;

/** Has the program follow the default settings with these changes. */
export async function apply(program: Talker, settings: Partial<MailTransportSettings>): Promise<Line> {
  program.say({ do: 'apply', settings });
  return await program.next('applied');
}

async function listening(server: ChildProcess, count: number): Promise<void> {
  let said = '';
  await new Promise<void>((ready) => {
    server.stdout?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      if (said.split('\n').length > count) ready();
    });
  });
}

export async function createNetfilterLab(): Promise<NetfilterLab> {
  const shared = makeDirectory('programs');
  const node = join(shared, 'node');
  copyFileSync(resolve('node_modules/node/bin/node'), node);
  for (const name of ['lab-server.ts', 'lab-client.ts'])
    copyFileSync(resolve(import.meta.dirname, name), join(shared, name));
  const script = (name: string, ...args: readonly (string | number)[]) => [
    node,
    join(shared, name),
    ...args.map(String),
  ];
  const lab = await createLab();
  const nft = async (...args: readonly string[]) => (await lab.runClient(['nft', ...args])).stdout;
  await listening(
    lab.server(script('lab-server.ts', ...serverPorts), { stdio: ['ignore', 'pipe', 'inherit'] }),
    serverPorts.length,
  );
  return {
    lab,
    node,
    startProgram() {
      const program = [node, resolve(import.meta.dirname, 'netfilter-program.ts')];
      return new Talker(lab.client(program, { stdio: ['pipe', 'pipe', 'inherit'] }));
    },
    async serveInClient(ports, as = []) {
      const server = lab.client([...as, ...script('lab-server.ts', ...ports)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await listening(server, ports.length);
      return server;
    },
    async connect(host, port, as = []) {
      const { stdout, stderr } = await lab.runClient([...as, ...script('lab-client.ts', 'once', host, port)]);
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout) as Line;
    },
    hold(host, port) {
      const child = lab.client(script('lab-client.ts', 'hold', host, port), {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout?.on('data', (bytes: Buffer) => {
        said += bytes.toString();
      });
      return {
        hears: (text) =>
          new Promise<void>((done) => {
            const look = () => said.includes(text) && done();
            child.stdout?.on('data', look);
            look();
          }),
        say: (text) => void child.stdin?.write(text),
        end: () => void child.stdin?.end(),
      };
    },
    async connecting(host, port, during) {
      const child = lab.client(script('lab-client.ts', 'loop', host, port), {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let text = '';
      const { promise: looping, resolve: loops } = Promise.withResolvers<void>();
      child.stdout?.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        loops();
      });
      const ended = new Promise((done) => child.once('close', done));
      await looping;
      await during();
      child.stdin?.end();
      await ended;
      return JSON.parse(text.split('\n')[1] ?? '') as Record<string, number>;
    },
    nft,
    async tableGone() {
      const since = performance.now();
      while ((await nft('list', 'tables')).includes('postern'))
        if (performance.now() - since > goneMs) throw new Error('the table is still there');
    },
    async stop() {
      await lab.stop();
      rmSync(shared, { recursive: true, force: true });
    },
  };
}
