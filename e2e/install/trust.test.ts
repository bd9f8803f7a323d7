// The package's root in the stores of a machine with systemd: put there by root and by each user, believed by programs that
// are told nothing, followed by another, and gone with the package.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curlImap } from '../support/clients.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { bootPackageMachine, missingForPackage, type PackageMachine } from './package-machine.ts';
import { asUser } from './polkit-host.ts';

const missing = missingForPackage();
const messages = testMessages();

const bundle = '/etc/ssl/certs/ca-certificates.crt';
const policies = '/etc/thunderbird/policies/policies.json';
const policy = '{\n\t"policies": { "DisableTelemetry": true }\n}';
const profile = '/home/ada/.thunderbird/x.default';
const profilesIni = '[Profile0]\nName=mine\nIsRelative=1\nPath=x.default\n\n[General]\nVersion=2\n';
/** Where the service can read it. */
const serverCa = '/etc/lab.pem';

/** A user who may not steer the core can't tell it of the profile either. */
const forgetHint = expect.stringMatching(/sudo postern trust forget$/);

const sha256In = (text: string) => /SHA-256 +([0-9a-f]{64})/.exec(text)?.[1] ?? '';

describe.skipIf(missing !== undefined)(`the package's root${missing ?? ''}`, () => {
  let machine: PackageMachine;
  let mailboxes = 0;
  /** What the machine trusted before the package came. */
  let before: { readonly bundle: string; readonly links: string };

  const done = async (...argv: readonly string[]) => await machine.done(...argv);
  const as = (user: string, argv: readonly string[]) => [
    ...['runuser', '-u', user, '--', 'env', `HOME=/home/${user}`],
    ...argv,
  ];
  const trust = async (user: string, ...words: readonly string[]) => {
    const argv = ['postern', 'trust', ...words];
    const { status, stdout, stderr } = await machine.run(...(user === 'root' ? argv : as(user, argv)));
    return { status, lines: stdout.split('\n').filter(Boolean), stderr };
  };
  const sha256 = async () => sha256In(await done('postern', 'ca', 'show'));
  const certutil = async (...args: readonly string[]) =>
    await done(...as('ada', ['certutil', ...args, '-d', `sql:${profile}`]));
  const machineStores = async () => ({
    bundle: await done('cat', bundle),
    links: await done('ls', '-1', '/etc/ssl/certs', '/usr/local/share/ca-certificates'),
  });

  /** What a program of bob's says of the server's certificate, which asks the machine's store. */
  async function verdict(): Promise<string> {
    const talk =
      'echo "a LOGOUT" | openssl s_client -quiet -crlf -verify_return_error -connect mail.example.test:993';
    const { status, stdout, stderr } = await machine.run(...as('bob', ['sh', '-c', talk]));
    return status === 0 && stdout.includes('* BYE') ? 'trusted' : stderr;
  }

  beforeAll(async () => {
    machine = await bootPackageMachine('trust', messages);
    copyFileSync(machine.serverCaPath, machine.path(serverCa));
    for (const user of ['ada', 'bob']) await done('useradd', '--create-home', user);
    mkdirSync(machine.path(profile), { recursive: true });
    writeFileSync(machine.path(join(profile, '../profiles.ini')), profilesIni);
    await done('chown', '-R', 'ada:ada', '/home/ada');
    for (const path of ['/usr/lib/thunderbird', '/etc/thunderbird/policies'])
      mkdirSync(machine.path(path), { recursive: true });
    writeFileSync(machine.path(policies), policy);
    before = await machineStores();
    // The core alone trusts the server's authority.
    const unit = readFileSync('assets/linux/systemd/postern.service', 'utf8');
    const command = /^ExecStart=.*$/m.exec(unit)?.[0];
    const dropIn = machine.path('/etc/systemd/system/postern.service.d');
    mkdirSync(dropIn);
    writeFileSync(join(dropIn, 'lab.conf'), `[Service]\nExecStart=\n${command} --upstream-ca ${serverCa}\n`);
    await machine.install();
  });

  afterAll(async () => {
    await machine?.end();
  });

  test('is in no store by itself, and every command tells what to do', async () => {
    await expect
      .poll(async () => JSON.parse(await done('postern', 'status', '--json')).interception, {
        timeout: 15_000,
      })
      .toEqual({ state: 'active' });
    const root = await trust('root', 'status');
    const ada = await trust('ada', 'status');
    expect(root).toMatchObject({ status: 0, stderr: '' });
    expect(ada).toMatchObject({ status: 0, stderr: '' });
    expect(ada.lines.slice(0, 3)).toEqual(root.lines.slice(0, 3));
    expect(ada.lines[1]).toBe(`  SHA-256    ${await sha256()}`);
    const toDo = (kind: string, what: string) =>
      expect.stringMatching(new RegExp(`^not-trusted  ${kind} .*  to do: ${what}$`));
    const system = toDo('system', 'sudo postern trust install');
    expect(root.lines.slice(3)).toEqual([system, toDo('thunderbird-policy', 'sudo postern trust install')]);
    expect(ada.lines.slice(3)).toEqual([toDo('thunderbird', 'postern trust install'), system]);
  });

  test("comes into the machine's stores by root, and programs that are told nothing verify our certificates", async () => {
    expect(await verdict()).toContain('verify error');
    await expect.poll(async () => (await trust('root', 'status')).lines.at(-1)).toMatch(/^relayed .*openssl/);
    const line = (action: string, kind: string) =>
      expect.stringMatching(new RegExp(`^${action} +${kind} +-  /`));
    expect(await trust('root', 'install')).toEqual({
      status: 0,
      lines: [line('installed', 'system'), line('installed', 'thunderbird-policy')],
      stderr: '',
    });
    // Which is told to the core: it opens the TLS of a program again that refused before.
    expect(await verdict()).toBe('trusted');
    const [certificate] = JSON.parse(await done('cat', policies)).policies.Certificates.Install;
    expect(await done('cat', certificate)).toBe(await done('cat', '/run/postern/ca.pem'));
    expect(await trust('root', 'install')).toMatchObject({
      status: 0,
      lines: [line('unchanged', 'system'), line('unchanged', 'thunderbird-policy')],
    });

    const directory = join(machine.directory, `mail-${mailboxes++}`);
    mkdirSync(directory);
    const mail = await curlImap({
      ...machine.hosts.account({ transport: 'tls', protocol: 'imap', caPath: bundle }),
      directory,
      wrap: (argv) => machine.argv([...asUser('bob'), ...argv]),
    });
    expect(mail).toHaveLength(messages.length);
    expect(mail.some(containsVirus)).toBe(false);
  });

  test("comes into a user's own profile without any right, from the copy that all may read", async () => {
    expect(await trust('ada', 'install')).toMatchObject({
      status: 0,
      lines: [expect.stringMatching(/^installed +thunderbird +mine /), forgetHint],
    });
    expect(await certutil('-L')).toMatch(/^Postern \S+ [0-9a-f ]+ +C,,/m);
    const { lines } = await trust('ada', 'status');
    expect(lines.slice(3).map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ['trusted', 'thunderbird'],
      ['trusted', 'system'],
      ['trusted', 'thunderbird-policy'],
    ]);
    // What the machine trusts is root's business, so that taking one's own out is no failure.
    expect(await trust('ada', 'remove', 'thunderbird')).toMatchObject({ status: 0 });
    expect(await trust('ada', 'install')).toMatchObject({ status: 0 });
    expect(await trust('ada', 'remove', 'system')).toMatchObject({
      status: 1,
      lines: [expect.stringMatching(/^failed +system .*the trust helper/)],
    });
    expect(await verdict()).toBe('trusted');
  });

  test('is followed by a new one, and the old one is in no store any more', async () => {
    const old = await sha256();
    const replaced = await trust('root', 'replace');
    const present = await sha256();
    expect(present).not.toBe(old);
    // The core can't change what is root's, and says who can.
    expect(replaced).toEqual({
      status: 1,
      lines: [
        'a new root was made',
        expect.stringMatching(/^root: CN=Postern/),
        `  SHA-256    ${present}`,
        expect.stringMatching(/^ {2}valid /),
        expect.stringMatching(/^failed +system .*root may: sudo postern trust install/),
        expect.stringMatching(/^failed +thunderbird-policy .*root may: sudo postern trust install/),
        'to do: sudo postern trust install, and postern trust install by each user',
      ],
      stderr: '',
    });
    await expect.poll(() => done('cat', '/run/postern/ca.pem')).toBe(await done('postern', 'ca', 'export'));
    expect(await verdict()).toContain('verify error');

    expect(await trust('root', 'install')).toMatchObject({
      status: 0,
      lines: [/^installed +system/, /^installed +thunder/, /^removed +system/, /^removed +thunder/].map(
        (pattern) => expect.stringMatching(pattern),
      ),
    });
    expect(await verdict()).toBe('trusted');
    expect(await trust('ada', 'install')).toMatchObject({
      status: 0,
      lines: [
        expect.stringMatching(/^installed +thunderbird /),
        expect.stringMatching(/^removed +thunderbird /),
        forgetHint,
      ],
    });
    const everywhere = ['/usr/local/share/ca-certificates', '/etc/ssl/certs', '/etc/thunderbird/policies'];
    const named = async (root: string) =>
      (await done('find', ...everywhere, '-name', `postern-${root.slice(0, 16)}.*`))
        .split('\n')
        .filter(Boolean);
    expect(await named(old)).toEqual([]);
    expect(await named(present)).toHaveLength(3);
    expect(await certutil('-L')).toContain(present.slice(0, 8));
    expect(await certutil('-L')).not.toContain(old.slice(0, 8));
  });

  test('goes from all stores with the package, and leaves them as they were', async () => {
    // A core of his own has put its root into his stores, and goes on.
    const own = '/home/bob/.local/state/postern';
    const journal = join(own, 'trust-journal.json');
    await done(...as('bob', ['mkdir', '-p', join(own, 'certificates')]));
    await done(...as('bob', ['cp', '/run/postern/ca.pem', join(own, 'certificates/ca.pem')]));
    await done(...as('bob', ['sh', '-c', `echo '{"version":1,"entries": []}' > ${journal}`]));

    await done('apt-get', '-q', '-y', 'remove', 'postern');
    expect(await machineStores()).toEqual(before);
    expect(await done('find', '/etc/thunderbird', '-type', 'f')).toBe(policies);
    expect(readFileSync(machine.path(policies), 'utf8')).toBe(policy);
    expect(await certutil('-L')).not.toContain('Postern');
    expect((await machine.run('ls', '/run/postern', '/home/ada/.local/state/postern')).stdout).toBe('');
    await done('rm', '-r', journal, own);
  });

  test('is purged without a trace but what the users compiled', async () => {
    await done('apt-get', '-q', '-y', 'purge', 'postern');
    await done('rm', '-r', '/etc/systemd/system/postern.service.d');
    const traces = await done('find', '/', '-xdev', '-iname', '*postern*', '-not', '-path', '/proc/*');
    expect(traces.split('\n').filter((path) => !/^\/home\/\w+\/\.cache\/postern$/.test(path))).toEqual([]);
  });
});
