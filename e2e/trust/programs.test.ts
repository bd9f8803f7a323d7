// Programs as people have them, with nothing told to them: the root comes into their stores by `postern trust install`, their
// mail is scanned inside TLS through the real interception, and `trust remove` leaves no trace. The machine's own stores are
// copies, which the core and the programs see in the place of the real ones.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Trust } from '../../src-main/contract/trust.ts';
import { type CoreLab, createCoreLab, serverPorts } from '../intercept/core-lab.ts';
import { filesBelow } from '../support/clients.ts';
import { posternPath, type RunningCore, startCore } from '../support/core.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { testMessages } from '../support/messages.ts';
import { thunderbirdTools } from '../support/thunderbird.ts';
import { missingTools } from '../support/tools.ts';

const tools = ['nft', 'dovecot', 'mbsync', 'curl', 'openssl', 'unshare', 'nsenter', 'update-ca-certificates'];
const missing = missingTools([...tools, ...thunderbirdTools], { namespaces: true });
const messages = testMessages();
const program = resolve(import.meta.dirname, 'lab-programs.ts');
const host = 'mail.example.test';
const names = ['fresh.imap', 'fresh.pop3', 'used.other'];
const bundle = '/etc/ssl/certs/ca-certificates.crt';

/** In a mount namespace of its own: copies below $0 in the place of what holds the machine's stores. */
const withCopies =
  'for place in /etc /usr/local/share; do copy="$0$place" && mkdir -p "$copy" && cp -a "$place/." "$copy" && ' +
  'mount --bind "$copy" "$place" || exit 1; done; exec "$@"';

