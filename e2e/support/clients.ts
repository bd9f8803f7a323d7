// Real mail clients as functions: each fetches a whole mailbox and gives back what it stored.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';

export type Transport = 'tls' | 'starttls' | 'plain';

export interface Account {
  readonly host: string;
  readonly port: number;
  readonly transport: Transport;
  readonly user: string;
  /** PEM file of the authority that the client trusts. */
  readonly caPath: string;
  /** An empty directory of the client's own. */
  readonly directory: string;
  /** Puts the command line elsewhere (into a network namespace). */
  readonly wrap?: (argv: readonly string[]) => readonly string[];
}

/** Runs a client to its end; a client that fails says so with its own words. */
async function run(account: Account, argv: readonly string[]): Promise<string> {
  const [program = '', ...args] = account.wrap?.(argv) ?? argv;
  const env = { ...process.env, HOME: account.directory, FETCHMAILHOME: account.directory };
  return await new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { env, timeout: 100_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error)
          reject(new Error(`${argv[0]}: ${error.message}\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`));
        else resolve(stdout);
      },
    );
  });
}

/** Messages are files; those with a dot in front are the client's own notes. */
export function filesBelow(directory: string): Buffer[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}

const curlArguments = ({ caPath, transport, user }: Account) => [
  'curl',
  '-sS',
  '--max-time',
  '90',
  '--cacert',
  caPath,
  '-u',
  `${user}:secret`,
  ...(transport === 'starttls' ? ['--ssl-reqd'] : []),
];

/** Fetches one message by curl over IMAP. */
export async function curlImapMessage(
  account: Account,
  uid: string,
  out = join(account.directory, `uid-${uid}`),
): Promise<Buffer> {
  const scheme = account.transport === 'tls' ? 'imaps' : 'imap';
  await run(account, [
    ...curlArguments(account),
    '-o',
    out,
    `${scheme}://${account.host}:${account.port}/INBOX;UID=${uid}`,
  ]);
  return readFileSync(out);
}

export async function curlImap(account: Account): Promise<Buffer[]> {
  const base = `${account.transport === 'tls' ? 'imaps' : 'imap'}://${account.host}:${account.port}/INBOX`;
  const found = await run(account, [...curlArguments(account), base, '-X', 'UID SEARCH ALL']);
  const uids = found
    .replace(/\r?\n/g, '')
    .split(' ')
    .filter((word) => /^\d+$/.test(word));
  const out = join(account.directory, 'mail');
  mkdirSync(out);
  const targets = uids.flatMap((uid) => ['-o', join(out, uid), `${base};UID=${uid}`]);
  await run(account, [...curlArguments(account), ...targets]);
  return filesBelow(out);
}

export async function curlPop3(account: Account): Promise<Buffer[]> {
  const base = `${account.transport === 'tls' ? 'pop3s' : 'pop3'}://${account.host}:${account.port}/`;
  const listed = await run(account, [...curlArguments(account), base]);
  const numbers = listed
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((word) => /^\d+$/.test(word));
  const out = join(account.directory, 'mail');
  mkdirSync(out);
  await run(account, [
    ...curlArguments(account),
    ...numbers.flatMap((n) => ['-o', join(out, n), `${base}${n}`]),
  ]);
  return filesBelow(out);
}

export async function mbsync(account: Account): Promise<Buffer[]> {
  const out = join(account.directory, 'maildir');
  mkdirSync(out);
  const type = { tls: 'IMAPS', starttls: 'STARTTLS', plain: 'None' }[account.transport];
  const file = join(account.directory, 'mbsyncrc');
  writeFileSync(
    file,
    `IMAPAccount a\nHost ${account.host}\nPort ${account.port}\nUser ${account.user}\nPass secret\nSSLType ${type}\n` +
      `SystemCertificates no\nCertificateFile ${account.caPath}\n\nIMAPStore r\nAccount a\n\n` +
      `MaildirStore l\nPath ${out}/\nInbox ${out}/INBOX\n\n` +
      'Channel c\nFar :r:\nNear :l:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n',
  );
  await run(account, ['mbsync', '-c', file, '-a']);
  return filesBelow(join(out, 'INBOX'));
}

export async function mpop(account: Account): Promise<Buffer[]> {
  const out = join(account.directory, 'maildir');
  for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(out, folder), { recursive: true });
  const tls = account.transport !== 'plain';
  const file = join(account.directory, 'mpoprc');
  writeFileSync(
    file,
    `defaults\ntls ${tls ? 'on' : 'off'}\ntls_starttls ${account.transport === 'starttls' ? 'on' : 'off'}\n` +
      `${tls ? `tls_trust_file ${account.caPath}\n` : ''}account a\nhost ${account.host}\nport ${account.port}\n` +
      `user ${account.user}\npassword secret\nauth on\nkeep on\nreceived_header off\n` +
      `uidls_file ${account.directory}/uidls\ndelivery maildir ${out}\n`,
  );
  chmodSync(file, 0o600);
  await run(account, ['mpop', '-C', file, 'a']);
  return filesBelow(out);
}

export async function fetchmail(account: Account, protocol: 'imap' | 'pop3'): Promise<Buffer[]> {
  const out = join(account.directory, 'mail');
  mkdirSync(out);
  const deliver = join(account.directory, 'deliver');
  writeFileSync(deliver, `#!/bin/sh\nexec cat > "$(mktemp ${out}/m.XXXXXX)"\n`);
  chmodSync(deliver, 0o700);
  const tls = {
    tls: `ssl sslcertck sslcertfile ${account.caPath}`,
    starttls: `sslproto TLS1.2+ sslcertck sslcertfile ${account.caPath}`,
    plain: "sslproto ''",
  }[account.transport];
  const file = join(account.directory, 'fetchmailrc');
  writeFileSync(
    file,
    `set no bouncemail\nset invisible\npoll ${account.host} service ${account.port} proto ${protocol} timeout 60 no dns\n` +
      ` user ${account.user} password secret keep fetchall norewrite pass8bits mda "${deliver}" ${tls}\n`,
  );
  chmodSync(file, 0o600);
  await run(account, [
    'fetchmail',
    '-f',
    file,
    '--pidfile',
    join(account.directory, 'pid'),
    '--nosyslog',
    '-N',
  ]);
  return filesBelow(out);
}

/** Whole messages, and every message's first leaf and whole source once more in pieces of 64 KiB. */
export async function imapflow(account: Account): Promise<{ whole: Buffer[]; pieces: Buffer[] }> {
  const client = new ImapFlow({
    host: account.host,
    port: account.port,
    secure: account.transport === 'tls',
    ...(account.transport === 'tls' ? {} : { doSTARTTLS: account.transport === 'starttls' }),
    auth: { user: account.user, pass: 'secret' },
    tls: { ca: readFileSync(account.caPath), servername: 'localhost' },
    logger: false,
  });
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  const whole: Buffer[] = [];
  const pieces: Buffer[] = [];
  const uids = (await client.search({ all: true }, { uid: true })) || [];
  for (const uid of uids) {
    const fetched = await client.fetchOne(String(uid), { source: true }, { uid: true });
    if (fetched !== false && fetched.source) whole.push(fetched.source);
    for (const section of ['1', '2', undefined]) {
      const { content } = await client.download(String(uid), section, { uid: true });
      if (content) pieces.push(Buffer.concat(await content.toArray()));
    }
  }
  lock.release();
  await client.logout();
  return { whole, pieces };
}
