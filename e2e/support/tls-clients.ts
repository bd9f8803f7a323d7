// What real clients make of a server's TLS: each fetches a message with the test virus, and says whether it took the
// connection and, if not, why, in its own words. All connect to 127.0.0.1, whatever the name.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { type Account, curlImapMessage, mbsync, mpop } from './clients.ts';
import { containsVirus } from './messages.ts';
import { thunderbird } from './thunderbird.ts';

export interface Visit {
  readonly host: string;
  readonly port: number;
  /** PEM file of all authorities that the client trusts. */
  readonly caPath: string;
  /** An empty directory of the client's own. */
  readonly directory: string;
  readonly messages: number;
  readonly infectedUid: string;
  /** Files of a certificate that the client has, for those clients that show one. */
  readonly own?: { readonly certPath: string; readonly keyPath: string };
}

export type Outcome =
  /** `scanned`: the virus was made harmless. `version` and `cipher` (OpenSSL's name): where the client tells. */
  | {
      readonly kind: 'accepted';
      readonly scanned: boolean;
      readonly version?: string;
      readonly cipher?: string;
    }
  | { readonly kind: 'refused'; readonly words: string };

export interface TlsClient {
  readonly id: string;
  readonly title: string;
  readonly protocol: 'imaps' | 'pop3s';
  /** Has a certificate of its own, and is of use where one is asked for. */
  readonly hasCertificate?: true;
  visit(visit: Visit): Promise<Outcome>;
}

const runTimeoutMs = 30_000;

/** Runs with a hosts file of its own, in which all names of the tests are at 127.0.0.1. Takes root. */
function withHosts({ host, directory }: Visit): (argv: readonly string[]) => readonly string[] {
  const path = join(directory, 'hosts');
  writeFileSync(path, `127.0.0.1 localhost ${host}\n`);
  return (argv) => ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', path, ...argv];
}

const isAddress = (host: string) => /^[\d.]+$/.test(host);

function accountOf(visit: Visit): Account {
  const { host, port, caPath, directory } = visit;
  const wrap = isAddress(host) ? {} : { wrap: withHosts(visit) };
  return { host, port, caPath, directory, transport: 'tls', user: 'alice', ...wrap };
}

function accepted(stored: readonly Buffer[]): Outcome {
  return { kind: 'accepted', scanned: stored.length > 0 && !stored.some(containsVirus) };
}

/** The client's own sentence out of all that it wrote: what `pattern` captures, else its last line. */
function refused(error: unknown, pattern: RegExp): Outcome {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.trim().split('\n');
  const words = pattern.exec(text)?.[1] ?? lines.at(-1) ?? '';
  return { kind: 'refused', words: words.trim().replaceAll(/\s+/g, ' ').slice(0, 160) };
}

/** A client of the other tests: gives what it stored, or rejects with what it wrote. */
function storing(
  fetchAll: (visit: Visit) => Promise<readonly Buffer[]>,
  words: RegExp,
): (visit: Visit) => Promise<Outcome> {
  return async (visit) => {
    try {
      return accepted(await fetchAll(visit));
    } catch (error) {
      return refused(error, words);
    }
  };
}

const curlWords = /(curl: \(\d+\) .*)/;

async function curlWithCertificate(visit: Visit): Promise<readonly Buffer[]> {
  const { own, ...rest } = visit;
  if (!own) throw new Error('no certificate was given');
  const account = accountOf(rest);
  const wrap = (argv: readonly string[]) => {
    const more = [...argv, '--cert', own.certPath, '--key', own.keyPath];
    return account.wrap?.(more) ?? more;
  };
  return [await curlImapMessage({ ...account, wrap }, visit.infectedUid)];
}

async function imapflowMessage(visit: Visit): Promise<readonly Buffer[]> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: visit.port,
    secure: true,
    auth: { user: 'alice', pass: 'secret' },
    tls: { ca: readFileSync(visit.caPath), ...(isAddress(visit.host) ? {} : { servername: visit.host }) },
    logger: false,
  });
  client.on('error', () => client.close());
  await client.connect();
  await client.mailboxOpen('INBOX');
  const fetched = await client.fetchOne(visit.infectedUid, { source: true }, { uid: true });
  await client.logout();
  return fetched !== false && fetched.source ? [fetched.source] : [];
}

