// The lab of the netfilter helper: two network namespaces with servers that greet and a stand-in for the core's listener, the
// helper as a program that is spoken to in raw lines, and clients of several users.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseAddressEntry } from '../../src-main/contract/address-list.ts';
import type { HelperCall } from '../../src-main/interception/linux/helper-link.ts';
import type {
  Elements,
  End,
  Greeting,
  HelperLine,
} from '../../src-main/interception/linux/helper-messages.ts';
import { makeDirectory } from '../support/directory.ts';
import { createLab, type Lab } from '../support/netns.ts';

const main = resolve(import.meta.dirname, '../../src-main/hosts/netfilter-helper/main.ts');

/** The user whose core the helper serves, another one, and where that core listens. */
export const owner = 1001;
export const other = 1002;
export const listen = 40_143;
export const mail: Elements = { ports: [[143, 143]] };
/** What the server and the core's listener greet with. */
export const plain = '* OK direct';
export const proxied = '* OK proxied';

export const asUser = (uid: number) => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];

/** Listens on ports and greets: `{"143":"* OK"}`, on all addresses or on those given. */
const server = `
const [greetings, ...hosts] = JSON.parse(process.argv[1]);
const listening = (hosts.length ? hosts : ['::']).flatMap((host) => Object.entries(greetings).map(([port, greeting]) =>
  new Promise((done) => require('node:net').createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(greeting + '\\r\\n');
    socket.resume();
  }).listen({ host, port: Number(port) }, done))));
Promise.all(listening).then(() => console.log('listening'));`;

/** Connects and prints the first line that it gets, or the error's code; stays until its input ends when told to. */
const client = `
const [host, port, localPort, stay] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port: Number(port), localPort: Number(localPort) || undefined });
const say = (text) => console.log(text.trim());
const timer = setTimeout(() => { say('timeout'); process.exit(); }, 5000);
socket.on('error', ({ code }) => { clearTimeout(timer); say(code); process.exitCode = 1; process.stdin.destroy(); });
socket.once('data', (bytes) => {
  clearTimeout(timer);
  say(bytes.toString());
  if (stay) say(JSON.stringify([socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort]));
  else socket.destroy();
});
if (stay) process.stdin.on('end', () => socket.destroy()).resume();`;

/** Connects again and again until its input ends; prints what it gets for the first time, and at last how often it got what. */
const loop = `
const [host, port] = process.argv.slice(1);
const counts = {};
let ended = false;
process.stdin.on('end', () => { ended = true; }).resume();
const once = () => new Promise((done) => {
  const socket = require('node:net').connect({ host, port: Number(port) });
  const got = (what) => {
    if (!counts[what]) console.log(what);
    counts[what] = (counts[what] ?? 0) + 1;
    socket.destroy();
    done();
  };
  // One whose packets are no longer translated hears nothing more.
  socket.setTimeout(2000, () => got('timeout')).on('error', ({ code }) => got(code));
  socket.once('data', (bytes) => got(bytes.toString().trim()));
});
const run = async () => { while (!ended) await once(); };
Promise.all(Array.from({ length: 8 }, run)).then(() => console.log(JSON.stringify(counts)));`;

const script = (node: string, text: string, ...args: readonly (string | number)[]) => [
  node,
  '--no-warnings',
  '-e',
  text,
  '--',
  ...args.map(String),
];

/** An address as the helper reads it. */
export function hex(text: string): string {
  const parsed = parseAddressEntry(text);
  if (!parsed.ok) throw new Error(text);
  const { family, from } = parsed.range;
  return from.toString(16).padStart(family === 4 ? 8 : 32, '0');
}

export class Lines {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  constructor(child: ChildProcess) {
    this.child = child;
    if (!child.stdout) throw new Error('no output to read');
    child.stdin?.on('error', () => child.stdin?.destroy());
    const reader = createInterface({ input: child.stdout });
    const wake = () => {
      for (const waiting of this.#waiting.splice(0)) waiting();
    };
    reader.on('line', (line) => {
      this.#lines.push(line);
      wake();
    });
    reader.on('close', () => {
      this.#closed = true;
      wake();
    });
  }

