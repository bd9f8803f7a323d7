// Two hosts on one machine: a client's and a server's network namespace, joined by a cable, with names and no resolver.
// What runs in them is spawned here and ended here. Needs root and iproute2.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Lab {
  readonly clientV4: string;
  readonly clientV6: string;
  /** The server host; in both hosts named mail.example.test, and mail6.example.test for IPv6 alone. */
  readonly serverV4: string;
  readonly serverV6: string;
  /** More addresses of the server host, behind the client's default route: "the internet", one.example.test and two. */
  readonly internetV4: readonly [string, string];
  readonly internetV6: string;
  /** The client host's interface on the cable. */
  readonly clientInterface: string;
  /** The command line that runs `argv` in a host; the process keeps its pid, since each program replaces the one before. */
  clientArgv(argv: readonly string[]): string[];
  serverArgv(argv: readonly string[]): string[];
  /** Spawns in a host; ended by `stop` at the latest. */
  client(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  server(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs to the end in the client host. */
  runClient(argv: readonly string[], input?: string): Promise<RunResult>;
  /** Ends what runs in the hosts and takes them down. May be called twice. */
  stop(): Promise<void>;
}

const clientV4 = '10.77.0.1';
const clientV6 = 'fd77::1';
const serverV4 = '10.77.0.2';
const serverV6 = 'fd77::2';
const internetV4 = ['203.0.113.10', '203.0.113.11'] as const;
const internetV6 = 'fd99::10';
const [clientInterface, serverInterface] = ['vc', 'vs'];

/** Time for processes to end after SIGTERM, before SIGKILL. */
const graceMs = 2_000;

/** `ip netns exec` puts these over /etc for what it runs. Without the empty resolv.conf each look-up waits 10 s. */
const etcFiles = {
  'resolv.conf': '',
  'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n',
  hosts: `127.0.0.1 localhost\n::1 localhost\n${serverV4} mail.example.test\n${serverV6} mail.example.test\n${serverV6} mail6.example.test\n${internetV4[0]} one.example.test\n${internetV4[1]} two.example.test\n`,
};

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function makeHost(name: string): void {
  ip('netns', 'add', name);
  const etc = join('/etc/netns', name);
  mkdirSync(etc, { recursive: true });
  for (const [file, text] of Object.entries(etcFiles)) writeFileSync(join(etc, file), text);
  ip('-n', name, 'link', 'set', 'lo', 'up');
}

function joinHosts(client: string, server: string): void {
  ip(
    'link',
    'add',
    clientInterface,
    'netns',
    client,
    'type',
    'veth',
    'peer',
    'name',
    serverInterface,
    'netns',
    server,
  );
  const address = (host: string, text: string, device: string) =>
    ip('-n', host, 'addr', 'add', text, 'dev', device, ...(text.includes(':') ? ['nodad'] : []));
  address(client, `${clientV4}/24`, clientInterface);
  address(client, `${clientV6}/64`, clientInterface);
  address(server, `${serverV4}/24`, serverInterface);
  address(server, `${serverV6}/64`, serverInterface);
  for (const text of internetV4) address(server, `${text}/32`, 'lo');
  address(server, `${internetV6}/128`, 'lo');
  ip('-n', client, 'link', 'set', clientInterface, 'up');
  ip('-n', server, 'link', 'set', serverInterface, 'up');
  ip('-n', client, 'route', 'add', 'default', 'via', serverV4);
  ip('-n', client, '-6', 'route', 'add', 'default', 'via', serverV6);
}

/** Processes in a host: only ever ours, since its name is new. */
function pidsIn(host: string): number[] {
  return ip('netns', 'pids', host).split('\n').filter(Boolean).map(Number);
}

function killIn(host: string, signal: NodeJS.Signals): void {
  for (const pid of pidsIn(host)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It has ended meanwhile.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

function removeHost(host: string): void {
  killIn(host, 'SIGKILL');
  ip('netns', 'del', host);
  rmSync(join('/etc/netns', host), { recursive: true, force: true });
}

/** Builds a lab with names of its own, so that several may stand side by side. */
export async function createLab(): Promise<Lab> {
  const id = randomBytes(3).toString('hex');
  const hosts = { client: `pstn-${id}-c`, server: `pstn-${id}-s` };
  const up: string[] = [];
  const down = () => {
    for (const host of up.splice(0)) removeHost(host);
  };
  // A test run that ends without `stop` leaves nothing behind either.
  process.once('exit', down);
  try {
    for (const host of Object.values(hosts)) {
      up.push(host);
      makeHost(host);
    }
    joinHosts(hosts.client, hosts.server);
  } catch (error) {
    down();
    throw error;
  }

  const argvIn = (host: string, argv: readonly string[]) => ['ip', 'netns', 'exec', host, ...argv];
  const spawnIn = (host: string, argv: readonly string[], options: SpawnOptions = {}) => {
    const [program = '', ...args] = argvIn(host, argv);
    return spawn(program, args, options);
  };
  return {
    clientV4,
    clientV6,
    serverV4,
    serverV6,
    internetV4,
    internetV6,
    clientInterface,
    clientArgv: (argv) => argvIn(hosts.client, argv),
    serverArgv: (argv) => argvIn(hosts.server, argv),
    client: (argv, options) => spawnIn(hosts.client, argv, options),
    server: (argv, options) => spawnIn(hosts.server, argv, options),
    async runClient(argv, input) {
      // A program that reads no input may end before it could be given any.
      const stdin = input === undefined ? 'ignore' : 'pipe';
      const child = spawnIn(hosts.client, argv, { stdio: [stdin, 'pipe', 'pipe'] });
      let [stdout, stderr] = ['', ''];
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      // A program may end before it has read all: its status tells.
      child.stdin?.on('error', () => child.stdin?.destroy());
      child.stdin?.end(input);
      const status = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      return { status, stdout, stderr };
    },
    async stop() {
      process.off('exit', down);
      for (const host of up) killIn(host, 'SIGTERM');
      const end = Date.now() + graceMs;
      while (Date.now() < end && up.some((host) => pidsIn(host).length > 0)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      down();
    },
  };
}
