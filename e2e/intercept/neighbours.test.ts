// Beside the rule sets of others, as the real programs load them: mail is still redirected, scanned and delivered, and what
// the others do is still done.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { curlImap, mbsync, mpop } from '../support/clients.ts';
import type { RunningCore } from '../support/core.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(
  ['nft', 'dovecot', 'mbsync', 'mpop', 'curl', 'openssl', 'iptables-restore', 'ip6tables-restore'],
  { namespaces: true },
);
const messages = testMessages();

describe.skipIf(missing !== undefined)(`beside the rule sets of others${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore | undefined;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: messages });
  });
  afterAll(async () => await hosts?.stop());
  afterEach(async () => {
    await core?.stop();
    core = undefined;
    await run('nft', 'flush', 'ruleset');
  });

  async function run(...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await hosts.lab.runClient(argv);
    expect(status, stderr).toBe(0);
    return stdout;
  }

  async function load(file: string): Promise<void> {
    const program = { nft: ['nft', '-f', '-'], v4: ['iptables-restore'], v6: ['ip6tables-restore'] }[
      file.split('.')[1] ?? ''
    ];
    const text = readFileSync(resolve(import.meta.dirname, 'rule-sets', file), 'utf8');
    const { status, stderr } = await hosts.lab.runClient(program ?? [], text);
    expect(status, stderr).toBe(0);
  }

  /** All clients over both families: whoever is scanned gets clean mail as it was and no virus. */
  async function expectScanned(host = 'mail.example.test'): Promise<void> {
    const caPath = core?.ready.ca ?? '';
    const account = (protocol: 'imap' | 'pop3', transport: 'tls' | 'plain', name = host) =>
      hosts.account({ transport, protocol, caPath, host: name });
    expectMailbox(await mbsync(account('imap', 'tls')), messages);
    expectMailbox(await curlImap(account('imap', 'plain')), messages);
    expectMailbox(await mpop(account('pop3', 'tls')), messages);
    expectMailbox(await mbsync(account('imap', 'tls', 'mail6.example.test')), messages);
  }

  describe.each([
    ['ufw', ['ufw.v4', 'ufw.v6']],
    ['firewalld', ['firewalld.nft']],
    ['Docker', ['docker.v4']],
    ['wg-quick', ['wg-quick.nft']],
    ['ufw and Docker', ['ufw.v4', 'ufw.v6', 'docker.v4']],
  ])('%s', (_name, files) => {
    test('loaded before the core starts', async () => {
      for (const file of files) await load(file);
      core = await hosts.startCore('--console', 'off');
      expect(core.ready.interception).toEqual({ state: 'active' });
      await expectScanned();
    });

    test('loaded while the core runs', async () => {
      core = await hosts.startCore('--console', 'off');
      for (const file of files) await load(file);
      await expectScanned();
    });
  });

  test('a full tunnel as wg-quick sets it up: the connections of the clients and ours leave by it', async () => {
    const [, , , server = ''] = hosts.lab.serverArgv([]);
    const serverIp = async (...args: string[]) => await run('ip', '-n', server, ...args);
    await run('ip', 'link', 'add', 'wg0', 'type', 'veth', 'peer', 'name', 'wg0p', 'netns', server);
    await serverIp('addr', 'add', '10.2.0.1/24', 'dev', 'wg0p');
    await serverIp('addr', 'add', 'fd02::1/64', 'dev', 'wg0p', 'nodad');
    await serverIp('link', 'set', 'wg0p', 'up');
    await run('ip', 'addr', 'add', '10.2.0.2/32', 'dev', 'wg0');
    await run('ip', 'addr', 'add', 'fd02::2/128', 'dev', 'wg0', 'nodad');
    await run('ip', 'link', 'set', 'wg0', 'up');
    for (const [family, all, table] of [
      ['-6', '::/0', '51820'],
      ['-4', '0.0.0.0/0', '51821'],
    ] as const) {
      await run('ip', family, 'route', 'add', all, 'dev', 'wg0', 'table', table);
      await run('ip', family, 'rule', 'add', 'not', 'fwmark', table, 'table', table);
      await run('ip', family, 'rule', 'add', 'table', 'main', 'suppress_prefixlength', '0');
    }
    await load('wg-quick.nft');
    core = await hosts.startCore('--console', 'off');
    expect(core.ready.interception).toEqual({ state: 'active' });
    const account = hosts.account({
      transport: 'plain',
      protocol: 'imap',
      caPath: core.ready.ca,
      host: hosts.lab.internetV4[0],
    });
    const sent = async () =>
      Number(/TX:.*\n\s*(\d+)/.exec(await run('ip', '-s', 'link', 'show', 'wg0'))?.[1] ?? 0);
    const before = await sent();
    expectMailbox(await curlImap(account), messages);
    expect((await sent()) - before).toBeGreaterThan(1_000);
  });
});