const dialogue = (uid: string) =>
  ['a LOGIN alice secret', 'b SELECT INBOX', `c UID FETCH ${uid} BODY.PEEK[]`, 'd LOGOUT', ''].join('\r\n');

/** The program `openssl s_client`, which checks all that it can: gives all that it wrote, and its exit status. */
export async function sClient(
  visit: Visit,
  options: readonly string[],
): Promise<{ readonly status: number; readonly text: string }> {
  const check = isAddress(visit.host) ? '-verify_ip' : '-verify_hostname';
  const base = ['s_client', '-connect', `127.0.0.1:${visit.port}`, check, visit.host, '-verify_return_error'];
  return await new Promise((resolve) => {
    const child = execFile(
      'openssl',
      [...base, '-CAfile', visit.caPath, '-ign_eof', ...options],
      { timeout: runTimeoutMs, encoding: 'latin1', maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve({ status: error ? Number(error.code ?? -1) : 0, text: `${stdout}\n${stderr}` }),
    );
    // A client that refuses the server reads nothing.
    child.stdin?.on('error', () => child.stdin?.destroy());
    child.stdin?.write(dialogue(visit.infectedUid));
  });
}

/** What s_client wrote, as an outcome. */
export function outcomeOf({ text }: { readonly text: string }): Outcome {
  const [, version, cipher] = /^New, (\S+), Cipher is (\S+)/m.exec(text) ?? [];
  if (!/^d OK/m.test(text) || version === undefined || cipher === undefined) {
    const words =
      /verify error:(num=\d+:.*)/.exec(text)?.[1] ?? /:error:[^:]*:([^:]*:[^:]*:[^:]*):/.exec(text)?.[1];
    return { kind: 'refused', words: words ?? 'closed' };
  }
  // "New, TLSv1.3" names the cipher's version; what was spoken stands in the session.
  const spoken = /^\s*Protocol\s*: (TLSv[\d.]+)/m.exec(text)?.[1] ?? version;
  return { kind: 'accepted', scanned: !containsVirus(Buffer.from(text, 'latin1')), version: spoken, cipher };
}

/** Quick ones, then Thunderbird, which takes seconds. */
export function tlsClients(): readonly TlsClient[] {
  return [
    {
      id: 'curl',
      title: 'curl',
      protocol: 'imaps',
      visit: storing(
        async (visit) => [await curlImapMessage(accountOf(visit), visit.infectedUid)],
        curlWords,
      ),
    },
    {
      id: 'curl-certificate',
      title: 'curl with a client certificate',
      protocol: 'imaps',
      hasCertificate: true,
      visit: storing(curlWithCertificate, curlWords),
    },
    {
      id: 's_client',
      title: 'openssl s_client',
      protocol: 'imaps',
      visit: async (visit) =>
        outcomeOf(
          await sClient(visit, isAddress(visit.host) ? ['-noservername'] : ['-servername', visit.host]),
        ),
    },
    {
      id: 's_client-nameless',
      title: 'openssl s_client without a server name',
      protocol: 'imaps',
      visit: async (visit) => outcomeOf(await sClient(visit, ['-noservername'])),
    },
    {
      id: 'mbsync',
      title: 'mbsync',
      protocol: 'imaps',
      visit: storing(
        (visit) => mbsync(accountOf(visit)),
        /^(?:SSL )?(?:[Ee]rror,? |)((?:SSL|Error|Socket).*)$/m,
      ),
    },
    {
      id: 'mpop',
      title: 'mpop (GnuTLS)',
      protocol: 'pop3s',
      visit: storing((visit) => mpop(accountOf(visit)), /^mpop: ((?!Command failed|account).*)$/m),
    },
    {
      id: 'imapflow',
      title: 'imapflow (Node)',
      protocol: 'imaps',
      visit: storing((visit) => imapflowMessage(visit), /^(.*)$/m),
    },
    {
      id: 'thunderbird',
      title: 'Thunderbird',
      protocol: 'pop3s',
      visit: storing(
        (visit) => thunderbird(accountOf(visit), 'pop3', visit.messages),
        /(failed with 0x\w+|a dialog came up)/,
      ),
    },
  ];
}
