// A user's own core, with the helper that `postern helper install` puts in place, started by the real pkexec under the real
// polkit: whose mail is scanned, whose is not, what is left when the core is killed, and who may change what the machine
// trusts. A rule of polkit stands in for the session of whoever sits at the machine, for there is no logind here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CoreLab, createCoreLab } from '../intercept/core-lab.ts';
import { curlImap } from '../support/clients.ts';
import { type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { ada, asUser, bob, type Person, type PolkitHost, startPolkitHost } from './polkit-host.ts';

const missing = missingTools(
  [
    'nft',
    'dovecot',
    'curl',
    'openssl',
    'unshare',
    'nsenter',
    'setpriv',
    'dbus-daemon',
    'dbus-send',
    'pkexec',
    'ss',
    'update-ca-certificates',
    '../lib/polkit-1/polkitd',
  ],
  { namespaces: true },
);
const messages = testMessages();
const viruses = (mail: readonly Buffer[]) => mail.filter(containsVirus).length;
const infected = viruses(messages.map(({ wire }) => wire));

const bundle = '/etc/ssl/certs/ca-certificates.crt';

/** Takes a port, and greets as a mail server would. */
const thief = `require('node:net').createServer((socket) => socket.on('error', () => socket.destroy()).write('* OK stolen\\r\\n'))
  .listen(Number(process.argv[1]), '127.0.0.1', () => console.log('listening'))`;

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

describe.skipIf(missing !== undefined)(`a user's core with pkexec${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let host: PolkitHost;
  let directory: string;
  const cores: RunningCore[] = [];

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: messages });
    directory = makeDirectory('polkit');
    host = await startPolkitHost(hosts.lab, directory);
    machineStoreBefore = await machineStore();
  });

  afterAll(async () => {
    for (const core of cores)
      if (core.child.exitCode === null && core.child.signalCode === null) await core.stop();
    await host?.stop();
    await hosts?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const postern = (...args: string[]) => host.run([`${host.project}/bin/postern`, ...args]);

  async function coreOf(person: Person, ...args: string[]): Promise<RunningCore> {
    const core = await startCore({
      args: ['--console', 'off', '--upstream-ca', hosts.certificates.caPath, ...args],
      wrap: ([, ...args]) => host.argvOf(person, [`${host.project}/bin/postern`, ...args]),
    });
    cores.push(core);
    return core;
  }

  /** The root comes into stores by commands alone: whether ada has some of her own depends on what is installed here. */
  const byCommandAlone = () => {
    const settings = join(directory, 'settings.json');
    writeFileSync(settings, JSON.stringify({ version: 1, tls: { installRoot: false } }));
    return ['--settings', settings];
  };

  const trustOf = async (person: Person, ...words: string[]) => {
    const { status, stdout } = await host.runAs(person, [`${host.project}/bin/postern`, 'trust', ...words]);
    return { status, lines: stdout.split('\n').filter(Boolean) };
  };
  const failedSystem = (words: string) => ({
    status: 1,
    lines: [expect.stringMatching(new RegExp(`^failed +system +-  ${bundle}  ${words}`))],
  });
  /** What the machine trusts, here. */
  const machineStore = async () =>
    (await host.run(['sh', '-c', `cat ${bundle}; ls -1 /etc/ssl/certs /usr/local/share/ca-certificates`]))
      .stdout;
  let machineStoreBefore: string;

  let mailboxes = 0;
  /** The mailbox as a program of that user gets it, which trusts `caPath` alone. */
  async function fetchAs(person: Person, caPath: string): Promise<Buffer[]> {
    const own = join(directory, person.name, `mail-${mailboxes++}`);
    mkdirSync(own);
    const account = hosts.account({ transport: 'tls', protocol: 'imap', caPath });
    return await curlImap({
      ...account,
      directory: own,
      wrap: (argv) => host.argv([...asUser(person.uid), ...argv]),
    });
  }

  test('without helpers there is no interception and no change of what the machine trusts, and the reason is told', async () => {
    const core = await coreOf(ada, ...byCommandAlone());
    expect(core.ready.interception).toMatchObject({ state: 'unavailable', reason: 'helper-missing' });
    expect(await trustOf(ada, 'install', 'system')).toEqual(
      failedSystem('the trust helper, .*not installed'),
    );
    await core.stop();
  });

  test('the helper is installed by root alone, and is as in this clone', async () => {
    const refused = await host.run(
      host.argvOf(ada, [`${host.project}/bin/postern`, 'helper', 'install']).slice(5),
    );
    expect(refused).toMatchObject({
      status: 3,
      stderr: 'postern: needs root: sudo npx postern helper install\n',
    });
    expect(await postern('helper', 'status')).toMatchObject({ status: 1 });
    expect(await postern('helper', 'install')).toEqual({
      status: 0,
      stdout: 'installed: /usr/local/lib/postern\n',
      stderr: '',
    });
    expect(await postern('helper', 'status')).toMatchObject({ status: 0 });
  });

  test('a user whom polkit refuses is told so', async () => {
    const core = await coreOf(bob);
    expect(core.ready.interception).toMatchObject({ state: 'unavailable', reason: 'helper-denied' });
    expect(await trustOf(bob, 'install', 'system')).toEqual(
      failedSystem('Postern may not change this store.  .*Not authorized'),
    );
    expect(await machineStore()).toBe(machineStoreBefore);
    await core.stop();
  });

  test('the root comes into what the machine trusts when polkit allows it, and goes without a trace', async () => {
    const done = (action: string) => ({
      status: 0,
      lines: [expect.stringMatching(new RegExp(`^${action} +system +-  ${bundle}$`))],
    });
    const core = await coreOf(ada, ...byCommandAlone());
    const replaced = await trustOf(ada, 'replace');
    const { lines } = await trustOf(ada, 'status');
    expect(replaced).toEqual({
      status: 0,
      lines: ['a new root was made', ...lines.slice(0, 3), 'no store had the old one'],
    });
    expect(lines).toContainEqual(
      expect.stringMatching(/^not-trusted +system .* to do: postern trust install system$/),
    );

    expect(await trustOf(ada, 'install', 'system')).toEqual(done('installed'));
    const verify = ['openssl', 'verify', '-CAfile', bundle, core.ready.ca];
    expect(await host.run(verify)).toMatchObject({ status: 0 });
    expect((await trustOf(ada, 'status')).lines).toContainEqual(expect.stringMatching(/^trusted +system /));
    expect(await trustOf(ada, 'install', 'system')).toEqual(done('unchanged'));
    // Another one has her stores, too: both are asked for, the new one's coming and the old one's going.
    expect(await trustOf(ada, 'replace')).toMatchObject({
      status: 0,
      lines: expect.arrayContaining(['installed', 'removed'].flatMap((action) => done(action).lines)),
    });
    expect(await host.run(verify)).toMatchObject({ status: 0 });
    await core.stop();
    // Without a core the command does it by itself.
    expect(await trustOf(ada, 'remove')).toEqual({
      status: 0,
      lines: expect.arrayContaining(done('removed').lines),
    });
    expect(await machineStore()).toBe(machineStoreBefore);
  });

  test("one's own mail is scanned, another user's is untouched, and a killed core is out of the way", async () => {
    const core = await coreOf(ada);
    expect(core.ready.interception).toEqual({ state: 'active' });

    const scanned = await fetchAs(ada, core.ready.ca);
    expect(scanned).toHaveLength(messages.length);
    expect(viruses(scanned)).toBe(0);
    expect(viruses(await fetchAs(bob, hosts.certificates.caPath))).toBe(infected);

    process.kill(core.ready.pid, 'SIGKILL');
    const killedAt = performance.now();
    let reachedAfterMs = Number.POSITIVE_INFINITY;
    while (!Number.isFinite(reachedAfterMs) && performance.now() - killedAt < 5_000) {
      const startedAt = performance.now();
      const mail = await fetchAs(ada, hosts.certificates.caPath).catch(() => undefined);
      if (mail !== undefined) {
        reachedAfterMs = startedAt - killedAt;
        expect(viruses(mail)).toBe(infected);
      }
    }
    expect(reachedAfterMs).toBeLessThan(1_000);
    expect((await host.run(['nft', 'list', 'tables'])).stdout).toBe('');
  });

  test("another user can't take a dead core's port while its redirect still lives", async () => {
    const core = await coreOf(ada);
    expect(core.ready.interception).toEqual({ state: 'active' });
    const listening = (await host.run(['ss', '-ltnpH'])).stdout;
    const port = new RegExp(`127\\.0\\.0\\.1:(\\d+).*pid=${core.ready.pid},`).exec(listening)?.[1] ?? '';
    // The helper can't see that its core is gone, so that the redirect stays for as long as the test needs it.
    const helper = childOf(core.ready.pid);
    process.kill(helper, 'SIGSTOP');
    process.kill(core.ready.pid, 'SIGKILL');
    await once(core.child, 'exit');
    const [node = '', ...args] = host.argvOf(bob, [
      `${host.project}/node_modules/node/bin/node`,
      '-e',
      thief,
      port,
    ]);
    const taken = spawn(node, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(taken.stdout, 'data');
    const ask = (person: Person) =>
      host.runAs(person, ['curl', '-sv', '--max-time', '3', `imap://${hosts.lab.serverV4}/`]);
    expect((await ask(ada)).stderr).not.toContain('stolen');
    // The thief does listen: its own connections reach it.
    expect(
      (await host.runAs(bob, ['curl', '-sv', '--max-time', '3', `imap://127.0.0.1:${port}/`])).stderr,
    ).toContain('stolen');
    process.kill(helper, 'SIGCONT');
    await expect
      .poll(async () => (await host.run(['nft', 'list', 'tables'])).stdout, { timeout: 5_000 })
      .toBe('');
    expect((await ask(ada)).stderr).toContain('IMAP4rev1');
    taken.kill('SIGKILL');
  });

  test('the helper is removed without a trace', async () => {
    expect(await postern('helper', 'remove')).toMatchObject({ status: 0, stdout: 'removed\n' });
    expect((await host.run(['ls', '-A', '/usr/local/lib'])).stdout).toBe('');
    expect((await host.run(['ls', '/usr/share/polkit-1/actions'])).stdout).not.toContain('postern');
  });
});