describe.skipIf(missing !== undefined)(`programs as they are${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  let home: string;
  let bundleBefore: Buffer;
  const profile = (name: string) => join(home, '.thunderbird', name);

  /** Where the core is: its network, and the stores that it sees. Never elsewhere, or the machine's own would be changed. */
  const inside = (argv: readonly string[]) => [
    ...['nsenter', '-t', String(core.ready.pid), '-m', '-n', 'env', `HOME=${home}`],
    ...argv,
  ];
  const run = (...argv: string[]) => {
    const [first = '', ...rest] = inside(argv);
    const { status, stdout, stderr } = spawnSync(first, rest, {
      encoding: 'latin1',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${status}\n${stdout}${stderr}`);
    return stdout;
  };
  const postern = (...args: string[]) => run(posternPath, ...args, '--data-dir', core.ready.dataDir);
  const trust = () => JSON.parse(postern('trust', 'status', '--json')) as Trust;
  const stateOf = (path: string) => trust().stores.find((store) => store.path === path)?.state;
  /** Not blocking: the marionette's driver and the core run beside it. */
  const stored = async (options: readonly string[], ...args: string[]) => {
    const { status, stdout, stderr } = await hosts.lab.runClient(
      inside([process.execPath, ...options, program, ...args]),
    );
    if (status !== 0) throw new Error(`${args[0]}: ${stderr.slice(-2_000)}`);
    return (JSON.parse(stdout) as string[]).map((text) => Buffer.from(text, 'base64'));
  };
  const listed = (name: string) =>
    execFileSync('certutil', ['-L', '-d', `sql:${profile(name)}`], { encoding: 'utf8' });

  beforeAll(async () => {
    bundleBefore = readFileSync(bundle);
    hosts = await createCoreLab({ alice: messages });
    home = join(hosts.directory, 'home');
    for (const name of names) mkdirSync(profile(name), { recursive: true });
    const profiles = names.map((name, i) => `[Profile${i}]\nName=${name}\nIsRelative=1\nPath=${name}\n`);
    writeFileSync(
      join(home, '.thunderbird', 'profiles.ini'),
      `${profiles.join('\n')}\n[General]\nStartWithLastProfile=1\nVersion=2\n`,
    );
    const used = ['-d', `sql:${profile('used.other')}`];
    execFileSync('certutil', ['-N', ...used, '--empty-password']);
    execFileSync('certutil', [
      '-A',
      '-n',
      'of my own',
      '-t',
      'C,,',
      '-i',
      hosts.certificates.caPath,
      ...used,
    ]);
    // By the command alone, so that before and after can be told apart.
    const settings = join(hosts.directory, 'settings.json');
    writeFileSync(settings, JSON.stringify({ version: 1, tls: { installRoot: false } }));
    core = await startCore({
      args: [
        ...['--data-dir', join(hosts.directory, 'data'), '--upstream-ca', hosts.certificates.caPath],
        ...['--console', 'off', '--settings', settings],
      ],
      home,
      wrap: (argv) =>
        hosts.lab.clientArgv([
          'unshare',
          '-m',
          'sh',
          '-c',
          withCopies,
          join(hosts.directory, 'copies'),
          ...argv,
        ]),
    });
  });
  afterAll(async () => {
    if (core?.child.exitCode === null) await core.stop();
    await hosts?.stop();
    expect(readFileSync(bundle).equals(bundleBefore)).toBe(true);
  });

  test('interception is active, and no profile trusts the root yet', () => {
    expect(core.ready.interception).toEqual({ state: 'active' });
    expect(stateOf(profile('fresh.imap'))).toBe('not-trusted');
    expect(stateOf(profile('used.other'))).toBe('not-trusted');
  });

  describe('Thunderbird', () => {
    let before: string;
    beforeAll(() => {
      before = listed('used.other');
      // By their paths: it would find the Thunderbird of another test, too, as long as that runs.
      postern('trust', 'install', ...names.map(profile));
    });

    test('every profile trusts the root, also one that never ran', () => {
      for (const name of names) expect(stateOf(profile(name)), name).toBe('trusted');
      expect(listed('used.other')).not.toBe(before);
    });

    test.each([
      ['IMAPS', 'fresh.imap', 'imap-offline', serverPorts.imaps],
      ['POP3S', 'fresh.pop3', 'pop3', serverPorts.pop3s],
    ] as const)('%s comes through scanned, and nothing asks', async (_protocol, name, task, port) => {
      const account = { host, port, transport: 'tls', user: 'alice', caPath: '', directory: home };
      const count = String(messages.length);
      const got = await stored([], 'thunderbird', profile(name), task, count, JSON.stringify(account));
      expectMailbox(got, messages);
    });

    test('after trust remove the list of certificates is what it was, to the byte', () => {
      postern('trust', 'remove', ...names.map(profile));
      expect(listed('used.other')).toBe(before);
      for (const name of ['fresh.imap', 'fresh.pop3'])
        if (existsSync(join(profile(name), 'cert9.db'))) expect(listed(name), name).not.toContain('Postern');
    });
  });

  describe('programs that ask the machine', () => {
    let before: string;
    beforeAll(() => {
      before = run('sha256sum', bundle);
      postern('trust', 'install', 'system');
    });

    test('the root is in the copy of its bundle', () => {
      expect(trust().stores.find(({ kind }) => kind === 'system')?.state).toBe('trusted');
    });

    test('curl', () => {
      const url = `imaps://${host}:${serverPorts.imaps}/INBOX`;
      const got = messages.map((_, i) =>
        Buffer.from(run('curl', '-sS', '-u', 'alice:secret', `${url};UID=${i + 1}`), 'latin1'),
      );
      expectMailbox(got, messages);
    });

    test('mbsync', () => {
      const maildir = join(hosts.directory, 'maildir');
      mkdirSync(maildir);
      const file = join(hosts.directory, 'mbsyncrc');
      writeFileSync(
        file,
        `IMAPAccount a\nHost ${host}\nUser alice\nPass secret\nSSLType IMAPS\n\nIMAPStore r\nAccount a\n\n` +
          `MaildirStore l\nPath ${maildir}/\nInbox ${maildir}/INBOX\n\n` +
          'Channel c\nFar :r:\nNear :l:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n',
      );
      run('mbsync', '-c', file, '-a');
      expectMailbox(filesBelow(join(maildir, 'INBOX')), messages);
    });

    test('imapflow under Node with --use-system-ca', async () => {
      expectMailbox(await stored(['--use-system-ca'], 'imapflow', host, String(serverPorts.imaps)), messages);
    });

    test('after trust remove the bundle is what it was, to the byte', () => {
      postern('trust', 'remove', 'system');
      expect(run('sha256sum', bundle)).toBe(before);
    });
  });
});
