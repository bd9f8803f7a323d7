// A core under the usual limit of a desktop session, 1,024 open files, and a program that opens more connections than fit:
// those that fit are scanned, the others are reset, none passes unscanned, and afterwards all is as before.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { curlImapMessage } from '../support/clients.ts';
import { type RunningCore, startCore } from '../support/core.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';
import { holdConnections } from './held-connections.ts';

const missing = missingTools(['nft', 'dovecot', 'curl', 'openssl', 'ss'], { namespaces: true });
const node = resolve('node_modules/node/bin/node');
const script = (name: string) => resolve(import.meta.dirname, name);
const infected = testMessages().filter((message) => message.name === 'eicar-base64');
/** Listed, with a server behind it that answers as an IMAP server does. */
const port = 5_143;
const descriptors = 1_024;
const asked = 1_500;
/** By the core's own reckoning: two descriptors a connection, 200 for all else. */
const fit = 412;

describe.skipIf(missing !== undefined)(`few descriptors${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore | undefined;
  let server: ChildProcess;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: infected });
    server = hosts.lab.server([node, script('lab-imap.ts'), String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((listening) => server.stdout?.once('data', listening));
    core = await startCore({
      args: [
        ...['--console', 'off', '--data-dir', join(hosts.directory, 'data')],
        ...['--upstream-ca', hosts.certificates.caPath],
      ],
      wrap: (argv) =>
        hosts.lab.clientArgv(['sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh', ...argv]),
    });
    await hosts.postern('settings', 'set', 'mailTransport.imapsPorts', `993, ${port}`);
  });
  afterAll(async () => {
    await core?.stop();
    await hosts?.stop();
  });

  const openConnections = async () =>
    (JSON.parse((await hosts.postern('status', '--json')).stdout) as { openConnections: number })
      .openConnections;
  /** Connections at the server, by whether they came from the core's source ports. */
  async function atServer(): Promise<{ fromCore: number; past: number }> {
    const child = hosts.lab.server(['ss', '-tanH', 'state', 'established', `( sport = :${port} )`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await new Promise((ended) => child.once('close', ended));
    const peerPorts = output.split('\n').flatMap((line) => /:(\d+)\s*$/.exec(line)?.[1] ?? []);
    const fromCore = peerPorts.filter((peer) => Number(peer) >= 61_000).length;
    return { fromCore, past: peerPorts.length - fromCore };
  }

  test(`${asked} connections where ${fit} fit`, async () => {
    const limits = readFileSync(`/proc/${core?.ready.pid}/limits`, 'utf8');
    expect(limits).toMatch(new RegExp(`^Max open files +${descriptors} +${descriptors} `, 'm'));
    const held = await holdConnections(hosts.lab, port, asked);
    expect(await openConnections()).toBe(fit);
    expect(await atServer()).toEqual({ fromCore: fit, past: 0 });
    expect(await held.release()).toEqual({
      open: fit,
      answered: fit,
      done: fit,
      ECONNRESET: asked - fit,
    });
    await vi.waitFor(async () => expect(await openConnections()).toBe(0), { timeout: 20_000, interval: 200 });
    const account = hosts.account({ transport: 'tls', protocol: 'imap', caPath: core?.ready.ca ?? '' });
    expect(containsVirus(await curlImapMessage(account, '1'))).toBe(false);
  });
});
