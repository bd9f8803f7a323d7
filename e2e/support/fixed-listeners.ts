// A core without privilege in front of one mail server: a fixed listener for each of its four ports, and accounts for the
// clients that come to them.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from './authority.ts';
import type { Account, Transport } from './clients.ts';
import { freePort, type RunningCore, startCore } from './core.ts';
import { makeDirectory } from './directory.ts';
import type { MailServer, MailServerPorts } from './mail-server.ts';

interface FixedListeners {
  readonly core: RunningCore;
  readonly ports: MailServerPorts;
  /** Of alice, with an empty directory of its own. */
  account(transport: Transport, protocol: 'imap' | 'pop3'): Account;
}

interface FixedListenersOptions {
  /** A new one is made below it for the core and for each account. */
  readonly directory: string;
  /** Those of the server, at 127.0.0.1. */
  readonly upstream: MailServerPorts;
  readonly upstreamCaPath: string;
  /** More of the core's command line. */
  readonly args: readonly string[];
}

async function startFixedListeners({
  directory,
  upstream,
  upstreamCaPath,
  args,
}: FixedListenersOptions): Promise<FixedListeners> {
  const ports = { imap: 0, imaps: 0, pop3: 0, pop3s: 0 };
  const listen: string[] = [];
  for (const protocol of ['imap', 'imaps', 'pop3', 'pop3s'] as const) {
    ports[protocol] = await freePort();
    listen.push('--listen', `${ports[protocol]}=127.0.0.1:${upstream[protocol]}/${protocol}`);
  }
  const options = ['--intercept', 'off', '--console', 'off', '--upstream-ca', upstreamCaPath];
  const core = await startCore({
    args: ['--data-dir', join(directory, 'data'), ...options, ...args, ...listen],
  });
  let clients = 0;
  return {
    core,
    ports,
    account(transport, protocol) {
      const { exitCode, signalCode } = core.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`the core ended with ${exitCode ?? signalCode}: ${core.errors().slice(-4_000)}`);
      const own = join(directory, `client-${clients++}`);
      mkdirSync(own);
      const port = ports[transport === 'tls' ? (`${protocol}s` as const) : protocol];
      return { host: 'localhost', port, transport, user: 'alice', caPath: core.ready.ca, directory: own };
    },
  };
}

export interface ScannedServer<Server extends MailServer> {
  readonly server: Server;
  readonly listeners: FixedListeners;
  /** Ends both, and removes what they wrote. */
  stop(): Promise<void>;
}

/** What a server is started with here: an empty directory of its own, and its certificate. */
export interface ServerPlace {
  readonly directory: string;
  readonly certificate: { readonly certPath: string; readonly keyPath: string };
}

/**
 * Starts a server in a new directory, and a core with fixed listeners in front of it. `name`: of the directory; `args`:
 * more of the core's command line.
 */
export async function startScannedServer<Server extends MailServer>(
  name: string,
  start: (place: ServerPlace) => Promise<Server>,
  args: readonly string[] = [],
): Promise<ScannedServer<Server>> {
  const directory = makeDirectory(name);
  const mail = join(directory, 'mail');
  mkdirSync(mail);
  const certificates = makeCertificates(directory);
  const server = await start({ directory: mail, certificate: certificates.server });
  try {
    const upstream = { upstream: server.ports, upstreamCaPath: certificates.caPath };
    const listeners = await startFixedListeners({ directory, ...upstream, args });
    return {
      server,
      listeners,
      async stop() {
        await listeners.core.stop();
        await server.stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
