// Plain mail on ports that nobody has listed: the kernel sees the server's greeting, resets that first connection before an
// octet of it arrives, and redirects every later one. Other protocols run as without us.
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { curlImap, curlPop3, mbsync } from '../support/clients.ts';
import type { RunningCore } from '../support/core.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'mbsync', 'curl', 'openssl'], { namespaces: true });
const node = resolve('node_modules/node/bin/node');
const script = (name: string) => resolve(import.meta.dirname, name);
const messages = testMessages();
const ports = { imap: 10_143, imaps: 993, pop3: 10_110, pop3s: 995 };
/** Said by the server as soon as it is connected, or only after the client has spoken. */
const others = {
  6379: { first: '', reply: '+OK\r\n' },
  25: { first: '220 mail.example.test ESMTP ready\r\n', reply: '250 mail.example.test\r\n' },
  22: { first: 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n', reply: 'key exchange' },
  80: { first: '', reply: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n+OK' },
  8081: { first: '', reply: '* OK said after the client\r\n' },
  119: { first: '200 news.example.test ready\r\n', reply: '205 bye\r\n' },
} as const;

describe.skipIf(missing !== undefined)(`mail on any port${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  let server: ChildProcess;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: messages }, ports);
    server = hosts.lab.server([node, script('lab-others.ts'), JSON.stringify(others)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((listening) => server.stdout?.once('data', listening));
    core = await hosts.startCore('--console', 'off');
    expect(core.ready.interception).toEqual({ state: 'active' });
  });
  afterAll(async () => await hosts?.stop());

  async function talk(host: string, port: number): Promise<unknown> {
    const { stdout } = await hosts.lab.runClient([node, script('lab-talk.ts'), host, String(port)]);
    return JSON.parse(stdout);
  }

  test.each([
    ['IMAP over IPv4', () => hosts.lab.serverV4, ports.imap, '* OK '],
    ['IMAP over IPv6', () => hosts.lab.serverV6, ports.imap, '* OK '],
    ['POP3 over IPv4', () => hosts.lab.serverV4, ports.pop3, '+OK '],
    ['POP3 over IPv6', () => hosts.lab.serverV6, ports.pop3, '+OK '],
  ])(
    '%s: the first connection is reset with nothing said, the next one is answered',
    async (_, host, port, greeting) => {
      expect(await talk(host(), port)).toEqual({ said: '', end: 'ECONNRESET' });
      expect(await talk(host(), port)).toMatchObject({ said: expect.stringContaining(greeting) });
    },
  );

  test('every later connection is scanned', async () => {
    const account = (protocol: 'imap' | 'pop3') =>
      hosts.account({ transport: 'plain', protocol, caPath: core.ready.ca });
    expectMailbox(await mbsync(account('imap')), messages);
    expectMailbox(await curlImap(account('imap')), messages);
    expectMailbox(await curlPop3(account('pop3')), messages);
    expectMailbox(await mbsync({ ...account('imap'), transport: 'starttls' }), messages);
  });

  test.each(Object.entries(others))('port %s runs as without us', async (port, { first, reply }) => {
    for (let i = 0; i < 3; i++) {
      expect(await talk(hosts.lab.serverV4, Number(port))).toEqual({ said: first + reply, end: 'end' });
    }
  });

  test('what was found is remembered: after a restart nothing is reset again', async () => {
    await core.stop();
    core = await hosts.startCore('--console', 'off');
    const account = hosts.account({ transport: 'plain', protocol: 'imap', caPath: core.ready.ca });
    const stored = await curlImap(account);
    expect(stored.some(containsVirus)).toBe(false);
    expectMailbox(stored, messages);
  });

  test('with plain IMAP switched off its greeting is left alone; POP3 is still found', async () => {
    await hosts.postern('settings', 'set', 'mailTransport.scanImap', 'false');
    await vi.waitFor(async () =>
      expect(await talk(hosts.lab.internetV4[0], ports.imap)).toMatchObject({
        said: expect.stringContaining('* OK '),
      }),
    );
    expect(await talk(hosts.lab.internetV4[0], ports.pop3)).toEqual({ said: '', end: 'ECONNRESET' });
    expect(await talk(hosts.lab.internetV4[0], ports.pop3)).toMatchObject({
      said: expect.stringContaining('+OK '),
    });
  });
});