  async next(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#closed) throw new Error('it has ended');
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  /** Reads on until a line that says just this. */
  async until(text: string): Promise<void> {
    while ((await this.next()) !== text);
  }

  /** What it still says until it ends. */
  async rest(): Promise<readonly string[]> {
    while (!this.#closed) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.#lines.splice(0);
  }

  async exit(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit();
  }
}

export class Helper extends Lines {
  #id = 0;

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  async hello(user: number | 'all'): Promise<void> {
    const line = await this.line();
    if (!('hello' in line) || line.user !== user) throw new Error(JSON.stringify(line));
  }

  async line(): Promise<HelperLine> {
    return JSON.parse(await this.next()) as HelperLine;
  }

  async ask(call: HelperCall): Promise<HelperLine> {
    this.write(`${JSON.stringify({ id: ++this.#id, ...call })}\n`);
    return await this.line();
  }

  open(add: Elements, more: { detect?: readonly Greeting[]; block?: boolean } = {}): Promise<HelperLine> {
    return this.ask({ do: 'open', listen, ipv6: true, detect: [], block: false, ...more, add });
  }

  change(
    add: Elements,
    remove: Elements = {},
    more: { detect?: readonly Greeting[]; block?: Elements | boolean } = {},
  ): Promise<HelperLine> {
    return this.ask({ do: 'change', detect: [], block: false, ...more, remove, add });
  }
}

export class HelperLab {
  readonly net: Lab;
  /** A copy that other users may run too, wherever the project lies. */
  readonly node: string;
  readonly #folder: string;
  readonly #helpers: Helper[] = [];

  private constructor(net: Lab, folder: string) {
    this.net = net;
    this.#folder = folder;
    this.node = join(folder, 'node');
  }

  static async create(): Promise<HelperLab> {
    const lab = new HelperLab(await createLab(), makeDirectory('programs'));
    copyFileSync(resolve('node_modules/node/bin/node'), lab.node);
    const greetings = { 110: plain, 143: plain, 6379: '+OK direct', 8025: '220 direct' };
    const odd = { 10110: '+OK direct', 10143: plain, 10144: '* PREAUTH direct', 10145: plain, 10146: plain };
    const run = (text: unknown) => script(lab.node, server, JSON.stringify(text));
    const core = run([{ [listen]: proxied }, '127.0.0.1', '::1']);
    const bridge = run([{ 1143: '* OK bridge' }, '127.0.0.1', '::1']);
    const stdio: ('ignore' | 'pipe' | 'inherit')[] = ['ignore', 'pipe', 'inherit'];
    await new Lines(lab.net.server(run([{ ...greetings, ...odd }]), { stdio })).next();
    await new Lines(lab.net.client([...asUser(owner), ...core], { stdio })).next();
    await new Lines(lab.net.client(bridge, { stdio })).next();
    return lab;
  }

  async stop(): Promise<void> {
    await this.net.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Ends what a test has started, and removes what may stay. */
  async cleanUp(): Promise<void> {
    for (const helper of this.#helpers.splice(0)) await helper.kill();
    await this.redirectGone();
    for (const table of await this.tables()) await this.nft('delete', 'table', 'inet', table);
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv, as: readonly string[] = []): Helper {
    const argv = [...as, this.node, '--disable-warning=ExperimentalWarning', main, ...args];
    const helper = new Helper(
      this.net.client(argv, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } }),
    );
    this.#helpers.push(helper);
    return helper;
  }

  async userHelper(uid = owner): Promise<Helper> {
    const helper = this.start([], { PKEXEC_UID: `${uid}` });
    await helper.hello(uid);
    return helper;
  }

  async systemHelper(): Promise<Helper> {
    const helper = this.start(['--all-users', '--core-uid', `${owner}`], {});
    await helper.hello('all');
    return helper;
  }

  async nft(...args: readonly string[]): Promise<string> {
    return (await this.net.runClient(['nft', ...args])).stdout;
  }

  async tables(): Promise<readonly string[]> {
    return (await this.nft('list', 'tables')).match(/postern_\w+/g) ?? [];
  }

  /** Waits for the tables that a helper owned to go. */
  async redirectGone(): Promise<void> {
    const since = performance.now();
    while ((await this.tables()).some((table) => !table.includes('block'))) {
      if (performance.now() - since > 5_000) throw new Error('the table is still there');
    }
  }

  /** The first line that a connection gets, or the code of its error. */
  async connect(host: string, port: number, uid = owner, localPort = 0): Promise<string> {
    const argv = script(this.node, client, host, port, localPort);
    const result = await this.net.runClient([...asUser(uid), ...argv]);
    return result.stdout.trim() || result.stderr;
  }

  /** Connects again and again until the program's input ends. */
  loop(host: string, port: number): Lines {
    const argv = [...asUser(owner), ...script(this.node, loop, host, port)];
    return new Lines(this.net.client(argv, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** An open connection, by its own word. */
  async hold(host: string, port: number, uid: number) {
    const argv = [...asUser(uid), ...script(this.node, client, host, port, 0, 'stay')];
    const lines = new Lines(this.net.client(argv, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await lines.next();
    const [local, localPort, remote, remotePort] = JSON.parse(await lines.next()) as [
      string,
      number,
      string,
      number,
    ];
    const end = (address: string, port: number): End => [hex(address.replace('::ffff:', '')), port];
    return { lines, ends: [end(local, localPort), end(remote, remotePort)] as const };
  }
}
