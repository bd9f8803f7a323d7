// A mail server of another make than dovecot for the tests: Debian's Cyrus IMAP as a child in the foreground. Its users get
// their inbox at the first login, and their messages by APPEND.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { unpackCyrus } from './cyrus-packages.ts';
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

export interface CyrusOptions {
  /** An empty directory that every user may enter. */
  readonly directory: string;
  readonly certificate: { readonly certPath: string; readonly keyPath: string };
  readonly users: Mailboxes;
}

/** The realm of its users, too. */
const serverName = 'mail.example.test';

const imapdConf = (own: string) => `configdirectory: ${own}/config
partition-default: ${own}/spool
defaultpartition: default
proc_path: ${own}/run/proc
mboxname_lockpath: ${own}/run/lock
idlesocket: ${own}/run/idle
servername: ${serverName}
cyrus_user: nobody
autocreate_quota: 0
allowplaintext: yes
munge8bit: no
maxlogins_per_user: 0
tls_server_cert: ${own}/server.pem
tls_server_key: ${own}/server.key
tls_versions: tls1_2 tls1_3
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${own}/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5
`;

function cyrusConf(own: string, ports: MailServerPorts): string {
  const command = (words: string) => {
    const [program = '', ...rest] = words.split(' ');
    return `cmd="${[`${own}/root/usr/lib/cyrus/bin/${program}`, '-C', `${own}/imapd.conf`, ...rest].join(' ')}"`;
  };
  const service = (name: keyof MailServerPorts, words: string) =>
    `  ${name} ${command(words)} listen="127.0.0.1:${ports[name]}" proto="tcp4" prefork=0 maxchild=100\n`;
  return `START {
  recover ${command('ctl_cyrusdb -r')}
}
SERVICES {
${service('imap', 'imapd')}${service('imaps', 'imapd -s')}${service('pop3', 'pop3d')}${service('pop3s', 'pop3d -s')}}
`;
}

async function deliver(port: number, user: string, messages: readonly TestMessage[]): Promise<void> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: 'secret' },
    logger: false,
  });
  await client.connect();
  for (const { name, wire } of messages) {
    if ((await client.append('INBOX', wire)) === false) throw new Error(`Cyrus did not take ${name}`);
  }
  await client.logout();
}

/** Starts it, waits for its greeting, and delivers the messages. */
export async function startCyrus({ directory, certificate, users }: CyrusOptions): Promise<MailServer> {
  const owner = nobody();
  chmodSync(directory, 0o755);
  unpackCyrus(join(directory, 'root'));
  const give = (path: string) => chownSync(path, owner.uid, owner.gid);
  for (const folder of ['config', 'config/socket', 'spool', 'run']) {
    mkdirSync(join(directory, folder));
    give(join(directory, folder));
  }
  copyFileSync(certificate.certPath, join(directory, 'server.pem'));
  copyFileSync(certificate.keyPath, join(directory, 'server.key'));
  give(join(directory, 'server.key'));
  const ports = await freeMailPorts();
  writeFileSync(join(directory, 'imapd.conf'), imapdConf(directory));
  writeFileSync(join(directory, 'cyrus.conf'), cyrusConf(directory, ports));

  const env = { ...process.env, LD_LIBRARY_PATH: join(directory, 'root/usr/lib/x86_64-linux-gnu') };
  const passwords = join(directory, 'sasldb2');
  for (const user of Object.keys(users)) {
    const args = ['-p', '-c', '-f', passwords, '-u', serverName, user];
    execFileSync(join(directory, 'root/usr/sbin/saslpasswd2'), args, { env, input: 'secret' });
  }
  give(passwords);

  const master = [
    ...[join(directory, 'root/usr/lib/cyrus/bin/master'), '-D', '-p', join(directory, 'run/master.pid')],
    ...['-C', join(directory, 'imapd.conf'), '-M', join(directory, 'cyrus.conf')],
  ];
  // As nobody from the start, and ended with its parent, however that ends. A group of its own: it signals its group.
  const as = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', '--pdeathsig=TERM'];
  const child = spawn('setpriv', [...as, ...master], {
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    await waitUntilUp(child, () => greets('127.0.0.1', ports.imap), `its files are in ${directory}`);
    for (const [user, messages] of Object.entries(users)) await deliver(ports.imap, user, messages);
  } catch (error) {
    await endChild(child);
    throw error;
  }
  return { ports, stop: () => endChild(child) };
}
