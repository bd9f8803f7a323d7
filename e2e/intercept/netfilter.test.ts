// The kernel's redirect for real, between two network namespaces: what is proxied, what goes direct, what its sets hold, and
// what is left when a part of it is lost.
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { missingTools } from '../support/tools.ts';
import { apply, createNetfilterLab, type NetfilterLab } from './netfilter-lab.ts';
import type { Talker } from './talker.ts';

const missing = missingTools(['nft', 'setpriv', 'sysctl'], { namespaces: true });
const otherUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const active = { event: 'applied', availability: { state: 'active' }, remarks: [] };

describe.skipIf(missing !== undefined)(`the redirect of the kernel${missing ?? ''}`, () => {
  let hosts: NetfilterLab;
  let v4: string;
  let v6: string;
  let program: Talker;
  let listenPort: number;

  beforeAll(async () => {
    hosts = await createNetfilterLab();
    v4 = hosts.lab.internetV4[0];
    v6 = hosts.lab.internetV6;
  });
  afterAll(async () => await hosts?.stop());

  beforeEach(async () => {
    program = hosts.startProgram();
    program.say({ do: 'apply', settings: {} });
    listenPort = Number((await program.next('interception-ready'))['port']);
    expect(await program.next('applied')).toEqual(active);
  });
  afterEach(async () => {
    await program.kill('SIGKILL');
    await hosts.tableGone();
  });

  const onlyChildOf = (pid: number | undefined) => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const pids = children.trim().split(' ').filter(Boolean);
    expect(pids).toHaveLength(1);
    return Number(pids[0]);
  };
  /** The helper is the program's child, and nft the helper's. */
  const nftPid = () => onlyChildOf(onlyChildOf(program.child.pid));

  test('IPv4 and IPv6, plain and TLS ports: destination and owner are right', async () => {
    for (const host of [v4, v6]) {
      for (const port of [110, 143, 993, 995]) {
        const got = await hosts.connect(host, port);
        expect(got).toMatchObject({
          via: 'proxied',
          destination: { address: host, port },
          owner: { uid: 0, pid: got['pid'], path: `/proc/${got['pid']}/exe` },
        });
      }
      expect(await hosts.connect(host, 1143)).toMatchObject({ via: 'direct' });
    }
  });

  test('an IPv4 connection from an IPv6 socket has its owner too', async () => {
    const got = await hosts.connect(`::ffff:${v4}`, 143);
    expect(got).toMatchObject({
      via: 'proxied',
      destination: { address: v4 },
      owner: { pid: got['pid'] },
    });
  });

  test("as root another user's connections are redirected as well", async () => {
    const got = await hosts.connect(v4, 143, otherUser);
    expect(got).toMatchObject({ via: 'proxied', owner: { uid: 65_534, pid: got['pid'] } });
  });

  test('our own upstream connections go direct, the same ports of other users do not', async () => {
    program.say({ do: 'dial', host: v4, port: 143, localPort: 61_234 });
    const said = String((await program.next('dialled'))['said']);
    expect(JSON.parse(said)).toMatchObject({ via: 'direct', sourcePort: 61_234 });
    const dial = `const s = require('node:net').connect({ host: '${v4}', port: 143, localPort: 61235 });
      s.once('data', (bytes) => { process.stdout.write(bytes); s.destroy(); });`;
    const { stdout } = await hosts.lab.runClient([...otherUser, hosts.node, '-e', dial]);
    expect(JSON.parse(stdout)).toMatchObject({ via: 'proxied' });
  });

  test('excluded addresses go direct, and what is loopback is left alone', async () => {
    const excludedAddresses = [{ address: '203.0.113.11-203.0.113.20' }, { address: 'fd99::/64' }];
    await apply(program, { excludedAddresses });
    expect(await hosts.connect(hosts.lab.internetV4[1], 143)).toMatchObject({ via: 'direct' });
    expect(await hosts.connect(v6, 143)).toMatchObject({ via: 'direct' });
    expect(await hosts.connect(v4, 143)).toMatchObject({ via: 'proxied' });
    expect(await hosts.connect('127.0.0.1', 143)).toMatchObject({ via: 'error', code: 'ECONNREFUSED' });
    await apply(program, {});
    expect(await hosts.connect(v6, 143)).toMatchObject({ via: 'proxied' });
  });

  test('a connection straight to the listener is refused, and logged', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      expect(['closed', 'error']).toContain((await hosts.connect(host, listenPort))['via']);
    }
    expect(await program.next('not-redirected')).toMatchObject({ refused: 1 });
  });

  test('the sets hold what a long row of changes asked for', async () => {
    for (let i = 0; i < 40; i++) {
      const imapsPorts = Array.from(
        { length: 1 + (i % 5) },
        (_, n) => `${3_000 + ((i * 7 + n * 5) % 40)}-${3_045 + n}`,
      ).join(', ');
      const excludedAddresses = [{ address: `10.1.0.${i}-10.1.0.${90 - i}` }];
      expect(await apply(program, { imapsPorts, excludedAddresses })).toEqual(active);
    }
    await apply(program, {
      imapsPorts: '3010-3020',
      excludedAddresses: [{ address: '10.1.0.5-10.1.0.7' }, { address: '0.0.0.0/1' }, { address: '::/0' }],
    });
    const sets = await hosts.nft('list', 'table', 'inet', 'postern_all');
    const elements = (name: string) =>
      new RegExp(`set ${name} \\{[^}]*?elements = \\{ ([^}]*) \\}`).exec(sets)?.[1];
    expect(elements('ports')).toBe('110, 143, 995, 3010-3020');
    // Kept pieces of earlier ranges lie among the new ones, without a gap.
    expect(elements('skip4')?.replace(/\s+/g, ' ')).toBe(
      '0.0.0.0-10.1.0.38, 10.1.0.39-10.1.0.51, 10.1.0.52-127.255.255.255',
    );
    expect(elements('skip6')).toMatch(/^::/);
    expect(await hosts.connect(v6, 143)).toMatchObject({ via: 'direct' });
  });

  test('a thousand exclusions are one change', async () => {
    const excludedAddresses = Array.from({ length: 1_000 }, (_, i) => ({
      address: `fd00:${i.toString(16)}::1-fd00:${i.toString(16)}::ff`,
    }));
    expect(await apply(program, { excludedAddresses })).toEqual(active);
    const skipped = await hosts.nft('list', 'set', 'inet', 'postern_all', 'skip6');
    expect(skipped).toContain('fd00:3e7::1-fd00:3e7::ff');
  });

  test('switched off, new connections go direct; switched on again, they are proxied', async () => {
    expect(await apply(program, { enabled: false })).toEqual({
      ...active,
      availability: { state: 'off', reason: 'protection-off' },
    });
    expect(await hosts.connect(v4, 143)).toMatchObject({ via: 'direct' });
    expect(await apply(program, {})).toEqual(active);
    expect(await hosts.connect(v4, 143)).toMatchObject({ via: 'proxied' });
  });

  test('released, new connections go direct and the redirected ones live on', async () => {
    const held = hosts.hold(v4, 143);
    await held.hears('proxied');
    program.say({ do: 'release' });
    await program.next('released');
    expect(await hosts.connect(v4, 143)).toMatchObject({ via: 'direct' });
    held.say('still here\n');
    await held.hears('still here');
    held.end();
    program.say({ do: 'stop' });
    await program.next('stopped');
    expect(await hosts.nft('list', 'tables')).not.toContain('postern');
  });

  test('when nft is lost it says so, and comes back by itself', async () => {
    process.kill(nftPid(), 'SIGKILL');
    expect(await program.next('state-changed')).toMatchObject({
      availability: { state: 'unavailable', reason: 'nft-failed' },
    });
    expect(await program.next('state-changed')).toMatchObject({ availability: { state: 'active' } });
    expect(await hosts.connect(v6, 993)).toMatchObject({ via: 'proxied' });
  });

  test('while a killed program lives on in the kernel, nobody else can take its place', async () => {
    const pid = nftPid();
    process.kill(pid, 'SIGSTOP');
    await program.kill('SIGKILL');
    const impostor = async (as: readonly string[]) => {
      const child = await hosts.serveInClient([listenPort], as);
      const got = await hosts.connect(v4, 143);
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
    const second = hosts.startProgram();
    expect(await apply(second, {})).toMatchObject({
      availability: { state: 'unavailable', reason: 'table-taken' },
    });
    await second.kill('SIGKILL');
    expect(await hosts.connect(v4, 143)).toMatchObject({ via: 'proxied' });
  });
});
