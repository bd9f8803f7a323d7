// The Debian package on a machine of its own, with systemd as its first process: installed, at work for every user, restarted,
// and removed without a trace.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageDeb } from '../../scripts/package-deb.ts';
import { type CoreLab, createCoreLab } from '../intercept/core-lab.ts';
import { curlImap } from '../support/clients.ts';
import { makeDirectory } from '../support/directory.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import type { RunResult } from '../support/netns.ts';
import { missingTools } from '../support/tools.ts';
import { bootMachine, type Machine, missingBase } from './debian-base.ts';
import { asUser } from './polkit-host.ts';

const missing =
  missingTools(['nft', 'dovecot', 'curl', 'openssl', 'dpkg-deb'], { namespaces: true }) ?? missingBase();
const messages = testMessages();
const viruses = (mail: readonly Buffer[]) => mail.filter(containsVirus).length;
const infected = viruses(messages.map(({ wire }) => wire));

/** What is looked for on a machine that had the package. */
const traces = [
  'find / -xdev -iname "*postern*" -not -path "/proc/*" -not -path "/sys/*"',
  'grep -h postern /etc/passwd /etc/group',
  'nft list tables',
  'cat /proc/sys/net/ipv4/ip_local_reserved_ports',
];

describe.skipIf(missing !== undefined)(`the package on a machine with systemd${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let machine: Machine;
  let directory: string;
  let mailboxes = 0;

  const run = async (...argv: readonly string[]): Promise<RunResult> => await machine.run(...argv);
  /** Its output; fails with what it had to say. */
  const done = async (...argv: readonly string[]) => {
    const { status, stdout, stderr } = await run(...argv);
    expect({ argv, status, stderr: status === 0 ? '' : stdout + stderr }).toEqual({
      argv,
      status: 0,
      stderr: '',
    });
    return stdout.trim();
  };
  const mainPid = async () => await done('systemctl', 'show', '--value', '-p', 'MainPID', 'postern.service');
  const interception = async (): Promise<unknown> =>
    JSON.parse(await done('postern', 'status', '--json')).interception;
  const isActive = async () => {
    await expect.poll(interception, { timeout: 15_000, interval: 200 }).toEqual({ state: 'active' });
  };
  /** The authority that mail programs must trust. */
  const caPath = () => join(directory, 'postern.pem');
  /** The one that has signed the server's own certificate. */
  const serverCaPath = () => join(directory, 'server.pem');

  /** The mailbox as a program of the user ada gets it. */
  async function fetchMail(trusted: string): Promise<Buffer[]> {
    const own = join(directory, `mail-${mailboxes++}`);
    mkdirSync(own);
    const asAda = asUser('ada');
    return await curlImap({
      ...hosts.account({ transport: 'tls', protocol: 'imap', caPath: trusted }),
      directory: own,
      wrap: (argv) => machine.argv([...asAda, ...argv]),
    });
  }

  beforeAll(async () => {
    directory = makeDirectory('package');
    const built = packageDeb(directory);
    hosts = await createCoreLab({ alice: messages });
    const deb = await built;
    if (deb === undefined) throw new Error('the package was not built');
    // The name of the network namespace is all that its command line has before what it runs.
    const network = hosts.lab.clientArgv([]).at(-1) ?? '';
    const named = (host: string, address: string) => `${address} ${host}\n`;
    machine = await bootMachine({
      network,
      shared: directory,
      etc: { hosts: `127.0.0.1 localhost\n${named('mail.example.test', hosts.lab.serverV4)}` },
    });
    copyFileSync(hosts.certificates.caPath, serverCaPath());
    copyFileSync(hosts.certificates.caPath, machine.path('/usr/local/share/ca-certificates/lab.crt'));
    await done('update-ca-certificates');
    for (const user of ['ada', 'bob']) await done('useradd', user);
    await done('apt-get', '-q', '-y', 'install', '--no-install-recommends', join(directory, basename(deb)));
    await done('usermod', '-aG', 'postern', 'ada');
  });

  afterAll(async () => {
    await machine?.stop();
    await hosts?.stop();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  test('runs after its installation, without any right, and is intercepting', async () => {
    await isActive();
    expect(await done('systemctl', 'is-enabled', 'postern.service', 'postern-netfilter.socket')).toBe(
      'enabled\nenabled',
    );
    const status = await done('cat', `/proc/${await mainPid()}/status`);
    expect(status).toMatch(/^CapPrm:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(status).not.toMatch(/^Uid:\t0\t/m);
    copyFileSync(machine.path('/var/lib/postern/certificates/ca.pem'), caPath());
  });

  test('is steered by root and the members of its group alone', async () => {
    const statusAs = (...identity: string[]) => run('setpriv', ...identity, 'postern', 'status');
    expect(await statusAs('--reuid=ada', '--regid=ada', '--init-groups')).toMatchObject({ status: 0 });
    const refused = await statusAs('--reuid=bob', '--regid=bob', '--init-groups');
    expect(refused).toMatchObject({ status: 3, stderr: expect.stringContaining('EACCES') });
  });

  test("another user's mail is scanned", async () => {
    const mail = await fetchMail(caPath());
    expect(mail).toHaveLength(messages.length);
    expect(viruses(mail)).toBe(0);
    const status = JSON.parse(await done('postern', 'status', '--json'));
    expect(status.counters.infected).toBeGreaterThanOrEqual(infected);
  });

  test('a restart ends open connections, and new ones are scanned', async () => {
    const talk = `openssl s_client -quiet -connect mail.example.test:993 -CAfile ${caPath()}`.split(' ');
    const [program = '', ...args] = machine.argv([...asUser('ada'), ...talk]);
    const idle = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const [greeting] = await once(idle.stdout, 'data');
    expect(String(greeting)).toMatch(/^\* OK/);
    const before = await mainPid();
    await done('systemctl', 'restart', 'postern.service');
    await expect.poll(() => idle.exitCode, { timeout: 10_000 }).not.toBeNull();
    await isActive();
    expect(await mainPid()).not.toBe(before);
    expect(viruses(await fetchMail(caPath()))).toBe(0);
  });

  test('an upgrade keeps settings and authority, and runs the new core', async () => {
    await done('postern', 'settings', 'set', 'mailTransport.imapsPorts', '993');
    const before = await mainPid();
    const [deb = ''] = readdirSync(directory).filter((name) => name.endsWith('.deb'));
    await done('dpkg', '-i', join(directory, deb));
    await isActive();
    expect(await mainPid()).not.toBe(before);
    expect(await done('postern', 'settings', 'get', 'mailTransport.imapsPorts')).toContain('993');
    expect(await done('postern', 'settings', 'get', 'mailTransport.imapsPorts')).not.toContain('585');
    // The same authority as before signs for the servers.
    expect(viruses(await fetchMail(caPath()))).toBe(0);
  });

  test('a killed core lets mail go directly at once, and is back soon', async () => {
    const before = await mainPid();
    await done('sh', '-c', `kill -KILL ${before}`);
    const killedAt = performance.now();
    const trusted = join(directory, 'either.pem');
    execFileSync('sh', ['-c', `cat "$1" "$2" > "$3"`, 'sh', caPath(), serverCaPath(), trusted]);
    // Directly or scanned: it comes.
    let reachedAfterMs = Number.POSITIVE_INFINITY;
    while (!Number.isFinite(reachedAfterMs) && performance.now() - killedAt < 5_000) {
      const startedAt = performance.now();
      const mail = await fetchMail(trusted).catch(() => undefined);
      if (mail?.length === messages.length) reachedAfterMs = startedAt - killedAt;
    }
    expect(reachedAfterMs).toBeLessThan(1_000);
    await isActive();
    expect(await mainPid()).not.toBe(before);
    expect(viruses(await fetchMail(caPath()))).toBe(0);
  });

  test('removed, it leaves no process, no rule and no port reserved, whatever it was told to block', async () => {
    await done('postern', 'settings', 'set', 'mailTransport.whenStopped', 'block');
    const pid = await mainPid();
    await done('dpkg', '-r', 'postern');
    expect((await run('test', '-e', `/proc/${pid}`)).status).toBe(1);
    expect((await run('sh', '-c', 'ls -l /proc/[0-9]*/exe')).stdout).not.toContain('postern');
    expect(await done('nft', 'list', 'tables')).toBe('');
    expect(await done('cat', '/proc/sys/net/ipv4/ip_local_reserved_ports')).toBe('');
    expect(viruses(await fetchMail(serverCaPath()))).toBe(infected);
    // Its data stay for another installation.
    await done('test', '-s', '/var/lib/postern/certificates/ca.pem');
  });

  test('purged, it leaves nothing at all', async () => {
    await done('dpkg', '-P', 'postern');
    expect((await run('sh', '-c', traces.join('; '))).stdout.trim()).toBe('');
  });
});
