// The whole of it in two namespaces: dovecot in one, a core that intercepts as root in the other.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates, type TestCertificates } from '../support/authority.ts';
import type { Account, Transport } from '../support/clients.ts';
import { posternPath, type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/dovecot.ts';
import type { TestMessage } from '../support/messages.ts';
import { createLab, type Lab, type RunResult } from '../support/netns.ts';

export const serverPorts = { imap: 143, imaps: 993, pop3: 110, pop3s: 995 };

export interface CoreLab {
  readonly lab: Lab;
  readonly directory: string;
  readonly certificates: TestCertificates;
  /** Starts the core, with more options. */
  startCore(...args: string[]): Promise<RunningCore>;
  /** An account of a client in the client host, with a directory of its own. */
  account(options: {
    readonly transport: Transport;
    readonly protocol: 'imap' | 'pop3';
    readonly caPath: string;
    readonly host?: string;
    readonly user?: string;
  }): Account;
  /** Runs a command of the core's. */
  postern(...args: string[]): Promise<RunResult>;
  stop(): Promise<void>;
}

export async function createCoreLab(
  users: Readonly<Record<string, readonly TestMessage[]>>,
  ports: typeof serverPorts = serverPorts,
): Promise<CoreLab> {
  const directory = makeDirectory('lab');
  const mail = join(directory, 'mail');
  mkdirSync(mail);
  const certificates = makeCertificates(directory);
  const lab = await createLab();
  const cores: RunningCore[] = [];
  let server: MailServer | undefined;
  let clients = 0;
  const stop = async () => {
    for (const core of cores) if (core.child.exitCode === null) await core.stop();
    await server?.stop();
    await lab.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    server = await startMailServer({
      directory: mail,
      ports,
      certificate: certificates.server,
      users,
      listen: '*, ::',
      mailPlugins: 'imap_zlib',
      spawn: (argv) => lab.server(argv, { stdio: 'inherit' }),
      isUp: async () => {
        const { stdout } = await lab.runClient([
          'curl',
          '-s',
          '--max-time',
          '2',
          `imap://mail.example.test:${ports.imap}/`,
          '-X',
          'CAPABILITY',
        ]);
        return stdout.includes('IMAP4rev1');
      },
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    lab,
    directory,
    certificates,
    async startCore(...args) {
      const core = await startCore({
        args: ['--data-dir', join(directory, 'data'), '--upstream-ca', certificates.caPath, ...args],
        wrap: (argv) => lab.clientArgv(argv),
      });
      cores.push(core);
      return core;
    },
    account({ transport, protocol, caPath, host = 'mail.example.test', user = 'alice' }) {
      const own = join(directory, `client-${clients++}`);
      mkdirSync(own);
      const port = ports[transport === 'tls' ? (`${protocol}s` as const) : protocol];
      return { host, port, transport, user, caPath, directory: own, wrap: (argv) => lab.clientArgv(argv) };
    },
    postern: (...args) => lab.runClient([posternPath, ...args, '--data-dir', join(directory, 'data')]),
    stop,
  };
}
