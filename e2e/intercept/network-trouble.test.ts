// A network that changes under a running core: interfaces, addresses, IPv6, the kernel's connection table, other addresses of
// this host, another core. Mail that can come is scanned, and nothing crashes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { curlImapMessage } from '../support/clients.ts';
import type { RunningCore } from '../support/core.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'curl', 'openssl', 'sysctl'], { namespaces: true });
const node = resolve('node_modules/node/bin/node');
const script = (name: string, ...args: readonly (string | number)[]) => [
  node,
  resolve(import.meta.dirname, name),
  ...args.map(String),
];
const infected = testMessages().filter((message) => message.name === 'eicar-base64');
/** Listed, with a server behind it that says who came. */
const port = 5_143;

describe.skipIf(missing !== undefined)(`a network that changes${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  /** Trusts both the server's authority and ours, so that only the content tells who was reached. */
  let caPath: string;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: infected });
    const server = hosts.lab.server(script('lab-server.ts', port), { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((listening) => server.stdout?.once('data', listening));
  });
  afterAll(async () => await hosts?.stop());

  async function startCore(): Promise<void> {
    core = await hosts.startCore('--console', 'off');
    expect(core.ready.interception).toEqual({ state: 'active' });
    await hosts.postern('settings', 'set', 'mailTransport.imapsPorts', `993, ${port}`);
    caPath = join(hosts.directory, 'both.pem');
    writeFileSync(
      caPath,
      readFileSync(core.ready.ca, 'utf8') + readFileSync(hosts.certificates.caPath, 'utf8'),
    );
  }
  /** It lived to the end, and ends as it should. */
  afterEach(async () => expect(await core.stop()).toBe(0));

  async function run(command: string): Promise<string> {
    const { status, stdout, stderr } = await hosts.lab.runClient(command.split(' '));
    expect(status, `${command}: ${stderr}`).toBe(0);
    return stdout;
  }
  const disableIpv6 = async (value: 0 | 1) => {
    await run(`sysctl -qw net.ipv6.conf.all.disable_ipv6=${value}`);
    if (value === 0) await addIpv6(hosts.lab.clientInterface);
  };
  const addIpv6 = async (device: string) => {
    await run(`ip addr replace ${hosts.lab.clientV6}/64 dev ${device} nodad`);
    await run(`ip -6 route replace default via ${hosts.lab.serverV6}`);
  };
  async function isScanned(host: string): Promise<boolean> {
    const account = hosts.account({ transport: 'tls', protocol: 'imap', caPath, host });
    return !containsVirus(await curlImapMessage(account, '1'));
  }
  async function expectBothScanned(): Promise<void> {
    expect(await isScanned(hosts.lab.serverV4)).toBe(true);
    expect(await isScanned('mail6.example.test')).toBe(true);
  }

  describe('under a core that runs', () => {
    beforeEach(startCore);

    test('an interface with another name', async () => {
      const { clientInterface, serverV4 } = hosts.lab;
      const rename = async (from: string, to: string) => {
        await run(`ip link set ${from} down`);
        await run(`ip link set ${from} name ${to}`);
        await run(`ip link set ${to} up`);
        await run(`ip route replace default via ${serverV4}`);
        await addIpv6(to);
      };
      await rename(clientInterface, 'wan0');
      await expectBothScanned();
      await rename('wan0', clientInterface);
      await expectBothScanned();
    });

    test('another address', async () => {
      const { clientInterface, clientV4, clientV6, serverV4 } = hosts.lab;
      const become = async (v4: string, v6: string) => {
        await run(`ip addr flush dev ${clientInterface} scope global`);
        await run(`ip addr add ${v4}/24 dev ${clientInterface}`);
        await run(`ip addr add ${v6}/64 dev ${clientInterface} nodad`);
        await run(`ip route replace default via ${serverV4}`);
      };
      await become('10.77.0.9', 'fd77::9');
      await expectBothScanned();
      await become(clientV4, clientV6);
      await addIpv6(clientInterface);
      await expectBothScanned();
    });

    test('IPv6 that is switched off and on again', async () => {
      await disableIpv6(1);
      expect(await isScanned(hosts.lab.serverV4)).toBe(true);
      await disableIpv6(0);
      await expectBothScanned();
    });

    test.each([
      ['IPv4', '10.77.0.7/24', () => hosts.lab.serverV4],
      ['IPv6', 'fd77::7/64', () => hosts.lab.serverV6],
    ])('the server sees the address that a program chose, over %s', async (_, address, host) => {
      const nodad = address.includes(':') ? ' nodad' : '';
      await run(`ip addr add ${address} dev ${hosts.lab.clientInterface}${nodad}`);
      const from = address.split('/')[0] ?? '';
      const { stdout } = await hosts.lab.runClient(script('lab-client.ts', 'once', host(), port, from));
      const { sourceAddress, sourcePort } = JSON.parse(stdout) as {
        sourceAddress: string;
        sourcePort: number;
      };
      expect(sourceAddress.replace('::ffff:', '')).toBe(from);
      expect(sourcePort).toBeGreaterThanOrEqual(61_000);
      await run(`ip addr del ${address} dev ${hosts.lab.clientInterface}`);
    });

    test('a second core of the same user does not get the table, until the first one has ended', async () => {
      const second = await hosts.startCore('--console', 'off', '--data-dir', join(hosts.directory, 'second'));
      expect(second.ready.interception).toMatchObject({ state: 'unavailable', reason: 'table-taken' });
      await expectBothScanned();
      expect(await core.stop()).toBe(0);
      core = second;
      await run(`ip addr add 10.78.0.1/24 dev ${hosts.lab.clientInterface}`);
      await vi.waitFor(async () => expect(await run('nft list tables')).toContain('postern_all'), {
        timeout: 8_000,
        interval: 200,
      });
      await run(`ip addr del 10.78.0.1/24 dev ${hosts.lab.clientInterface}`);
      caPath = second.ready.ca;
      await expectBothScanned();
    });

    test('a full table of connections: what is open goes on, and mail comes again when there is room', async () => {
      const held = hosts.lab.client(script('lab-client.ts', 'hold', hosts.lab.serverV4, port), {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let said = '';
      held.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      await vi.waitFor(() => expect(said).toContain('sourcePort'));
      // The limit (nf_conntrack_max) is the whole machine's. At it the kernel drops the first packet of each connection in
      // its conntrack hooks, at priority -200; this does so right behind them.
      const full = ['output', 'prerouting'].map(
        (hook) => `chain ${hook} { type filter hook ${hook} priority -199; ct state new drop; }`,
      );
      const loaded = await hosts.lab.runClient(
        ['nft', '-f', '-'],
        `table inet full {\n${full.join('\n')}\n}\n`,
      );
      expect(loaded.status, loaded.stderr).toBe(0);
      const { stdout } = await hosts.lab.runClient(script('lab-client.ts', 'once', hosts.lab.serverV4, port));
      expect(JSON.parse(stdout)).toMatchObject({ via: 'timeout' });
      held.stdin?.write('still here\n');
      await vi.waitFor(() => expect(said).toContain('still here'));
      held.stdin?.end();
      await run('nft delete table inet full');
      await expectBothScanned();
    });
  });

  test('without IPv6 from the start mail over IPv4 is scanned, and over IPv6 soon after it comes', async () => {
    await disableIpv6(1);
    await startCore();
    expect(await isScanned(hosts.lab.serverV4)).toBe(true);
    await disableIpv6(0);
    await vi.waitFor(async () => await expectBothScanned(), { timeout: 8_000, interval: 200 });
  });
});
