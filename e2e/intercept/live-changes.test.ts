// Settings that change while mail programs connect: what stays redirected lets no connection past, connections that are open
// stay, and mail bridges on this machine are found. POSTERN_LIVE_CHANGES prolongs the row of changes.
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MailTransportSettings } from '../../src-main/contract/settings.ts';
import { type Random, randomFrom, sizeFromEnvironment } from '../support/random.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';
import { apply, createNetfilterLab, type NetfilterLab } from './netfilter-lab.ts';
import type { Talker } from './talker.ts';

const missing = missingTools(['nft', 'dovecot', 'openssl'], { namespaces: true });
const changes = sizeFromEnvironment('POSTERN_LIVE_CHANGES', 400);
const seed = sizeFromEnvironment('POSTERN_SEED', Date.now() % 1_000_000);
const active = { event: 'applied', availability: { state: 'active' }, remarks: [] };

/** Up to `most` of what `draw` gives. */
const some = <Item>(random: Random, most: number, draw: () => Item) =>
  Array.from({ length: random.below(most + 1) }, draw);

const somePorts = (random: Random, first: number) =>
  some(random, 6, () => {
    const from = first + random.below(100);
    return random.chance(0.5) ? `${from}` : `${from}-${from + random.below(20)}`;
  });

/** Any settings that keep port 143 of 203.0.113.10 and fd99::10 redirected, be it alone or in the middle of a range. */
function anySettings(random: Random): Partial<MailTransportSettings> {
  const around143 = random.pick([[], ['143'], ['140-150'], ['100-143'], ['143-999']]);
  const onePlain = random.chance(0.5);
  const excluded = () =>
    random.pick([
      `198.51.100.${random.below(256)}/${26 + random.below(7)}`,
      `203.0.113.${random.below(10)}-203.0.113.9`,
      `203.0.113.11-203.0.113.${11 + random.below(200)}`,
      `10.${random.below(77)}.0.0/16`,
      `fd99::${(0x11 + random.below(0x1000)).toString(16)}`,
      `fd98:${random.below(256).toString(16)}::/32`,
    ]);
  return {
    imapsPorts: [...somePorts(random, 2_000), ...around143, '993'].join(', '),
    pop3sPorts: [...somePorts(random, 2_050), '995'].join(', '),
    localPorts: ['1143', ...somePorts(random, 1_100)].join(', '),
    scanImap: onePlain || random.chance(0.5),
    scanPop3: !onePlain || random.chance(0.5),
    scanPop3s: random.chance(0.5),
    whenStopped: random.chance(0.2) ? 'block' : 'pass',
    excludedAddresses: some(random, 9, () => ({ address: excluded() })),
  };
}

