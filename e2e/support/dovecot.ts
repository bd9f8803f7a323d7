// A real mail server for the tests: Debian's dovecot as a child in the foreground, with fresh maildirs.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePort } from './core.ts';
import type { TestMessage } from './messages.ts';

interface MailServerPorts {
  readonly imap: number;
  readonly imaps: number;
  readonly pop3: number;
  readonly pop3s: number;
}

export interface MailServer {
  readonly ports: MailServerPorts;
  stop(): Promise<void>;
}

export interface MailServerOptions {
  /** An empty directory that every user may enter. */
  readonly directory: string;
  /** Default: free ones. */
  readonly ports?: MailServerPorts;
  readonly certificate: { readonly certPath: string; readonly keyPath: string };
  /** The mailbox of each user; the password is "secret". */
  readonly users: Readonly<Record<string, readonly TestMessage[]>>;
  /** Address to listen on; default 127.0.0.1. */
  readonly listen?: string;
  readonly mailPlugins?: string;
  /** Runs the command line elsewhere (in a network namespace). */
  readonly spawn?: (argv: readonly string[]) => ChildProcess;
  /** Whether it can be reached; default: a greeting on its IMAP port at 127.0.0.1. */
  readonly isUp?: () => Promise<boolean>;
}

function configuration(
  { directory, certificate, listen = '127.0.0.1', mailPlugins = '' }: MailServerOptions,
  ports: MailServerPorts,
): string {
  return `base_dir = ${directory}/run
state_dir = ${directory}/run
instance_name = postern-test-${ports.imap}
listen = ${listen}
protocols = imap pop3
log_path = ${directory}/dovecot.log
auth_mechanisms = plain login cram-md5 scram-sha-256
disable_plaintext_auth = no
mail_location = maildir:${directory}/mail/%n
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
maildir_stat_dirs = yes
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <${certificate.certPath}
ssl_key = <${certificate.keyPath}
ssl_min_protocol = TLSv1.2
passdb {
  driver = passwd-file
  args = scheme=PLAIN ${directory}/passwd
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${directory}/mail/%n
}
namespace inbox {
  inbox = yes
  separator = /
}
service anvil {
  client_limit = 2000
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
protocol imap {
  mail_plugins = ${mailPlugins}
}
`;
}

function fillMaildir(maildir: string, messages: readonly TestMessage[]): void {
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })),
  );
  for (const folder of ['', 'cur', 'new', 'tmp']) {
    mkdirSync(join(maildir, folder), { recursive: true });
    chownSync(join(maildir, folder), uid ?? 65534, gid ?? 65534);
  }
  messages.forEach((message, index) => {
    const file = join(maildir, 'new', `17000000${String(index).padStart(4, '0')}.M1P1.test`);
    // Line ends as a mail transport agent writes them; dovecot gives them out as CRLF.
    writeFileSync(file, message.wire.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    chownSync(file, uid ?? 65534, gid ?? 65534);
  });
}

async function answers(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

/** It takes two to four seconds; a busy machine may need more. */
const maxTries = 200;

/** Starts it and waits for its greeting. */
export async function startMailServer(options: MailServerOptions): Promise<MailServer> {
  const { directory, users } = options;
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, 'run'));
  mkdirSync(join(directory, 'mail'));
  for (const [user, messages] of Object.entries(users)) fillMaildir(join(directory, 'mail', user), messages);
  writeFileSync(
    join(directory, 'passwd'),
    Object.keys(users)
      .map((user) => `${user}:{PLAIN}secret::::::\n`)
      .join(''),
  );
  const ports = options.ports ?? {
    imap: await freePort(),
    imaps: await freePort(),
    pop3: await freePort(),
    pop3s: await freePort(),
  };
  const file = join(directory, 'dovecot.conf');
  writeFileSync(file, configuration(options, ports));
  const argv = ['dovecot', '-F', '-c', file];
  const child = options.spawn?.(argv) ?? spawn(argv[0] ?? '', argv.slice(1), { stdio: 'inherit' });
  const isUp = options.isUp ?? (() => answers('127.0.0.1', ports.imap));
  for (let tries = 0; !(await isUp()); tries++) {
    if (tries === maxTries) throw new Error(`dovecot gives no greeting; see ${directory}/dovecot.log`);
    if (child.exitCode !== null)
      throw new Error(`dovecot ended with ${child.exitCode}; see ${directory}/dovecot.log`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    ports,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}
