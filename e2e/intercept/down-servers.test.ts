// Servers that can't be reached, as seen by programs behind the redirect: refused as if nobody stood between, so that a
// program goes on to its server's other address; and served again, scanned, soon after the server is back.
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunningCore } from '../support/core.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'curl', 'openssl'], { namespaces: true });
const node = resolve('node_modules/node/bin/node');
const script = (name: string, ...args: readonly (string | number)[]) => [
  node,
  resolve(import.meta.dirname, name),
  ...args.map(String),
];
const infected = testMessages().filter((message) => message.name === 'eicar-base64');
/** Listed; a server that says who came stands behind it while a test has it so. */
const port = 5_143;

interface Seen {
  readonly via: string;
  readonly code?: string;
  readonly sourcePort?: number;
}

describe.skipIf(missing !== undefined)(`servers that are down${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  let caPath: string;
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: infected });
    core = await hosts.startCore('--console', 'off');
    await hosts.postern('settings', 'set', 'mailTransport.imapsPorts', `993, ${port}`);
    caPath = join(hosts.directory, 'both.pem');
    writeFileSync(
      caPath,
      readFileSync(core.ready.ca, 'utf8') + readFileSync(hosts.certificates.caPath, 'utf8'),
    );
  });
  afterAll(async () => await hosts?.stop());
  afterEach(async () => {
    const gone = new Promise((done) => server?.once('exit', done));
    if (server?.kill('SIGKILL')) await gone;
    server = undefined;
    await onServer(['nft', 'flush', 'ruleset']);
  });

  async function startServer(): Promise<void> {
    server = hosts.lab.server(script('lab-server.ts', port), { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((listening) => server?.stdout?.once('data', listening));
  }
  /** Runs to its end in the server's host, and gives its output. */
  async function onServer(argv: readonly string[], input = ''): Promise<string> {
    const child = hosts.lab.server(argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stdin?.end(input);
    expect(await new Promise((ended) => child.once('close', ended))).toBe(0);
    return output;
  }
  async function once(host: string): Promise<Seen> {
    const { stdout } = await hosts.lab.runClient(script('lab-client.ts', 'once', host, port));
    const seen = JSON.parse(stdout) as Seen;
    // Whatever becomes of the server: nothing is passed unscanned.
    if (seen.via === 'direct') expect(seen.sourcePort).toBeGreaterThanOrEqual(61_000);
    return seen;
  }

  test.each([
    ['IPv4', () => hosts.lab.internetV4[0]],
    ['IPv6', () => hosts.lab.internetV6],
  ])(
    'over %s: a reset, then refused as by itself, and served within seconds of its return',
    async (_, of) => {
      const host = of();
      expect(await once(host)).toMatchObject({ via: 'error', code: 'ECONNRESET' });
      for (let i = 0; i < 3; i++)
        expect(await once(host)).toMatchObject({ via: 'error', code: 'ECONNREFUSED' });
      await startServer();
      await vi.waitFor(async () => expect((await once(host)).via).toBe('direct'), {
        timeout: 10_000,
        interval: 100,
      });
    },
  );

  // Each has an address of its own: what is known of another one is no help.
  describe.each([
    ['refuses', 'fd99::21', 'reject with tcp reset'],
    ['is unreachable', 'fd99::22', 'reject with icmpv6 type addr-unreachable'],
    ['is silent', 'fd99::23', 'drop'],
  ])('the IPv6 address of a server with two %s', (how, address, verdict) => {
    beforeAll(async () => void (await onServer(['ip', 'addr', 'add', `${address}/128`, 'dev', 'lo'])));

    const breakIpv6 = async () =>
      await onServer(
        ['nft', '-f', '-'],
        `table ip6 dead {
          chain in { type filter hook input priority filter; ip6 daddr ${address} tcp flags syn counter ${verdict}; }
        }\n`,
      );
    /** How often somebody has tried it. */
    const tries = async () =>
      Number(/packets (\d+)/.exec(await onServer(['nft', 'list', 'table', 'ip6', 'dead']))?.[1]);

    test('a program with happy eyeballs is served by IPv4, at its second try at the latest', async () => {
      await startServer();
      await breakIpv6();
      const dual = async () => {
        const { stdout } = await hosts.lab.runClient(
          script('lab-dual.ts', address, hosts.lab.serverV4, port),
        );
        return JSON.parse(stdout) as { family: string; said: string };
      };
      const first = await dual();
      const { family, said } = first.family === 'IPv4' ? first : await dual();
      expect(family).toBe('IPv4');
      expect((JSON.parse(said) as Seen).sourcePort).toBeGreaterThanOrEqual(61_000);
      expect(await tries()).toBeGreaterThan(0);
    });

    // Silence costs a program the time in which we give a server up: once is enough.
    if (verdict === 'drop') return;
    test('curl gets its mail, scanned', async () => {
      await breakIpv6();
      const { lab } = hosts;
      const out = join(hosts.directory, `mail-${how.replace(' ', '-')}`);
      const { status, stderr } = await lab.runClient([
        'curl',
        ...['-sS', '--max-time', '60', '--cacert', caPath, '-u', 'alice:secret', '--retry', '1'],
        ...['--retry-all-errors', '--retry-delay', '0', '-o', out],
        ...['--resolve', `mail.example.test:993:[${address}],${lab.serverV4}`],
        'imaps://mail.example.test:993/INBOX;UID=1',
      ]);
      expect(status, stderr).toBe(0);
      expect(containsVirus(readFileSync(out))).toBe(false);
      expect(await tries()).toBeGreaterThan(0);
    });
  });
});
