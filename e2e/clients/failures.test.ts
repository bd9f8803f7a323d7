// What goes wrong around a running core: a full disk, no privilege, a taken port. Nothing is lost, and it is said.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/authority.ts';
import { type Account, curlImapMessage, curlPop3 } from '../support/clients.ts';
import {
  atHome,
  freePort,
  postern,
  posternPath,
  quarantinedOriginals,
  type RunningCore,
  startCore,
} from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/dovecot.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'curl', 'openssl', 'mount'], { root: true });
const infected = testMessages().filter((message) => message.name === 'eicar-base64');

describe.skipIf(missing !== undefined)(`a full disk${missing ?? ''}`, () => {
  let directory: string;
  let data: string;
  let server: MailServer;
  let core: RunningCore;
  const local = { imap: 0, pop3: 0 };
  let runs = 0;

  beforeAll(async () => {
    directory = makeDirectory('full');
    data = join(directory, 'data');
    for (const each of ['mail', 'data']) mkdirSync(join(directory, each));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', data]);
    const certificates = makeCertificates(directory);
    const users = { alice: infected };
    server = await startMailServer({
      directory: join(directory, 'mail'),
      certificate: certificates.server,
      users,
    });
    local.imap = await freePort();
    local.pop3 = await freePort();
    core = await startCore({
      args: [
        ...['--data-dir', data, '--intercept', 'off', '--console', 'off'],
        ...['--listen', `${local.imap}=127.0.0.1:${server.ports.imap}/imap`],
        ...['--listen', `${local.pop3}=127.0.0.1:${server.ports.pop3}/pop3`],
      ],
    });
  });
  afterAll(async () => {
    await core?.stop();
    await server?.stop();
    spawnSync('umount', [data]);
    rmSync(directory, { recursive: true, force: true });
  });

  function account(protocol: 'imap' | 'pop3'): Account {
    const own = join(directory, `client-${runs++}`);
    mkdirSync(own);
    return {
      host: 'localhost',
      port: local[protocol],
      transport: 'plain',
      user: 'alice',
      caPath: core.ready.ca,
      directory: own,
    };
  }

  test('the original can not be kept: the client gets a temporary error, and the mail once there is room again', async () => {
    const ballast = join(data, 'ballast');
    // The last write is cut short: then there is no octet left.
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stdio: 'ignore' });
    await expect(curlImapMessage(account('imap'), '1')).rejects.toThrow(/curl/);
    await expect(curlPop3(account('pop3'))).rejects.toThrow(/curl/);
    const status = JSON.parse(postern(data, 'status', '--json').toString());
    expect(status).toMatchObject({ counters: { infected: 2 } });
    rmSync(ballast);
    const got = await curlImapMessage(account('imap'), '1');
    expect(containsVirus(got)).toBe(false);
    expect(got.length).toBe(infected[0]?.wire.length);
    expect(quarantinedOriginals(data)).toEqual([infected[0]?.wire.toString('latin1')]);
  });
});

describe('a start that can not work', () => {
  const headless = (...args: string[]) =>
    spawnSync(posternPath, ['headless', '--console', 'off', ...args], {
      encoding: 'utf8',
      timeout: 30_000,
      env: atHome('/nonexistent'),
    });

  test('a taken port is named, and nothing is left running', async () => {
    const directory = makeDirectory('taken');
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((ready) => taken.once('listening', ready));
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { status, stderr, stdout } = headless(
      '--data-dir',
      directory,
      '--intercept',
      'off',
      '--listen',
      `${port}=127.0.0.1:143/imap`,
    );
    taken.close();
    expect(status).toBe(3);
    expect(stderr).toContain(String(port));
    expect(stdout).toBe('');
    rmSync(directory, { recursive: true });
  });

  test('a truncated settings file: defaults, the old file kept beside, and it is said', async () => {
    const directory = makeDirectory('settings');
    writeFileSync(join(directory, 'settings.json'), '{"version":1,"mailTransport":{"ena');
    const core = await startCore({
      args: ['--data-dir', directory, '--intercept', 'off', '--console', 'off'],
    });
    const { settingsProblems } = JSON.parse(postern(directory, 'status', '--json').toString());
    await core.stop();
    expect(settingsProblems).toMatchObject([{ code: 'settings-unreadable' }]);
    expect(readFileSync(join(directory, settingsProblems[0].keptAs), 'utf8')).toContain(
      '{"version":1,"mailTransport":{"ena',
    );
    rmSync(directory, { recursive: true });
  });

  test('without privilege and helper: no interception, and why', async (context) => {
    if (process.getuid?.() !== 0) context.skip('needs root, to become somebody else');
    const directory = makeDirectory('user');
    execFileSync('chown', ['nobody', directory]);
    const nobody = (argv: readonly string[]) => [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      ...argv,
    ];
    const [program = '', ...args] = nobody(['test', '-x', posternPath]);
    if (spawnSync(program, args).status !== 0)
      context.skip('the project lies below a folder that others may not enter');
    const core = await startCore({ args: ['--data-dir', directory, '--console', 'off'], wrap: nobody });
    // The second on a machine where a helper is installed, which nobody may start.
    const { state, reason } = core.ready.interception;
    expect(state).toBe('unavailable');
    expect(['helper-missing', 'helper-denied']).toContain(reason);
    expect(await core.stop()).toBe(0);
    rmSync(directory, { recursive: true });
  });
});