describe.skipIf(missing !== undefined)(`changes while clients connect${missing ?? ''}`, () => {
  let hosts: NetfilterLab;
  let v4: string;
  let v6: string;
  let program: Talker;

  beforeAll(async () => {
    hosts = await createNetfilterLab();
    v4 = hosts.lab.internetV4[0];
    v6 = hosts.lab.internetV6;
    await hosts.serveInClient([143, 1143]);
  });
  afterAll(async () => await hosts?.stop());
  beforeEach(async () => {
    program = hosts.startProgram();
    expect(await apply(program, {})).toEqual(active);
  });
  afterEach(async () => {
    // Whatever the last change was, no block outlives the test.
    await apply(program, {});
    await program.kill('SIGKILL');
    await hosts.tableGone();
  });

  test(`${changes} of them let none past, and break none that is open (seed ${seed})`, {
    timeout: 60_000 + changes * 200,
  }, async () => {
    const random = randomFrom(seed);
    const held = [hosts.hold(v4, 143), hosts.hold(v6, 143), hosts.hold('127.0.0.1', 1143)];
    for (const each of held) await each.hears('proxied');
    const counts = { v4: {}, v6: {} } as Record<'v4' | 'v6', Record<string, number>>;
    const startedAtMs = performance.now();
    counts.v4 = await hosts.connecting(v4, 143, async () => {
      counts.v6 = await hosts.connecting(v6, 143, async () => {
        for (let i = 0; i < changes; i++) {
          const settings = anySettings(random);
          // A range over ports that are never redirected has a remark about them.
          expect(await apply(program, settings), JSON.stringify(settings)).toMatchObject({
            availability: active.availability,
          });
        }
      });
    });
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    process.stdout.write(`${changes} changes in ${seconds} s: ${JSON.stringify(counts)}\n`);
    expect(Object.keys(counts.v4)).toEqual(['proxied']);
    expect(Object.keys(counts.v6)).toEqual(['proxied']);
    expect(counts.v4['proxied']).toBeGreaterThan(changes);
    for (const [i, each] of held.entries()) {
      each.say(`still here, ${i}\n`);
      await each.hears(`still here, ${i}`);
      each.end();
    }
  });

  test('a mail bridge of this machine is redirected, and knows where it was meant to go', async () => {
    for (const host of ['127.0.0.1', '::1', hosts.lab.clientV4, hosts.lab.clientV6]) {
      const got = await hosts.connect(host, 1143);
      expect(got).toMatchObject({
        via: 'proxied',
        destination: { address: host, port: 1143 },
        owner: { pid: got['pid'] },
      });
      expect(await hosts.connect(host, 143)).toMatchObject({ via: 'direct' });
    }
    // Elsewhere the same number is any port.
    expect(await hosts.connect(v4, 1143)).toMatchObject({ via: 'direct' });
  });

  test('a bridge goes direct once its port is taken off the list, and the open connection stays', async () => {
    const held = hosts.hold('127.0.0.1', 1143);
    await held.hears('proxied');
    await apply(program, { localPorts: '1110' });
    expect(await hosts.connect('127.0.0.1', 1143)).toMatchObject({ via: 'direct' });
    expect(await hosts.connect('::1', 1143)).toMatchObject({ via: 'direct' });
    held.say('still here\n');
    await held.hears('still here');
    held.end();
  });
});

describe.skipIf(missing !== undefined)(`exclusions of a running core${missing ?? ''}`, () => {
  /** Listed, with a server behind it that says who came. */
  const port = 5_143;
  const node = resolve('node_modules/node/bin/node');
  const script = (name: string) => resolve(import.meta.dirname, name);
  let hosts: CoreLab;
  let v4: string;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: [] });
    v4 = hosts.lab.internetV4[0];
    const server = hosts.lab.server([node, script('lab-server.ts'), String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((listening) => server.stdout?.once('data', listening));
    await hosts.startCore('--console', 'off');
    await hosts.postern('settings', 'set', 'mailTransport.imapsPorts', `993, ${port}`);
  });
  afterAll(async () => await hosts?.stop());

  const exclude = async (...entries: readonly object[]) =>
    await hosts.postern('settings', 'set', 'mailTransport.excludedAddresses', JSON.stringify(entries));
  /** Whether the next connection comes to the server through the core. */
  async function throughCore(): Promise<boolean> {
    const { stdout } = await hosts.lab.runClient([node, script('lab-client.ts'), 'once', v4, String(port)]);
    const { via, sourcePort } = JSON.parse(stdout) as { via: string; sourcePort: number };
    expect(via).toBe('direct');
    return sourcePort >= 61_000;
  }

  test('one with an end time ends by itself', async () => {
    expect(await throughCore()).toBe(true);
    const untilMs = Date.now() + 4_000;
    await exclude({ address: v4, until: new Date(untilMs).toISOString() });
    expect(await throughCore()).toBe(false);
    await vi.waitFor(async () => expect(await throughCore()).toBe(true), { timeout: 8_000, interval: 200 });
    expect(Date.now()).toBeGreaterThanOrEqual(untilMs);
  });

  test('one of a server to which a connection is open leaves that connection as it is', async () => {
    const held = hosts.lab.client([node, script('lab-client.ts'), 'hold', v4, String(port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    held.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await vi.waitFor(() => expect(said).toContain('sourcePort'));
    await exclude({ address: v4 });
    expect(await throughCore()).toBe(false);
    held.stdin?.write('still here\n');
    await vi.waitFor(() => expect(said).toContain('still here'));
    const { openConnections } = JSON.parse((await hosts.postern('status', '--json')).stdout) as {
      openConnections: number;
    };
    expect(openConnections).toBe(1);
    held.stdin?.end();
    await exclude();
    expect(await throughCore()).toBe(true);
  });
});
