// A real mail server for the tests: Debian's dovecot as a child in the foreground, with fresh maildirs.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  endChild,
  freeMailPorts,
  greets,
  type Mailboxes,
  type MailServer,
  type MailServerPorts,
  nobody,
  waitUntilUp,
} from './mail-server.ts';
import type { TestMessage } from './messages.ts';

export type { MailServer } from './mail-server.ts';

export interface MailServerOptions {
  /** An empty directory that every user may enter. */
  readonly directory: string;
  /** Default: free ones. */
  readonly ports?: MailServerPorts;
  readonly certificate: { readonly certPath: string; readonly keyPath: string };
  readonly users: Mailboxes;
  /** Address to listen on; default 127.0.0.1. */
  readonly listen?: string;
  /** Of the IMAP service, with blanks between: imap_zlib gives COMPRESS=DEFLATE. */
  readonly mailPlugins?: string;
  /** Keeps what each IMAP session hears and says after the login, inside TLS, for `sessions`. */
  readonly logSessions?: boolean;
  /** Runs the command line elsewhere (in a network namespace). */
  readonly spawn?: (argv: readonly string[]) => ChildProcess;
  /** Whether it can be reached; default: a greeting on its IMAP port at 127.0.0.1. */
  readonly isUp?: () => Promise<boolean>;
}

/** What one IMAP session heard and said after its login; from COMPRESS on as it was on the wire, so compressed. */
interface SessionLog {
  readonly id: string;
  readonly heard: Buffer;
  readonly said: Buffer;
}

export interface Dovecot extends MailServer {
  /** With `logSessions`: every session of a user so far. */
  sessions(user: string): SessionLog[];
}

const sessionDirectory = (directory: string, user: string) => join(directory, 'sessions', user);

function configuration(
  { directory, certificate, listen = '127.0.0.1', mailPlugins = '', logSessions = false }: MailServerOptions,
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
${logSessions ? `  rawlog_dir = ${sessionDirectory(directory, '%n')}\n` : ''}}
`;
}

function makeOwnDirectory(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  mkdirSync(path, { recursive: true });
  chownSync(path, uid, gid);
}

function fillMaildir(maildir: string, messages: readonly TestMessage[]): void {
  const owner = nobody();
  for (const folder of ['', 'cur', 'new', 'tmp']) makeOwnDirectory(join(maildir, folder), owner);
  messages.forEach((message, index) => {
    const file = join(maildir, 'new', `17000000${String(index).padStart(4, '0')}.M1P1.test`);
    // Line ends as a mail transport agent writes them; dovecot gives them out as CRLF.
    writeFileSync(file, message.wire.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    chownSync(file, owner.uid, owner.gid);
  });
}

/** Starts it and waits for its greeting. */
export async function startMailServer(options: MailServerOptions): Promise<Dovecot> {
  const { directory, users } = options;
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, 'run'));
  mkdirSync(join(directory, 'mail'));
  for (const [user, messages] of Object.entries(users)) {
    fillMaildir(join(directory, 'mail', user), messages);
    if (options.logSessions) makeOwnDirectory(sessionDirectory(directory, user), nobody());
  }
  writeFileSync(
    join(directory, 'passwd'),
    Object.keys(users)
      .map((user) => `${user}:{PLAIN}secret::::::\n`)
      .join(''),
  );
  const ports = options.ports ?? (await freeMailPorts());
  const file = join(directory, 'dovecot.conf');
  writeFileSync(file, configuration(options, ports));
  const argv = ['dovecot', '-F', '-c', file];
  const child = options.spawn?.(argv) ?? spawn(argv[0] ?? '', argv.slice(1), { stdio: 'inherit' });
  const isUp = options.isUp ?? (() => greets('127.0.0.1', ports.imap));
  await waitUntilUp(child, isUp, `see ${directory}/dovecot.log`);
  return {
    ports,
    stop: () => endChild(child),
    sessions(user) {
      const folder = sessionDirectory(directory, user);
      // A session's two files end in ".in" and ".out".
      return readdirSync(folder)
        .filter((file) => file.endsWith('.in'))
        .map((file) => ({
          id: file,
          heard: readFileSync(join(folder, file)),
          said: readFileSync(join(folder, file.replace(/in$/, 'out'))),
        }));
    },
  };
}
