// Many connections at once and in a row: none is lost, none goes past the core, and nothing is left of them: no descriptor,
// no entry in the list, no source port. POSTERN_LOAD_SECONDS prolongs the row (180 for the three minutes of the budget).
import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunningCore } from '../support/core.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';
import { holdConnections } from './held-connections.ts';

const missing = missingTools(['nft', 'dovecot', 'openssl', 'ss'], { namespaces: true });
const node = resolve('node_modules/node/bin/node');
const script = (name: string) => resolve(import.meta.dirname, name);
/** Not the port of the lab's dovecot; listed as a TLS port, so that it is redirected from the first connection on. */
const port = 5_143;
const atOnce = 2_000;
const perMinute = 5_000;
const seconds = Number(process.env['POSTERN_LOAD_SECONDS'] ?? 15);

describe.skipIf(missing !== undefined)(`many connections${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  let server: ChildProcess;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: [] });
    server = hosts.lab.server([node, script('lab-imap.ts'), String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((listening) => server.stdout?.once('data', listening));
    core = await hosts.startCore('--console', 'off');
    await hosts.postern('settings', 'set', 'mailTransport.imapsPorts', `993, ${port}`);
  });
  afterAll(async () => await hosts?.stop());

  const descriptors = () => readdirSync(`/proc/${core.ready.pid}/fd`).length;
  async function openConnections(): Promise<number> {
    const { stdout } = await hosts.postern('status', '--json');
    return (JSON.parse(stdout) as { openConnections: number }).openConnections;
  }
  /** Our upstream connections, those that have ended and only wait in the kernel left out. */
  async function upstreamSockets(): Promise<number> {
    const { stdout } = await hosts.lab.runClient([
      'ss',
      '-tanH',
      'state',
      'connected',
      'exclude',
      'time-wait',
      `( sport >= :61000 and dport = :${port} )`,
    ]);
    return stdout.split('\n').filter(Boolean).length;
  }
  async function expectNothingLeft(before: number): Promise<void> {
    await vi.waitFor(
      async () => {
        expect(await openConnections()).toBe(0);
        expect(await upstreamSockets()).toBe(0);
        // A worker or the store may have opened a file of its own meanwhile.
        expect(descriptors()).toBeLessThanOrEqual(before + 5);
      },
      { timeout: 20_000, interval: 500 },
    );
  }

  test(`${atOnce} at once`, async () => {
    const before = descriptors();
    const held = await holdConnections(hosts.lab, port, atOnce);
    expect(await openConnections()).toBe(atOnce);
    expect(await upstreamSockets()).toBe(atOnce);
    expect(await held.release()).toEqual({ open: atOnce, answered: atOnce, done: atOnce });
    await expectNothingLeft(before);
  });

  test(`${perMinute} a minute for ${seconds} s`, { timeout: (seconds + 60) * 1_000 }, async () => {
    const before = descriptors();
    const { stdout, stderr } = await hosts.lab.runClient([
      node,
      script('lab-load.ts'),
      'rate',
      hosts.lab.internetV4[0],
      String(port),
      String(perMinute),
      String(seconds),
    ]);
    expect(stderr).toBe('');
    const counts = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(counts)).toEqual(['done']);
    expect(counts['done']).toBeGreaterThanOrEqual(Math.floor((perMinute / 60) * seconds));
    await expectNothingLeft(before);
  });
});
