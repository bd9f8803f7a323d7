// Extra cases where a folder of client scripts lies beside the project: each client in each mode through the redirect,
// Thunderbird among them. Without that folder these cases are skipped by name.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { containsVirus, eicar } from '../support/messages.ts';
import { createLab, type Lab } from '../support/netns.ts';
import { missingTools } from '../support/tools.ts';

const scripts = resolve('../shared/clients');
const missing = existsSync(scripts)
  ? missingTools(
      [
        'nft',
        'ip',
        'dovecot',
        'mbsync',
        'curl',
        'fetchmail',
        'mpop',
        'openssl',
        'thunderbird',
        'certutil',
        'python3',
      ],
      { namespaces: true },
    )
  : ' (SKIPPED: no client scripts beside the project)';

const infected = 'eicar-b64,eicar-zip,eicar-inline,nested-eicar,trunc-mime,uu';
/** In the mailbox of alice, one of 20 MB among them. */
const messageCount = 21;
const thunderbirdTries = 5;

/** The virus raw, in base64, or in a zip archive that is attached in base64. */
function holdsVirus(stored: Buffer): boolean {
  if (containsVirus(stored)) return true;
  const text = stored.toString('latin1');
  // Where "PK" stands at the beginning of lines of base64.
  return [...text.matchAll(/^UEsDB/gm)].some(({ index }) => {
    const block = /^[A-Za-z0-9+/=\r\n]*/.exec(text.slice(index, index + 100_000))?.[0] ?? '';
    const zip = Buffer.from(block, 'base64');
    if (zip.length < 30 || zip.readUInt32LE(0) !== 0x04034b50) return false;
    const start = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
    try {
      return inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(18))).includes(eicar);
    } catch {
      // No longer a zip archive: it was made harmless.
      return false;
    }
  });
}

describe.skipIf(missing !== undefined)(`every client script, intercepted${missing ?? ''}`, () => {
  let directory: string;
  let lab: Lab;
  let core: RunningCore;
  let clients: string;

  beforeAll(async () => {
    directory = makeDirectory('scripts');
    clients = join(directory, 'clients');
    cpSync(scripts, clients, { recursive: true });
    rmSync(join(clients, 'node', 'node_modules'), { recursive: true, force: true });
    symlinkSync(resolve('node_modules'), join(clients, 'node', 'node_modules'));
    lab = await createLab();
    lab.server([join(clients, 'start-servers.sh'), join(directory, 'state'), '0'], {
      env: { ...process.env, BIND: '*, ::' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const greets = async () => {
      const asked = ['curl', '-s', '--max-time', '2', 'imap://mail.example.test/', '-X', 'CAPABILITY'];
      expect((await lab.runClient(asked)).stdout).toContain('IMAP4rev1');
    };
    await vi.waitFor(greets, { timeout: 60_000, interval: 200 });
    core = await startCore({
      args: [
        '--data-dir',
        join(directory, 'data'),
        '--console',
        'off',
        '--upstream-ca',
        join(clients, 'ca', 'ca.pem'),
      ],
      wrap: (argv) => lab.clientArgv(argv),
    });
  });
  afterAll(async () => {
    await core?.stop();
    await lab?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  describe.each(['tls', 'starttls', 'plain'])('%s', (mode) => {
    test.for([
      ['mbsync', 'imap', ''],
      ['curl-imap', 'imap', ''],
      ['imapflow', 'imap', ''],
      ['imapflow', 'imap', 'PARTS=1'],
      ['fetchmail', 'imap', ''],
      ['thunderbird', 'imap', ''],
      ['thunderbird', 'imap', 'TB_VIEW=1'],
      ['curl-pop3', 'pop3', ''],
      ['mpop', 'pop3', ''],
      ['fetchmail', 'pop3', ''],
      ['thunderbird', 'pop3', ''],
    ] as const)(
      '%s over %s %s: clean mail is intact, and no virus lies in its output',
      async ([client, protocol, how], context) => {
        const out = join(directory, `out-${mode}-${client}-${protocol}-${how}`);
        const ports: Record<string, string> =
          mode === 'tls' ? { imap: '993', pop3: '995' } : { imap: '143', pop3: '110' };
        const run = () =>
          lab.runClient([
            'env',
            `PROTO=${protocol}`,
            'MUSER=alice',
            ...(how === '' ? [] : [how]),
            `CAFILE=${core.ready.ca}`,
            // fetchmail breaks lines of more than 8 KB itself.
            `CMP_ARGS=--skip ${client === 'fetchmail' ? `${infected},longline` : infected}`,
            join(clients, `${client}.sh`),
            'mail.example.test',
            ports[protocol] ?? '',
            mode,
            out,
          ]);
        let { stdout, status } = await run();
        // Thunderbird's script now and then asks for the inbox before Thunderbird has one, also directly at the server.
        const lostInbox = () => client === 'thunderbird' && stdout.includes('f is null');
        const sawNothing = () => client === 'thunderbird' && stdout.includes('FAIL: 0 of ');
        for (let tries = 1; tries < thunderbirdTries && (lostInbox() || sawNothing()); tries++)
          ({ stdout, status } = await run());
        if (lostInbox()) context.skip('the script found no inbox to begin with');
        expect(status, stdout).toBe(0);
        const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) =>
          entry.isFile(),
        );
        expect(files.length).toBeGreaterThan(messageCount);
        const found = files
          .map((entry) => join(entry.parentPath, entry.name))
          .filter((file) => holdsVirus(readFileSync(file)));
        expect(found).toEqual([]);
      },
    );
  });
});
