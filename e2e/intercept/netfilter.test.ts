// The kernel's redirect for real, between two network namespaces: what is proxied, what goes direct, what changes while
// connections are made, and what is left when the program is killed.
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MailTransportSettings } from '../../src-main/contract/settings.ts';
import { makeDirectory } from '../support/directory.ts';
import { createLab, type Lab } from '../support/netns.ts';
import { missingTools } from '../support/tools.ts';
import { type Line, Talker } from './talker.ts';

const missing = missingTools(['nft', 'setpriv', 'sysctl'], { namespaces: true });
/** Copies that other users may run too, wherever the project lies. */
const shared = makeDirectory('programs');
const node = join(shared, 'node');
const programs = {
  netfilter: resolve(import.meta.dirname, 'netfilter-program.ts'),
  server: join(shared, 'lab-server.ts'),
  client: join(shared, 'lab-client.ts'),
};
const script = (path: string, ...args: readonly (string | number)[]) => [node, path, ...args.map(String)];

function copyPrograms(): void {
  copyFileSync(resolve('node_modules/node/bin/node'), node);
  for (const name of ['lab-server.ts', 'lab-client.ts']) {
    copyFileSync(resolve(import.meta.dirname, name), join(shared, name));
  }
}
const otherUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

afterAll(() => rmSync(shared, { recursive: true, force: true }));

