// The Debian package on a machine of its own, with systemd as its first process: installed, at work for every user, restarted,
// and removed without a trace.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verdict } from '../../src-main/contract/verdict.ts';
import { makeArchive } from '../../src-main/scanner/sandbox/archives.fixture.ts';
import { attachment, eicar, multipart, textPart } from '../../src-main/scanner/test-messages.ts';
import { curlImap } from '../support/clients.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import type { RunResult } from '../support/netns.ts';
import { bootPackageMachine, missingForPackage, type PackageMachine } from './package-machine.ts';
import { asUser } from './polkit-host.ts';

const missing = missingForPackage();
/** What a process of its own has to unpack. */
const packed = multipart('b', [
  textPart,
  attachment('packed.7z', await makeArchive('7z', { 'eicar.com': eicar })),
]);
const messages = [...testMessages(), { name: 'packed', wire: packed, infected: true }];
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
  let machine: PackageMachine;
  let mailboxes = 0;

  const run = async (...argv: readonly string[]): Promise<RunResult> => await machine.run(...argv);
  const done = async (...argv: readonly string[]) => await machine.done(...argv);
  const mainPid = async () => await done('systemctl', 'show', '--value', '-p', 'MainPID', 'postern.service');
  const interception = async (): Promise<unknown> =>
    JSON.parse(await done('postern', 'status', '--json')).interception;
  const isActive = async () => {
    await expect.poll(interception, { timeout: 15_000, interval: 200 }).toEqual({ state: 'active' });
  };
  /** The authority that mail programs must trust. */
  const caPath = () => join(machine.directory, 'postern.pem');

  /** The mailbox as a program of the user ada gets it. */
  async function fetchMail(trusted: string): Promise<Buffer[]> {
    const own = join(machine.directory, `mail-${mailboxes++}`);
    mkdirSync(own);
    const asAda = asUser('ada');
    return await curlImap({
      ...machine.hosts.account({ transport: 'tls', protocol: 'imap', caPath: trusted }),
      directory: own,
      wrap: (argv) => machine.argv([...asAda, ...argv]),
    });
  }

  beforeAll(async () => {
    machine = await bootPackageMachine('package', messages);
    copyFileSync(machine.serverCaPath, machine.path('/usr/local/share/ca-certificates/lab.crt'));
    await done('update-ca-certificates');
    for (const user of ['ada', 'bob']) await done('useradd', user);
    await machine.install();
    await done('usermod', '-aG', 'postern', 'ada');
  });

  afterAll(async () => {
    await machine?.end();
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

  test('has both helpers with their policies, of root alone', async () => {
    for (const helper of ['netfilter', 'trust']) {
      const program = `/usr/lib/postern/${helper}-helper`;
      const policy = `/usr/share/polkit-1/actions/org.postern.${helper}.policy`;
      expect(await done('stat', '-c', '%U:%G %a', program, policy)).toBe('root:root 755\nroot:root 644');
      expect(await done('cat', policy)).toContain(`<action id="org.postern.${helper}">`);
      expect(await done('cat', policy)).toContain(`>${program}</annotate>`);
    }
  });

  test("gives its root's certificate to every user, and nothing else", async () => {
    const asBob = ['setpriv', '--reuid=bob', '--regid=bob', '--init-groups'];
    const ca = readFileSync(caPath(), 'utf8');
    expect(ca.split('\n').filter((line) => line.startsWith('-----'))).toEqual([
      '-----BEGIN CERTIFICATE-----',
      '-----END CERTIFICATE-----',
    ]);
    expect(`${await done(...asBob, 'cat', '/run/postern/ca.pem')}\n`).toBe(ca);
    expect(`${await done(...asBob, 'postern', 'ca', 'export')}\n`).toBe(ca);
    const forbidden = [
      ['cat', '/var/lib/postern/certificates/ca.pem'],
      ['touch', '/run/postern/ca.pem'],
      ['touch', '/run/postern/another'],
      ['curl', '-sS', '--unix-socket', '/run/postern/core.sock', 'http://localhost/'],
    ];
    for (const argv of forbidden) expect((await run(...asBob, ...argv)).status).not.toBe(0);
  });

  test('is as well protected as its page says, and has no failure to tell of', async () => {
    const page = readFileSync('docs/install.md', 'utf8');
    for (const unit of ['postern.service', 'postern-netfilter@.service']) {
      const [, documented] = new RegExp(`\\| \`${unit}\` \\| ([\\d.]+) `).exec(page) ?? [];
      const told = await done('systemd-analyze', 'security', '--offline=true', unit.replace('@', '@0'));
      expect(told).toContain(`: ${documented} OK`);
    }
    const told = await done('journalctl', '-q', '-o', 'cat', '-u', 'postern*');
    const events = told.split('\n').flatMap((line) => /"event":"([^"]+)"/.exec(line)?.[1] ?? []);
    expect(events).toEqual(['interception-ready', 'ready']);
    expect(told).not.toMatch(/fail|unavailable|missing|error/i);
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
    const kept: { readonly verdict: Verdict }[] = JSON.parse(
      await done('postern', 'quarantine', 'list', '--json'),
    );
    const parts = kept.flatMap(({ verdict }) => verdict.detections.map(({ part }) => part));
    expect(parts).toContain('2/packed.7z/eicar.com');
  });

  test('files are scanned by every user', async () => {
    const file = join(machine.directory, 'packed.eml');
    writeFileSync(file, packed);
    const asBob = ['setpriv', '--reuid=bob', '--regid=bob', '--init-groups'];
    expect(await run(...asBob, 'postern', 'scan', file)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/packed\.eml: infected: \S*eicar\S* \(2\/packed\.7z\/eicar\.com\)/i),
    });
  });

  test("the administrator's own rules count within seconds", async () => {
    const rules = '/var/lib/postern/rules.d';
    await done('mkdir', rules);
    await done('sh', '-c', `echo 'rule broken { condition: $nowhere }' > ${rules}/broken.yar`);
    const status = async () => await done('postern', 'status');
    await expect.poll(status, { timeout: 15_000, interval: 200 }).toContain('left out: broken.yar:1: ');
    await done('rm', '-r', rules);
    await expect.poll(status, { timeout: 15_000, interval: 200 }).not.toContain('left out');
    expect(await done('stat', '-c', '%U %a', '/var/lib/postern/cache')).toBe('postern 700');
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
    await machine.install();
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
    const trusted = join(machine.directory, 'either.pem');
    execFileSync('sh', ['-c', `cat "$1" "$2" > "$3"`, 'sh', caPath(), machine.serverCaPath, trusted]);
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
    expect(viruses(await fetchMail(machine.serverCaPath))).toBe(infected);
    // Its data stay for another installation.
    await done('test', '-s', '/var/lib/postern/certificates/ca.pem');
  });

  test('purged, it leaves nothing at all', async () => {
    await done('dpkg', '-P', 'postern');
    expect((await run('sh', '-c', traces.join('; '))).stdout.trim()).toBe('');
  });
});