describe.skipIf(missing !== undefined)(`the redirect of the kernel${missing ?? ''}`, () => {
  let lab: Lab;
  let program: Talker;
  let server: ChildProcess;

  beforeAll(async () => {
    copyPrograms();
    lab = await createLab();
    const ports = [110, 143, 993, 995, 1143];
    server = lab.server(script(programs.server, ...ports), { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    await new Promise<void>((ready) => {
      server.stdout?.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (said.split('\n').length > ports.length) ready();
      });
    });
  });

  afterAll(async () => {
    await lab?.stop();
  });

  let listenPort: number;

  beforeEach(async () => {
    program = new Talker(lab.client(script(programs.netfilter), { stdio: ['pipe', 'pipe', 'inherit'] }));
    program.say({ do: 'apply', settings: {} });
    listenPort = Number((await program.next('interception-ready'))['port']);
    expect(await program.next('applied')).toEqual({ event: 'applied', state: 'active' });
  });

  afterEach(async () => {
    await program.kill('SIGKILL');
    await tableGone();
  });

  async function apply(settings: Partial<MailTransportSettings>): Promise<Line> {
    program.say({ do: 'apply', settings });
    return await program.next('applied');
  }

  async function connect(host: string, port: number, as: readonly string[] = []): Promise<Line> {
    const { stdout, stderr } = await lab.runClient([...as, ...script(programs.client, 'once', host, port)]);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Line;
  }

  async function nft(...args: readonly string[]): Promise<string> {
    return (await lab.runClient(['nft', ...args])).stdout;
  }

  /** Waits for the table to go; returns after how many milliseconds it had. */
  async function tableGone(): Promise<number> {
    const since = performance.now();
    while ((await nft('list', 'tables')).includes('postern')) {
      if (performance.now() - since > 5_000) throw new Error('the table is still there');
    }
    return performance.now() - since;
  }

  function nftPid(): number {
    const pid = program.child.pid;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    expect(children).toHaveLength(1);
    return Number(children[0]);
  }

  /** The loop of a client until `during` is over: how often it got which greeting. */
  async function connecting(
    host: string,
    port: number,
    during: () => Promise<void>,
  ): Promise<Record<string, number>> {
    const child = lab.client(script(programs.client, 'loop', host, port), {
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
  }

  test('IPv4 and IPv6, plain and TLS ports: destination and owner are right', async () => {
    for (const host of [lab.internetV4[0], lab.internetV6]) {
      for (const port of [110, 143, 993, 995]) {
        const got = await connect(host, port);
        expect(got).toMatchObject({
          via: 'proxied',
          destination: { address: host, port },
          owner: { uid: 0, pid: got['pid'], path: `/proc/${got['pid']}/exe` },
        });
      }
      expect(await connect(host, 1143)).toMatchObject({ via: 'direct' });
    }
  });

  test('an IPv4 connection from an IPv6 socket has its owner too', async () => {
    const got = await connect(`::ffff:${lab.internetV4[0]}`, 143);
    expect(got).toMatchObject({
      via: 'proxied',
      destination: { address: lab.internetV4[0] },
      owner: { pid: got['pid'] },
    });
  });

  test("as root another user's connections are redirected as well", async () => {
    const got = await connect(lab.internetV4[0], 143, otherUser);
    expect(got).toMatchObject({ via: 'proxied', owner: { uid: 65_534, pid: got['pid'] } });
  });

  test('our own upstream connections go direct, the same ports of other users do not', async () => {
    program.say({ do: 'dial', host: lab.internetV4[0], port: 143, localPort: 61_234 });
    const said = String((await program.next('dialled'))['said']);
    expect(JSON.parse(said)).toEqual({ via: 'direct', sourcePort: 61_234 });
    const dial = `const s = require('node:net').connect({ host: '${lab.internetV4[0]}', port: 143, localPort: 61235 });
      s.once('data', (bytes) => { process.stdout.write(bytes); s.destroy(); });`;
    expect(JSON.parse((await lab.runClient([...otherUser, node, '-e', dial])).stdout)).toMatchObject({
      via: 'proxied',
    });
  });

  test('excluded addresses go direct, and what is loopback is left alone', async () => {
    await apply({ excludedAddresses: [{ address: '203.0.113.11-203.0.113.20' }, { address: 'fd99::/64' }] });
    expect(await connect(lab.internetV4[1], 143)).toMatchObject({ via: 'direct' });
    expect(await connect(lab.internetV6, 143)).toMatchObject({ via: 'direct' });
    expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'proxied' });
    expect(await connect('127.0.0.1', 143)).toMatchObject({ via: 'error', code: 'ECONNREFUSED' });
    await apply({});
    expect(await connect(lab.internetV6, 143)).toMatchObject({ via: 'proxied' });
  });

  test('a connection straight to the listener is refused, and logged', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      expect(['closed', 'error']).toContain((await connect(host, listenPort))['via']);
    }
    expect(await program.next('not-redirected')).toMatchObject({ refused: 1 });
  });

  test('changes while clients connect let none through', async () => {
    const changes = async () => {
      for (let i = 0; i < 300; i++) {
        const ports = Array.from({ length: i % 7 }, (_, n) => 2_000 + ((i * 37 + n * 11) % 100)).join(', ');
        const excludedAddresses = Array.from({ length: (i * 5) % 9 }, (_, n) => ({
          address: `198.51.100.${(i + n * 13) % 200}/${28 + (n % 5)}`,
        }));
        // 143 lies now alone, now in the middle of a range.
        const imapsPorts = ['993', '140-150, 993', ports][i % 3] ?? '';
        expect(await apply({ imapsPorts, excludedAddresses })).toMatchObject({ state: 'active' });
      }
    };
    let v6: Record<string, number> = {};
    const v4 = await connecting(lab.internetV4[0], 143, async () => {
      v6 = await connecting(lab.internetV6, 143, changes);
    });
    expect(Object.keys(v4)).toEqual(['proxied']);
    expect(Object.keys(v6)).toEqual(['proxied']);
    expect(v4['proxied']).toBeGreaterThan(100);
  });

  test('the sets hold what a long row of changes asked for', async () => {
    for (let i = 0; i < 40; i++) {
      const imapsPorts = Array.from(
        { length: 1 + (i % 5) },
        (_, n) => `${3_000 + ((i * 7 + n * 5) % 40)}-${3_045 + n}`,
      ).join(', ');
      expect(
        await apply({ imapsPorts, excludedAddresses: [{ address: `10.1.0.${i}-10.1.0.${90 - i}` }] }),
      ).toMatchObject({ state: 'active' });
    }
    await apply({
      imapsPorts: '3010-3020',
      excludedAddresses: [{ address: '10.1.0.5-10.1.0.7' }, { address: '0.0.0.0/1' }, { address: '::/0' }],
    });
    const sets = await nft('list', 'table', 'inet', 'postern_0');
    const elements = (name: string) =>
      new RegExp(`set ${name} \\{[^}]*?elements = \\{ ([^}]*) \\}`).exec(sets)?.[1];
    expect(elements('ports')).toBe('110, 143, 995, 3010-3020');
    // Kept pieces of earlier ranges lie among the new ones, without a gap.
    expect(elements('skip4')?.replace(/\s+/g, ' ')).toBe(
      '0.0.0.0-10.1.0.38, 10.1.0.39-10.1.0.51, 10.1.0.52-127.255.255.255',
    );
    expect(elements('skip6')).toMatch(/^::/);
    expect(await connect(lab.internetV6, 143)).toMatchObject({ via: 'direct' });
  });

  test('a thousand exclusions are one change', async () => {
    const excludedAddresses = Array.from({ length: 1_000 }, (_, i) => ({
      address: `fd00:${i.toString(16)}::1-fd00:${i.toString(16)}::ff`,
    }));
    expect(await apply({ excludedAddresses })).toEqual({ event: 'applied', state: 'active' });
    expect(await nft('list', 'set', 'inet', 'postern_0', 'skip6')).toContain('fd00:3e7::1-fd00:3e7::ff');
  });

  test('switched off, new connections go direct; switched on again, they are proxied', async () => {
    expect(await apply({ enabled: false })).toEqual({
      event: 'applied',
      state: 'off',
      reason: 'protection-off',
    });
    expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'direct' });
    expect(await apply({})).toEqual({ event: 'applied', state: 'active' });
    expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'proxied' });
  });

  test('released, new connections go direct and the redirected ones live on', async () => {
    const held = lab.client(script(programs.client, 'hold', lab.internetV4[0], 143), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    const hears = (text: string) =>
      new Promise<void>((done) => {
        const look = () => said.includes(text) && done();
        held.stdout?.on('data', look);
        look();
      });
    held.stdout?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    await hears('proxied');
    program.say({ do: 'release' });
    await program.next('released');
    expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'direct' });
    held.stdin?.write('still here\n');
    await hears('still here');
    held.stdin?.end();
    program.say({ do: 'stop' });
    await program.next('stopped');
    expect(await nft('list', 'tables')).not.toContain('postern');
  });

  test('killed, its table is gone within a second and mail goes direct', async () => {
    await program.kill('SIGKILL');
    expect(await tableGone()).toBeLessThan(1_000);
    expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'direct' });
  });

  test('when nft is lost it says so, and comes back by itself', async () => {
    process.kill(nftPid(), 'SIGKILL');
    expect(await program.next('state-changed')).toMatchObject({ state: 'unavailable', reason: 'nft-failed' });
    expect(await program.next('state-changed')).toMatchObject({ state: 'active' });
    expect(await connect(lab.internetV6, 993)).toMatchObject({ via: 'proxied' });
  });

  test('while a killed program lives on in the kernel, nobody else can take its place', async () => {
    const pid = nftPid();
    process.kill(pid, 'SIGSTOP');
    await program.kill('SIGKILL');
    const impostor = async (as: readonly string[]) => {
      const child = lab.client([...as, ...script(programs.server, listenPort)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((ready) => child.stdout?.once('data', ready));
      const got = await connect(lab.internetV4[0], 143);
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGKILL');
      await gone;
      return got['via'];
    };
    try {
      // The connection does lead there: our own uid may answer.
      expect(await impostor([])).toBe('direct');
      expect(await impostor(otherUser)).toBe('timeout');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('a second owner of the name is told so, and the first one stays', async () => {
    const second = new Talker(lab.client(script(programs.netfilter), { stdio: ['pipe', 'pipe', 'inherit'] }));
    second.say({ do: 'apply', settings: {} });
    expect(await second.next('applied')).toMatchObject({
      state: 'unavailable',
      reason: 'nft-failed',
      detail: expect.stringContaining('not permitted'),
    });
    await second.kill('SIGKILL');
    expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'proxied' });
  });

  test('the reserved ports are appended, and put back', async () => {
    const reserved = async () =>
      (await lab.runClient(['sysctl', '-n', 'net.ipv4.ip_local_reserved_ports'])).stdout.trim();
    expect(await reserved()).toBe('61000-65535');
    for (const before of ['', '8080']) {
      await program.kill('SIGKILL');
      await lab.runClient(['sysctl', '-qw', `net.ipv4.ip_local_reserved_ports=${before}`]);
      program = new Talker(lab.client(script(programs.netfilter), { stdio: ['pipe', 'pipe', 'inherit'] }));
      await apply({});
      expect(await reserved()).toBe([before, '61000-65535'].filter(Boolean).join(','));
      program.say({ do: 'stop' });
      await program.next('stopped');
      expect(await reserved()).toBe(before);
    }
  });

  test("mail passes the anti-spoof rule of wg-quick's full tunnel", async () => {
    const rules = `table inet wgq {
      chain p {
        type filter hook prerouting priority -300
        iifname != "${lab.clientInterface}" ip daddr ${lab.clientV4} fib saddr type != local counter drop
        iifname != "${lab.clientInterface}" ip6 daddr ${lab.clientV6} fib saddr type != local counter drop
      }
    }\n`;
    expect((await lab.runClient(['nft', '-f', '-'], rules)).status).toBe(0);
    try {
      expect(await connect(lab.internetV4[0], 143)).toMatchObject({ via: 'proxied' });
      expect(await connect(lab.internetV6, 143)).toMatchObject({ via: 'proxied' });
      expect((await nft('list', 'table', 'inet', 'wgq')).match(/counter packets 0/g)).toHaveLength(2);
    } finally {
      await nft('delete', 'table', 'inet', 'wgq');
    }
  });
});
